"""Numbers in prose come from a shown output, a claim or a citation; this finds those that do not.

It reads the HTML of one page while formulas are still TeX. Integers up to two are language
("two masks", k = 1), not measurements, and are left alone.
"""

from __future__ import annotations

import functools
import html.parser
import re
from dataclasses import dataclass, field

NUMBER = re.compile(
    r"(?<![\w.^_-])(?<![_^]\{)[-+−]?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<point>\.\d+)?"
    r"(?:e(?P<exponent>[-+]?\d+)|\s*(?:×|\\cdot|\\times)\s*10\^\{?(?P<power>-?\d+)\}?)?"
    r"(?P<percent>\s?\\?%)?(?!\d)"
)
LEVEL = re.compile(r"95\s?\\?%(?=[^.]{0,40}\binterval)")  # a name, not a finding
BLOCKS = {"p", "li", "tr", "dt", "dd", "figcaption", "h1", "h2", "h3", "h4", "summary"}
VOID = {"br", "img", "hr", "input", "meta", "link", "source", "wbr"}


@dataclass
class Number:
    text: str
    value: float
    decimals: int

    def matches(self, other: Number) -> bool:
        """Return whether this is `other`, rounded to the decimals that are written here."""
        if self.decimals == 0 and "e" not in self.text:
            return self.value == other.value
        unit = 10.0**-self.decimals
        values = [abs(other.value)]
        if "%" in self.text and "%" not in other.text:
            values.append(abs(other.value) / 100)  # a column of per cents
        return any(
            abs(abs(self.value) - value) <= 0.5 * unit * (1 + 1e-9) for value in values
        )


@functools.lru_cache(maxsize=10_000)
def numbers_in(text: str) -> tuple[Number, ...]:
    found = []
    for match in NUMBER.finditer(text):
        point = match["point"] or ""
        value = float(match["digits"].replace(",", "") + point)
        decimals = max(len(point) - 1, 0)
        power = int(match["exponent"] or match["power"] or 0)
        if match[0][0] in "-−":
            value = -value
        if match["percent"]:
            power -= 2
        decimals -= power
        text_of = match[0].strip() + ("e" if power and decimals <= 0 else "")
        found.append(Number(text_of, value * 10.0**power, decimals))
    return tuple(found)


@dataclass
class Piece:
    """Text of one block element, split by where its numbers may come from."""

    prose: str = ""
    formal: str = ""  # inline code and formulas
    cited: bool = False
    claim: bool = False
    section: int = 0
    given: bool = (
        False  # an exercise may choose its numbers; hints and solution use them
    )


@dataclass
class Reader(html.parser.HTMLParser):
    pieces: list[Piece] = field(default_factory=list)
    proven: dict[int, str] = field(
        default_factory=dict
    )  # outputs and claims by section
    section: int = 0

    def __post_init__(self):
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attributes):
        if tag in VOID:
            return
        classes = dict(attributes).get("class") or ""
        self.section += tag == "h2"
        if tag in BLOCKS and not (tag in ("p", "li") and self._inside("tr")):
            claim = self._has("claim__text")
            given = self._has("exercise", "hint", "solution", "predict")
            self.pieces.append(Piece(claim=claim, section=self.section, given=given))
        if "cite" in classes.split() and self.pieces:
            self.pieces[-1].cited = True
        if tag == "a" and (dict(attributes).get("href") or "").startswith("http"):
            classes += " outside"  # "PyTorch #194": the name of what the link leads to
        self.open.append((tag, classes))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def _inside(self, *tags: str) -> bool:
        return any(tag in tags for tag, _ in self.open)

    def _has(self, *classes: str) -> bool:
        return any(name in have.split() for _, have in self.open for name in classes)

    def _prove(self, text: str) -> None:
        self.proven[self.section] = self.proven.get(self.section, "") + text + "\n"

    def handle_data(self, text):
        if self._has("output", "stored"):
            self._prove(text)
        elif self._inside("script", "style", "svg", "pre") or self._has(
            "generated", "cite", "outside"
        ):
            return
        elif self._has("claim__text"):
            self._prove(text)
        elif self.pieces:
            if self._inside("code") or self._has("arithmatex"):
                self.pieces[-1].formal += text + " "
            else:
                self.pieces[-1].prose += text


def untraced(page_html: str, code: str) -> list[str]:
    """Return the numbers of a page that neither output, claim, citation nor code explains.

    An output or a claim explains the numbers of its own section (h2). What stands before
    the first section speaks of the whole page, and is spoken of by all of it.
    """
    reader = Reader()
    reader.feed(page_html)
    by_section = {name: numbers_in(text) for name, text in reader.proven.items()}
    whole = tuple(number for numbers in by_section.values() for number in numbers)
    chosen = numbers_in(code)
    missing = []
    for piece in reader.pieces:
        if piece.cited or piece.claim:
            continue
        near = by_section.get(piece.section, ()) + by_section.get(0, ())
        proven = near if piece.section else whole
        prose = proven + chosen if piece.given else proven
        for text, sources in ((piece.prose, prose), (piece.formal, proven + chosen)):
            for number in numbers_in(LEVEL.sub("", text)):
                if number.decimals <= 0 and abs(number.value) <= 2:
                    continue
                if not any(number.matches(source) for source in sources):
                    missing.append(number.text.strip())
    return missing
