"""The matrix of implementations says what the suite says today."""

import json

import pytest

from tests import implementations

STORED = json.loads(implementations.STORED.read_text("utf8"))
ROWS = implementations.rows()


def test_the_matrix_has_every_row_of_the_page_with_its_code():
    """A changed block, or a new one, needs `make parity` (it writes the table)."""
    stored = [(row["name"], row["block"], row["code_sha256"]) for row in STORED["rows"]]

    assert stored == [(row["name"], row["block"], row["code_sha256"]) for row in ROWS]
    assert implementations.tables(STORED["rows"]) == STORED["tables"]
    assert len(ROWS) >= 12


@pytest.mark.parametrize(
    "row", [row for row in ROWS if not row.get("needs")], ids=lambda row: row["block"]
)
def test_a_row_holds_the_verdicts_of_the_suite(row):
    """Each NumPy row is computed anew; the frameworks' are, in `make parity`."""
    (stored,) = [other for other in STORED["rows"] if other["name"] == row["name"]]

    assert implementations.verdicts(row) == stored["verdicts"]
