"""The engine: what is shown is what is run, and whatever is wrong is named with its place."""

import json
import warnings

import pytest

from sitekit import (
    execute,
    exercises,
    figures,
    maths,
    pages,
    programs,
    proof,
    pytest_plugin,
    tracing,
)
from sitekit.pages import Example, Record

FENCE = "```python\ntop = 1\n```\n"
NESTED = f"""
# Title

{FENCE}
=== "Tab"

    ```python
    tab = 1
    ```

    === "Inner"

        ```python
        inner = 1
        ```

!!! note

    ```python
    note = 1
    ```

??? solution "Folded"
    ```python
    folded = 1
    ```

- item

    ```python
    item = 1
    ```

1. number

    !!! tip

        ```python
        deep = 1
        ```

> ```python
> quoted = 1
> ```

<div markdown>

```python
inside = 1
```

</div>

~~~python
tilde = 1
~~~

```python
--8<--
inverted_dropout.py
--8<--
```

```text
not Python: 1 +
```
"""


def read(text: str) -> Record:
    """Read a page's text as the engine does, without a file."""
    record = Record("README.md", "page")
    return pages._read(record, text)


def problems(text: str) -> str:
    return "\n".join(message for _, message in read(text).problems)


def test_fences_are_found_at_every_nesting():
    """Tabs, notes, lists, quotes, raw HTML, tildes and included snippets: all eleven."""
    record = read(NESTED)
    names = [example.code.split(" ")[0] for example in record.examples]

    assert names[1:-1] == [
        "tab",
        "inner",
        "note",
        "folded",
        "item",
        "deep",
        "quoted",
        "inside",
        "tilde",
    ]
    assert record.examples[-1].kind == "snippet"
    assert len(record.examples) == 11


def test_every_fence_knows_its_line():
    """The line of the fence in the page, at every nesting."""
    lines = NESTED.split("\n")
    for example in read(NESTED).examples:
        assert "python" in lines[example.line - 1]
        assert (
            example.code.split("\n")[0] in lines[example.line]
            or example.kind == "snippet"
        )


@pytest.mark.parametrize(
    ("fence", "message"),
    [
        ("```py\nx = 1\n```", "'py' is not allowed"),
        ("```Python\nx = 1\n```", "'Python' is not allowed"),
        ("```\nx = 1\n```", "'none' is not allowed"),
        ("```pycon\n>>> 1\n```", "'pycon' is not allowed"),
        ("```python conitnuation\nx = 1\n```", "unknown option conitnuation"),
        # the option by which other sites leave code unrun: here there is none
        ("```python notest\nx = 1\n```", "unknown option notest"),
        ("```python continuation\nx = 1\n```", "without a block to continue"),
        ('```python figure="a"\nplt.show()\n```', "needs alt="),
        ('```python wrong=""\nx = 1\n```', "must say something"),
        ("```python\nx = = 1\n```", "not Python"),
        ("```python {bad\nx = 1\n```", "'none' is not allowed"),
        ("```text\nimport numpy as np\n```", "Python that nothing runs"),
        ("```output\n1\n```", "must follow the python fence"),
        (FENCE + '\n```output x="1"\n1\n```', "output fence has no options"),
        (FENCE + "\n" + FENCE, "two blocks with the id"),
        (
            '## Top one\n\n```python id="top-one"\nx = 1\n```',
            "both have the id top-one",
        ),
        ("```python\n--8<--\nmissing.py\n--8<--\n```", "missing.py"),
        ("$\\frac{1}{$", "TeX does not parse"),
        ("See [@nobody1999].", "citation nobody1999"),
        ("See [@a; @b].", "not understood: [@a; @b]"),
        ("<script>1</script>", "only the engine may write"),
        ("<div class='output'>37</div>", "only the engine may write"),
        ("It is so.\n{: .generated }", "only the engine may write"),
        ("<p onclick='x()'>a</p>", "only the engine may write"),
        ("[a](javascript:x)", "foreign"),
        ("```yaml\nimport numpy as np\n```", "Python that nothing runs"),
        ("```text\n>>> print(41 + 1)\n42\n```", "Python that nothing runs"),
        ('```python id="A b"\nx = 1\n```', "is no id"),
        ("```python\n\n```", "empty"),
        ("```python { .x }\nx = 1\n```", "without braces"),
        ("It takes 37ms.", "the number 37"),
        ('!!! note "It is 37"\n\n    Text.', "the number 37"),
        ("<img src='a.png'>", "without alternative text"),
        ("It is 37 % faster.", "the number 37 % comes from no output"),
        ("/// claim | Bad Id\n    kind: exact\n\nA.\n///", "not made of words"),
        ("/// claim | a-b\n    kind: vague\n\nA.\n///", "has kind 'vague'"),
        ("/// claim | a-b\n    kind: exact\n\nA.\n///", "has no proof"),
        ("/// claim | a-b\n    kind: exact\n    proof: c\n\nA.\n///", "needs red"),
        ("/// claim | a-b\n    sort: exact\n\nA.\n///", "were understood"),
    ],
)
def test_a_defect_is_a_problem_with_a_reason(fence, message):
    assert message in problems(f"# Title\n\n{fence}\n")


def test_a_chain_has_at_most_four_blocks():
    """The fifth is refused; four are one program."""
    blocks = ["```python\na0 = 0\n```"]
    blocks += [f"```python continuation\na{n} = a{n - 1}\n```" for n in range(1, 5)]
    record = read("# Title\n\n" + "\n\n".join(blocks[:4]))

    assert record.problems == []
    assert record.examples[3].program == "a0 = 0\n\na1 = a0\n\na2 = a1\n\na3 = a2\n"
    assert "at most 4 blocks" in problems("# Title\n\n" + "\n\n".join(blocks))


def example(code: str, **options) -> Example:
    return Example(
        "page", "a", "README.md", 1, options.pop("kind", "fence"), code, **options
    )


def fault(code: str, **options) -> str:
    block = example(code, **options)
    return execute.fault(block, execute.run_chain(block.sources)[-1])


def test_output_is_compared_as_text_and_numbers():
    """Text exactly; floats to a relative 1e-9; integers exactly."""
    assert fault("print('a', 1.0)", shown="a 1.0\n") == ""
    assert fault("print('a', 1 + 1e-12)", shown="a 1.0\n") == ""
    assert "differs" in fault("print('a', 1.00001)", shown="a 1.0\n")
    assert "differs" in fault("print('b', 1.0)", shown="a 1.0\n")
    assert "differs" in fault("print(3)", shown="4\n")
    assert "differs" in fault("print(3)")
    assert "differs" in fault("x = 3", shown="3\n")


@pytest.mark.parametrize(
    ("shown", "printed", "equal"),
    [
        ("1e10", "10000000001.0", True),
        ("10000000000", "10000000001", False),
        ("1.0", "1.0000001", False),
        ("9.0e-13", "3.1e-13", False),
        ("0.", "-0.", False),
        ("a #", "a 1.0", False),
        ("[1.  2.]", "[1. 2.]", False),
    ],
)
def test_numbers_are_equal_to_nine_digits(shown, printed, equal):
    assert (execute.difference(shown, printed) == "") == equal


def test_a_copied_program_must_print_what_the_page_shows():
    """Also what earlier blocks of its chain print, and the message of a wrong one."""
    right, wrong = (
        example("print(1)", shown="1\n"),
        example("x", kind="wrong", note="n"),
    )
    wrong.shown = "ValueError: a\n"
    chained = example("print(1)", shown="1\n", earlier_shown="0\n")

    assert "something else" in execute.program_fault(right, execute.Result("2\n"))
    assert "something else" in execute.program_fault(chained, execute.Result("1\n"))
    assert execute.program_fault(chained, execute.Result("0\n1\n")) == ""
    assert "shows" in execute.program_fault(
        wrong, execute.Result(error="ValueError: b")
    )
    assert execute.program_fault(wrong, execute.Result(error="ValueError: a")) == ""
    assert "does not fail" in execute.program_fault(wrong, execute.Result())


def test_a_copied_program_is_isolated_and_does_not_run_for_ever(monkeypatch):
    monkeypatch.setattr(execute, "PROGRAM_SECONDS", 1)
    isolated = execute.program_result("import sys; print(sys.flags.isolated)")
    endless = execute.program_result("while True: pass", fresh=True)

    assert isolated.printed == "1\n"
    assert "TimeoutExpired" in endless.error


def test_a_verdict_is_kept_for_one_environment_and_one_engine(monkeypatch):
    """Other versions or another runner: another key."""
    before = execute._key(["x"])
    monkeypatch.setattr(execute, "_runner_hash", lambda: "other")

    assert execute._key(["x"]) != before
    assert pages.ENGINE in pages.engine_hash()
    assert execute.environment()["numpy"] in repr(execute.environment())
    assert execute._key(["x"], "reader 1") != execute._key(["x"], "reader 2")


def test_a_damaged_cache_file_is_no_verdict(monkeypatch, tmp_path):
    """Half a file means: run again."""
    monkeypatch.setattr(pages, "CACHE", tmp_path)
    block = example("print(3)")
    execute.result_of(block, fresh=True)
    for path in tmp_path.rglob("*.json"):
        path.write_text("")
    execute._fresh.clear()

    assert execute.result_of(block).printed == "3\n"


def test_a_block_that_changes_numpy_for_everybody_is_a_fault():
    assert "changes numpy" in fault("import numpy as np\nnp.sin = np.cos")
    assert fault("import numpy as np\nprint(np.sin(0.0))", shown="0.0\n") == ""


def test_a_failing_block_says_why_and_where():
    """Asserts show their values; the line is counted within the block."""
    result = execute.run_chain(["x = 1", "y = 2\nassert x == y"])[-1]

    assert result.error.startswith("AssertionError: assert 1 == 2")
    assert result.error_line == 2


def test_wrong_code_must_fail_and_show_its_error():
    shown = "ValueError: no\n"

    assert fault("raise ValueError('no')", kind="wrong", note="n", shown=shown) == ""
    assert "does not fail" in fault("x = 1", kind="wrong", note="n")
    assert "differs" in fault("raise ValueError('no')", kind="wrong", note="n")
    assert (
        example("x", kind="wrong", note="bad").program == "# WRONG ON PURPOSE: bad\nx\n"
    )


def test_update_writes_outputs_at_every_nesting(tmp_path, monkeypatch):
    """Tab, list item and quote: a missing output is added, an old one is replaced."""
    text = (
        "# Title\n\n"
        '=== "Tab"\n\n    ```python\n    print("tab")\n    ```\n\n'
        "- item\n\n    ```python\n    print('item')\n    ```\n\n"
        "    ```output\n    old\n    lines\n    ```\n\n"
        "> ```python\n> print('quoted')\n> ```\n\nAfter.\n"
    )
    page = tmp_path / "page.md"
    page.write_text(text)
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "CACHE", tmp_path / "cache")
    record = read(text)
    edits = [(e, execute.run_chain(e.sources)[-1].printed) for e in record.examples]
    pytest_plugin.update(page, edits)
    after = [e.shown for e in read(page.read_text()).examples]

    assert after == ["tab\n", "item\n", "quoted\n"]
    assert page.read_text().endswith("\n\nAfter.\n")


def test_blocks_do_not_leak():
    """Print options, environment, folder and figures of one chain are not seen by the next."""
    execute.run_chain(
        [
            (
                "import os, numpy as np\nnp.set_printoptions(precision=1)\n"
                "os.environ['LEAK'] = '1'\nnp.seterr(all='ignore')\nopen('leak.txt', 'w').close()"
            )
        ]
    )
    code = (
        "import os, numpy as np\nprint(np.array([0.123]), os.environ.get('LEAK'), os.listdir())\n"
        "print(np.geterr()['over'])"
    )
    assert execute.run_chain([code])[-1].printed == "[0.123] None []\nwarn\n"


def test_a_block_is_a_registered_module():
    """Dataclasses with postponed annotations and pickle find their module."""
    code = (
        "from __future__ import annotations\nimport pickle\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass A:\n    x: int\nprint(pickle.loads(pickle.dumps(A(3))))"
    )
    assert execute.run_chain([code])[-1].printed == "A(x=3)\n"


def test_warnings_and_the_global_generator_are_faults():
    """Also where the process that runs the block would let warnings pass."""
    warnings.simplefilter("ignore")
    assert "RuntimeWarning" in fault(
        "import numpy as np\nnp.float64(1) / np.float64(0)"
    )
    assert "global random state" in fault("import numpy as np\nnp.random.rand()")


def test_a_chain_is_run_once(monkeypatch, tmp_path):
    """Four blocks of one chain cost one run, not four: the first asks for all."""
    monkeypatch.setattr(pages, "CACHE", tmp_path)
    runs = []
    run_chain = execute.run_chain
    monkeypatch.setattr(
        execute, "run_chain", lambda s: runs.append(len(s)) or run_chain(s)
    )
    blocks = ["```python\nq0 = 0\n```"]
    blocks += [f"```python continuation\nq{n} = q{n - 1}\n```" for n in range(1, 4)]
    record = read("# Title\n\n" + "\n\n".join(blocks))
    monkeypatch.setattr(pages, "record_with", lambda example: record)
    for block in record.examples:
        execute.result_of(block, fresh=True)

    assert runs == [4]


def test_a_copied_program_fails_for_anything_a_reader_would_meet():
    """Exceptions, warnings on stderr, files left behind."""
    assert execute.program_result("print(1)").printed == "1\n"
    assert "NameError" in execute.program_result("missing").error
    assert (
        "stderr" in execute.program_result("import warnings; warnings.warn('w')").error
    )
    assert "files behind" in execute.program_result("open('left', 'w').close()").error
    assert "No module" in execute.program_result("import snippets").error


def test_figures_use_the_sites_colours_and_their_own_ids():
    code = (
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\n"
        "ax.plot([1, 2], color='C1')\nplt.show()"
    )
    svg = execute.run_chain([code])[-1].figures[0]

    assert "var(--fig-2)" in svg
    assert "currentColor" in svg
    assert "<metadata" not in svg
    assert execute.run_chain([code])[-1].figures[0] == svg


def test_a_figure_in_a_foreign_colour_is_refused():
    with pytest.raises(ValueError, match="#ff0000"):
        figures.themed('<svg><path fill="#ff0000"/></svg>', "a-")


def test_an_unexpected_or_missing_figure_is_a_fault():
    draw = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()"

    assert "not set" in fault(draw)
    assert "0 figure(s)" in fault("x = 1", figure="f", alt="a")


def test_formulas_become_mathml():
    assert "<mfrac>" in maths.render(r"\frac{1}{k}", True)
    with pytest.raises(ValueError, match="TeX does not parse"):
        maths.render(r"\notacommand{1}", False)


@pytest.mark.parametrize(
    ("written", "proven", "traced"),
    [
        ("0.14", "0.1398", True),
        ("14 %", "0.1398", True),
        ("0.15", "0.1398", False),
        ("5", "5.0", True),
        ("5", "5.2", False),
        ("1,000", "1000", True),
        ("4 × 10^{-23}", "4.29e-23", True),
        ("2", "", True),
        ("−0.5", "0.5", True),
        ("0.0012", "0.00115", True),
    ],
)
def test_numbers_in_prose_are_traced_with_rounding(written, proven, traced):
    html = f'<p>It is {written} here.</p><div class="output"><pre>{proven}</pre></div>'

    assert (tracing.untraced(html, "") == []) == traced


def test_numbers_in_code_and_formulas_may_come_from_code():
    formal = '<p><code>keep_prob = 0.8</code> <span class="arithmatex">0.8</span></p>'

    assert tracing.untraced(formal, "keep_prob = 0.8") == []
    assert tracing.untraced(formal, "") == ["0.8", "0.8"]
    assert tracing.untraced("<p>0.8</p>", "keep_prob = 0.8") == ["0.8"]


def test_an_output_explains_its_own_section_only():
    """A number in a later section needs its own source; the opening speaks of all."""
    shown = '<div class="output"><pre>37</pre></div>'
    page = f"<h1>T</h1><p>37</p><h2>A</h2>{shown}<p>37</p><h2>B</h2><p>37</p>"

    assert tracing.untraced(page, "") == ["37"]
    assert tracing.untraced(page.replace("<h2>B</h2>", ""), "") == []
    assert tracing.untraced(shown + page, "") == []


def test_an_exercise_may_choose_its_numbers():
    given = '<div class="admonition exercise"><p>A layer has 37 units.</p></div>'

    assert tracing.untraced(given, "units = 37") == []
    assert tracing.untraced(given, "units = 38") == ["37"]


def test_a_cited_paragraph_and_a_claim_need_no_second_source():
    assert (
        tracing.untraced('<p>In <a class="cite">Paper 2014</a> it is 37.</p>', "") == []
    )
    assert tracing.untraced('<div class="claim__text"><p>It is 37.</p></div>', "") == []


def test_a_claims_number_must_be_in_its_proof(monkeypatch):
    """The text of a claim is held against the code and output that it names."""
    block = example("print(0.25)", shown="0.25\n")
    monkeypatch.setattr(proof, "example_with", lambda identity: block)
    monkeypatch.setattr(proof, "verdict", lambda identity: ("passed", ""))
    claim = pages.Claim("a-b", "page", 1, "exact", "It is 0.25.", ["page#a"], "a => b")
    other = pages.Claim("a-b", "page", 1, "exact", "It is 0.26.", ["page#a"], "a => b")

    assert proof.claim_problems(claim) == []
    assert "0.26" in proof.claim_problems(other)[0]


def claim_with(**changes) -> pages.Claim:
    values = {"kind": "exact", "text": "True.", "proof": ["page#a"], "red": "a => b"}
    return pages.Claim("a-b", "page", 1, **{**values, **changes})


def test_a_claim_needs_a_proof_that_runs_and_passed(monkeypatch):
    """Nothing runs, nothing is asserted, failed, stale, missing: each is a problem."""
    block = example("print(0.25)", shown="0.25\n")
    silent = example("x = 1")
    monkeypatch.setattr(
        proof, "example_with", lambda i: silent if "silent" in i else block
    )
    outcome = {"page#a": "passed", "page#bad": "failed", "page#old": "stale"}
    monkeypatch.setattr(proof, "verdict", lambda i: (outcome.get(i, "passed"), ""))
    key = next(iter(proof.claims.bibliography()))

    def problem(**changes):
        return "\n".join(proof.claim_problems(claim_with(**changes)))

    assert problem() == ""
    assert "nothing runs" in problem(proof=[key])
    assert "cites nothing" in problem(kind="cited")
    assert "is failed" in problem(proof=["page#bad"])
    assert "is stale" in problem(proof=["page#old"])
    assert "neither shows nor asserts" in problem(proof=["page#silent"])
    assert "no file" in problem(proof=["tests/test_nothing.py::test_x"])
    assert "no test test_x" in problem(proof=["tests/test_claims.py::test_x"])
    assert "not in the bibliography" in problem(proof=["nobody1999"])


def test_a_tests_verdict_is_kept_for_its_sources(monkeypatch, tmp_path):
    """Passed, failed, and missing again when the test, a stand-in or a snippet changes."""
    for name in ("tests/test_a.py", "tests/fakes.py", "snippets/s.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(proof, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "SNIPPETS", tmp_path / "snippets")
    monkeypatch.setattr(proof, "TESTS", tmp_path / "tests.json")
    node = "tests/test_a.py::test_it"
    for name in ("tests/test_a.py", "tests/fakes.py", "snippets/s.py"):
        proof._test_key.cache_clear()
        proof.store_tests({node: True})
        assert proof.test_status(node) == "passed"
        (tmp_path / name).write_text(f"x = '{name}'\n")
        proof._test_key.cache_clear()
        assert proof.test_status(node) == "missing"
    proof.store_tests({node: False})
    assert proof.test_status(node) == "failed"
    proof._test_key.cache_clear()


def test_a_stored_result_is_stale_when_its_code_changed(monkeypatch, tmp_path):
    for module in (proof, pages):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "run.py").write_text("x = 1\n")
    stored = {"code": {"path": "run.py", "sha256": proof.sha256("x = 1\n")}}
    (tmp_path / "result.json").write_text(json.dumps(stored))

    assert proof.item_status("result.json") == "passed"
    (tmp_path / "run.py").write_text("x = 2\n")
    assert proof.item_status("result.json") == "stale"


def test_a_block_that_needs_a_package_is_stale_until_it_ran(monkeypatch):
    """Without a stored verdict for exactly this code, the build is refused."""
    block = example("import torch", kind="needs", note="torch")
    monkeypatch.setattr(proof, "example_with", lambda identity: block)

    proof.verdict.cache_clear()
    assert proof.verdict("page#a")[0] == "stale"
    stored = {block.id: proof.needs_hash(block)}
    monkeypatch.setattr(proof, "_stored_needs", lambda: stored)
    proof.verdict.cache_clear()
    assert proof.verdict("page#a")[0] == "passed"
    proof.verdict.cache_clear()


# ---- exercises -----------------------------------------------------------------------


CODE = "```python\nanswer = 1\n```\n"
EXERCISE = (
    f"# Title\n\nTask.\n\nMore of it.\n\n## Start\n{CODE}\n## Hint\nA.\n\n## Hint\nB.\n\n## Check\n{CODE}\n"
    f"## Solution\nBecause.\n{CODE.replace('1', '3')}\n## Variant\n{CODE}\n"
    + "".join(f"## Wrong\nMessage {word}.\n{CODE}\n" for word in ("a", "b", "c"))
)
INCLUDED = "# Page\n\n## Exercises\n\n/// exercise | one\n///\n\n" + FENCE


def page_with(text: str, exercise: str, monkeypatch, folder) -> Record:
    monkeypatch.setattr(exercises, "FOLDER", folder)
    (folder / "page").mkdir()
    (folder / "page" / "one.md").write_text(exercise)
    return read(text)


def test_an_exercise_shows_start_and_solution_and_no_more(monkeypatch, tmp_path):
    """Both are blocks like any other, at the two lines of the directive; the rest is hidden."""
    record = page_with(INCLUDED, EXERCISE, monkeypatch, tmp_path)
    blocks = [(e.anchor, e.line, e.code) for e in record.examples]

    assert record.problems == []
    assert record.exercises == ["one"]
    exercise = exercises.read("page", "one")
    assert (exercise.title, exercise.task) == ("Title", "Task.\n\nMore of it.")
    assert "# Task.\n#\n# More of it.\n\nanswer = 1\n" in exercise.download
    assert blocks[:2] == [
        ("start-one", 5, "answer = 1"),
        ("solution-one", 6, "answer = 3"),
    ]
    assert [line for _, line, _ in blocks[2:]] == [8]


@pytest.mark.parametrize(
    ("text", "exercise", "message"),
    [
        (
            INCLUDED.replace("| one", "| two"),
            EXERCISE,
            "no exercise exercises/page/two",
        ),
        (INCLUDED, EXERCISE.replace("## Variant", "## Vraiant"), "has the sections"),
        (INCLUDED, EXERCISE.replace("## Hint\nB.", ""), "has the sections"),
        (
            INCLUDED,
            EXERCISE.replace("Message c.", "Message c.\n" + CODE),
            "2 blocks of",
        ),
        (INCLUDED, EXERCISE.replace("Message b.", ""), "Wrong: no text"),
        (INCLUDED, EXERCISE.replace("B.", CODE), "Hint: 1 blocks of Python"),
        (
            INCLUDED,
            EXERCISE.replace("# Title\n\nTask.\n\nMore of it.", "# Title"),
            "title and a task",
        ),
        (INCLUDED, EXERCISE.replace("answer = 3", "answer = = 3"), "not Python"),
        (INCLUDED.replace("one\n///", "one\n"), EXERCISE, "ends with ///"),
    ],
)
def test_a_broken_exercise_is_a_problem(text, exercise, message, monkeypatch, tmp_path):
    """Missing files, missing parts and typing errors are named."""
    record = page_with(text, exercise, monkeypatch, tmp_path)

    assert message in "\n".join(message for _, message in record.problems)


def test_an_exercise_in_a_fence_is_text():
    """A page may show how an exercise is written."""
    record = read("# Title\n\n```text\n/// exercise | one\n///\n```\n")

    assert record.problems == []
    assert record.exercises == []


# ---- runs of a program, stored tables ------------------------------------------------

RUN = (
    "# Title\n\n"
    + FENCE.replace("```python", '```python id="layer"')
    + "\n/// run | {}\n///\n"
)
ECHO = (
    "import pathlib, sys\n"
    "print(*sys.argv[1:], *sorted(p.name for p in pathlib.Path().iterdir()))\n"
    "print(pathlib.Path('m.py').read_text() if pathlib.Path('m.py').exists() else 'none')\n"
    "sys.exit(len(sys.argv) > 2)\n"
)


@pytest.fixture
def echo(monkeypatch, tmp_path):
    """A program in the place of the snippets, which says what it was given."""
    monkeypatch.setattr(pages, "SNIPPETS", tmp_path)
    (tmp_path / "echo.py").write_text(ECHO)
    programs.result.cache_clear()


def test_a_run_is_shown_with_its_command_output_and_program(echo):
    """It runs alone in an empty folder; its output may be spoken of in the section."""
    record = read(RUN.format("echo.py 37") + "\nIt said 37.\n")
    shown = programs.shown(
        record, "echo.py 37", *programs.result("echo.py 37", ("", ""))[:1]
    )

    assert record.problems == []
    assert record.programs == ["echo.py"]
    assert "<code>python echo.py 37</code>" in shown
    assert "37 echo.py\nnone" in shown
    assert 'href="../snippets/echo.py" download' in shown


def test_a_run_is_given_the_definitions_of_a_block(echo):
    """Settings and imports before the first definition, then definitions and constants only."""
    program = (
        "import os\nos.environ['A'] = 'b'\nLIMIT = 3\n\n\ndef f():\n    return LIMIT\n\n\n"
        "x = f()\nSIZE = 4\nprint(x)\nassert x == 3\n"
    )
    kept = programs.definitions(program)

    assert "os.environ['A'] = 'b'" in kept
    assert "SIZE = 4" in kept
    assert "x = f()" not in kept
    assert "print" not in kept
    found = problems(
        RUN.replace("\n///\n", "\n    file: m.py = layer\n///\n").format("echo.py")
    )
    assert found == ""


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("echo.py 1 2", "", "it ends with exit status 1, not 0"),
        ("echo.py 1", "    exit: 1\n", "it ends with exit status 0, not 1"),
        ("other.py", "", "this cannot be run: "),
        ("echo.py", "    file: m.py = nowhere\n", "there is no block nowhere"),
    ],
)
def test_a_run_that_is_not_as_the_page_says_is_a_problem(
    echo, command, options, message
):
    """Another exit status, a missing program, a missing block."""
    assert message in problems(
        RUN.replace("\n///\n", f"\n{options}///\n").format(command)
    )


def test_a_stored_table_is_shown_with_links_and_date(monkeypatch, tmp_path):
    """Cells are texts or links; a missing table is a problem."""
    stored = {
        "date": "2026-01-01",
        "versions": {"numpy": "2.0"},
        "tables": {"one": {"columns": ["A", "B"], "rows": [["37", [["x", "a.md#b"]]]]}},
    }
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    (tmp_path / "t.json").write_text(json.dumps(stored))
    record = Record("README.md", "README")
    record.lines = []
    html = pages.new_markdown(record).convert("# T\n\n/// table | t.json one\n///\n")

    assert record.problems == []
    assert "Run on 2026-01-01 with numpy 2.0." in html
    assert "<td>37</td>" in html
    assert '<a href="a.md#b">x</a>' in html
    assert "no such part" in problems("# T\n\n/// table | t.json two\n///\n")


def test_the_name_of_an_outside_link_needs_no_proof():
    """ "PyTorch #194" names what the link leads to; an inside link is ours."""
    outside = '<h1>T</h1><p><a href="https://example.org">issue #194</a></p>'
    inside = '<h1>T</h1><p><a href="../page/">issue #194</a></p>'

    assert tracing.untraced(outside, "") == []
    assert tracing.untraced(inside, "") == ["194"]
