"""TeX becomes MathML at build: nothing for the reader to load but a font; broken TeX is an error.

Temml runs in V8 (mini-racer). Its file is vendored; `vendor/README.md` says where it is from.
"""

from __future__ import annotations

import functools
import hashlib
import html
import json
import re
from pathlib import Path

from . import pages

TEMML = Path(__file__).parent / "vendor" / "temml.min.js"
SPAN = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.S)


@functools.cache
def _engine():
    from py_mini_racer import MiniRacer

    engine = MiniRacer()
    engine.eval(TEMML.read_text("utf8"))
    return engine


@functools.cache
def _engine_hash() -> str:
    return hashlib.sha256(TEMML.read_bytes() + Path(__file__).read_bytes()).hexdigest()


@functools.cache
def render(tex: str, display: bool) -> str:
    """Return MathML; TeX that does not parse raises ValueError."""
    key = hashlib.sha256(f"{_engine_hash()}\0{display}\0{tex}".encode()).hexdigest()
    return pages.cached("maths", key, lambda: _render(tex, display))


def _render(tex: str, display: bool) -> str:
    # annotate: false, or the TeX would leak into titles and the search index
    options = json.dumps(
        {
            "displayMode": display,
            "throwOnError": True,
            "annotate": False,
            "strict": True,
        }
    )
    try:
        mathml = _engine().eval(f"temml.renderToString({json.dumps(tex)}, {options})")
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"TeX does not parse: {tex} ({reason})") from None
    if not display:
        return mathml
    return f'<div class="formula" tabindex="0" role="group" aria-label="Formula">{mathml}</div>'


SOURCES: dict[str, str] = {}  # TeX with its dollars, still as HTML, by MathML


def replace(page_html: str) -> str:
    """Return HTML with every formula that Arithmatex marked as MathML."""

    def made(match: re.Match) -> str:
        display, tex = match[2] == "[", match[3].strip()
        mathml = render(html.unescape(tex), display)
        SOURCES[mathml] = f"$${tex}$$" if display else f"${tex}$"
        return mathml

    return SPAN.sub(made, page_html)


def tex_of(mathml: str) -> str:
    """Return the TeX of a formula that a page shows."""
    return SOURCES[mathml]
