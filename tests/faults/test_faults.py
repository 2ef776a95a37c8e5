"""Faults that must not be published: each is put into a copy, and `make` must name the place."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sitekit import execute

ROOT = Path(__file__).resolve().parents[2]
LEAVE = {".git", ".artifacts", "site", "node_modules"}
PAGE = "docs/learn/scaling.md"
NOTEBOOK = "docs/experiments/sparsity.py"
SNIPPET = "snippets/inverted_dropout.py"
PITFALL = "docs/practice/pitfalls/no-scale.md"
EXERCISE = "exercises/learn/scaling/sum-variance.md"
FIGURES = "docs/learn/mask.md"
BAD = "\n```python\nassert 1 == 2\n```\n"


def generated(folder: str, names: list[str]) -> list[str]:
    """Return what a copy leaves out: everything installed or built, at the top only."""
    if Path(folder) != ROOT:
        return ["__pycache__"]
    left = (".venv", "kernel-ipc")  # the latter: sockets of a build beside this test
    return [name for name in names if name in LEAVE or name.startswith(left)]


def indented(text: str, by: str = "    ") -> str:
    return "".join(
        by + line if line.strip() else line for line in text.splitlines(True)
    )


@dataclass
class Fault:
    """A change to one file, the command that must fail, and what it must say."""

    name: str
    file: str
    old: str  # a pattern; empty: `new` is appended
    new: str
    says: str  # a pattern
    command: str = "site"

    def apply(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text("utf8") if path.exists() else ""
        if not self.old:
            path.write_text(text + self.new, "utf8")
            return
        changed, count = re.subn(self.old, lambda m: m.expand(self.new), text, count=1)
        assert count == 1, f"{self.file} does not contain {self.old}"
        path.write_text(changed, "utf8")


HERE = re.escape(PAGE) + r":\d+: "
FAULTS = [
    Fault(
        "a pitfall whose bug is gone",
        PITFALL,
        r"np\.where\(kept, 1, 0\)",
        "np.where(kept, 1 / self.keep_prob, 0)",
        re.escape(PITFALL) + r":\d+: (marked wrong=|it ends with exit status 0, not 1)",
    ),
    Fault(
        "a suite that sees no bug",
        "snippets/dropout_conformance.py",
        r"ALARM = 4e-8",
        "ALARM = 1e-300",
        r"docs/practice/pitfalls/.*it ends with exit status 0, not 1",
    ),
    Fault(
        "a table that was not stored",
        "docs/practice/implementations.md",
        r"implementations\.json summary",
        "implementations.json sumary",
        r"docs/practice/implementations\.md:\d+: .*has no such part",
    ),
    Fault("wrong shown output", PAGE, r"12% less", "13% less", HERE + ".*differs"),
    Fault(
        "wrong number in prose",
        PAGE,
        r"the unit outputs 5 when",
        "the unit outputs 7 when",
        HERE + "the number 7 ",
    ),
    Fault(
        "1/0 in a figure",
        PAGE,
        r"plt\.show\(\)",
        "1 / 0\nplt.show()",
        HERE + ".*ZeroDivisionError",
    ),
    Fault(
        "raising notebook cell",
        NOTEBOOK,
        r"# %%\nfrom sklearn",
        "# %%\n1 / 0\nfrom sklearn",
        re.escape(NOTEBOOK) + r":\d+: .*ZeroDivisionError",
    ),
    Fault(
        "failing assert in a tab",
        PAGE,
        "",
        '\n=== "Tab"\n' + indented(BAD),
        HERE + ".*AssertionError: assert 1 == 2",
    ),
    Fault(
        "failing assert in an admonition",
        PAGE,
        "",
        "\n!!! note\n" + indented(BAD),
        HERE + ".*AssertionError: assert 1 == 2",
    ),
    Fault(
        "failing assert in a list item",
        PAGE,
        "",
        "\n- item\n" + indented(BAD),
        HERE + ".*AssertionError: assert 1 == 2",
    ),
    Fault(
        "```py fence", PAGE, "", "\n```py\nx = 1\n```\n", HERE + ".*'py' is not allowed"
    ),
    Fault(
        "missing include",
        PAGE,
        r"--8<--\ninverted_dropout\.py",
        "--8<--\nno_such_file.py",
        HERE + ".*no_such_file.py",
    ),
    Fault(
        "misspelt fence option",
        PAGE,
        r"` continuation|\" continuation",
        '" contination',
        HERE + ".*unknown option contination",
    ),
    Fault(
        "dead page link",
        PAGE,
        r"\(backprop\.md\)",
        "(backpropagation.md)",
        r"scaling\.md.*backpropagation\.md",
    ),
    Fault(
        "dead anchor",
        PAGE,
        r"\(backprop\.md\)",
        "(backprop.md#nowhere)",
        r"scaling\.md.*nowhere",
    ),
    Fault(
        "dead link in a notebook cell",
        NOTEBOOK,
        r"\.\./learn/[\w-]+\.md",
        "../learn/musk.md",
        r"sparsity\.py.*musk\.md",
    ),
    Fault(
        "missing image in raw HTML",
        PAGE,
        "",
        '\n<img src="../missing.png" alt="a missing image">\n',
        r"scaling.*missing\.png",
        "test tests/site/test_built.py",
    ),
    Fault(
        "figure without alternative text",
        PAGE,
        r' alt="[^"]+"',
        "",
        HERE + ".*needs alt=",
    ),
    Fault(
        "broken TeX",
        PAGE,
        r"\\frac\{1-k\}\{k\}",
        r"\\\\frac{1-k}{k",
        HERE + ".*TeX does not parse",
    ),
    Fault(
        "page not in the navigation",
        "docs/learn/lost.md",
        "",
        "---\ndescription: d\n---\n\n# Lost\n\nNobody links here.\n",
        r"lost\.md",
    ),
    Fault(
        "script from another host",
        PAGE,
        "",
        '\n<script src="https://example.org/a.js"></script>\n',
        r"scaling.*example\.org",
        "test tests/site/test_built.py",
    ),
    Fault(
        "claim without proof",
        PAGE,
        r"    proof: mean-is-lost\n",
        "",
        HERE + ".*has no proof",
    ),
    Fault(
        "claim with a proof that does not exist",
        PAGE,
        r"proof: mean-is-lost",
        "proof: mean-is-last",
        HERE + ".*no example .*mean-is-last",
    ),
    Fault(
        "unresolved citation",
        PAGE,
        r"\[@srivastava2014",
        "[@srivastava2041",
        HERE + ".*citation srivastava2041",
    ),
    Fault(
        "/ keep_prob removed from the snippet",
        SNIPPET,
        r"1 / float\(keep_prob\), 0",
        "1, 0",
        r"test_inverted_dropout\.py",
        "test tests/test_inverted_dropout.py",
    ),
    Fault(
        "fresh mask in backward",
        SNIPPET,
        r"np\.multiply\(grad, mask,",
        "np.multiply(grad, np.random.default_rng().permutation(mask),",
        r"test_inverted_dropout\.py",
        "test tests/test_inverted_dropout.py",
    ),
    Fault(
        "a fixed seed in the snippet",
        SNIPPET,
        r"rng\.random\(x\.shape\)",
        "np.random.default_rng(1).random(x.shape)",
        r"test_inverted_dropout\.py",
        "test tests/test_inverted_dropout.py",
    ),
    Fault(
        "a fence fails under pytest",
        PAGE,
        r"12% less",
        "13% less",
        HERE + ".*differs",
        "test docs/learn/scaling.md",
    ),
    Fault(
        "a chart without alternative text",
        NOTEBOOK,
        r'alt: "[^"]*"',
        'alt: ""',
        re.escape(NOTEBOOK) + r":\d+: .*a chart needs alt",
    ),
    Fault(
        "an output in a notebook's text",
        NOTEBOOK,
        r"# ## Result\n",
        "# ```output\n# 37.5\n# ```\n#\n# ## Result\n",
        re.escape(NOTEBOOK) + r":\d+: .*output fence must follow",
    ),
    Fault(
        "an exercise without its file",
        PAGE,
        r"/// exercise \| sum-variance",
        "/// exercise | sum-variants",
        HERE + "there is no exercise exercises/learn/scaling/sum-variants",
    ),
    Fault(
        "the solution of an exercise is wrong",
        EXERCISE,
        r"return \(1 - keep_prob\) / keep_prob",
        "return (1 - keep_prob)",
        r"FAILED .*test_right_answers_are_accepted\[learn/scaling/sum-variance\]",
        "test tests/test_exercises.py -k sum-variance",
    ),
    Fault(
        "a check that accepts everything",
        EXERCISE,
        r"\n\ncheck\(\)\n",
        "\n",
        r"FAILED .*test_typical_wrong_answers_are_told_why\[learn/scaling/sum-variance\]",
        "test tests/test_exercises.py -k sum-variance",
    ),
    Fault(
        "the snippet changes and its page does not",
        SNIPPET,
        r"1 / float\(keep_prob\), 0",
        "1, 0",
        HERE + ".*differs",
    ),
    Fault(
        "an interactive figure that is not there",
        FIGURES,
        r"/// interactive \| mask-machine",
        "/// interactive | mask-engine",
        re.escape(FIGURES) + r":\d+: there is no figure mask-engine",
    ),
    Fault(
        "an interactive figure without a caption",
        FIGURES,
        r"(/// interactive \| mask-machine\n)    caption: [^\n]*\n",
        r"\1",
        re.escape(FIGURES) + r":\d+: mask-machine needs a caption",
    ),
    Fault(
        "an interactive figure with wrong numbers",
        "docs/assets/figures/mask-machine.js",
        r"mean: share / k,",
        "mean: share,",
        r"FAILED tests/figures/test_mask_machine",
        "test tests/figures/test_mask_machine.py",
    ),
    Fault(
        "a figure that cannot be drawn",
        "docs/assets/figures/mask-machine.js",
        r"shape\[0\] \* shape\[1\]",
        "sharp[0] * shape[1]",
        r"the figure mask-machine cannot be drawn.*sharp is not defined",
    ),
    Fault(
        "a block that does not run in the page and does not say why",
        PAGE,
        "",
        '\n``` { .python browser="no" }\nx = 1\n```\n',
        HERE + '.*browser= is "no: " and why',
    ),
    Fault(
        "blocks that run alone, but not as the page's program",
        PAGE,
        "",
        '\n```python\nprint = 0\n```\n\n```python\nprint("x")\n```\n\n'
        "```output\nx\n```\n",
        re.escape(PAGE) + r":1: the page's program: .*'int' object is not callable",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project that shares the installed packages and the cache's content."""
    root = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, root, symlinks=True, ignore=generated)
    return root


def make(root: Path, command: str) -> subprocess.CompletedProcess:
    """Run what `make site` or `make test` runs, with the packages that are installed here."""
    target, *arguments = command.split()
    run = (
        ["-m", "sitekit", "build"]
        if target == "site"
        else ["-m", "pytest", "-q", *arguments]
    )
    return subprocess.run(
        [sys.executable, *run],
        cwd=root,
        env={**os.environ, "NO_COLOR": "1", "READER_PYTHON": str(execute.READER)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught_and_named(copy, fault):
    """The command fails, and its message holds the place."""
    path = copy / fault.file
    before = path.read_bytes() if path.exists() else None
    try:
        fault.apply(copy)
        done = make(copy, fault.command)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
    said = done.stdout + done.stderr

    assert done.returncode != 0, f"not caught: {said[-2000:]}"
    assert re.search(fault.says, said, re.S), said[-3000:]


def test_the_copy_is_sound_without_the_packages_of_npm(copy):
    """Without a fault the same copy passes, so the faults fail for their own reason.

    The copy has no node_modules: the site is built without Run, and the build says so.
    """
    done = make(copy, "site")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "built WITHOUT Run buttons" in done.stdout + done.stderr
    built = (copy / "site" / "learn" / "mask" / "index.html").read_text("utf8")
    assert "<run-cell" not in built
    assert "<mask-machine" in built
    assert not (copy / "site" / "assets" / "python").exists()
