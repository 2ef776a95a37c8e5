"""The first use of a glossary term on a page becomes a quiet link to its entry.

The terms are the ### headings of docs/reference/glossary.md; its front matter lists other forms
("masks"), and which terms are linked on learners' pages only or never. Prose counts: paragraphs
and list items, not what is folded, quoted, generated, claimed or an exercise.
"""

from __future__ import annotations

import posixpath
import re
from xml.etree import ElementTree

from markdown.extensions.toc import slugify
from markdown.treeprocessors import Treeprocessor

from . import pages

GLOSSARY = pages.DOCS / "reference" / "glossary.md"
MOST = 12  # a page, and one for each WORDS words of it
WORDS = 40
SKIP = re.compile(
    "h[1-6]|a|code|pre|table|figure|details|summary|blockquote|math|script|style|svg"
)
QUIET = {"claim", "generated", "exercise", "predict", "can", "admonition-title"}
QUIET |= {"arithmatex", "highlight", "output", "example-note", "badge", "page-meta"}


def terms(path: str) -> dict[str, str]:
    """Return anchors in the glossary by the words that lead to them, for one page."""
    text, front = pages.body_of(GLOSSARY.read_text("utf8"))
    found = {}
    for heading in re.findall(r"^### (.+)$", text, re.M):
        name, _, anchor = heading.replace("`", "").partition("{ #")
        name = name.strip()
        hidden = name in front["never"]
        hidden |= name in front["learn"] and not path.startswith("docs/learn/")
        words = [] if hidden else [name, *_list(front["forms"].get(name))]
        anchor = anchor.rstrip(" }") or slugify(name, "-")
        found |= {word.lower(): anchor for word in words}
    return found


def _list(words: str | None) -> list[str]:
    return [word.strip() for word in (words or "").split(",") if word.strip()]


class Terms(Treeprocessor):
    """Runs after the inline patterns, and before MkDocs checks the links."""

    def run(self, root):
        record = pages.record_of(self.md)
        page = pages.ROOT / record.path
        if record.collecting or page == GLOSSARY:  # a record does not hold them
            return
        self.left = dict(terms(record.path))
        folder = posixpath.dirname(record.path)
        self.address = posixpath.relpath("docs/reference/glossary.md", folder)
        links = [a.get("href", "") for a in root.iter("a")]
        for link in links:  # the author's own
            if "glossary.md#" in link:
                self._use(link.partition("#")[2])
        title = " ".join("".join(h.itertext()) for h in root.iter("h1")).lower()
        for word, anchor in list(self.left.items()):
            if re.search(rf"\b{re.escape(word)}\b", title):
                self._use(anchor)
        words = len("".join(root.itertext()).split())
        self.room = min(MOST, 1 + words // WORDS)
        self._visit(root, False)

    def _use(self, anchor: str) -> None:
        self.left = {w: to for w, to in self.left.items() if to != anchor}

    def _visit(self, element, prose: bool) -> None:
        classes = (element.get("class") or "").split()
        if SKIP.fullmatch(element.tag) or QUIET & set(classes):
            return
        prose = prose or element.tag in ("p", "li")
        children, element[:] = list(element), []
        element.text = self._linked(element, element.text, prose)
        for child in children:
            element.append(child)
            self._visit(child, prose)
            child.tail = self._linked(element, child.tail, prose)

    def _linked(self, parent, text, prose: bool):
        """Append links to what holds `text`; return what stands before the first of them."""
        before, last = text, None
        while prose and self.room and self.left and text and text.strip():
            longest = sorted(map(re.escape, self.left), key=len, reverse=True)
            match = re.search(
                rf"(?<![\w-])(?:{'|'.join(longest)})(?![\w-])", text, re.I
            )
            if not match:
                break
            anchor = self.left[match[0].lower()]
            attributes = {"class": "term", "href": f"{self.address}#{anchor}"}
            head, text = text[: match.start()], text[match.end() :]
            if last is None:
                before = head
            else:
                last.tail = head
            last = ElementTree.SubElement(parent, "a", attributes)
            last.text, last.tail = match[0], text
            self._use(anchor)
            self.room -= 1
        return before
