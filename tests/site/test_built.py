"""The built files keep the contracts: what is shown is in proof.json, every link works."""

import hashlib
import html
import html.parser
import json
import posixpath
import re
import subprocess
import urllib.parse
from collections import Counter
from itertools import pairwise

import pytest

from sitekit import execute

PAGE_KB = 90  # a notebook's page, two charts with a dot a seed; 200 for any other
PATH = ["index"] + [
    f"learn/{step}"
    for step in (
        *("why", "mask", "scaling", "backprop", "train-and-test", "network"),
        *("fixed-seed", "objective", "regularisers", "choosing-rates"),
    )
]
BLOCK = re.compile(
    r'<div class="language-python highlight" id="([^"]+)" data-copy="([^"]*)">'
    r"(.*?)</code></pre></div>",
    re.S,
)
OUTPUT = re.compile(
    r'\s*(?:<p class="example-note">(?:(?!</p>).)*</p>)*(?:<run-cell[^>]*></run-cell>)?'
    r'\s*<div class="output[^>]*>'
    r'<span class="output__label">Output</span><pre[^>]*><code>(.*?)</code></pre></div>',
    re.S,
)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def pages(site):
    """The HTML of every page by its name in proof.json."""
    found = {}
    for path in sorted(site.rglob("index.html")):
        name = path.parent.relative_to(site).as_posix()
        found["index" if name == "." else name] = path.read_text("utf8")
    return found


@pytest.fixture(scope="module")
def proof(site):
    return json.loads((site / "proof.json").read_text("utf8"))


def test_every_python_block_is_in_proof_json_with_equal_hashes(pages, proof):
    """Counted in the HTML: clipboard text and shown output hash to what was run."""
    examples = {(e["page"], e["anchor"]): e for e in proof["examples"]}
    seen = set()
    for page, text in pages.items():
        assert text.count('class="language-python') == len(BLOCK.findall(text)), page
        for block in BLOCK.finditer(text):
            example = examples[page, block[1]]
            assert example["code_sha256"] == sha256(html.unescape(block[2]))
            output = OUTPUT.match(text, block.end())
            shown = sha256(html.unescape(output[1])) if output else None
            assert example["output_sha256"] == shown, example["id"]
            seen.add((page, block[1]))
    shown_elsewhere = {
        k for k, e in examples.items() if e["kind"] in ("wrong", "needs")
    }
    notebooks = {key for key, e in examples.items() if e["kind"] == "notebook"}
    assert seen | shown_elsewhere | notebooks == set(examples)
    assert len(seen) > 20


def test_what_a_block_shows_is_the_end_of_what_it_copies(pages):
    """The visible text of a block, tags removed, closes its clipboard program."""
    for page, text in pages.items():
        for block in BLOCK.finditer(text):
            code = block[3].split("<code>", 1)[1]
            shown = html.unescape(re.sub(r"<[^>]+>", "", code)).strip("\n")
            assert html.unescape(block[2]).endswith(shown + "\n"), f"{page} {block[1]}"


def test_every_preformatted_text_is_of_a_kind_that_the_engine_made(pages):
    """No <pre> slips past: code, output, notebook cell, proof, or a listed language."""
    made = (
        r"language-(python|wrong|needs|notebook|text|console|bash|yaml|toml|markdown)"
    )
    for page, text in pages.items():
        allowed = len(re.findall(rf'<div class="{made} highlight', text))
        allowed += len(re.findall(r'<div class="output', text))
        allowed += len(re.findall(r'<pre class="proof__code', text))
        assert len(re.findall(r"<pre\b", text)) == allowed, page


def test_everything_passed(proof):
    """No example and no claim on the site is failed, stale or not run."""
    assert {e["status"] for e in proof["examples"]} == {"passed"}
    assert {c["status"] for c in proof["claims"]} == {"passed"}
    assert len({c["id"] for c in proof["claims"]}) == len(proof["claims"]) >= 20


def test_proof_json_has_the_fields_of_the_contract(proof):
    """Field names are fixed; other tools read them."""
    example = [
        "id",
        "page",
        "anchor",
        "source",
        "line",
        "kind",
        "code_sha256",
        "output_sha256",
        "status",
    ]
    claim = ["id", "page", "anchor", "text", "kind", "proof", "status"]

    assert list(proof) == ["environment", "examples", "claims"]
    assert {"python", "numpy", "matplotlib", "commit"} <= set(proof["environment"])
    assert all(list(e) == example for e in proof["examples"])
    assert all(list(c) == claim for c in proof["claims"])


def test_a_notebook_is_light_and_its_download_is_what_was_run(site, proof, pages):
    """No theme CSS is inlined, and the file a reader gets has the hash in proof.json."""
    notebooks = [e for e in proof["examples"] if e["kind"] == "notebook"]
    assert notebooks
    for example in notebooks:
        page = pages[example["page"]]
        name = example["source"].split("/")[-1]
        copy = (site / example["page"] / name).read_text("utf8")

        assert len(page.encode()) < PAGE_KB * 1000
        assert "<style" not in page.split("<body", 1)[1]
        assert sha256(copy) == example["code_sha256"]
        assert f'href="{name}" download' in page


def test_a_notebook_with_its_outputs_holds_the_same_code(site, proof, pages):
    """The .ipynb: the program's cells, what they printed, and words without our marks."""
    import jupytext

    for example in (e for e in proof["examples"] if e["kind"] == "notebook"):
        file = site / example["page"] / example["source"].split("/")[-1]
        book = json.loads(file.with_suffix(".ipynb").read_text("utf8"))
        cells = jupytext.reads(file.read_text("utf8"), fmt="py:percent").cells
        wanted = [cell.source for cell in cells if cell.cell_type == "code"]
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        words = "".join(
            "".join(cell["source"])
            for cell in book["cells"]
            if cell["cell_type"] == "markdown"
        )

        assert ["".join(cell["source"]) for cell in code] == wanted
        assert any(cell["outputs"] for cell in code)
        assert not re.search(r"^///|\[@|\]\([^)]*\.(?:md|py)\b", words, re.M)
        assert f'href="{file.stem}.ipynb" download' in pages[example["page"]]


def test_each_step_of_the_path_is_one_click_from_the_one_before(pages):
    """The text of a page ends with a link to the next one, and so does the theme's footer."""
    for here, there in pairwise(PATH):
        last = re.search(r'<p>Next: <a href="([^"]+)"', pages[here])
        footer = re.search(
            r'<a href="([^"]+)" class="md-footer__link [^"]*--next"', pages[here]
        )
        for link in (last, footer):
            assert link, here
            folder = here.removesuffix("index")
            assert posixpath.normpath(posixpath.join(folder, link[1])) in (
                there,
                f"../{there}",
            )


def test_pages_are_light(pages):
    """HTML stays below 200 KB a page."""
    assert {p: len(t) for p, t in pages.items() if len(t.encode()) > 200_000} == {}


def test_every_figure_has_a_text_and_no_fixed_colour(pages):
    """Alternative text of 30 characters or more; colours are the site's variables."""
    for page, text in pages.items():
        assert not re.search(r"<figcaption>[^<]*`", text), page  # plain text only
        for figure in re.findall(r'<figure class="figure".*?</figure>', text, re.S):
            label = re.search(r'role="img" aria-label="([^"]+)"', figure)
            assert label, page
            assert len(label[1]) >= 30, page
            assert not re.search(r"#[0-9a-f]{6}\b", figure.replace(label[0], "")), page


def test_every_formula_is_mathml(pages):
    """No TeX is left over, and formulas exist."""
    left = r'class="arithmatex"|\\frac|\\mathbb|\$\$'
    for page, text in pages.items():
        prose = re.sub(r'data-copy="[^"]*"|<(pre|code)\b.*?</\1>', "", text, flags=re.S)
        assert not re.search(left, prose), page
    assert sum(text.count("<math") for text in pages.values()) > 30


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loaded = Counter(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.ids[values["id"]] += 1
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        for name in ("src", "srcset", "poster", "data"):
            if values.get(name):
                self.loaded.append(values[name])
        if tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(values["href"])


@pytest.fixture(scope="module")
def links(site):
    found = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        found[name] = Links(path.read_text("utf8"))
    return found


def test_every_link_and_anchor_exists(site, links):
    """In notebooks and raw HTML too, where MkDocs does not look."""
    dead = []
    for name, page in links.items():
        for link in [*page.links, *page.loaded]:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc or name == "404.html":
                continue
            target = posixpath.normpath(
                posixpath.join(
                    posixpath.dirname(name), urllib.parse.unquote(parts.path)
                )
            )
            target = name if not parts.path else target
            if (site / target).is_dir():
                target = posixpath.normpath(f"{target}/index.html")
            if not (site / target).exists():
                dead.append(f"{name}: {link}")
            elif (
                parts.fragment
                and target in links
                and not parts.fragment.startswith("__")
            ) and urllib.parse.unquote(parts.fragment) not in links[target].ids:
                dead.append(f"{name}: {link} (no such anchor)")
    assert dead == []


def test_ids_are_unique(links):
    twice = {
        f"{name}#{anchor}"
        for name, page in links.items()
        for anchor, count in page.ids.items()
        if count > 1
    }
    assert twice == set()


def test_nothing_is_loaded_from_another_host(links):
    """Scripts, styles, fonts, images: all from the site itself."""
    foreign = [
        f"{name}: {link}"
        for name, page in links.items()
        for link in page.loaded
        if urllib.parse.urlsplit(link).netloc and "127.0.0.1" not in link
    ]
    assert foreign == []


def test_style_sheets_load_nothing_from_another_host(site):
    for path in site.rglob("*.css"):
        for url in re.findall(r"url\(([^)]+)\)", path.read_text("utf8")):
            assert not re.match(r"['\"]?(https?:)?//", url), f"{path}: {url}"


def test_every_page_has_an_edit_link_and_a_description(pages):
    for page, text in pages.items():
        assert 'rel="edit"' in text or "/edit/main/docs/" in text, page
        assert re.search(r'<meta name="description" content="[^"]{40,}"', text), page


def test_every_snippet_and_every_test_can_be_downloaded(site):
    root = site / "snippets"
    assert sorted(p.name for p in root.glob("*.py")) == sorted(
        p.name for p in (site.parents[1] / "snippets").glob("*.py")
    )
    assert (site / "tests" / "test_inverted_dropout.py").exists()
    assert not (site / "tests" / "site").exists()


def test_the_suite_is_downloaded_alone_and_tests_a_layer(site, tmp_path):
    """From the built site into an empty folder with NumPy: 34 verdicts, by the page's command."""
    page = (site / "practice" / "testing" / "index.html").read_text("utf8")
    links = re.findall(r'href="([^"]+snippets/dropout_conformance\.py)"', page)
    (name,) = {posixpath.normpath(f"practice/testing/{link}") for link in links}
    downloaded = site / name
    (block,) = re.findall(r'id="protocol" data-copy="([^"]*)"', page)
    (tmp_path / downloaded.name).write_bytes(downloaded.read_bytes())
    (tmp_path / "my_module.py").write_text(html.unescape(block), "utf8")
    command = [execute.READER, "-I", downloaded.name, "my_module.py:MyDropout"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert "python dropout_conformance.py my_module.py:MyDropout" in page
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\npass  ") == 33
