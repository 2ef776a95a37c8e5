"""Every claim can fail: the one change that each names turns its proof red."""

import concurrent.futures
import functools
import subprocess
import sys
import time

import pytest

from sitekit import execute, pages, proof

CLAIMS = [
    claim
    for record in pages.all_records().values()
    for claim in record.claims
    if claim.kind != "cited"
]


@functools.cache
def goes_red(item: str, old: str, new: str) -> bool | None:
    """Return whether a proof fails after the change; None if it has nothing to change."""
    if item.startswith("tests/"):
        return a_test_goes_red(item, old, new)
    example = proof.example_with(item)
    if old not in example.program:
        return None
    changed = execute.copied(example, example.program.replace(old, new), fresh=True)
    assert not changed.error.startswith(proof.NONSENSE), changed.error
    return bool(execute.program_fault(example, changed))


def a_test_goes_red(item: str, old: str, new: str) -> bool | None:
    path, _, _ = item.partition("::")
    snippet = f"snippets/{path.removeprefix('tests/test_')}"
    path = pages.ROOT / snippet
    if not path.exists() or old not in path.read_text("utf8"):
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-x", item]
    done = started([*command, "--change", snippet, old, new])
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 1


def started(command: list[str]) -> subprocess.CompletedProcess:
    """Run a command; a machine that could not start it, once in thousands, is asked again."""
    run = functools.partial(
        subprocess.run, command, cwd=pages.ROOT, capture_output=True, text=True
    )
    for wait in (1, 10):
        try:
            return run()
        except OSError:
            time.sleep(wait)
    return run()


def verdicts_of(claims) -> dict[str, list[bool | None]]:
    """Return the verdicts of claims with one change; a proof that they share runs once."""
    old, new = claims[0].red.split(" => ", 1)
    return {
        claim.id: [
            red_in_parity(claim, item) if needs(item) else goes_red(item, old, new)
            for item in claim.proof
            if item_runs(item)
        ]
        for claim in claims
    }


def needs(item: str) -> bool:
    return "#" in item and proof.example_with(item).kind == "needs"


def red_in_parity(claim, item: str) -> bool:
    """Return what `make parity` saw, where the packages are."""
    return proof.turned_red_in_parity(claim, proof.example_with(item))


@pytest.fixture(scope="module")
def changed(request):
    """The verdicts of the chosen claims under their changes, made on all cores."""
    chosen = [
        item.callspec.params["claim"]
        for item in request.session.items
        if item.nodeid.startswith(f"{request.node.nodeid}::")
    ]
    together: dict[tuple, list] = {}
    for claim in chosen:
        together.setdefault((claim.page, claim.red), []).append(claim)
    with concurrent.futures.ThreadPoolExecutor(pages.cores()) as pool:
        running = [(pool.submit(verdicts_of, some), some) for some in together.values()]
        yield {claim.id: task for task, some in running for claim in some}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claim_turns_red_under_its_broken_variant(claim, changed):
    """At least one proof holds the code that is changed, and fails then."""
    verdicts = changed[claim.id].result()[claim.id]
    assert any(verdicts), f"{claim.id}: nothing turned red, {verdicts}"


def item_runs(item: str) -> bool:
    return item.startswith("tests/") or "#" in item
