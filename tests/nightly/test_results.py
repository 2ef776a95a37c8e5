"""Stored results: a stale one is shown as such by day, and is an error at night."""

import json

import pytest

from sitekit import experiments, pages

RESULTS = sorted(pages.DOCS.glob("*/results/*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_stored_result_is_of_the_code_that_is_there(path):
    """Run `make experiments`, `make bench` or `make parity` after changing that code."""
    code = json.loads(path.read_text("utf8"))["code"]
    assert experiments.code_hash(code["path"]) == code["sha256"]
