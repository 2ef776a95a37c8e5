"""What a page contains: its examples, claims and citations, read with the site's own Markdown.

A page is converted exactly as in a build, in a mode that records instead of only rendering.
So what pytest runs and what a reader sees come from one place.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SNIPPETS = ROOT / "snippets"
CACHE = ROOT / ".cache"
MAX_CHAIN = 4  # a copied program repeats the blocks it continues; longer ones become hard to read


class PageError(Exception):
    """A defect of a page, with the place where its author finds it."""

    def __init__(self, path: str, line: int, message: str):
        super().__init__(f"{path}:{line}: {message}")


@dataclass
class Example:
    """One block of Python that a reader sees."""

    page: str  # "learn/scaling"
    anchor: str
    source: str  # file that holds the code: the page, a snippet or a notebook
    line: int  # of the fence in the page
    kind: str  # "fence" | "wrong" | "needs" | "snippet" | "notebook"
    code: str
    earlier: list[str] = field(default_factory=list)  # blocks it continues
    earlier_shown: str = ""  # what those print
    shown: str | None = None  # the output written under the block
    shown_line: int = 0
    figure: str = ""
    alt: str = ""
    caption: str = ""
    note: str = ""  # what is wrong, or what is needed
    browser: str = ""  # why it does not run in the page

    @property
    def id(self) -> str:
        return f"{self.page}#{self.anchor}"

    @property
    def sources(self) -> list[str]:
        return [*self.earlier, self.code]

    @property
    def program(self) -> str:
        """The clipboard text: complete, and honest about being wrong."""
        text = "\n\n".join(self.sources) + "\n"
        if self.kind == "wrong":
            return f"# WRONG ON PURPOSE: {self.note}\n" + text
        return text


@dataclass
class Claim:
    """A sentence that is tested, or for which a paper is cited."""

    id: str
    page: str
    line: int
    kind: str  # "exact" | "statistical" | "measured" | "cited"
    text: str
    proof: list[str]  # example ids, test node ids, stored-result paths or citation keys
    red: str = ""  # "old => new": the change to the code that turns it red

    @property
    def anchor(self) -> str:
        return f"claim-{self.id}"


@dataclass
class Answer:
    question: int  # in the list that the site began from; 0: met later
    also: list[str]
    frameworks: list[str]
    topics: list[str]
    level: str
    proof: list[str]  # claim ids, or "@key" of the bibliography
    read: list[str]  # "learn/mask.md#what-is-random"
    title: str = ""
    body: str = ""  # the paragraph, as HTML


@dataclass
class Record:
    """Everything the engine knows about one page."""

    path: str  # relative to the root: "docs/learn/scaling.md"
    page: str  # "learn/scaling"
    examples: list[Example] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    citations: list[str] = field(default_factory=list)
    exercises: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)  # of snippets/, shown running
    problems: list[tuple[int, str]] = field(default_factory=list)
    broken: bool = False  # it could not be read to the end
    printed: str = ""  # by a notebook
    answer: Answer | None = None  # of a page of docs/answers
    collecting: bool = True
    at: int = 0  # how many examples a build has rendered so far

    def line_of(self, text: str, start: int = 1) -> int:
        """Return the first line of the source, from `start`, that contains `text`."""
        lines = getattr(self, "lines", None) or source_lines(self.path)
        for number in range(start - 1, len(lines)):
            if text in lines[number]:
                return number + 1
        return start

    def fail(self, message: str, line: int = 0, near: str = "") -> None:
        """Note a defect; everything wrong on a page is reported at once."""
        self.problems.append((line or self.line_of(near), message))


@functools.cache
def config():
    """Return the site's MkDocs configuration."""
    from mkdocs.config import load_config

    logging.getLogger("mkdocs").setLevel(logging.ERROR)
    with contextlib.chdir(ROOT):
        loaded = load_config(str(ROOT / "mkdocs.yml"))
    logging.getLogger("mkdocs").setLevel(logging.NOTSET)
    return loaded


def source_lines(path: str) -> list[str]:
    return (ROOT / path).read_text("utf8").split("\n")


@functools.lru_cache(maxsize=1000)
def body_of(text: str) -> tuple[str, dict]:
    """Return a page without its front matter, lines kept in place, and the front matter."""
    import yaml

    match = re.match(r"---\n(.*?)\n---\n", text, re.S)
    if not match:
        return text, {}
    return "\n" * match[0].count("\n") + text[match.end() :], yaml.safe_load(
        match[1]
    ) or {}


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def markdown_paths() -> list[Path]:
    return sorted(
        DOCS.rglob("*.md"), key=lambda path: path.relative_to(DOCS).as_posix()
    )


def notebook_paths() -> list[Path]:
    return sorted((DOCS / "experiments").glob("*.py"))


def name_of(path: Path) -> str:
    """Return the name a page has in ids: its address without slashes around it."""
    if not path.is_relative_to(DOCS):
        return path.stem  # README.md: tested, but not a page of the site
    name = path.relative_to(DOCS).with_suffix("").as_posix()
    return name.removesuffix("/index") if name != "index" else "index"


def root_of(page: str) -> str:
    """Return the relative address of the site's root, seen from a page."""
    return "" if page == "index" else "../" * (page.count("/") + 1)


def _hash_of(files) -> str:
    hasher = hashlib.sha256()
    for path in sorted(files):
        hasher.update(path.name.encode() + path.read_bytes())
    return hasher.hexdigest()


# Read once: a server that runs on keeps the engine it started with, and must not file what that
# finds under the hash of an edited one.
ENGINE = _hash_of(Path(__file__).parent.glob("*.py"))


@functools.cache
def engine_hash() -> str:
    """Hash of all that can change what a page contains, besides the page."""
    files = [
        path for path in SNIPPETS.rglob("*") if path.is_file() and path.suffix != ".pyc"
    ]
    files += [ROOT / "mkdocs.yml", DOCS / "reference" / "bibliography.yml"]
    files += DOCS.glob("*/results/*.json")
    return ENGINE + _hash_of(files)


def forget() -> None:
    """Drop what was read, because files changed (the development server)."""
    for cached in (config, engine_hash, collect_text, all_records):
        cached.cache_clear()
    for path in USED:
        USED[path] = False


USED: dict[Path, bool] = {}  # cache files that this process needed


def cached(kind: str, key: str, make):
    """Return JSON data from the cache, or make it and keep it."""
    data = stored(kind, key)
    if data is None:
        data = make()
        store(CACHE / kind / f"{key[:32]}.json", data)
    return data


def stored(kind: str, key: str):
    """Return JSON data from the cache; None if it is not there, or not whole."""
    path = CACHE / kind / f"{key[:32]}.json"
    USED[path] = True
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_text("utf8"))
    return None


def store(path: Path, data) -> None:
    """Write JSON so that no other process ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(data), "utf8")
    half.replace(path)
    USED[path] = True


def prune(*kinds: str) -> None:
    """Delete cache files that a complete build did not use."""
    for kind in kinds:
        for path in (CACHE / kind).glob("*.json"):
            if not USED.get(path):
                path.unlink(missing_ok=True)


def collect(path: Path) -> Record:
    """Return what a Markdown file contains."""
    relative = path.relative_to(ROOT).as_posix()
    return collect_text(relative, name_of(path), path.read_text("utf8"))


@functools.cache
def collect_text(path: str, page: str, text: str) -> Record:
    exercises = _hash_of((ROOT / "exercises" / page).glob("*.md"))
    key = f"{engine_hash()}\0{exercises}\0{path}\0{text}"
    key = hashlib.sha256(key.encode()).hexdigest()
    data = cached("pages", key, lambda: asdict(_read(Record(path, page), text)))
    record = Record(**data)
    record.examples = [Example(**example) for example in data["examples"]]
    record.claims = [Claim(**claim) for claim in data["claims"]]
    record.problems = [tuple(problem) for problem in data["problems"]]
    record.answer = data["answer"] and Answer(**data["answer"])
    return record


def new_markdown(record: Record):
    """Return a converter set up like the site's, bound to one page."""
    import markdown

    with contextlib.chdir(ROOT):
        md = markdown.Markdown(
            extensions=list(config().markdown_extensions),
            extension_configs=dict(config().mdx_configs),
        )
    md.sitekit = record
    return md


def record_of(md) -> Record:
    """Return the record of the page that `md` converts, in a build or in collection."""
    record = getattr(md, "sitekit", None)
    if record is None:
        file = md.treeprocessors[
            "relpath"
        ].file  # set by MkDocs before it converts a page
        record = collect(DOCS / file.src_uri)
        record.collecting, record.at = False, 0
        md.sitekit = record
    return record


def _read(record: Record, text: str) -> Record:
    from . import fences

    body, _ = body_of(text)
    record.lines = text.split("\n")  # not kept in the cache
    try:
        with contextlib.chdir(ROOT):
            new_markdown(record).convert(body)
    except Exception as error:  # whatever breaks, the author learns where
        record.broken = True
        record.fail(f"{type(error).__name__}: {error}", near=fences.first_line(error))
    fences.add_lines(record, body)
    return record


def record_with(example: Example) -> Record | None:
    """Return the page of an example; None for a file that is not a page."""
    path = ROOT / example.source
    if path.suffix != ".md":
        path = DOCS / f"{example.page}.md"
        path = path if path.exists() else DOCS / example.page / "index.md"
    return collect(path) if path.exists() else None


@functools.cache
def all_records() -> dict[str, Record]:
    """Return every page of the site by name, notebooks included."""
    from . import notebooks, programs

    programs.prepare([path.read_text("utf8") for path in markdown_paths()])
    records = [collect(path) for path in markdown_paths()]
    records += [notebooks.collect(path) for path in notebook_paths()]
    by_name = {record.page: record for record in records}
    if len(by_name) < len(records):
        names = [record.page for record in records]
        twice = next(record for record in records if names.count(record.page) > 1)
        raise PageError(
            twice.path, 1, f"another page has the address {twice.page}/ too"
        )
    return by_name
