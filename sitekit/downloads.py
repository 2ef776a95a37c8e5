"""What a reader takes away: a page's code as one program, a notebook with its outputs.

What only this site understands (claims, citations, stored tables) becomes plain Markdown.
"""

from __future__ import annotations

import json
import os
import posixpath
import re

from . import claims, figures, pages, results
from .pages import Example, Record

BLOCK = re.compile(r"^/// (\w+) \|([^\n]*)\n(.*?)^///$", re.S | re.M)
PARTS = ("start", "solution")  # of an exercise
NOTE = re.compile(r'^[!?]{3} \w+ "([^"]*)"\n((?:\n| {4}[^\n]*\n?)*)', re.M)


def program_blocks(record: Record) -> list[Example]:
    """Return the blocks of a page's program: all but wrong ones, exercises and other packages."""
    others = {f"{part}-{name}" for name in record.exercises for part in PARTS}
    return [
        example
        for example in record.examples
        if example.kind in ("fence", "snippet") and example.anchor not in others
    ]


def program(record: Record) -> str:
    """Return a page's blocks as one program that runs from top to bottom; "" if it has none."""
    blocks = program_blocks(record)
    if not blocks:
        return ""
    lines = pages.source_lines(record.path)
    title = next(line for line in lines if line.startswith("# "))
    text, heading = f"{title}\n# All code of the page {record.page}, in order.\n", ""
    for example in blocks:
        above = [line for line in lines[: example.line] if re.match(r"#{2,4} ", line)]
        mine = re.sub(r" ?\{#[\w-]+\}", "", above[-1]).lstrip("# ") if above else ""
        if mine != heading:
            text += f"\n\n# ---- {mine}\n"
        heading = mine
        text += f"\n{example.code}\n"
    return text


def ipynb(record: Record, parts: list[tuple[str, str]], address: str) -> str:
    """Return the notebook file of (kind, text) parts, for a page with this address."""
    cells: list[dict] = []
    for kind, text in parts:
        if kind == "markdown":
            lines = plain(record, text, address).splitlines(keepends=True)
            cells.append({"cell_type": "markdown", "metadata": {}, "source": lines})
        elif kind == "input":
            lines = text.splitlines(keepends=True)
            cells.append({"cell_type": "code", "source": lines, "metadata": {}})
            cells[-1] |= {"execution_count": None, "outputs": []}
        elif kind == "text":
            made = {"output_type": "stream", "name": "stdout"}
            made["text"] = text.splitlines(keepends=True)
            cells[-1]["outputs"].append(made)
        elif kind == "figure":
            data = {"image/svg+xml": _coloured(text).splitlines(keepends=True)}
            made = {"output_type": "display_data", "data": data, "metadata": {}}
            cells[-1]["outputs"].append(made)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _coloured(svg: str) -> str:
    """Return a figure with fixed colours: outside of the site nothing says what its own are."""
    fixed = ("#1f4e9c", "#b3541e", "#2f7d4f", "#7a4fa3", "#6b6b6b", "#9c7a1f")
    colours = {
        figures.INK: "#000000",
        figures.GRID: "#dddddd",
        figures.PAPER: "#ffffff",
    }
    for stand_in, colour in {**colours, **dict(zip(figures.SERIES, fixed))}.items():
        svg = svg.replace(stand_in, colour)
    return svg


def plain(record: Record, text: str, address: str) -> str:
    """Return Markdown that any notebook program shows."""
    text = BLOCK.sub(_block, text)
    text = NOTE.sub(_note, text)
    text = re.sub(r"\[@([\w-]+)(?:,\s*([^\]]+))?\]", _citation, text)
    text = re.sub(r" ?\{#[\w-]+\}", "", text)

    def absolute(match: re.Match) -> str:
        target, _, anchor = match[1].partition("#")
        if "://" in target:
            return match[0]
        if not target:
            return f"]({address}#{anchor})"
        folder = posixpath.dirname(record.path.removeprefix("docs/"))
        path = posixpath.normpath(posixpath.join(folder, target))
        path = re.sub(r"(?:index\.md|\.(?:md|py))$", "", path)
        path += "/" if path and "." not in path.rsplit("/", 1)[-1] else ""
        site = os.environ.get("SITE_URL", "http://127.0.0.1:8000/").rstrip("/")
        return f"]({site}/{path}{'#' if anchor else ''}{anchor})"

    return re.sub(r"\]\(([^)\s]+)\)", absolute, text)


def _block(match: re.Match) -> str:
    name, argument, body = match[1], match[2].strip(), match[3]
    if name == "claim":
        kind = re.search(r"^ +kind: (\w+)", body, re.M)[1]
        words = body.split("\n\n", 1)[1].strip()
        return f"> **{claims.KINDS[kind]}.** {words}\n"
    if name == "chart":
        alt = re.search(r'alt: "(.*)"', body)[1]
        return f"*Figure, on the page: {alt}*\n"
    path, _, part = argument.partition(" ")
    stored = json.loads((pages.DOCS / path).read_text("utf8"))
    if name == "verdict":
        return "\n\n".join(text for _, text in results.verdict(stored)) + "\n"
    if name == "table":
        table = stored["tables"][part]
        rows = [table["columns"], ["---"] * len(table["columns"]), *table["rows"]]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
    return ""


def _note(match: re.Match) -> str:
    lines = [line.removeprefix("    ") for line in match[2].strip("\n").split("\n")]
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    return f"> **{match[1]}**\n>\n{quoted}\n\n"


def _citation(match: re.Match) -> str:
    url = claims.bibliography()[match[1]]["url"]
    where = f", {match[2]}" if match[2] else ""
    return f"[{claims.short_name(match[1])}{where}]({url})"
