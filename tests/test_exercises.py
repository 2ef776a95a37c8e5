"""Every exercise accepts what is right and names what is wrong."""

import ast
import re
import subprocess

import pytest

from sitekit import execute, exercises, pages

FILES = sorted(exercises.FOLDER.rglob("*.md"))
NAMES = [
    path.relative_to(exercises.FOLDER).with_suffix("").as_posix() for path in FILES
]
LAZY = {"none": "None", "nan": "float('nan')", "text": "'text'"}


def exercise_of(name):
    page, _, name = name.rpartition("/")
    return exercises.read(page, name)


def said_by_the_check(exercise, answer: str) -> str:
    """Return the error that checking an answer ends with; empty if it is accepted."""
    results = execute.run_chain([answer, exercise.check])
    assert not any(result.printed for result in results), "answer or check prints"
    return execute.first_of(results[0].error or results[1].error)


def lazy(exercise, value: str) -> str:
    """Return an answer that fills every gap of the start with one value."""
    lines = ["import numpy as np"]
    for node in ast.parse(exercise.start).body:
        if isinstance(node, ast.FunctionDef):
            lines.append(f"def {node.name}(*args, **kwargs): return {value}")
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            if node.value.value is ...:
                lines += [f"{ast.unparse(name)} = {value}" for name in node.targets]
            else:
                lines.append(ast.unparse(node))
        elif isinstance(node, ast.ClassDef):
            lines.append(exercise.start)
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            lines.append(ast.unparse(node))
    return "\n".join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_are_accepted(name):
    """The solution, and a second one that is written otherwise."""
    exercise = exercise_of(name)

    assert said_by_the_check(exercise, exercise.solution) == ""
    assert said_by_the_check(exercise, exercise.variant) == ""
    assert ast.dump(ast.parse(exercise.solution)) != ast.dump(
        ast.parse(exercise.variant)
    )


@pytest.mark.parametrize("name", NAMES)
def test_typical_wrong_answers_are_told_why(name):
    """Three or more, each with its own message, which is the one in the file."""
    exercise = exercise_of(name)
    wanted = [f"AssertionError: {message}" for message, _ in exercise.wrong]

    assert [said_by_the_check(exercise, a) for _, a in exercise.wrong] == wanted
    assert len(set(wanted)) == len(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_is_none_is_told_so(name):
    """The unfilled start, and answers of a wrong type, meet a message, not a traceback."""
    exercise = exercise_of(name)
    answers = {"start": exercise.start}
    answers |= {word: lazy(exercise, value) for word, value in LAZY.items()}

    for word, answer in answers.items():
        said = said_by_the_check(exercise, answer)
        assert re.match(r"AssertionError: .{12}", said), f"{word}: {said}"


@pytest.mark.parametrize("name", NAMES)
def test_the_downloaded_file_checks_the_answer(name, tmp_path):
    """It fails with the check's message as it comes, and says "Right." with the solution in it."""
    exercise = exercise_of(name)
    file = tmp_path / "exercise.py"

    def run(text):
        file.write_text(text, "utf8")
        command = [execute.READER, "-I", file.name]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    unfilled = run(exercise.download)
    filled = run(exercise.download.replace(exercise.start, exercise.solution))
    assert "AssertionError" in unfilled.stderr.splitlines()[-1]
    assert (filled.stdout, filled.stderr) == ("Right.\n", "")


def test_every_exercise_is_on_its_page():
    """A file stands on the page it is named after; the learner's pages have three."""
    records = pages.all_records().values()
    shown = [f"{record.page}/{name}" for record in records for name in record.exercises]
    few = [
        record.page
        for record in records
        if (record.page == "index" or record.page.startswith("learn/"))
        and len(record.exercises) < 3
    ]

    assert sorted(shown) == sorted(NAMES)
    assert few == []
