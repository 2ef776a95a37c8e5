"""Verdicts: is every example right, is every claim proven? And proof.json, which says so."""

from __future__ import annotations

import ast
import concurrent.futures
import functools
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from . import claims, downloads, execute, experiments, fences, maths, pages, tracing
from .pages import ROOT, Claim, Example, PageError, Record

TESTS = pages.CACHE / "tests.json"
PARITY = ROOT / "docs" / "reference" / "parity.json"  # stored verdicts of needs= blocks


def forget() -> None:
    """Drop everything read from files (the development server calls this before a rebuild)."""
    pages.forget()
    for cached in (
        maths.render,
        claims.bibliography,
        test_functions,
        _test_key,
        verdict,
    ):
        cached.cache_clear()


# ---- examples ------------------------------------------------------------------------


@functools.cache
def _stored_needs(part: str = "passed") -> dict[str, str]:
    return json.loads(PARITY.read_text("utf8"))[part] if PARITY.exists() else {}


# A change that breaks a claim must lead to another result, not to code that means nothing.
NONSENSE = ("SyntaxError", "NameError", "ImportError", "ModuleNotFound", "Timeout")


def turned_red_in_parity(claim: Claim, example: Example) -> bool:
    """Return whether the parity job has seen this claim fail under its change."""
    return _stored_needs("red").get(claim.id) == sha256(claim.red + example.program)


def needs_hash(example: Example) -> str:
    """Return what a stored verdict is good for: this code with this shown output."""
    return sha256(
        "\0".join([example.program, example.earlier_shown, example.shown or ""])
    )


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def verdict(identity: str) -> tuple[str, str]:
    """Return the status of an example and what is wrong with it."""
    example = example_with(identity)
    if example.kind == "needs":
        if _stored_needs().get(example.id) == needs_hash(example):
            return "passed", ""
        return (
            "stale",
            f"needs {example.note}: no stored verdict for this code; run `make parity`",
        )
    found = ""
    if example.kind != "notebook":  # a notebook's cells are run by mkdocs-jupyter
        found = execute.fault(example, execute.result_of(example))
    found = found or execute.program_fault(example, execute.copied(example))
    return ("failed", found) if found else ("passed", "")


def example_with(identity: str) -> Example:
    record = pages.all_records().get(identity.split("#")[0])
    for example in record.examples if record else []:
        if example.id == identity:
            return example
    raise KeyError(identity)


def require(example: Example) -> None:
    """Raise unless an example that is about to be shown has passed."""
    status, found = verdict(example.id)
    if status != "passed":
        place = (
            f"docs/{example.page}.md" if example.kind == "snippet" else example.source
        )
        raise fences.FenceError(str(PageError(place, example.line, found)))


# ---- tests that prove claims ---------------------------------------------------------


@functools.cache
def test_functions(path: str) -> dict[str, tuple[str, str]]:
    """Return the tests of a file by name: their promise and their source."""
    text = (ROOT / path).read_text("utf8")
    lines = text.split("\n")
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            source = "\n".join(lines[start - 1 : node.end_lineno])
            found[node.name] = (
                " ".join((ast.get_docstring(node) or "").split()),
                source,
            )
    return found


@functools.cache
def _test_key(path: str) -> str:
    """Return a hash of all that a test's outcome depends on."""
    hasher = hashlib.sha256((pages.ENGINE + repr(execute.environment())).encode())
    shared = [p for p in (ROOT / "tests").rglob("*.py") if p.name[:5] != "test_"]
    if "pages.DOCS" in (ROOT / path).read_text("utf8"):  # it reads what pages say
        shared += pages.markdown_paths()
    for file in [ROOT / path, *sorted([*shared, *pages.SNIPPETS.glob("*.py")])]:
        hasher.update(file.read_bytes())
    return hasher.hexdigest()


def _stored_tests() -> dict:
    return json.loads(TESTS.read_text("utf8")) if TESTS.exists() else {}


def store_tests(outcomes: dict[str, bool]) -> None:
    """Keep the verdicts of tests; called by the pytest plugin at the end of a run."""
    stored = _stored_tests()
    for node, passed in outcomes.items():
        path = node.split("::")[0]
        if (ROOT / path).exists():
            stored[node] = {"key": _test_key(path), "passed": passed}
    pages.store(TESTS, stored)


def test_status(node: str) -> str:
    entry = _stored_tests().get(node)
    if not entry or entry["key"] != _test_key(node.split("::")[0]):
        return "missing"
    return "passed" if entry["passed"] else "failed"


# ---- claims --------------------------------------------------------------------------


def item_status(item: str) -> str:
    """Return the status of one item of a claim's proof."""
    if item.startswith("tests/"):
        return test_status(item)
    if item.endswith(".json"):
        return _result_status(item)
    if "#" in item:
        return verdict(item)[0]
    return "passed"  # a citation; that it resolves is checked with the page


def _result_status(path: str) -> str:
    """A stored result is stale when the code that made it has changed since."""
    code = json.loads((ROOT / path).read_text("utf8"))["code"]
    same = experiments.code_hash(code["path"]) == code["sha256"]
    return "passed" if same else "stale"


def claim_status(claim: Claim) -> str:
    statuses = {item_status(item) for item in claim.proof}
    for status in ("failed", "missing", "stale"):
        if status in statuses:
            return "stale" if status == "stale" else "failed"
    return "passed"


def _item_problem(item: str) -> str:
    """Return why an item cannot be a proof at all."""
    if item.startswith("tests/"):
        path, _, name = item.partition("::")
        if not (ROOT / path).exists():
            return f"there is no file {path}"
        if name not in test_functions(path):
            return f"{path} has no test {name}"
        return (
            "" if test_functions(path)[name][0] else f"{item} has no docstring to show"
        )
    if item.endswith(".json"):
        return "" if (ROOT / item).exists() else f"there is no stored result {item}"
    if "#" in item:
        try:
            example = example_with(item)
        except KeyError:
            return f"there is no example {item}"
        if (
            example.kind != "notebook"
            and not example.shown
            and "assert" not in example.code
        ):
            return f"example {item} neither shows nor asserts anything"
        return ""
    return (
        ""
        if item in claims.bibliography()
        else f"citation {item} is not in the bibliography"
    )


def _sources_of(item: str) -> str:
    """Return the text in which a claim's numbers may stand: code, output, test or stored result."""
    if item.startswith("tests/"):
        path, _, name = item.partition("::")
        return "\n".join(test_functions(path)[name])
    if item.endswith(".json"):
        stored = json.loads((ROOT / item).read_text("utf8"))
        # What has many numbers would match any; hashes and other runs prove nothing.
        for name in ("differences", "charts", "code", "earlier"):
            stored.pop(name, None)
        return json.dumps(stored, ensure_ascii=False)
    if "#" in item:
        example = example_with(item)
        if example.kind == "notebook":  # its text must not prove itself
            printed = pages.all_records()[example.page].printed
            return experiments.code_of(example.code) + printed
        return "\n".join([*example.sources, example.earlier_shown, example.shown or ""])
    return ""


def claim_problems(claim: Claim) -> list[str]:
    """Return what keeps a claim from being published."""
    problems = [
        f"claim {claim.id}: {p}" for item in claim.proof if (p := _item_problem(item))
    ]
    if problems:
        return problems
    if claim.kind == "cited" and not any(
        item in claims.bibliography() for item in claim.proof
    ):
        problems.append(f"claim {claim.id} is called cited and cites nothing")
    for item in claim.proof:
        status = item_status(item)
        # A stale stored result is shown as such; the nightly run does not accept it.
        if status != "passed" and not (status == "stale" and item.endswith(".json")):
            problems.append(f"claim {claim.id}: its proof {item} is {status}")
    if claim.kind != "cited":
        runs = (
            item.startswith("tests/") or "#" in item or item.endswith(".json")
            for item in claim.proof
        )
        if not any(runs):
            problems.append(
                f"claim {claim.id} is called {claim.kind}, but nothing runs"
            )
        proven = tracing.numbers_in(
            "\n".join(_sources_of(item) for item in claim.proof)
        )
        text = " ".join(claim.text.split())
        for number in tracing.numbers_in(text):
            small = number.decimals <= 0 and abs(number.value) <= 2
            if not small and not any(number.matches(source) for source in proven):
                problems.append(
                    f"claim {claim.id}: the number {number.text} is not in its proof"
                )
    return problems


# ---- verification --------------------------------------------------------------------


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def verify() -> list[str]:
    """Run what has no verdict yet; return everything that must not be published, with its place."""
    try:
        records = pages.all_records()
    except PageError as error:
        return [str(error)]
    problems = [
        str(PageError(record.path, line, message))
        for record in records.values()
        for line, message in record.problems
    ]
    examples = [example for record in records.values() for example in record.examples]
    _run_missing(examples)
    for example in examples:
        status, found = verdict(example.id)
        if status != "passed":
            place = records[example.page].path
            problems.append(
                str(PageError(place, example.line, f"{example.id}: {found}"))
            )
    problems += _page_program_problems(records)
    every = [claim for record in records.values() for claim in record.claims]
    _run_tests(
        {item for claim in every for item in claim.proof if item.startswith("tests/")}
    )
    for name, count in Counter(claim.id for claim in every).items():
        if count > 1:
            second = [claim for claim in every if claim.id == name][1]
            place = records[second.page].path
            problems.append(
                str(PageError(place, second.line, f"claim id {name} is used twice"))
            )
    for claim in every:
        for problem in claim_problems(claim):
            problems.append(
                str(PageError(records[claim.page].path, claim.line, problem))
            )
    from . import answers

    problems += [str(problem) for problem in answers.problems()]
    cited = {key for record in records.values() for key in record.citations}
    cited |= {item for claim in every for item in claim.proof}
    for key in sorted(set(claims.bibliography()) - cited):
        problems.append(f"docs/reference/bibliography.yml: {key} is cited nowhere")
    return problems


def _page_program_problems(records: dict[str, Record]) -> list[str]:
    """Run what pages offer as one program each; it must print what the blocks print."""
    made = {page: downloads.program(record) for page, record in records.items()}
    made = {page: text for page, text in made.items() if text}
    problems = []
    with concurrent.futures.ThreadPoolExecutor(pages.cores()) as pool:
        done = pool.map(execute.program_result, made.values())
        for (page, _), result in zip(made.items(), done):
            blocks = downloads.program_blocks(records[page])
            wanted = "".join(execute.expected(block) for block in blocks)
            if found := result.error or execute.difference(wanted, result.printed):
                message = f"the page's program: {found}"
                problems.append(str(PageError(records[page].path, 1, message)))
    return problems


def _run_missing(examples: list[Example]) -> None:
    """Run blocks and copied programs that have no result, and say how far it is."""
    blocks = [
        example for example in examples if example.kind not in ("needs", "notebook")
    ]
    missing: dict[str, list[Example]] = {}
    for example in blocks:
        if not execute.has_result(example):
            missing.setdefault(example.page, []).append(example)
    programs = {e.program: e for e in examples if e.kind != "needs"}
    missing_programs = [e for e in programs.values() if not execute.has_copied(e)]
    for number, page in enumerate(_run_pages(missing), 1):
        say(f"run {number}/{len(missing)} blocks of {page}")
    with concurrent.futures.ThreadPoolExecutor(pages.cores()) as pool:
        done = pool.map(execute.copied, missing_programs)
        for number, _ in enumerate(done, 1):
            say(f"copied program {number}/{len(missing_programs)}")


def _run_pages(missing: dict[str, list[Example]]):
    """Run the blocks of several pages, each page in one of as many processes as there are cores."""
    if len(missing) < 2:
        yield from map(_run_page, missing.values())
        return
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(pages.cores(), fresh) as pool:
        yield from pool.map(_run_page, missing.values())


def _run_page(examples: list[Example]) -> str:
    for example in examples:
        execute.result_of(example)
    return examples[0].page


def _run_tests(nodes: set[str]) -> None:
    missing = sorted(
        n
        for n in nodes
        if (ROOT / n.split("::")[0]).exists() and test_status(n) == "missing"
    )
    if missing:
        say(f"run {len(missing)} tests that prove claims")
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--no-header", *missing],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )


def _claims_on(blocks: list[Example]) -> list[tuple[Claim, Example]]:
    """Return the claims that a block proves whose code their change is about."""
    by_id = {example.id: example for example in blocks}
    return [
        (claim, by_id[item])
        for record in pages.all_records().values()
        for claim in record.claims
        for item in claim.proof
        if item in by_id and claim.red.split(" => ")[0] in by_id[item].program
    ]


def run_needs() -> int:
    """Run the needs= blocks where their packages are (PARITY_PYTHON) and store the verdicts."""
    python = Path(
        os.environ.get("PARITY_PYTHON") or ROOT / ".venv-parity" / "bin" / "python"
    )
    records = pages.all_records().values()
    blocks = [e for record in records for e in record.examples if e.kind == "needs"]
    breaks = _claims_on(blocks)
    programs = [example.program for example in blocks]
    programs += [e.program.replace(*c.red.split(" => ", 1)) for c, e in breaks]
    passed, red, problems = {}, {}, []
    with concurrent.futures.ThreadPoolExecutor(pages.cores()) as pool:
        done = pool.map(lambda p: execute.program_result(p, True, python), programs)
        for number, example in enumerate(blocks, 1):
            say(f"run {number}/{len(blocks)} {example.id}")
            if found := execute.program_fault(example, next(done)):
                problems.append(PageError(example.source, example.line, found))
            else:
                passed[example.id] = needs_hash(example)
        for number, (claim, example) in enumerate(breaks, 1):
            say(f"break {number}/{len(breaks)} {claim.id}")
            found = execute.program_fault(example, next(done))
            if found and not found.partition("fails: ")[2].startswith(NONSENSE):
                red[claim.id] = sha256(claim.red + example.program)
            else:
                message = f"claim {claim.id}: its change does not turn it red"
                problems.append(PageError(example.source, claim.line, message))
    for problem in problems:
        say(str(problem))
    if blocks:
        done = subprocess.run(
            [python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True
        )
        versions = done.stdout.split("\n")
        stored = {"versions": versions, "passed": passed, "red": red}
        PARITY.write_text(json.dumps(stored, indent=1) + "\n", "utf8")
    say(f"{len(passed)} of {len(blocks)} needs= blocks passed")
    return 1 if problems else 0


# ---- proof.json ----------------------------------------------------------------------


def commit() -> str:
    """Return the commit this was made from, or "unknown" outside of a checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True
        )
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def proof_json() -> dict:
    """Return what proof.json says; no times, so that equal sources give equal bytes."""
    records = pages.all_records().values()
    examples = [example for record in records for example in record.examples]
    every = [claim for record in records for claim in record.claims]
    return {
        "environment": {**execute.environment(), "commit": commit()},
        "examples": [
            {
                "id": example.id,
                "page": example.page,
                "anchor": example.anchor,
                "source": example.source,
                "line": example.line,
                "kind": example.kind,
                "code_sha256": sha256(example.program),
                "output_sha256": sha256(example.shown.rstrip("\n"))
                if example.shown
                else None,
                "status": verdict(example.id)[0],
            }
            for example in examples
        ],
        "claims": [
            {
                "id": claim.id,
                "page": claim.page,
                "anchor": claim.anchor,
                "text": claim.text,
                "kind": claim.kind,
                "proof": claim.proof,
                "status": claim_status(claim),
            }
            for claim in every
        ],
    }


def write(site: Path) -> None:
    text = json.dumps(proof_json(), indent=1, ensure_ascii=False) + "\n"
    (site / "proof.json").write_text(text, "utf8")
