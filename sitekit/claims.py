"""Markdown for statements that carry their proof: claims, citations, generated tables.

    /// claim | mean-is-kept
        kind: exact
        proof: mean-by-enumeration; tests/test_inverted_dropout.py::test_mean_output_is_the_input
        red: "/ keep_prob => * keep_prob"

    Averaged over all masks, the output is the input.
    ///

`proof` names, separated by `;` (quoted when it begins with @), examples (`anchor`, or `page#anchor`), tests, stored results or `@citations`; `red` is
a change to that code which must turn the claim red. `[@key]` cites the bibliography; the words
after a comma say where: `[@key, section 4]`.
"""

from __future__ import annotations

import functools
import html
import json
import posixpath
import re
from xml.etree import ElementTree

import yaml
from markdown.inlinepatterns import InlineProcessor
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from pymdownx.blocks import BlocksExtension
from pymdownx.blocks.block import Block, type_any

from . import (
    charts,
    downloads,
    exercises,
    experiments,
    interactive,
    maths,
    pages,
    programs,
    results,
    terms,
    tracing,
)
from .pages import Claim, Record

KINDS = {
    "exact": "Proven exactly",
    "statistical": "Proven statistically",
    "measured": "Measured",
    "cited": "Cited",
}
ANSWER_WORDS = 35


@functools.cache
def bibliography() -> dict[str, dict]:
    """Return the entries of the one bibliography file by key."""
    path = pages.DOCS / "reference" / "bibliography.yml"
    return yaml.safe_load(path.read_text("utf8"))


def short_name(key: str) -> str:
    """Return how an entry is called in a sentence: "Srivastava et al. 2014"."""
    entry = bibliography()[key]
    names = [author.split(",")[0] for author in entry["authors"]]
    who = names[0] if len(names) == 1 else " and ".join(names)
    return f"{who if len(names) < 3 else names[0] + ' et al.'} {entry['year']}"


class ClaimBlock(Block):
    NAME = "claim"
    ARGUMENT = True
    OPTIONS = {"kind": ["", type_any], "proof": ["", type_any], "red": ["", type_any]}

    def on_create(self, parent):
        box = ElementTree.SubElement(parent, "div")
        ElementTree.SubElement(box, "div", {"class": "claim__text"})
        return box

    def on_add(self, block):
        return block[0]

    def on_end(self, block):
        record = pages.record_of(self.md)
        name, kind = self.argument.strip(), str(self.options["kind"])
        text = " ".join(" ".join(child.text or "" for child in block[0].iter()).split())
        proof = self.options["proof"]
        items = proof if isinstance(proof, list) else re.split(r"[;\n]", str(proof))
        if record.collecting:
            claim = Claim(
                id=name,
                page=record.page,
                line=record.line_of(f"claim | {name}"),
                kind=kind,
                text=text,
                proof=[_full(record, item.strip()) for item in items if item.strip()],
                red=str(self.options["red"]),
            )
            _check_form(record, claim)
            record.claims.append(claim)
        claim = next(claim for claim in record.claims if claim.id == name)
        block.set("class", f"claim claim--{claim.kind}")
        block.set("id", claim.anchor)
        if not record.collecting:
            from . import seals

            seal = ElementTree.SubElement(block, "div")
            seal.text = self.md.htmlStash.store(seals.seal(claim))


def _full(record: Record, item: str) -> str:
    """Return a proof item as proof.json names it."""
    if item.startswith("@"):
        return item[1:]
    if item.startswith("tests/") or item.endswith(".json") or "#" in item:
        return item
    return f"{record.page}#{item}"


def _check_form(record: Record, claim: Claim) -> None:
    where = {"line": claim.line}
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim.id):
        record.fail(f"claim id {claim.id!r} is not made of words-with-hyphens", **where)
    if claim.kind not in KINDS:
        record.fail(
            f"claim {claim.id} has kind {claim.kind!r}, not {', '.join(KINDS)}", **where
        )
    if "\x02" in claim.text:
        record.fail(f"claim {claim.id} holds raw HTML; it is plain text", **where)
    if not claim.text:
        record.fail(f"claim {claim.id} says nothing", **where)
    if not claim.proof:
        record.fail(f"claim {claim.id} has no proof", **where)
    old, _, new = claim.red.partition(" => ")
    if claim.kind != "cited" and (
        not old.strip() or " => " not in claim.red or old == new
    ):
        record.fail(
            f'claim {claim.id} needs red: "old => new", a change that breaks it',
            **where,
        )


class GeneratedBlock(Block):
    """`/// generated | name`: a table that the engine writes from the records of all pages."""

    NAME = "generated"
    ARGUMENT = True

    def on_create(self, parent):
        return ElementTree.SubElement(parent, "div", {"class": "generated"})

    def on_end(self, block):
        record, name = pages.record_of(self.md), self.argument.strip()
        if name == "bibliography":
            self._bibliography(block)
        elif not record.collecting:
            from . import seals

            block.text = self.md.htmlStash.store(seals.table(name, record.page))

    def _bibliography(self, block):
        """Write the entries as elements, so that MkDocs checks links to their anchors."""
        entries = ElementTree.SubElement(block, "ul", {"class": "bibliography"})
        for key in sorted(bibliography(), key=short_name):
            entry = bibliography()[key]
            item = ElementTree.SubElement(entries, "li", {"id": key})
            item.text = AtomicString("; ".join(entry["authors"]) + ". ")
            link = ElementTree.SubElement(item, "a", {"href": entry["url"]})
            link.text = AtomicString(entry["title"])
            link.tail = AtomicString(f". {entry['venue']}, {entry['year']}.")


def _stored_part(block, kind: str) -> tuple[dict, dict | None]:
    """Return the stored result that a block names, and the part of it; None if there is none."""
    path, _, name = block.argument.strip().partition(" ")
    try:
        stored = json.loads((pages.DOCS / path).read_text("utf8"))
        return stored, stored[kind][name] if kind else stored
    except (OSError, KeyError) as error:
        message = f"{path} has no such part, {kind} {name}: {error}"
        pages.record_of(block.md).fail(message, near=f"| {block.argument.strip()}")
        return {}, None


class VerdictBlock(Block):
    """`/// verdict | experiments/results/x.json`: what the rule said, and how firmly."""

    NAME = "verdict"
    ARGUMENT = True

    def on_create(self, parent):
        return ElementTree.SubElement(
            parent, "div", {"class": "generated stored verdict"}
        )

    def on_end(self, block):
        stored, _ = _stored_part(self, "")
        for kind, text in results.verdict(stored) if stored else ():
            line = ElementTree.SubElement(block, "p", {"class": kind})
            line.text = AtomicString(text)


class ChartBlock(Block):
    """`/// chart | experiments/results/x.json name`: a figure of a stored result."""

    NAME = "chart"
    ARGUMENT = True
    OPTIONS = {"alt": ["", type_any], "caption": ["", type_any]}

    def on_create(self, parent):
        return ElementTree.SubElement(parent, "div", {"class": "generated"})

    def on_end(self, block):
        record = pages.record_of(self.md)
        stored, chart = _stored_part(self, "charts")
        alt, caption = str(self.options["alt"]), str(self.options["caption"])
        if chart is None:
            return
        if len(alt) < 30:
            record.fail("a chart needs alt: text that says what it shows", near=alt)
        if record.collecting:
            block.text = AtomicString("")
            return
        caption = f"{caption} {results.chart_note(chart, stored)}".strip()
        drawn = charts.element(chart, alt, caption)
        block.text = self.md.htmlStash.store(drawn)


class TableBlock(Block):
    """`/// table | practice/results/x.json name`: a table of a stored result.

    The file holds {"tables": {name: {"columns": [...], "rows": [[...], ...]}}}; a cell is a text
    or a list of links [text, address], with addresses as in Markdown.
    """

    NAME = "table"
    ARGUMENT = True

    def on_create(self, parent):
        attributes = {"class": "generated stored table", "tabindex": "0"}
        attributes |= {"role": "region", "aria-label": "Stored result"}
        return ElementTree.SubElement(parent, "div", attributes)

    def on_end(self, block):
        stored, table = _stored_part(self, "tables")
        if table is None:
            return
        name = self.argument.strip().partition(" ")[2]
        block.set("aria-label", f"Stored result: {name}")
        if table is next(iter(stored["tables"].values())):
            note = ElementTree.SubElement(block, "p", {"class": "example-note"})
            note.text = AtomicString(results.provenance(stored))
        element = ElementTree.SubElement(block, "table")
        for part, cell, rows in (
            ("thead", "th", [table["columns"]]),
            ("tbody", "td", table["rows"]),
        ):
            section = ElementTree.SubElement(element, part)
            for row in rows:
                line = ElementTree.SubElement(section, "tr")
                for text in row:  # an empty cell of the head names no column
                    tag = cell if text else "td"
                    self._fill(ElementTree.SubElement(line, tag), text)

    def _fill(self, cell, text):
        """Write a text, or links to addresses that MkDocs checks, separated by commas."""
        if isinstance(text, str):
            cell.text = AtomicString(results.unbroken(text))
            return
        for number, (words, address) in enumerate(text):
            link = ElementTree.SubElement(cell, "a", {"href": address})
            link.text = AtomicString(words)
            link.tail = AtomicString(", " if number < len(text) - 1 else "")


class Citation(InlineProcessor):
    def __init__(self, md):
        super().__init__(r"\[@([\w-]+)(?:,\s*([^\]]+))?\]", md)

    def handleMatch(self, match, data):
        record, key, where = pages.record_of(self.md), match[1], match[2]
        if key not in bibliography():
            message = f"citation {key} is not in docs/reference/bibliography.yml"
            record.fail(message, near=f"@{key}")
            return match[0], match.start(0), match.end(0)
        if record.collecting:
            record.citations.append(key)
        folder = posixpath.dirname(record.path)
        target = posixpath.relpath("docs/reference/bibliography.md", folder or ".")
        link = ElementTree.Element("a", {"class": "cite", "href": f"{target}#{key}"})
        link.text = short_name(key) + (f", {where}" if where else "")
        return link, match.start(0), match.end(0)


class Opening(Treeprocessor):
    """Mark the answer (the first paragraph), and say above it what to read before."""

    def run(self, root):
        record = pages.record_of(self.md)
        titles = [element for element in root if element.tag == "h1"]
        if record.collecting and len(titles) != 1:
            record.fail(f"a page has one title (h1), this one has {len(titles)}")
        position = next((n for n, child in enumerate(root) if child.tag == "h1"), None)
        if (
            position is None
            or position + 1 >= len(root)
            or root[position + 1].tag != "p"
        ):
            return
        root[position + 1].set("class", "answer")
        before = _front_matter(record).get("before")
        if before:
            root.insert(position + 1, self._meta(record, before))
        if not record.collecting and downloads.program(record):
            root.append(self._take_away(record))

    def _take_away(self, record: Record):
        line = ElementTree.Element("p", {"class": "page-meta generated"})
        line.text = "All code of this page as one program: "
        name = f"{record.page}.py"
        folder = posixpath.dirname(record.path.removeprefix("docs/")) or "."
        href = posixpath.relpath(name, folder)
        link = ElementTree.SubElement(line, "a", {"href": href})
        link.set("download", "")
        link.text = AtomicString(name.split("/")[-1])
        return line

    def _meta(self, record: Record, before: list[str]):
        meta = ElementTree.Element("p", {"class": "page-meta generated"})
        meta.text = "Read before: "
        for number, target in enumerate(before):
            link = ElementTree.SubElement(meta, "a", {"href": target})
            path = (pages.ROOT / record.path).parent / target
            text, _ = pages.body_of(path.read_text("utf8"))
            link.text = re.search(r"^# (.+)$", text, re.M)[1].replace("`", "").strip()
            link.tail = ", " if number < len(before) - 1 else ". "
        body, _ = pages.body_of((pages.ROOT / record.path).read_text("utf8"))
        minutes = max(
            round(len(body.split()) / 180), 1
        )  # a careful reader, code included
        meta[
            -1
        ].tail += f"Reading time: about {minutes} minute{'s' if minutes > 1 else ''}."
        return meta


def _front_matter(record: Record) -> dict:
    return pages.body_of((pages.ROOT / record.path).read_text("utf8"))[1]


# Classes by which pages, tests and the tracing of numbers know what the engine wrote.
OURS = (
    "output|run|highlight|language|claim|generated|cite|proof|seal|badge|example|notebook|figure"
    "|formula|arithmatex|admonition|predict|exercise|status|no-copy|answer"
)
RAW = re.compile(
    r"<(?:pre|script|style|iframe|object|embed|link|base|meta|form|image|video|audio|source|textarea|xmp)\b"
    r"|<[a-z][^>]*\s(?:on[a-z]+|style|data-copy)\s*="
    r"|(?:<[a-z][^>]*\sclass\s*=|\{:?[^}\n]*(?:\.|class\s*=))[^>}\n]*?\b(?:"
    + OURS
    + r")"
    r"|\{:?[^}\n]*\b(?:on[a-z]+|style)\s*=",
    re.I,
)


class Written(Preprocessor):
    """After the fences are gone: what is left of raw HTML and attributes must not look like ours."""

    def run(self, lines):
        record = pages.record_of(self.md)
        if record.collecting:
            text = re.sub(r"(`+).+?\1|\$[^$\n]*\$", "", "\n".join(lines))
            for match in RAW.finditer(text):
                record.fail(
                    f"raw HTML or attributes that only the engine may write: {match[0]}",
                    near=match[0],
                )
        return lines


class Finish(Postprocessor):
    """Last: trace the numbers (while formulas are TeX), then set the formulas."""

    def run(self, text):
        record = pages.record_of(self.md)
        if (
            record.collecting and "<h1" in text
        ):  # the table of contents asks for each heading too
            self._check(record, text)
        return maths.replace(text)

    def _check(self, record: Record, text: str) -> None:
        if record.printed:  # by a notebook: it speaks of all sections
            text = f'<div class="output">{html.escape(record.printed)}</div>{text}'
        if (
            record.answer
        ):  # its numbers are those of claims elsewhere: traced when all are known
            title, _, body = text.partition("</h1>")
            title = re.sub(r'<a class="headerlink".*?</a>|<[^>]+>', "", title)
            record.answer.title = html.unescape(title).strip()
            record.answer.body = body.partition('<div class="generated answer-foot"')[0]
        elif record.page != "README":
            code = "\n".join(example.code for example in record.examples)
            if record.path.endswith(".py"):
                code = experiments.code_of(code)
            # What is written outside of the text: it speaks of the whole page.
            said = (
                [_front_matter(record).get("description", "")]
                if record.path.endswith(".md")
                else []
            )
            said += [words for e in record.examples for words in (e.note,) if words]
            said += re.findall(r'\s(?:alt|title|aria-label)="([^"]*)"', text)
            drawn = "".join(
                f"<p><code>{html.escape(e.alt + ' ' + e.caption)}</code></p>"
                for e in record.examples
                if e.figure
            )
            text = (
                drawn
                + "".join(f"<p>{html.escape(words, quote=False)}</p>" for words in said)
                + text
            )
            for number in sorted(set(tracing.untraced(text, code))):
                message = f"the number {number} comes from no output, claim or citation in its section"
                record.fail(message, near=number)
        ids = re.findall(r'<h\d id="([^"]+)"', text)
        for example in record.examples:
            if example.anchor in ids:
                message = f"a heading and a block both have the id {example.anchor}"
                record.fail(message, near=f'"{example.anchor}"')
        written = sum(bool(re.match(r"\s*///+ claim\b", line)) for line in record.lines)
        if record.path.endswith(".md") and written != len(record.claims):
            record.fail(
                f"{written} claims are written, {len(record.claims)} were understood",
                near="/// claim",
            )
        for left in re.findall(r"<p>(///[^<]*)|(\[@[^\]<]*\])", text):
            left = left[0] or left[1]
            record.fail(
                f"this block was not understood: {left}", near=left.split("\n")[0]
            )
        for tag in re.findall(
            r"<(?:script|iframe|object|embed|link|style)\b[^>]*>", text
        ):
            record.fail(f"raw HTML must not load or run anything: {tag}", near=tag[:12])
        for link in re.findall(
            r'(?:href="\s*javascript:|<img[^>]*src="(?:https?:)?//)[^"]*', text, re.I
        ):
            record.fail(
                f"this loads or runs something foreign: {link}", near=link[-20:]
            )
        for image in re.findall(r"<img\b[^>]*>", text):
            if not re.search(r'\balt="[^"]+"', image):
                record.fail(
                    f"an image without alternative text: {html.unescape(image)}",
                    near="img",
                )


class Sitekit(BlocksExtension):
    def extendMarkdown(self, md):
        super().extendMarkdown(md)
        md.inlinePatterns.register(Citation(md), "sitekit-citation", 200)
        md.preprocessors.register(exercises.Include(md), "sitekit-exercises", 40)
        md.preprocessors.register(
            Written(md), "sitekit-written", 22
        )  # fences 25, raw HTML 20
        md.treeprocessors.register(Opening(md), "sitekit-opening", 15)
        md.treeprocessors.register(terms.Terms(md), "sitekit-terms", 10)
        md.postprocessors.register(Finish(md), "sitekit-finish", -10)

    def extendMarkdownBlocks(self, md, block_manager):
        block_manager.register(ClaimBlock, {})
        block_manager.register(GeneratedBlock, {})
        block_manager.register(TableBlock, {})
        block_manager.register(VerdictBlock, {})
        block_manager.register(ChartBlock, {})
        block_manager.register(programs.RunBlock, {})
        block_manager.register(interactive.InteractiveBlock, {})
        from . import answers

        block_manager.register(answers.AnswerBlock, {})
        block_manager.register(answers.AnswersBlock, {})


def makeExtension(**options):
    return Sitekit(**options)
