"""Connects pages to pytest: pytest-markdown-docs runs the fences that the site shows.

Its own Markdown parser does not see fences in tabs and notes, so it is given ours; its runner
compares no output, so it is given ours. `--update-outputs` rewrites shown outputs; `--change`
imports a snippet with one change, to show that a test can fail.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import re
import sys
from pathlib import Path

import pytest
from markdown_it.token import Token
from pytest_markdown_docs._runners import _Runner, register_runner

from . import execute, pages, proof

_update = False
_edits: dict[Path, list] = {}
_outcomes: dict[str, bool] = {}
_current: list[Path] = []


class BlockError(Exception):
    """A block, or the page around it, is not what it says."""


def pytest_addoption(parser):
    group = parser.getgroup("sitekit")
    group.addoption(
        "--update-outputs", action="store_true", help="rewrite shown outputs in docs/"
    )
    group.addoption(
        "--change", nargs=3, metavar=("FILE", "OLD", "NEW"), help="change a snippet"
    )


def pytest_configure(config):
    global _update
    _update = config.getoption("--update-outputs")
    if _update and os.environ.get("CI"):
        raise pytest.UsageError("CI compares outputs; it never updates them")
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        pages.all_records()  # read once, not by each process
    if config.getoption("--change"):
        sys.meta_path.insert(0, Changed(*config.getoption("--change")))


# ---- fences --------------------------------------------------------------------------


class SiteParser:
    """Stands in for pytest-markdown-docs' parser: returns the fences that the site shows."""

    def parse(self, text):
        path = _current[-1]
        if path.suffix != ".md":
            return []  # docstrings hold no fences here
        relative = path.relative_to(pages.ROOT).as_posix()
        record = pages.collect_text(relative, pages.name_of(path), text)
        if record.broken or (record.problems and not _update):
            found = (
                str(pages.PageError(relative, *problem)) for problem in record.problems
            )
            raise BlockError("\n".join(found))
        return [
            Token(
                "fence",
                "code",
                0,
                content=e.code + "\n",
                info="python",
                map=[e.line - 1, e.line],
            )
            for e in record.examples
            if e.kind != "needs"
        ]


@pytest.hookimpl(tryfirst=True)
def pytest_markdown_docs_markdown_it():
    return SiteParser()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Tell the parser which file is being read: the hook above is not given it."""
    _current.append(collector.path)
    return (yield)


def pytest_collection_modifyitems(items):
    """Name a block by its address on the site, not by its line; begin with what is slow."""
    for item in items:
        example = _example_of(item)
        if example:
            item.name = example.anchor
            item._nodeid = f"{item.parent.nodeid}::{example.anchor}"
    rank = {name: number for number, name in enumerate(SLOW)}
    items.sort(key=lambda item: rank.get(_part(item.nodeid), len(SLOW)))


# ---- the whole run on all cores ------------------------------------------------------

SLOW = ("tests/site", "tests/faults", "tests/test_claims.py")  # these first


def _part(nodeid: str) -> str:
    """Return what stays in one process: a file, or a folder that shares its set-up."""
    path = nodeid.partition("::")[0]
    return next((name for name in SLOW if path.startswith(name)), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByPart(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _part(nodeid)

    return ByPart(config, log)


def _example_of(item):
    line = getattr(item, "start_line", None)
    if line is None or item.path.suffix != ".md":
        return None
    return next((e for e in pages.collect(item.path).examples if e.line == line), None)


@register_runner(default=True)
class SiteRunner(_Runner):
    def runtest(self, test, args):
        path = Path(test.source_path)
        example = next(
            e for e in pages.collect(path).examples if e.line == test.start_line
        )
        result = execute.result_of(example, fresh=True)
        found = execute.fault(example, result)
        place = path.relative_to(pages.ROOT).as_posix()
        if found.startswith("shown output differs") and _update:
            _edits.setdefault(path, []).append((example, execute.said(example, result)))
        elif found:
            line = example.line + result.error_line
            raise BlockError(f"{place}:{line}: {found}")

    def repr_failure(self, test, excinfo, style=None):
        return str(excinfo.value)


def pytest_sessionfinish(session, exitstatus):
    for path, edits in _edits.items():
        update(path, edits)
    if hasattr(session.config, "workerinput"):
        return  # one of several processes: the first hears of all outcomes
    options = session.config.option
    part = (
        *(options.keyword, options.markexpr, options.deselect, options.change),
        *(options.maxfail, getattr(options, "lf", False), exitstatus not in (0, 1)),
        any("[" in argument for argument in session.config.args),
    )
    if _outcomes and not any(part):  # half of a parametrised test is no verdict
        proof.store_tests(_outcomes)


def update(path: Path, edits: list) -> None:
    """Rewrite the output fences of a page, at any nesting, last one first."""
    lines = path.read_text("utf8").split("\n")
    for example, printed in sorted(edits, key=lambda edit: -edit[0].line):
        at = example.shown_line or example.line
        lead, tick = re.match(
            r"([>\s]*(?:[-*+]\s+|\d+\.\s+)?)(`{3,}|~{3,})", lines[at - 1]
        ).groups()
        lead = re.sub(
            r"[-*+.\d]", " ", lead
        )  # inside a list item the next lines are indented
        end = next(n for n in range(at, len(lines)) if lines[n].strip("> \t") == tick)
        body = [(lead + line).rstrip() for line in printed.rstrip().split("\n")]
        if not example.shown_line:
            lines[end + 1 : end + 1] = [
                lead.rstrip(),
                f"{lead}```output",
                *body,
                f"{lead}```",
            ]
        elif printed.strip():
            lines[at:end] = body
        else:
            del lines[at - 1 : end + 1]
    path.write_text("\n".join(lines), "utf8")
    print(f"\nupdated {len(edits)} output(s) in {path.relative_to(pages.ROOT)}")


# ---- verdicts of the tests that prove claims -----------------------------------------


def pytest_runtest_logreport(report):
    if report.when == "call" or not report.passed:  # a skipped case is no verdict
        node = re.sub(r"\[.*\]$", "", report.nodeid)
        if node.startswith("tests/"):
            _outcomes[node] = _outcomes.get(node, True) and report.passed


# ---- a snippet with one change -------------------------------------------------------


class Changed(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Imports one file with one text replaced by another."""

    def __init__(self, file: str, old: str, new: str):
        path = pages.ROOT / file
        super().__init__(f"{path.parent.name}.{path.stem}", str(path))
        self.old, self.new = old, new
        if old not in path.read_text("utf8"):
            raise pytest.UsageError(f"{file} does not contain {old!r}")

    def find_spec(self, fullname, path=None, target=None):
        if fullname == self.name:
            spec = importlib.machinery.ModuleSpec(fullname, self, origin=self.path)
            spec.has_location = True  # it has a __file__, as usual
            return spec
        return None

    def get_source(self, fullname):
        return Path(self.path).read_text("utf8").replace(self.old, self.new)

    def get_code(self, fullname):
        return compile(self.get_source(fullname), self.path, "exec")
