"""Each variant has what it declares, and the index shows what the snippets do."""

import importlib
import json

import pytest

from snippets import dropout_conformance
from tests import variants

PAGES = [one for one in variants.declared() if one["page"]]
NAMED = {"ids": lambda one: one["name"]}


@pytest.mark.parametrize("one", variants.declared(), **NAMED)
def test_a_variant_declares_all_fields(one):
    """And its paper is an entry of the bibliography with that year."""
    assert [word for word in variants.WORDS if word not in one] == []
    assert one["paper"].startswith("@")


@pytest.mark.parametrize("one", PAGES, **NAMED)
def test_properties_hold_or_depart_as_declared(one):
    """No other property fails, none that is declared holds, and each departure has a reason."""
    module = variants.module_of(one["page"])
    test = importlib.import_module(f"tests.test_{module}")
    found = variants.verdicts(module)
    named = set(dropout_conformance.NAMES)
    silent = {name for name, word in found.items() if word == "not applicable"}
    failed = {n: w for n, w in found.items() if w not in ("pass", "not applicable")}

    assert set(test.DEPARTS) | set(test.SILENT) <= named
    assert silent == set(test.SILENT)
    assert sorted(failed) == sorted(test.DEPARTS), failed
    assert all(len(why) > 20 for why in {**test.DEPARTS, **test.SILENT}.values())


def test_the_index_shows_what_the_snippets_do():
    """Run `python -m tests.variants --store` after a change to a variant."""
    made = json.loads(json.dumps(variants.made()))
    stored = variants.stored()

    assert {name: stored[name] for name in made} == made


def test_the_family_tree_holds_every_variant_once():
    """In the place that the front matter gives it, and no child is older than its parent."""
    index = (variants.FOLDER / "index.md").read_text("utf8")
    lines = variants.tree()
    years = {variants.slug(one): one["year"] for one in variants.declared()}

    assert "\n".join(lines) in index
    assert len(lines) == len(years) == len(variants.declared())
    for one in variants.declared():
        for parent in one["parents"]:
            assert years[parent] <= one["year"], one["name"]
