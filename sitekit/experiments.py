"""Full runs of the notebooks: on all cores, resumable, stored with their provenance.

A notebook takes a file of snippets/ in with `# %% include="snippets/x.py"`, and defines before its
cell `# %% tags=["quick"]` what both sizes share: `experiment(size, run)`, the sizes QUICK and FULL,
and CHECKS, the margins that the quick run asserts. `run(function, cells)` is how it calls
function(**cell) for every cell; here each is kept on disk as soon as it is done.
"""

from __future__ import annotations

import ast
import datetime
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path

from . import pages

INCLUDE = re.compile(r'^# %% include="([^"]+)"\n', re.M)
FRESH = 50_000  # first seed of a repetition: no seed of the reported run is in it
REPEATS = 100_000  # first seed of the repetitions of quick runs
PILOT = 200_000  # first seed while an experiment is written: chooses nothing reported
CELLS = pages.CACHE / "experiments"
ABOUT = ("claim", "section", "source", "paper")  # beside the first cell


# ---- the notebook as a program -------------------------------------------------------


def assembled(text: str) -> str:
    """Return a notebook's text with the included files in it, without their demonstrations."""

    def taken_in(match: re.Match) -> str:
        source = (pages.ROOT / match[1]).read_text("utf8")
        return match[0] + source.split('\n\nif __name__ == "__main__":')[0] + "\n\n"

    return INCLUDE.sub(taken_in, text)


def code_of(text: str) -> str:
    """Return a percent-format notebook without its text and comments."""
    return re.sub(r"^#.*\n?", "", text, flags=re.M)


@functools.lru_cache(maxsize=100)  # a build asks hundreds of times
def definitions(text: str) -> str:
    """Return the code of an assembled notebook before its quick run; "" if it has none."""
    import jupytext

    code = []
    for cell in jupytext.reads(text, fmt="py:percent").cells:
        if "quick" in cell.metadata.get("tags", []):
            return "\n\n".join(code)
        if cell.cell_type == "code":
            code.append(cell.source)
    return ""


def code_hash(path: str) -> str:
    """Return a hash of all that a stored result depends on."""
    text = (pages.ROOT / path).read_text("utf8")
    if path.startswith("docs/") and INCLUDE.search(text):
        return _hash(definitions(assembled(text)))
    return hashlib.sha256(text.encode()).hexdigest()


@functools.lru_cache(maxsize=100)
def _hash(code: str) -> str:
    """Return a hash of code, comments and docstrings aside."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        documented = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)
        if documented and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def result_path(path: Path) -> Path:
    return path.parent / "results" / f"{path.stem}.json"


def result_of(path: Path) -> dict:
    """Return a notebook's stored result; {} if there is none."""
    stored = result_path(path)
    return json.loads(stored.read_text("utf8")) if stored.exists() else {}


def about(path: Path) -> dict:
    """Return what a notebook says of itself beside its first cell: claim, section, source."""
    import jupytext

    cell = jupytext.reads(path.read_text("utf8"), fmt="py:percent").cells[0]
    return {k: v for k, v in cell.metadata.items() if k in ABOUT}


# ---- cells ---------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def _namespace(code: str) -> dict:
    space = {"__name__": "experiment"}
    exec(compile(code, "experiment.py", "exec"), space)
    return space


def _cell(code: str, name: str, cell: dict) -> tuple[dict, float]:
    """Return a cell's outcome and its processor seconds; runs in any process, anywhere."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        start = time.process_time()
        outcome = _namespace(code)[name](**cell)
        seconds = time.process_time() - start
    made = {
        k: v.tolist() if isinstance(v, np.ndarray | np.generic) else v
        for k, v in outcome.items()
    }
    return json.loads(json.dumps(made)), seconds


class Runner:
    """Stands in for a notebook's `run`: every cell on all cores, from disk if it was done."""

    def __init__(self, title: str, code: str):
        self.title, self.code, self.seconds, self.count = title, code, 0.0, 0

    def __call__(self, function, cells: list[dict]) -> list[dict]:
        from joblib import Parallel, delayed
        from tqdm import tqdm

        name = function.__name__
        paths = [self._path(name, cell) for cell in cells]
        missing = [n for n, path in enumerate(paths) if not path.exists()]
        jobs = (delayed(_numbered)(n, self.code, name, cells[n]) for n in missing)
        done = Parallel(n_jobs=workers(), return_as="generator_unordered")(jobs)
        pause = 0.1 if sys.stderr.isatty() else 20.0  # a log is not a screen
        settings = {"disable": not missing, "mininterval": pause}
        bar = tqdm(done, f"{self.title}: {name}", len(missing), **settings)
        for n, outcome, seconds in bar:
            pages.store(paths[n], {"outcome": outcome, "seconds": seconds})
        kept = [json.loads(path.read_text("utf8")) for path in paths]
        self.seconds += sum(cell["seconds"] for cell in kept)
        self.count += len(kept)
        return [cell["outcome"] for cell in kept]

    def _path(self, name: str, cell: dict) -> Path:
        key = repr([self.code, name, sorted(cell.items()), versions()])
        key = hashlib.sha256(key.encode()).hexdigest()[:32]
        return CELLS / self.title / f"{key}.json"


def _numbered(n: int, code: str, name: str, cell: dict) -> tuple[int, dict, float]:
    return (n, *_cell(code, name, cell))


def workers() -> int:
    """Return how many cells run at once: the cores, or what a Dask cluster has (-1)."""
    return -1 if os.environ.get("DASK_SCHEDULER") else pages.cores()


@functools.cache
def versions() -> dict[str, str]:
    names = ("numpy", "scikit-learn")
    made = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), **made}


# ---- runs ----------------------------------------------------------------------------


def _prepared(path: Path) -> tuple[str, dict]:
    code = definitions(assembled(path.read_text("utf8")))
    return code, _namespace(code) if code else {}


def namespace(path: Path) -> dict:
    """Return what a notebook defines before its quick run; {} if it has none."""
    return _prepared(path)[1]


def full(path: Path, first: int = 0, **changes) -> tuple[dict, Runner]:
    """Return what a notebook's full run gives, from seed `first` on."""
    code, space = _prepared(path)
    runner = Runner(path.stem, code)
    size = {**space["FULL"], "first": first, **changes}
    result = space["experiment"](size, runner)
    result["differences"] = {
        name: [float(f"{v:.5g}") for v in values]
        for name, values in result["differences"].items()
    }
    return json.loads(json.dumps(result)), runner


def store(path: Path, result: dict, runner: Runner) -> str:
    """Write a full run beside its notebook; return how it compares with the one before."""
    relative, before = path.relative_to(pages.ROOT).as_posix(), result_of(path)
    code, space = _prepared(path)
    code = {"path": relative, "sha256": code_hash(relative)}
    same = before.get("code") == code
    equal = all(before.get(name) == value for name, value in result.items())
    earlier = before.get("earlier", [])
    if before and not equal:  # the same result by other code is no second chance
        kept = {name: before[name] for name in ("date", "verdict", "effect")}
        earlier = [*earlier, {**kept, "code": before["code"]["sha256"][:12]}]
    size = space["FULL"]
    spent = before["processor seconds"] if same and equal else round(runner.seconds)
    made = {
        "code": code,
        "date": before["date"] if same and equal else datetime.date.today().isoformat(),
        "versions": versions(),
        "machine": {"system": platform.system(), "architecture": platform.machine()},
        "seeds": {"first": 0, "count": size["seeds"], "tuning": size["tuning"]},
        "size": {name: value for name, value in size.items() if name != "first"},
        "cells": runner.count,
        "processor seconds": spent,
        **result,
        "quick": before.get("quick", {}) if same else {},
        "fresh": before.get("fresh", {}) if same else {},
        "earlier": earlier,
    }
    _write(path, made)
    if equal:
        return "identical to the stored result"  # also if the code was rewritten
    return "differs from the stored result" if same else "stored"


def _write(path: Path, made: dict) -> None:
    target = result_path(path)
    half = target.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf8")
    half.replace(target)


def repeat_quick(path: Path, repetitions: int) -> None:
    """Run the quick size on other seeds; store how often its checks pass, and their bound.

    The bound is the chance that the mean of one more quick run lies below the margin, if the
    seeds' differences are normal: the t-distribution's tail, with the deviation estimated from
    all repetitions together.
    """
    import numpy as np
    from scipy.stats import t

    code, space = _prepared(path)
    size, margins = space["QUICK"], space["CHECKS"]
    runner = Runner(f"{path.stem}-quick", code)
    found = {name: [] for name in margins}
    for number in range(repetitions):
        changed = {**size, "first": REPEATS + 1000 * number}
        result = space["experiment"](changed, runner)
        for name in margins:
            found[name].append(np.asarray(result["differences"][name], dtype=float))
    made = result_of(path)
    made["quick"] = {}
    for name, margin in margins.items():
        every = np.concatenate(found[name])
        one = len(found[name][0])
        error = every.std(ddof=1) * np.sqrt(1 / one + 1 / len(every))
        score = (every.mean() - margin) / error
        made["quick"][name] = {
            "margin": margin,
            "repetitions": repetitions,
            "passed": int(sum(values.mean() > margin for values in found[name])),
            "mean": float(f"{every.mean():.4g}"),
            "lowest": float(f"{min(values.mean() for values in found[name]):.4g}"),
            "bound": float(f"{t.sf(score, len(every) - 1):.2g}"),
            "processor seconds": round(runner.seconds / repetitions, 1),
        }
    _write(path, made)


def main(arguments: list[str]) -> int:
    """`experiments [--fresh | --quick N | --pilot] [names]`: see `make experiments`."""
    from joblib import parallel_config

    mode = arguments.pop(0) if arguments[:1] and arguments[0][:2] == "--" else ""
    repetitions = int(arguments.pop(0)) if mode == "--quick" else 0
    chosen = [
        path
        for path in pages.notebook_paths()
        if (not arguments or path.stem in arguments) and _prepared(path)[0]
    ]
    cluster = os.environ.get("DASK_SCHEDULER")
    if cluster:  # the one-line switch to more than one machine
        from distributed import Client

        client = Client(cluster)
        client.upload_file(_packed())
    with parallel_config(backend="dask" if cluster else "loky"):
        agree = [_one(path, mode, repetitions) for path in chosen]
    if mode == "--fresh":
        print(f"fresh seeds: {sum(agree)} of {len(agree)} verdicts agree")
    if not arguments:  # complete: the next run computes everything anew
        for path in chosen:
            suffix = "-quick" if mode == "--quick" else ""
            shutil.rmtree(CELLS / f"{path.stem}{suffix}", ignore_errors=True)
    return 0


def _one(path: Path, mode: str, repetitions: int) -> bool:
    if mode == "--quick":
        repeat_quick(path, repetitions)
        for name, found in result_of(path)["quick"].items():
            print(f"{path.stem}: {name}: {found}", flush=True)
        return True
    first = {"--fresh": FRESH, "--pilot": PILOT}.get(mode, 0)
    result, runner = full(path, first)
    verdict, effect = result["verdict"], result["effect"]
    said = f"{path.stem}: {verdict}; {effect}; {runner.seconds:.0f} s of one core"
    if mode == "--pilot":
        space = namespace(path)
        for made in result["tables"].values():
            print(space["text_of"](made), end="\n\n")
        print(said, flush=True)
        return True
    made = result_of(path)
    if mode == "--fresh":
        if not made["fresh"]:  # of this code; a repetition elsewhere changes no file
            kept = ("verdict", "effect", "tables", "edges", "excluded")
            fresh = {name: result[name] for name in kept if name in result}
            made["fresh"] = {"first": FRESH, **fresh}
            _write(path, made)
        print(f"{said}; stored: {made['verdict']}; {made['effect']}", flush=True)
        return verdict == made["verdict"]
    print(f"{said}; {store(path, result, runner)}", flush=True)
    return True


def _packed() -> str:
    """Return an archive of this package, for the workers of a cluster."""
    return shutil.make_archive(
        str(pages.CACHE / "sitekit"), "zip", pages.ROOT, "sitekit"
    )
