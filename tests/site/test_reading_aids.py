"""Glossary links, the decision tree and the cheat sheet, as built and in a browser."""

import html
import html.parser
import re
from collections import Counter

import pytest

from sitekit import terms

VOID = {"br", "img", "hr", "input", "meta", "link", "source", "wbr"}
TREE = "practice/decision-tree/"
SHEET = "reference/cheat-sheet/"
PDF_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
NOT_PROSE = ["h1", "h2", "h3", "h4", "h5", "h6", "a", "code", "pre", "table"]
NOT_PROSE += ["figure", "summary", "details", "nav"]
NOT_OURS = {"claim", "generated", "exercise", "predict", "admonition-title"}


class Links(html.parser.HTMLParser):
    """Find the links to terms: their anchors, their words, and what they stand in."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        classes = (dict(attributes).get("class") or "").split()
        if tag == "a" and "term" in classes:
            within = {name for name, _ in self.open} & set(NOT_PROSE)
            within |= {c for _, have in self.open for c in have} & NOT_OURS
            prose = any(name in ("p", "li") for name, _ in self.open)
            self.found.append((dict(attributes)["href"], within, prose))
        if tag not in VOID:
            self.open.append((tag, classes))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass


@pytest.fixture(scope="module")
def linked(site):
    """The links to terms of every page."""
    found = {}
    for path in sorted(site.rglob("index.html")):
        name = path.parent.relative_to(site).as_posix()
        article = path.read_text("utf8").partition("<article")[2]
        found[name] = Links(article.partition("</article>")[0]).found
    return found


def test_a_term_is_linked_once_a_page_and_never_too_many(linked):
    """The first use only; not on the glossary; most pages have one, none is drowned."""
    for name, links in linked.items():
        counts = Counter(address.partition("#")[2] for address, *_ in links)
        assert not [term for term, times in counts.items() if times > 1], name
        assert len(links) <= terms.MOST, name

    assert linked["reference/glossary"] == []
    assert sum(bool(links) for links in linked.values()) > len(linked) / 2
    assert sum(map(len, linked.values())) > 100


def test_a_term_is_linked_in_prose_and_to_an_entry(linked, site):
    """In paragraphs and list items, not in headings, code, links or claims; the entry exists."""
    text = (site / "reference" / "glossary" / "index.html").read_text("utf8")
    entries = set(re.findall(r'<h3 id="([^"]+)"', text))

    for name, links in linked.items():
        for address, within, prose in links:
            assert within == set(), f"{name}: {address}"
            assert prose, f"{name}: {address}"
            assert address.partition("#")[2] in entries, f"{name}: {address}"
            assert address.partition("#")[0].endswith("glossary/"), name


def test_a_page_does_not_link_the_term_it_is_about(linked, site):
    """No term of the title, and no term that the author has linked."""
    for name, links in linked.items():
        text = (site / name / "index.html").read_text("utf8")
        title = html.unescape(
            re.search(r"<h1[^>]*>(.*?)<a class=\"headerlink", text)[1]
        )
        title = re.sub(r"<[^>]+>", "", title).lower()
        about = {a for w, a in terms.terms("docs/learn/").items() if w in title.split()}
        written = re.findall(r'<a href="[^"]*glossary/#([^"]+)"', text)
        shown = {address.partition("#")[2] for address, *_ in links}
        assert not shown & {*about, *written}, name


def test_a_term_looks_like_text_with_a_dotted_line(open_page):
    """The colour of its paragraph, an underline that is seen, and a focus ring."""
    page = open_page("learn/train-and-test/")
    term = page.locator("a.term").first
    look = term.evaluate(
        """e => { const own = getComputedStyle(e), text = getComputedStyle(e.parentElement);
        return [own.color === text.color, own.textDecorationStyle, own.textDecorationLine]; }"""
    )
    assert look == [True, "dotted", "underline"]
    term.focus()
    assert term.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/reference/glossary/#*")


def test_the_tree_opens_by_keyboard_down_to_a_pitfall(open_page):
    """Tab and Enter alone, from a question to the end."""
    page = open_page(TREE)
    page.locator("#nothing-is-dropped").evaluate("e => e.scrollIntoView()")
    first = page.locator("h2#nothing-is-dropped ~ details").first
    assert not first.evaluate("e => e.open")
    first.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert first.evaluate("e => e.open")
    for _ in range(9):
        page.keyboard.press("Tab")
        address = page.evaluate("document.activeElement.getAttribute('href') || ''")
        if "pitfalls/" in address:
            break
    assert address.endswith("/pitfalls/mode-lost-after-validation/")
    page.keyboard.press("Enter")
    page.wait_for_url("**/practice/pitfalls/mode-lost-after-validation/")


def test_the_tree_works_without_javascript_and_its_ends_exist(browser, address, site):
    """Every end leads to a page of the site and is seen once its questions are open."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + TREE)
    summary = page.locator("details.no > summary, details.yes > summary").first
    inner = summary.locator("xpath=..").locator("p").first
    assert not inner.is_visible()
    summary.click()
    assert inner.is_visible()
    context.close()

    text = (site / TREE / "index.html").read_text("utf8")
    ends = re.findall(r"<p><strong>(?:Yes|No):</strong>(.*?)</p>", text, re.S)
    assert len(ends) > 50
    for end in ends:
        (link, *_) = re.findall(r'<a href="([^"#]*)', end)
        assert (site / TREE / link / "index.html").exists(), end


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_cheat_sheet_is_one_printed_page(open_page, paper):
    """In both common sizes; another page of the site takes more than one."""
    page = open_page(SHEET)
    assert len(PDF_PAGE.findall(page.pdf(format=paper))) == 1

    page.goto(page.url.replace(SHEET, TREE))
    page.wait_for_load_state("networkidle")
    assert len(PDF_PAGE.findall(page.pdf(format=paper))) > 3


def test_the_cheat_sheet_prints_everything_and_in_a_readable_size(open_page):
    """All sections, no proof and no frame; text of at least 6 points."""
    page = open_page(SHEET, viewport={"width": 726, "height": 1055})
    page.emulate_media(media="print")
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('article :is(p, li, td, th, pre code)')]
        .filter(e => e.checkVisibility()).map(e => parseFloat(getComputedStyle(e).fontSize))"""
    )
    assert min(sizes) * 72 / 96 >= 6
    headings = page.locator("article h2")
    assert headings.count() == 7
    for heading in headings.all():
        box = heading.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 727
    for hidden in (".claim", ".print-hint", ".md-header", "run-cell"):
        assert not page.locator(hidden).first.is_visible(), hidden
