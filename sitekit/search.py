"""Search: the index that docs/assets/search/worker.js loads at a reader's first query.

A document of the index is a section of a page: [address, title, other words for it, its first
words (shown), the rest's words (found, not shown)]. Code, drawings and outputs are left out;
formulas are kept as people type them: "(1-k)/k", "x^2". The theme's own index, which every page
would load, is replaced by an empty one. WORDS has the synonyms, and the words that say nothing.
"""

from __future__ import annotations

import functools
import html
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

from material.plugins.search.plugin import Parser

from . import answers, pages, proof

MODULES = {"minisearch": "dist/es/index.js", "stemmer": "index.js"}
WORKER = "assets/search/worker.js"
WORDS = Path(__file__).parent / "search.txt"
SHOWN = 100  # characters
found: dict[str, list[list[str]]] = {}


def available() -> bool:
    """Say whether npm's packages for the search are there; without them the theme's is used."""
    return all((pages.ROOT / "node_modules" / name).exists() for name in MODULES)


def note(page) -> None:
    """Keep what a page has to find."""
    answer = answers.all_answers().get(page.url.rstrip("/"))
    also = " | ".join(answer.also) if answer else ""
    found[page.url] = []
    for anchor, title, text in _sections(page.content):
        text = text.partition("Proof:")[0] if answer else text
        section = [page.url + anchor, title or str(page.title), also, *_split(text)]
        found[page.url].append(section)


@functools.lru_cache(maxsize=2000)  # `make serve` asks for all pages at every change
def _sections(content: str) -> list[tuple[str, str, str]]:
    """Return anchor, title and text of the sections of a page."""
    noise = r"<(pre|svg)\b.*?</\1>|<p class=\"(?:example-note|page-meta[^\"]*)\">.*?</p>|(?=</t[dh]>)"
    content = re.sub(noise, " ", content, flags=re.S)
    parser = Parser()
    parser.feed(re.sub(r"<math\b.*?</math>", _formula, content, flags=re.S))
    parser.close()
    return [
        (
            f"#{section.id}" if section.id else "",
            _plain("".join(section.title)),
            _plain("".join(section.text)),
        )
        for section in parser.data
        if not section.is_excluded()
    ]


def _plain(text: str) -> str:
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return re.sub(r"\s+", " ", text.replace("−", "-")).strip()


def _split(text: str) -> tuple[str, str]:
    """Return the first words of a text, and the rest."""
    if len(text) <= SHOWN + 20:
        return text, ""
    shown = text[:SHOWN].rsplit(" ", 1)[0]
    return shown + " ...", text[len(shown) :]


def _lines() -> list[str]:
    return WORDS.read_text("utf8").splitlines()


@functools.cache
def _stop() -> set[str]:
    lines = [line[5:].split() for line in _lines() if line.startswith("stop:")]
    return {word for line in lines for word in line}


def _words(text: str) -> list[str]:
    """Return what may be searched for: words, names in code, formulas with a fraction."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text) + " " + text  # SpatialDropout1D
    return re.findall(
        r"(?:1|\(1-\w+\))/\(?[\w-]+\)?|[^\W\d](?:\d|\w\w)\w*", text.lower()
    )


def _deduplicated(docs: list[list[str]]) -> list[list[str]]:
    """Name a word at the first section of a page that has it, not at every one."""
    known, made = set(_stop()), []
    for _, title, also, shown, _ in docs:
        known.update(_words(f"{title} {also} {shown}"))
    for *doc, rest in docs:
        new = set(_words(rest)) - known
        known |= new
        made.append([*doc, " ".join(sorted(new))])
    return made


def _formula(found: re.Match) -> str:
    text = re.sub(r"&(?!amp;|lt;|gt;|#)\w+;", " ", found[0])
    return f" {html.escape(_flat(ElementTree.fromstring(text)), quote=False)} "


def _flat(node) -> str:
    """Return MathML as one types it."""
    parts = [_flat(child) for child in node]
    tag = node.tag.rpartition("}")[2]
    if tag == "mfrac":
        return "/".join(f"({p})" if re.search(r"[-+−]", p) else p for p in parts)
    if tag == "msup":
        return "^".join(parts)
    text = node.text or ""
    name = tag in ("mi", "mtext", "mo") and len(text.strip()) > 1
    return f" {text} " if name else text.strip() + "".join(parts)


def use_own_worker(output: str) -> str:
    """Name docs/assets/search/worker.js in the settings that the theme reads in a page."""
    if not available():
        return output
    return re.sub(r"assets/javascripts/workers/search\.\w+\.min\.js", WORKER, output)


def write(site: Path) -> None:
    """Write the index, the modules that search it, and an empty index for the theme."""
    if not available():
        proof.say("npm's packages are missing: the theme's search is used, see README")
        return
    folder = site / "assets" / "search"
    licences = ""
    for name, path in MODULES.items():
        package = pages.ROOT / "node_modules" / name
        shutil.copy(package / path, folder / f"{name}.js")
        licence = next(p for p in package.iterdir() if p.stem.lower() == "license")
        licences += f"{name}.js:\n\n{licence.read_text('utf8')}\n"
    (folder / "LICENSES.txt").write_text(licences, "utf8")
    synonyms = [
        re.split(r",\s*", line) for line in _lines() if "," in line and line[0] != "#"
    ]
    docs = [doc for sections in found.values() for doc in _deduplicated(sections)]
    index = {"stop": sorted(_stop()), "synonyms": synonyms, "docs": docs}
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    (folder / "index.json").write_text(text, "utf8")
    stub = site / "search" / "search_index.json"
    config = json.loads(stub.read_text("utf8"))["config"]
    stub.write_text(json.dumps({"config": config, "docs": []}), "utf8")
