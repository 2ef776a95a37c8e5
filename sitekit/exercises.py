"""Exercises: the page shows task, start, hints and solution; CI grades every answer of the file.

    /// exercise | sum-variance
    ///

on docs/learn/scaling.md stands for exercises/learn/scaling/sum-variance.md, which has the sections
Start, Hint (two or more), Check, Solution, Variant (right, written otherwise) and Wrong (three or
more; the text is the message that the check gives). A check runs after the answer, in the same
namespace, and raises AssertionError with a message for the reader.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from markdown.preprocessors import Preprocessor

from . import pages

FOLDER = pages.ROOT / "exercises"
ORDER = r"Start (Hint ){2,}Check Solution Variant (Wrong ){3,}"
DIRECTIVE = re.compile(r"/// exercise \|\s*(?P<name>\S+)\s*$")
ANSWERS = ("Start", "Check", "Solution", "Variant", "Wrong")  # sections that hold code


class ExerciseError(Exception):
    """An exercise file that is missing or not complete."""


@dataclass
class Exercise:
    page: str
    name: str
    title: str
    task: str
    start: str
    hints: list[str]
    check: str
    why: str  # what the solution says besides its code
    solution: str
    variant: str
    wrong: list[tuple[str, str]]  # message, answer

    @property
    def download(self) -> str:
        """The file a reader fills in and runs: the start with its check."""
        lines = [f"# {line}".rstrip() for line in self.task.split("\n")]
        return (
            f"# {self.title}\n#\n" + "\n".join(lines) + f"\n\n{self.start}\n\n\n"
            f'# ---- the check: run this file to see whether it is right\n{self.check}\nprint("Right.")\n'
        )


def path_of(page: str, name: str) -> Path:
    return FOLDER / page / f"{name}.md"


def read(page: str, name: str) -> Exercise:
    """Return an exercise from its file."""
    path = path_of(page, name)
    where = f"exercises/{page}/{name}.md"
    if not path.exists():
        raise ExerciseError(f"there is no exercise {where}")
    head, *parts = re.split(r"^## (.+)\n", path.read_text("utf8"), flags=re.M)
    sections = [
        (title.strip(), text.strip("\n"))
        for title, text in zip(parts[::2], parts[1::2])
    ]
    order = "".join(f"{title} " for title, _ in sections)
    if not re.fullmatch(ORDER, order):
        raise ExerciseError(
            f"{where} has the sections {order.strip()}; wanted: {ORDER}"
        )
    title = re.fullmatch(r"# ([^\n]+)\n\n(.+?)\s*", head, re.S)
    if not title:
        raise ExerciseError(f"{where} does not begin with a title and a task")
    found = [
        (name, *_text_and_code(text, f"{where}, {name}", name))
        for name, text in sections
    ]
    of = {name: (text, code) for name, text, code in found}
    return Exercise(
        page=page,
        name=name,
        title=title[1],
        task=title[2],
        start=of["Start"][1],
        hints=[text for name, text, _ in found if name == "Hint"],
        check=of["Check"][1],
        why=of["Solution"][0],
        solution=of["Solution"][1],
        variant=of["Variant"][1],
        wrong=[
            (" ".join(text.split()), code)
            for name, text, code in found
            if name == "Wrong"
        ],
    )


def _text_and_code(text: str, where: str, section: str) -> tuple[str, str]:
    """Return a section's text and its one block of Python (none in a hint)."""
    blocks = re.findall(r"^```python\n(.*?)\n```$", text, re.S | re.M)
    said = re.sub(r"^```python\n.*?\n```$", "", text, flags=re.S | re.M).strip()
    if len(blocks) != (section in ANSWERS):
        raise ExerciseError(f"{where}: {len(blocks)} blocks of Python")
    if "```" in said:
        raise ExerciseError(f"{where}: a fence that is not ```python alone")
    if section in ("Hint", "Wrong", "Solution") and not said:
        raise ExerciseError(f"{where}: no text")
    return said, blocks[0] if blocks else ""


def all_of(page: str) -> list[str]:
    """Return the names of the exercises whose files belong to a page."""
    return sorted(path.stem for path in (FOLDER / page).glob("*.md"))


def shown(exercise: Exercise, lines: tuple[int, int], folder: str) -> list[str]:
    """Return the Markdown that a page shows; each block belongs to one line of the directive."""
    name, (first, last) = exercise.name, lines
    file = f"exercises/{exercise.page}/{name}.py"
    link = posixpath.relpath(file, folder)
    text = [f"### {exercise.title} {{ #{name} }}", ""]
    text += ['!!! exercise "Task"', "", *_indented(exercise.task), ""]
    fence = f'    ```python id="start-{name}" srcline="{first}"'
    text += [fence, *_indented(exercise.start), "    ```", ""]
    text += [
        f"    Fill it in, and run it with its check: [{name}.py]({link}){{ download }}",
        "",
    ]
    for number, hint in enumerate(exercise.hints, 1):
        text += [f'??? hint "Hint {number}"', "", *_indented(hint), ""]
    text += ['??? solution "Solution"', "", *_indented(exercise.why), ""]
    fence = f'    ```python id="solution-{name}" srcline="{last}"'
    return [*text, fence, *_indented(exercise.solution), "    ```", ""]


def _indented(text: str) -> list[str]:
    return [f"    {line}".rstrip() for line in text.split("\n")]


class Include(Preprocessor):
    """Replace each directive by what the page shows; before all else, so that lines are right."""

    def run(self, lines):
        record = pages.record_of(self.md)
        folder = posixpath.relpath(posixpath.dirname(record.path) or ".", "docs")
        out, fence = [], ""
        for number, line in enumerate(lines, 1):
            tick = re.match(r"\s*(`{3,}|~{3,})", line)
            if tick and (not fence or tick[1].startswith(fence)):
                fence = "" if fence else tick[1]
            match = None if fence else DIRECTIVE.match(line)
            if not match:
                out.append(line)
                continue
            if number < len(lines) and lines[number].strip() == "///":
                lines[number] = ""  # the directive's second line
            else:
                record.fail("an exercise ends with /// on the next line", line=number)
            try:
                exercise = read(record.page, match["name"])
            except ExerciseError as error:
                record.fail(str(error), line=number)
                continue
            record.exercises += [exercise.name] if record.collecting else []
            out += shown(exercise, (number, number + 1), folder)
        return out
