"""The catalogue of pitfalls: every bug fails its property, every fix passes all."""

import re
import types

import pytest

from sitekit import pages, programs
from snippets import dropout_conformance as suite

FOLDER = pages.DOCS / "practice" / "pitfalls"
PAGES = [path for path in sorted(FOLDER.glob("*.md")) if path.stem != "index"]
PARTS = [
    "Symptom",
    "The bug",
    "Why a naive test misses it",
    "The property that catches it",
    "The fix",
    "Damage",
    "Seen in",
]
# What the suite sees is the same for these bugs; their pages say so, and link.
ALIKE = {
    "functional-default": "drops-at-evaluation",
    "key-as-default": "seed-in-the-function",
    "new-mask-on-recomputation": "fresh-mask-in-backward",
}


def layer_of(path, anchor):
    """Return the class `Dropout` of a block, as a reader's module would hold it."""
    (example,) = [e for e in pages.collect(path).examples if e.anchor == anchor]
    assert example.kind == {"broken": "wrong", "fixed": "fence"}[anchor]
    module = types.ModuleType("layer_of_a_page")
    exec(programs.definitions(example.program), module.__dict__)
    return module.Dropout


def property_of(path):
    return pages.body_of(path.read_text("utf8"))[1]["property"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_bug_fails_its_property_and_the_report_leads_to_its_page(path):
    """The property of the front matter fails, and the likeliest bug is the page's own."""
    found = suite.check(layer_of(path, "broken"))
    failed = {v["property"]: v for v in found if v["verdict"] == "fail"}
    likeliest = suite.likeliest(found)["page"].split("/")[-2]

    assert property_of(path) in failed
    assert likeliest == ALIKE.get(path.stem, path.stem)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_fix_passes_every_property(path):
    """No property of the suite fails on the fixed layer."""
    found = suite.check(layer_of(path, "fixed"))

    assert [v for v in found if v["verdict"] == "fail"] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_all_its_parts(path):
    """Symptom, bug, naive test, property, fix, damage, real cases; claims; the suite's report."""
    text = path.read_text("utf8")
    headings = re.findall(r"^## (.+)$", text, re.M)
    record = pages.collect(path)
    (broken,) = [e for e in record.examples if e.anchor == "broken"]
    damage = text.split("## Damage")[1].split("## Seen in")[0]
    seen = text.split("## Seen in")[1]

    assert headings == PARTS
    assert re.search(r"naive test[^\n]*pass|pass[^\n]*naive test", broken.code)
    assert f"--only {property_of(path)}\n    file: my_dropout.py = broken" in text
    assert f"](../properties.md#{property_of(path)})" in text
    assert record.claims
    assert "/// claim" in damage or "#claim-" in damage
    assert "](http" in seen or re.search(r"[Nn]o public report", seen)


def test_the_catalogue_lists_every_page_once_and_has_thirty():
    """The index and the navigation have each page of the folder."""
    index = (FOLDER / "index.md").read_text("utf8")
    listed = re.findall(r"^\| \[.+?\]\(([a-z0-9-]+)\.md\) \|", index, re.M)
    nav = (pages.ROOT / "mkdocs.yml").read_text("utf8")
    shown = re.findall(r"practice/pitfalls/([a-z0-9-]+)\.md", nav)
    names = sorted(path.stem for path in PAGES)

    assert len(names) >= 30
    assert sorted(listed) == names
    assert sorted(shown) == sorted([*names, "index"])


def test_every_bug_that_the_suite_names_has_its_page():
    """The addresses that a report prints exist, and each property has its heading."""
    properties = (pages.DOCS / "practice" / "properties.md").read_text("utf8")
    headings = re.findall(r"^### (.+)$", properties, re.M)

    assert {*suite.BUGS, *ALIKE} == {path.stem for path in PAGES}
    assert headings == suite.NAMES
    for name, (_, meaning, page, _) in suite.PROPERTIES.items():
        assert meaning.strip().endswith("."), name
        assert page in suite.BUGS
