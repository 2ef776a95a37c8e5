"""The house style, as far as a machine can check it."""

import ast
import re
import subprocess
import sys
import tempfile

import pytest

from sitekit import execute, exercises, pages

SNIPPETS = sorted(pages.SNIPPETS.glob("*.py"))
PAGES = pages.markdown_paths()
EXERCISES = sorted(exercises.FOLDER.rglob("*.md"))
LEARN = [path for path in PAGES if path.parent.name == "learn"]
BANNED = r"\b(simply|just|obviously|of course|note that|we will see)\b"
# Longer than a snippet, and why: no part of a network is of use alone; the suite is one download.
EXEMPT = {"dropout_network.py": 100, "dropout_conformance.py": 1730}
EXEMPT["train_networks.py"] = 360  # what all experiments share
FILE = {"ids": lambda path: path.name}


def prose_of(path) -> str:
    """Return a page's own words: no front matter, fences, claims' options or tables."""
    text, _ = pages.body_of(path.read_text("utf8"))
    text = re.sub(r"^[ >]*(`{3,})[^\n]*\n.*?^[ >]*\1\s*$", "", text, flags=re.S | re.M)
    text = re.sub(
        r"^    (kind|proof|red|caption|seed|also):.*$|^///.*$|^\|.*$|^\s*[!?]{3}.*$",
        "",
        text,
        flags=re.M,
    )
    return re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)


@pytest.mark.parametrize("path", SNIPPETS, **FILE)
def test_a_snippet_is_small_and_needs_numpy_only(path):
    """At most 40 lines and three functions; imports NumPy and the standard library.

    What is exempt has a limit of its own, and its docstring says why it is longer.
    """
    text = path.read_text("utf8")
    tree = ast.parse(text)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    imported = {
        (n.module if isinstance(n, ast.ImportFrom) else n.names[0].name).split(".")[0]
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
    }

    if path.name in EXEMPT:
        assert len(text.splitlines()) < EXEMPT[path.name]
        assert "More than 40 lines" in ast.get_docstring(tree)
    else:
        assert len(text.splitlines()) <= 40
        assert len(functions) <= 3
    if path.name == "dropout_conformance.py":
        imported -= {
            "pytest"
        }  # by the function that makes tests for it, and only there
    assert imported <= {"numpy", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", SNIPPETS, **FILE)
def test_a_snippet_is_documented_and_takes_its_randomness(path):
    """Docstrings on every public function; no seed, no global generator."""
    text = path.read_text("utf8")
    tree = ast.parse(text)
    public = [
        n
        for n in tree.body
        if isinstance(n, ast.FunctionDef) and n.name[0] != "_" and not n.decorator_list
    ]
    library = text.split('if __name__ == "__main__":')[0]

    assert ast.get_docstring(tree)
    assert all((ast.get_docstring(n) or "").startswith("Return") for n in public)
    if (
        path.name != "dropout_conformance.py"
    ):  # it sees whether a layer touches the global one
        allowed = r"Generator\b|default_rng\(seed\)"
        if path.name == "train_networks.py":  # it is given seeds; one split is fixed
            allowed += r"|default_rng\(\[seed, purpose\]\)|default_rng\(0\)\.perm"
        legacy = rf"np\.random\.(?!{allowed})"
        assert not re.search(legacy, library)
    assert not re.search(r"\b0?\.5\b", text), "keep_prob 0.5 hides bugs"


@pytest.mark.parametrize("path", SNIPPETS, **FILE)
def test_a_snippet_has_a_test_and_a_page_and_runs_alone(path):
    """One name in the tests; shown on some page; `python -I` in an empty folder."""
    shown = [
        r
        for r in pages.all_records().values()
        for e in r.examples
        if e.source.endswith(f"snippets/{path.name}")
    ]
    with tempfile.TemporaryDirectory() as empty:
        command = [execute.READER, "-I", "-W", "error", str(path)]
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True)

    assert (pages.ROOT / "tests" / f"test_{path.name}").exists()
    runs = [name for r in pages.all_records().values() for name in r.programs]
    assert shown or path.name in runs, f"{path.name} is on no page"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("path", PAGES, ids=pages.name_of)
def test_a_page_begins_with_its_answer(path):
    """A description, and a first paragraph of at most 35 words."""
    body, front = pages.body_of(path.read_text("utf8"))
    answer = re.search(r"^# .+?\n\n(.+?)\n\n", body, re.S | re.M)

    assert 40 <= len(front.get("description", "")) <= 200, path
    assert answer, path
    assert len(answer[1].split()) <= 35, f"{path}: {len(answer[1].split())} words"


@pytest.mark.parametrize("path", [*PAGES, *EXERCISES], ids=pages.name_of)
def test_a_page_is_plain(path):
    """No filler, no exclamation marks, no sentence over 40 words."""
    prose = prose_of(path)
    sentences = re.split(r"(?<=[.?:;])\s+|\n\n|\n *- ", prose)
    long = [s for s in sentences if len(s.split()) > 40]

    assert not re.findall(BANNED, prose, re.I), re.findall(BANNED, prose, re.I)
    assert "!" not in re.sub(r"!\[|`[^`]*`|\$[^$]*\$", "", prose)
    assert long == []


@pytest.mark.parametrize("path", LEARN, ids=pages.name_of)
def test_a_learners_page_has_its_parts(path):
    """Prediction, claims, figure, limits, what one can now do; exercises have their own test."""
    text = path.read_text("utf8")
    words = len(prose_of(path).split())

    assert 300 <= words <= 1200, f"{words} words"
    assert "before:" in text.split("---")[1]
    for part in ("!!! predict", "!!! can"):
        assert part in text, part
    assert "## Where this stops being true" in text
    assert len(pages.collect(path).claims) >= 4
    assert any(example.figure for example in pages.collect(path).examples)


@pytest.mark.parametrize("path", PAGES, ids=pages.name_of)
def test_a_page_shows_a_figure_or_table_once(path):
    """A second time is a leftover."""
    shown = re.findall(
        r"^/// (?:interactive|chart|table) .+", path.read_text("utf8"), re.M
    )

    assert sorted(shown) == sorted(set(shown))


def test_every_formula_and_every_verdict_links_to_its_proof():
    """A row of the formula sheet leads to a claim, a row of the checked claims to a place."""
    sheet = (pages.DOCS / "reference" / "formulas.md").read_text("utf8")
    checked = (pages.DOCS / "reference" / "claims-checked.md").read_text("utf8")
    head = r"\| (?:-|Formula |quote )"

    def rows(text):
        return [
            row
            for row in text.splitlines()
            if row[:1] == "|" and not re.match(head, row)
        ]

    proofs = [row.rsplit(" | ", 1)[1] for row in rows(sheet)]
    assert [proof for proof in proofs if ".md#claim-" not in proof] == []
    assert [
        row for row in rows(checked) if not re.search(r"\]\([^)]+\) \|$", row)
    ] == []
    assert [row for row in rows(checked) if " {#" not in row] == []
    assert len(proofs) > 30
    assert len(rows(checked)) > 100


def test_examples_do_not_use_one_half():
    """`keep_prob = 0.5` occurs only where it is wrong on purpose."""
    found = [
        f"{record.path}:{example.line}"
        for record in pages.all_records().values()
        for example in record.examples
        if example.kind != "wrong"
        and re.search(r"keep_prob\w*\s*=\s*0?\.50*\b", example.code)
    ]
    assert found == []


def test_code_on_pages_fits_its_column():
    """At most 80 characters a line; more would scroll on a laptop."""
    wide = [
        f"{record.path}:{example.line}: {line}"
        for record in pages.all_records().values()
        for example in record.examples
        if example.kind in ("fence", "wrong")
        for line in example.code.split("\n")
        if len(line) > 80
    ]
    assert wide == []
