"""What a figure shows, asked from Node, and its generator in NumPy."""

import atexit
import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def node() -> subprocess.Popen:
    """Node with the figures, started once: it answers a line for each line."""
    path = shutil.which("node")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("node is missing, and CI skips nothing")
        pytest.skip("NOT CHECKED: node is missing")
    started = subprocess.Popen(
        [path, ROOT / "sitekit" / "browser" / "still.mjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(end, started)
    return started


def end(process: subprocess.Popen) -> None:
    """Leave no pipe open, or Python warns."""
    process.stdin.close()
    process.stdout.close()
    process.wait()


def pressed(name: str, seed: int, presses: list[str], **values) -> dict:
    """Return what a figure shows after these buttons: svg, said, numbers, memory, box, controls."""
    file = str(ROOT / "docs" / "assets" / "figures" / f"{name}.js")
    asked = {"file": file, "seed": seed, "values": values, "presses": presses}
    process = node()
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        node.cache_clear()
        pytest.fail(f"Node ended on {asked}")
    return json.loads(answer)


def uniforms(seed: int, count: int, skip: int = 0) -> np.ndarray:
    """Return numbers skip to skip + count of mulberry32, which base.js is, in [0, 1)."""
    at = np.arange(skip + 1, skip + count + 1, dtype=np.uint32)
    a = np.uint32(seed) + at * np.uint32(0x6D2B79F5)
    t = (a ^ (a >> 15)) * (a | 1)
    t ^= t + (t ^ (t >> 7)) * (t | 61)
    return (t ^ (t >> 14)) / 2**32


def normals(uniform: np.ndarray) -> np.ndarray:
    """Return one normal number for each pair of uniform ones (Box-Muller)."""
    u, v = uniform.reshape(-1, 2).T
    return np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)


def precision(x: float, digits: int = 3) -> str:
    """Return what JavaScript's toPrecision gives: 0.0298, 1.80, 1.00e-8."""
    if x == 0:
        return f"{0:.{digits - 1}f}"
    head, power = f"{x:.{digits - 1}e}".split("e")
    if -7 < int(power) < digits:
        return f"{x:.{digits - 1 - int(power)}f}"
    return f"{head}e{int(power):+d}"


def power(x: float) -> str:
    """Return three digits as a figure writes them: 0.0298, 1.00 × 10⁻⁸."""
    head, _, power = precision(x).partition("e-")
    raised = power.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{head} × 10⁻{raised}" if power else head


def caption(page: str, name: str) -> str:
    """Return the caption of a figure on a page of docs."""
    text = (ROOT / "docs" / page).read_text("utf8")
    block = text.split(f"/// interactive | {name}\n")[1].split("\n///")[0]
    return block.split('caption: "')[1].split('"')[0]
