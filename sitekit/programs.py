"""Runs of a downloadable program, shown as in a terminal:

    /// run | dropout_conformance.py my_dropout.py:Dropout --only mean-kept
        file: my_dropout.py = broken
        exit: 1
    ///

runs snippets/dropout_conformance.py alone in an empty folder, where my_dropout.py holds the
imports, constants, functions and classes of the block `broken` (`page#broken` on another page).
What it prints is made when the site is built, so it cannot be old; another exit status (0 if none
is given) stops the build.
"""

from __future__ import annotations

import ast
import concurrent.futures
import functools
import hashlib
import html
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from pymdownx.blocks.block import Block, type_any

from . import execute, pages

SECONDS = 120
DIRECTIVE = re.compile(
    r"^/// run \|(?P<command>.*)\n(?:    file:(?P<file>.*)\n)?", re.M
)


class RunBlock(Block):
    NAME = "run"
    ARGUMENT = True
    OPTIONS = {"file": ["", type_any], "exit": [0, type_any]}

    def on_create(self, parent):
        from xml.etree import ElementTree

        return ElementTree.SubElement(parent, "div", {"class": "run"})

    def on_end(self, block):
        record, command = pages.record_of(self.md), self.argument.strip()
        try:
            printed, status = result(command, given(record, str(self.options["file"])))
        except (LookupError, OSError, subprocess.TimeoutExpired) as error:
            if not execute.READER.exists():
                raise  # no fault of the page, and not to be remembered as one
            record.fail(f"this cannot be run: {error}", near=command)
            return
        if str(status) != str(self.options["exit"]):
            message = f"it ends with exit status {status}, not {self.options['exit']}"
            record.fail(f"{message}:\n{printed}", near=command)
        if record.collecting:
            record.programs.append(shlex.split(command)[0])
        block.text = self.md.htmlStash.store(shown(record, command, printed))


def shown(record: pages.Record, command: str, printed: str) -> str:
    name = shlex.split(command)[0]
    link = f'<a href="{pages.root_of(record.page)}snippets/{name}" download>{name}</a>'
    return (
        f'<div class="run__command no-copy"><code>python {html.escape(command)}</code></div>'
        '<div class="output no-copy" data-search-exclude><span class="output__label">Output</span>'
        f'<pre tabindex="0"><code>{html.escape(printed.rstrip(), quote=False)}</code></pre></div>'
        f'<p class="example-note">The program: {link}</p>'
    )


def given(record: pages.Record, file: str) -> tuple[str, str]:
    """Return name and content of the file that a run is given; both empty if there is none."""
    name, _, block = (part.strip() for part in file.partition("="))
    if not name:
        return "", ""
    page, _, anchor = block.rpartition("#")
    if page:
        record = pages.collect(pages.DOCS / f"{page}.md")
    for example in record.examples:
        if example.anchor == anchor:
            return name, definitions(example.program)
    raise LookupError(f"there is no block {block}")


def definitions(program: str) -> str:
    """Return a program as a module: what comes before its first function or class, and what
    defines something. What it does after that is left out."""
    define = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    tree = ast.parse(program)
    kept, begun = [], False
    for node in tree.body:
        begun = begun or isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if not begun or isinstance(node, define) or _constant(node):
            kept.append(node)
    tree.body = kept
    return ast.unparse(tree) + "\n"


def _constant(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id.isupper()
    )


@functools.lru_cache(maxsize=1000)
def result(command: str, file: tuple[str, str]) -> tuple[str, int]:
    """Return what the program prints, and its exit status."""
    source = (pages.SNIPPETS / shlex.split(command)[0]).read_text("utf8")
    text = "\0".join([source, command, *file, execute.reader_environment()])
    key = hashlib.sha256(text.encode()).hexdigest()
    found = pages.cached("terminal", key, lambda: list(_run(command, source, file)))
    return found[0], found[1]


def _run(command: str, source: str, file: tuple[str, str]) -> tuple[str, int]:
    with tempfile.TemporaryDirectory() as empty:
        name, *arguments = shlex.split(command)
        (Path(empty) / name).write_text(source, "utf8")
        if file[0]:
            (Path(empty) / file[0]).write_text(file[1], "utf8")
        done = subprocess.run(
            [execute.READER, "-I", name, *arguments],
            cwd=empty,
            env={"HOME": empty},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    return done.stdout + done.stderr, done.returncode


def prepare(texts: list[str]) -> None:
    """Make the runs that pages show on all cores at once; what fails is reported by its page."""

    def make(text, match):
        name, _, block = (part.strip() for part in (match["file"] or "").partition("="))
        fence = rf'^```python id="{re.escape(block)}".*?\n(.*?)^```$'
        code = re.search(fence, text, re.M | re.S)
        if bool(name) == bool(code):
            file = (name, definitions(code[1])) if code else ("", "")
            result(match["command"].strip(), file)

    with concurrent.futures.ThreadPoolExecutor(pages.cores()) as pool:
        for text in texts:
            for match in DIRECTIVE.finditer(text):
                pool.submit(make, text, match)
