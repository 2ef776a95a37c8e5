"""Run what a page shows: once in its chain, and once as the program on the clipboard.

A chain (at most four blocks) runs in one fresh module, so its cost is linear. What it printed and
drew is kept under a hash of everything it depends on; whether that is right is decided elsewhere.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib.metadata
import io
import math
import os
import re
import subprocess
import sys
import tempfile
import types
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import pages
from .pages import Example

READER = Path(
    os.environ.get("READER_PYTHON") or pages.ROOT / ".venv-reader" / "bin" / "python"
)
PROGRAM_SECONDS = 120
# Several programs run at once; and sums do not depend on how many cores share them.
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass
class Result:
    """What running one block gave."""

    printed: str = ""
    figures: list[str] = field(default_factory=list)
    error: str = ""  # "ValueError: ...", empty when nothing was raised
    error_line: int = 0  # within the block


@functools.cache
def environment() -> dict[str, str]:
    """Return the versions that can change what a block prints or draws."""
    versions = {
        name: importlib.metadata.version(name)
        for name in ("numpy", "matplotlib", "scikit-learn")
    }
    return {"python": ".".join(map(str, sys.version_info[:3])), **versions}


@functools.cache
def _runner_hash() -> str:
    here = Path(__file__)
    sources = here.read_bytes() + (here.parent / "figures.py").read_bytes()
    return hashlib.sha256(sources + repr(environment()).encode()).hexdigest()


def _key(sources: list[str], extra: str = "") -> str:
    text = "\0".join([_runner_hash(), extra, *sources])
    return hashlib.sha256(text.encode()).hexdigest()


_fresh: set[str] = set()  # runs made by this process


def result_of(example: Example, fresh: bool = False) -> Result:
    """Return what a block does after the blocks it continues; run it if that is not known."""
    key = _key(example.sources)
    if key not in _fresh and (fresh or not has_result(example)):
        chain = _longest_chain(example)
        for number, result in enumerate(run_chain(chain), 1):
            part = _key(chain[:number])
            _fresh.add(part)
            pages.store(pages.CACHE / "runs" / f"{part[:32]}.json", asdict(result))
    stored = pages.stored("runs", key)
    if stored is None:  # another process pruned it
        _fresh.discard(key)
        return result_of(example)
    return Result(**stored)


def has_result(example: Example) -> bool:
    return pages.stored("runs", _key(example.sources)) is not None


def has_copied(example: Example) -> bool:
    python = sys.executable if example.kind == "notebook" else reader_environment()
    key = _key([example.program], python)
    return (pages.CACHE / "programs" / f"{key[:32]}.json").exists()


def _longest_chain(example: Example) -> list[str]:
    """Return the sources of the longest chain on the page that begins with this one's."""
    chains = [example.sources]
    if (record := pages.record_with(example)) is not None:
        start = example.sources
        chains += [
            other.sources
            for other in record.examples
            if other.kind in ("fence", "snippet")
            and other.sources[: len(start)] == start
        ]
    return max(chains, key=len)


def run_chain(sources: list[str]) -> list[Result]:
    """Run blocks one after the other in one fresh module; stop after the first that raises."""
    import numpy as np

    module = types.ModuleType("__main__")
    module.__file__ = "block.py"
    results: list[Result] = []
    before = str(np.random.get_state())
    shared = {name: dict(vars(owner)) for name, owner in _shared()}
    with _isolated(module, drawing=any("matplotlib" in source for source in sources)):
        for number, source in enumerate(sources):
            results.append(_run(source, module, f"v{_key(sources[: number + 1])[:5]}-"))
            if results[-1].error:
                break
    if str(np.random.get_state()) != before:
        results[-1].error = results[-1].error or "it uses NumPy's global random state"
    for (
        name,
        owner,
    ) in _shared():  # what one chain changes there, the next one's figure would show
        if (names := shared.get(name)) is not None and any(
            vars(owner).get(key) is not value for key, value in names.items()
        ):
            for key, value in names.items():
                setattr(owner, key, value)
            results[-1].error = results[-1].error or f"it changes {name} for everybody"
    missing = len(sources) - len(results)
    return results + [Result(error="an earlier block failed") for _ in range(missing)]


def _shared():
    """Yield the modules that every chain of this process shares."""
    names = (
        "builtins",
        "math",
        "numpy",
        "numpy.linalg",
        "numpy.random",
        "matplotlib.pyplot",
    )
    return [(name, sys.modules[name]) for name in names if name in sys.modules]


def _run(source: str, module: types.ModuleType, prefix: str) -> Result:
    from _pytest.assertion.rewrite import rewrite_asserts  # shows the values

    tree = ast.parse(source)
    rewrite_asserts(tree, source.encode(), "block.py")
    out, result = io.StringIO(), Result()
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("error")  # what warns a reader must not be published
            exec(compile(tree, "block.py", "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        result.error = f"{type(error).__name__}: {error}".strip()
        result.error_line = _line_in_block(error)
    result.printed = out.getvalue()
    if "matplotlib.pyplot" in sys.modules:
        _draw(result, prefix)
    return result


def _draw(result: Result, prefix: str) -> None:
    """Keep the figures that a block left open, as SVG."""
    from . import figures

    plt = sys.modules["matplotlib.pyplot"]
    try:
        for number in plt.get_fignums() if not result.error else ():
            svg = figures.svg_of(plt.figure(number), f"{prefix}{number}-")
            result.figures.append(svg)
    except Exception as error:
        result.error = f"{type(error).__name__}: {error}"
    plt.close("all")


def _line_in_block(error: BaseException) -> int:
    line, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "block.py":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


@contextlib.contextmanager
def _isolated(module: types.ModuleType, drawing: bool):
    """Keep a chain from seeing or changing anything outside of it."""
    import numpy as np

    main, folder, environ = sys.modules["__main__"], os.getcwd(), dict(os.environ)
    with contextlib.ExitStack() as stack:
        empty = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(np.printoptions())
        stack.enter_context(np.errstate())
        if drawing:
            import matplotlib

            from . import figures

            stack.enter_context(matplotlib.rc_context())
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(figures.rc())
            import matplotlib.pyplot as plt

            plt.close("all")
            show, plt.show = plt.show, lambda *args, **kwargs: None
            stack.callback(setattr, plt, "show", show)
        sys.modules["__main__"] = (
            module  # dataclasses and pickle look a module up by its name
        )
        os.chdir(empty)
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environ)


# ---- the program on the clipboard ----------------------------------------------------


@functools.cache
def reader_environment() -> str:
    """Return the versions in the environment that has NumPy and Matplotlib and nothing else."""
    if not READER.exists():
        raise FileNotFoundError(f"{READER} is missing; `make` sets it up")
    code = (
        "import sys, importlib.metadata as m;"
        "print(sys.version.split()[0], m.version('numpy'), m.version('matplotlib'))"
    )
    return subprocess.run(
        [READER, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout


def copied(example: Example, program: str = "", fresh: bool = False) -> Result:
    """Return what a reader's copy does; a notebook's may use scikit-learn's bundled data."""
    python = Path(sys.executable) if example.kind == "notebook" else None
    return program_result(program or example.program, fresh, python)


def program_result(
    program: str, fresh: bool = False, python: Path | None = None
) -> Result:
    """Return what a program does in an empty folder, run with `python -I`."""
    key = _key([program], reader_environment() if python is None else str(python))
    make = functools.partial(_run_program, program, python or READER)
    if fresh:
        pages.store(pages.CACHE / "programs" / f"{key[:32]}.json", asdict(make()))
    return Result(**pages.cached("programs", key, lambda: asdict(make())))


def _run_program(program: str, python: Path) -> Result:
    settings = pages.CACHE / "matplotlib"  # keeps Matplotlib's font list between runs
    settings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as home:
        path = Path(empty) / "copied.py"
        path.write_text(program, "utf8")
        try:
            done = subprocess.run(
                [python, "-I", path.name],
                cwd=empty,
                env={
                    "MPLBACKEND": "agg",
                    "MPLCONFIGDIR": str(settings),
                    "HOME": home,
                    **ONE_CORE,
                },
                capture_output=True,
                text=True,
                timeout=PROGRAM_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Result(error=f"TimeoutExpired: after {PROGRAM_SECONDS} s")
        path.unlink()
        left = sorted(os.listdir(empty))
    error = done.stderr.strip()
    if done.returncode:
        lines = re.findall(r'copied\.py", line (\d+)', error)
        message = error.split("\n")[-1] or f"exit {done.returncode}"
        return Result(
            done.stdout, error=message, error_line=int(lines[-1]) if lines else 0
        )
    if error:
        return Result(done.stdout, error=f"it writes to stderr: {error}")
    if left:
        return Result(done.stdout, error=f"it leaves files behind: {left}")
    return Result(done.stdout)


# ---- verdicts ------------------------------------------------------------------------


def expected(example: Example) -> str:
    return example.shown or ""


def said(example: Example, result: Result) -> str:
    """Return what a page has to show for a run: for wrong code, the error belongs to it."""
    if example.kind == "wrong" and result.error:
        return result.printed + first_of(result.error) + "\n"
    return result.printed


def first_of(error: str) -> str:
    """Return an error without the details that assertion rewriting adds below it."""
    return error.split("\n")[0]


def fault(example: Example, result: Result) -> str:
    """Return what is wrong with a block's run in its chain, or an empty text."""
    if example.kind == "wrong" and not result.error:
        return "marked wrong=, but it does not fail; assert what is wrong"
    if example.kind != "wrong" and result.error:
        return result.error
    if bool(result.figures) != bool(example.figure) or len(result.figures) > 1:
        return f"it leaves {len(result.figures)} figure(s) open, and figure= is {example.figure or 'not set'}"
    return difference(expected(example), said(example, result))


def program_fault(example: Example, result: Result) -> str:
    """Return what is wrong with a copied program's run, or an empty text."""
    if example.kind == "wrong":
        if not result.error:
            return "the copied program is wrong on purpose, but does not fail"
        # A traceback may call the error otherwise (by its module); the message counts.
        _, _, message = result.error.partition(": ")
        *_, shown = expected(example).rstrip().split("\n")
        if not shown.endswith(f": {message}"):
            return (
                f"the copied program ends with {result.error}, the page shows {shown}"
            )
        result = Result(f"{result.printed}{shown}\n")
    if result.error:
        return f"the copied program fails: {result.error}"
    if example.kind == "notebook":
        return ""  # its output is on the page because mkdocs-jupyter ran it
    wanted = example.earlier_shown + expected(example)
    found = difference(wanted, result.printed)
    return f"the copied program prints something else\n{found}" if found else ""


_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.I)


def difference(shown: str, printed: str) -> str:
    """Return how a shown output differs: text exactly, numbers to 1e-9 (absolute 1e-12)."""
    shown, printed = _clean(shown), _clean(printed)
    if shown == printed or _close(shown, printed):
        return ""
    import difflib

    lines = difflib.unified_diff(
        shown.split("\n"),
        printed.split("\n"),
        "shown on the page",
        "printed",
        lineterm="",
        n=1,
    )
    return "shown output differs (`make update` rewrites it):\n" + "\n".join(lines)


def _close(shown: str, printed: str) -> bool:
    if _NUMBER.split(shown) != _NUMBER.split(printed):
        return False
    for a, b in zip(_NUMBER.findall(shown), _NUMBER.findall(printed)):
        whole = re.fullmatch(r"[-+]?\d+", a) or re.fullmatch(r"[-+]?\d+", b)
        if whole and a != b:
            return False
        if not math.isclose(float(a), float(b), rel_tol=1e-9) or (a[0] == "-") != (
            b[0] == "-"
        ):
            return False
    return True


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))
