"""Python for the page: Pyodide and NumPy from pinned npm packages, precompiled and pruned.

npm checks the packages against package-lock.json. NumPy's WebAssembly wheel is to be had only
inside another project's package; nothing else of that package is used, and the wheel must have
the hash below. When NumPy or Pyodide publishes the wheel on its own, WHEEL becomes that package.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import math
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from . import pages, proof

NODE_MODULES = pages.ROOT / "node_modules"
PYODIDE = NODE_MODULES / "pyodide"
NAME = "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl"
WHEEL = NODE_MODULES / "@bentopdf" / "pymupdf-wasm" / "assets" / NAME
WHEEL_SHA256 = "125230b4c3ecd08803e5c43f1162e017c0718d9f253146225a705a952b9c16c2"
COMPILE = Path(__file__).parent / "browser" / "compile.mjs"
PLAIN = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm")
ZIPPED = (".js", ".mjs", ".wasm")  # a server compresses these; the rest is compressed


class RuntimePartsError(Exception):
    """Packages that are there, but are not what they must be."""


@functools.cache
def folder() -> Path | None:
    """Return the folder with Python for the page, made if needed; None without npm's packages."""
    if not shutil.which("node"):
        proof.say(
            "Node.js is missing: the site is built WITHOUT Run buttons and without the first"
            " drawings of interactive figures (install it; `make` does the rest)"
        )
        return None
    if not (PYODIDE.exists() and WHEEL.exists()):
        proof.say("npm's packages are missing: the site is built WITHOUT Run buttons")
        return None
    made = pages.CACHE / "runtime" / _name()
    if not (made / "LICENSES.txt").exists():
        _make(made)
    return made


def _version(package: Path) -> str:
    return json.loads((package / "package.json").read_text("utf8"))["version"]


def _name() -> str:
    """Return a folder name that changes with everything in the folder."""
    content = COMPILE.read_bytes() + WHEEL_SHA256.encode()
    numpy = NAME.split("-")[1]
    tail = hashlib.sha256(content).hexdigest()[:8]
    return f"pyodide-{_version(PYODIDE)}-numpy-{numpy}-{tail}"


def _make(target: Path) -> None:
    if hashlib.sha256(WHEEL.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise RuntimePartsError(f"{WHEEL} is not the wheel that was checked")
    proof.say("precompiling Python for the page, once, about 15 seconds")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Node takes Pyodide for what the nearest package.json says; ours says "module".
    (target.parent / "package.json").write_text('{"type": "commonjs"}\n', "utf8")
    half = Path(tempfile.mkdtemp(dir=target.parent))
    subprocess.run(["node", COMPILE, PYODIDE, half, WHEEL], check=True)
    for name in PLAIN:
        shutil.copy(PYODIDE / name, half / name)
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text("utf8"))
    empty = {"info": lock["info"], "packages": {}}  # nothing is ever loaded by name
    (half / "pyodide-lock.json").write_text(json.dumps(empty), "utf8")
    # Last, because it marks a complete folder:
    (half / "LICENSES.txt").write_text(_licences(), "utf8")
    try:
        half.replace(target)
    except OSError:  # another process was faster
        shutil.rmtree(half)


def _licences() -> str:
    with zipfile.ZipFile(WHEEL) as wheel:
        numpy = next(name for name in wheel.namelist() if "dist-info/LICENSE" in name)
        text = wheel.read(numpy).decode()
    return (
        f"Pyodide {_version(PYODIDE)}: Mozilla Public License 2.0, https://mozilla.org/MPL/2.0/\n"
        "source: https://github.com/pyodide/pyodide\n\n"
        "Python's standard library: Python Software Foundation License 2,"
        " https://docs.python.org/3/license.html\n\n"
        f"NumPy {NAME.split('-')[1]}, from the file {NAME}:\n\n{text}"
    )


def megabytes(made: Path) -> float:
    """Return what a first Run downloads, if the server compresses text and WebAssembly."""
    size = 0
    for path in made.iterdir():
        if path.name != "LICENSES.txt":
            content = path.read_bytes()
            size += len(gzip.compress(content, 6) if path.suffix in ZIPPED else content)
    return size / 1e6


def constants(made: Path) -> str:
    """Return the module that tells docs/assets/run/cell.js where Python is, and its weight."""
    return (
        f'export const FOLDER = "../python/{made.name}/";\n'
        f"export const MEGABYTES = {math.ceil(megabytes(made))};\n"
    )
