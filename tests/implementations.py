"""Fill the matrix of docs/practice/implementations.md: implementations against properties.

    python -m tests.implementations            print what the suite says now
    python -m tests.implementations --store    write docs/practice/results/implementations.json

The code of an implementation is a block: of that page, of docs/practice/testing.md (adapters of
frameworks, run where these are: `make parity`), or of this file (our own snippets).
"""

import concurrent.futures
import datetime
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sitekit import execute, pages, programs

SUITE = pages.SNIPPETS / "dropout_conformance.py"
STORED = pages.DOCS / "practice" / "results" / "implementations.json"
PAGE = pages.DOCS / "practice" / "implementations.md"
PARITY = Path(
    os.environ.get("PARITY_PYTHON") or pages.ROOT / ".venv-parity" / "bin" / "python"
)
PACKAGES = ("numpy", "torch", "keras", "flax", "jax")

OURS = """
import numpy as np

from {module} import {names}


class Layer:
    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng
{more}
    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
{forward}

    def backward(self, grad):
        return {backward}
"""
UNIT = """
    def mask_shape(self, shape):
        return (1, *shape[1:])
"""
CHANNEL = """
    def mask_shape(self, shape):
        if len(shape) != 4:
            raise ValueError("four axes are needed")
        return (*shape[:2], 1, 1)
"""
SHARED = """
        mask = shared_mask(x.shape, {axes}, self.keep_prob, self.rng, x.dtype)
        self.mask = mask
        return x * self.mask
"""
SNIPPETS = {
    "inverted-dropout": {
        "module": "inverted_dropout",
        "names": "dropout_backward, dropout_forward",
        "more": "",
        "forward": """
        out, self.mask = dropout_forward(x, self.keep_prob, self.rng)
        return out
""",
        "backward": "dropout_backward(grad, self.mask)",
    },
    "mask-for-each-unit": {
        "module": "mask_shapes",
        "names": "shared_mask",
        "more": UNIT,
        "forward": SHARED.format(axes="(0,)"),
        "backward": "grad * self.mask",
    },
    "mask-for-each-channel": {
        "module": "mask_shapes",
        "names": "shared_mask",
        "more": CHANNEL,
        "forward": SHARED.format(axes="(2, 3)"),
        "backward": "grad * self.mask",
    },
}


def rows() -> list[dict]:
    """Return the implementations: name, where the code is, class, version, code."""
    _, front = pages.body_of(PAGE.read_text("utf8"))
    found = []
    for row in front["rows"]:
        if row["block"] in SNIPPETS:
            code = OURS.format(**SNIPPETS[row["block"]])
        else:
            page, _, anchor = row["block"].rpartition("#")
            record = pages.collect(
                pages.DOCS / f"{page or 'practice/implementations'}.md"
            )
            (example,) = [e for e in record.examples if e.anchor == anchor]
            code = programs.definitions(example.program)
        sha = hashlib.sha256(code.encode()).hexdigest()
        found.append({**row, "code": code, "code_sha256": sha})
    return found


def verdicts(row: dict) -> dict[str, str]:
    """Return the verdict on each property, of a run in an empty folder."""
    python = PARITY if row.get("needs") else execute.READER
    with tempfile.TemporaryDirectory() as empty:
        for path in pages.SNIPPETS.glob("*.py"):
            (Path(empty) / path.name).write_text(path.read_text("utf8"), "utf8")
        (Path(empty) / "layer.py").write_text(row["code"], "utf8")
        command = [python, SUITE.name, f"layer.py:{row['class']}", "--json"]
        done = subprocess.run(
            [*command, "--timeout", "300"], cwd=empty, capture_output=True, text=True
        )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{row['name']}: {done.stderr}")
    return {v["property"]: v["verdict"] for v in json.loads(done.stdout)["properties"]}


def suite_hash() -> str:
    return hashlib.sha256(SUITE.read_bytes()).hexdigest()


def tables(found: list[dict]) -> dict:
    """Return what the page shows: a row for each implementation, and every cell."""
    summary = []
    for number, row in enumerate(found, 1):
        failed = [name for name, v in row["verdicts"].items() if v == "fail"]
        idle = [name for name, v in row["verdicts"].items() if v == "not applicable"]
        passed = len(row["verdicts"]) - len(failed) - len(idle)
        links = [[name, f"properties.md#{name}"] for name in failed]
        summary.append(
            [
                str(number),
                [[row["name"], f"#{row['section']}"]],
                row["version"],
                str(passed),
                links or "none",
                str(len(idle)),
            ]
        )
    marks = {"pass": "pass", "fail": "FAILS", "not applicable": "–"}
    names = list(found[0]["verdicts"])
    return {
        "summary": {
            "columns": [
                "No.",
                "Implementation",
                "Version",
                "Passes",
                "Fails",
                "Not applicable",
            ],
            "rows": summary,
        },
        "matrix": {
            "columns": ["Property", *[str(n) for n in range(1, len(found) + 1)]],
            "rows": [
                [
                    [[name, f"properties.md#{name}"]],
                    *[marks[r["verdicts"][name]] for r in found],
                ]
                for name in names
            ],
        },
    }


def versions() -> dict[str, str]:
    code = (
        "import importlib.metadata as m, json, platform;"
        f"print(json.dumps({{'python': platform.python_version(), "
        f"**{{n: m.version(n) for n in {PACKAGES!r}}}}}))"
    )
    done = subprocess.run(
        [PARITY, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main() -> None:
    chosen = rows()
    with concurrent.futures.ThreadPoolExecutor(pages.cores()) as pool:
        for row, found in zip(chosen, pool.map(verdicts, chosen)):
            row["verdicts"] = found
            failed = [name for name, v in found.items() if v == "fail"]
            print(f"{row['name']}: {', '.join(failed) or 'none'} failed", flush=True)
    if "--store" not in sys.argv:
        return
    for row in chosen:
        del row["code"]
    made_with = versions()
    for row in chosen:
        if row.get("needs"):
            row["version"] = f"{row['needs']} {made_with[row['needs']]}"
    stored = {
        "what": "Implementations of dropout against the properties of the conformance suite.",
        "code": {
            "path": SUITE.relative_to(pages.ROOT).as_posix(),
            "sha256": suite_hash(),
        },
        "date": datetime.date.today().isoformat(),
        "versions": made_with,
        "tables": tables(chosen),
        "rows": chosen,
    }
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", "utf8")


if __name__ == "__main__":
    main()
