"""The stored matrix of implementations, frameworks included, is what the suite says today."""

import json

import pytest

from tests import implementations

STORED = json.loads(implementations.STORED.read_text("utf8"))


def test_the_matrix_was_made_with_todays_suite():
    """After a change of the suite, `make parity` writes the matrix anew."""
    assert STORED["code"]["sha256"] == implementations.suite_hash()


@pytest.mark.parametrize(
    "row",
    [row for row in implementations.rows() if row.get("needs")],
    ids=lambda row: row["needs"],
)
def test_a_framework_has_the_verdicts_that_the_page_shows(row):
    """PyTorch, Keras and Flax, through the adapters that the page shows."""
    (stored,) = [other for other in STORED["rows"] if other["name"] == row["name"]]

    assert implementations.verdicts(row) == stored["verdicts"]
