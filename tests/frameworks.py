"""What each framework's dropout means and does: docs/practice/results/frameworks.json.

    python -m tests.frameworks     ask the frameworks again, store, and fail if an answer changed

The converter, the tables and the tabs all read that file. Names, meanings and factors of frameworks
that are not run here are cited; every other cell is an answer of tests/framework_probes.py.
"""

import datetime
import hashlib
import json
import subprocess
import sys

from sitekit import pages
from tests.implementations import PARITY, versions

PROBES = pages.ROOT / "tests" / "framework_probes.py"
STORED = pages.DOCS / "practice" / "results" / "frameworks.json"

# Every convention of the converter: source, its parameter, what it is the probability of, when it
# scales, what one writes to keep 80 %, and where it says so: a row of the probes, or a citation.
CONVENTIONS = [
    ("This site and the course", "keep_prob", "keep", "training", "keep_prob = {keep}", "@dlai-regularization"),
    ("The 2014 paper", "p", "keep", "evaluation", "p = {keep}", "@srivastava2014"),
    ("CS231n notes", "p", "keep", "training", "p = {keep}", "@cs231n-nn2"),
    ("TensorFlow 1", "keep_prob", "keep", "training", "tf.nn.dropout(x, keep_prob={keep})", "@tensorflow1-dropout"),
    ("TensorFlow 2", "rate", "drop", "training", "tf.nn.dropout(x, rate={drop})", "@tensorflow2-dropout"),
    ("Keras", "rate", "drop", "training", "keras.layers.Dropout({drop})", "Keras, layers.Dropout"),
    ("PyTorch", "p", "drop", "training", "torch.nn.Dropout({drop})", "PyTorch, nn.Dropout"),
    ("Flax", "rate", "drop", "training", "nnx.Dropout({drop}, rngs=rngs)", "Flax, nnx.Dropout"),
    ("MXNet", "p", "drop", "training", "nd.Dropout(x, p={drop})", "@mxnet-dropout"),
    ("Caffe", "dropout_ratio", "drop", "training", "dropout_ratio: {drop}", "@caffe-dropout"),
]  # fmt: skip
NAMES = ("name", "parameter", "means", "scales", "write", "source")
TABLES = {  # the page's tables: heading of a column, question of the probes
    "parameter": {
        "Parameter": "parameter",
        "Probability to": "meaning",
        "Default": "default",
        "Kept unit, in training": "factor in training",
        "At evaluation": "at evaluation",
        "When nothing is said": "said nothing",
    },
    "ends": {
        "At 0": "at 0",
        "At 1": "at 1",
        "At 1.2": "at 1.2",
        "At -0.2": "at -0.2",
    },
    "numbers": {
        "A dropped NaN": "dropped NaN",
        "A dropped infinity": "dropped infinity",
        "Floats": "floats",
        "Integers": "integers",
    },
    "shapes": {"To share a mask": "shape"},
    "seeds": {
        "Same seed, new layer": "same seed, new layer",
        "Second call": "second call",
        "Two layers, one seed": "two layers",
        "NumPy with the same mask": "same mask as NumPy",
    },
}


def answers() -> dict:
    """Ask the frameworks."""
    done = subprocess.run([PARITY, PROBES], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def cells(found: dict) -> dict[str, str]:
    """Return every answer under a name that a reader understands."""
    flat = {
        f"{layer}, {question}": words
        for layer, row in found["layers"].items()
        for question, words in row.items()
    }
    flat |= {f"{what}, {said}": words for what, said, words in found["modes"]}
    for name, rates, mode in found["functions"]:
        flat |= {f"{name}, parameters": rates, f"{name}, switch": mode}
    return flat


def changes(before: dict, now: dict) -> list[str]:
    """Return one line for every cell that differs."""
    old, new = cells(before), cells(now)
    return [
        f"{name}: was {old.get(name, 'not asked')!r}, is {new.get(name, 'not asked')!r}"
        for name in sorted(old | new)
        if old.get(name) != new.get(name)
    ]


def disagreements(found: dict) -> list[str]:
    """Return the conventions that the frameworks themselves contradict."""
    wrong = []
    for row in CONVENTIONS:
        one = dict(zip(NAMES, row))
        if one["source"].startswith("@"):
            continue
        layer = found["layers"][one["source"]]
        training = layer["factor in training"] != "× 1"
        said = (layer["parameter"], layer["meaning"], training)
        if said != (one["parameter"], one["means"], one["scales"] == "training"):
            wrong.append(f"{one['name']}: the table says {row}, the framework {said}")
    return wrong


def tables(found: dict, made_with: dict) -> dict:
    """Return what the page shows."""
    made = {
        name: {
            "columns": ["Framework", *columns],
            "rows": [
                [layer, *(row[question] for question in columns.values())]
                for layer, row in found["layers"].items()
            ],
        }
        for name, columns in TABLES.items()
    }
    made["modes"] = {
        "columns": ["Framework", "Dropout", "You write"],
        "rows": [[what, words, said] for what, said, words in found["modes"]],
    }
    made["functions"] = {
        "columns": ["Function or layer", "Parameters", "Switch"],
        "rows": found["functions"],
    }
    made["conventions"] = {
        "columns": ["Source", "Parameter", "Probability to", "To keep 80 %", "Scales", "Seen"],
        "rows": [_convention_row(dict(zip(NAMES, row)), made_with) for row in CONVENTIONS],
    }  # fmt: skip
    return made


def _convention_row(one: dict, made_with: dict) -> list:
    written = one["write"].format(keep="0.8", drop="0.2")
    source = one["source"]
    if source.startswith("@"):
        seen = [["cited", f"../reference/bibliography.md#{source[1:]}"]]
    else:
        package = {"PyTorch": "torch"}.get(one["name"], one["name"].lower())
        seen = f"run, {made_with[package]}"
    return [one["name"], one["parameter"], one["means"], written, one["scales"], seen]


def probes_hash() -> str:
    return hashlib.sha256(PROBES.read_bytes()).hexdigest()


def stored() -> dict:
    return json.loads(STORED.read_text("utf8"))


def main() -> int:
    found, made_with = answers(), versions()
    before = stored() if STORED.exists() else {"answers": found, "versions": made_with}
    problems = changes(before["answers"], found) + disagreements(found)
    for problem in problems:
        print(f"CHANGED: {problem}")
    if problems:
        pairs = ((n, before["versions"].get(n), v) for n, v in made_with.items())
        print("versions:", *(f"{n} {old} -> {new}" for n, old, new in pairs))
    new = {
        "what": "What dropout means and does in each framework, as it answered itself.",
        "code": {
            "path": PROBES.relative_to(pages.ROOT).as_posix(),
            "sha256": probes_hash(),
        },
        "date": datetime.date.today().isoformat(),
        "versions": made_with,
        "conventions": [dict(zip(NAMES, row)) for row in CONVENTIONS],
        "tables": tables(found, made_with),
        "answers": found,
    }
    text = json.dumps(new, indent=1, ensure_ascii=False)
    STORED.write_text(text + "\n", "utf8")
    print(f"{len(cells(found))} cells asked, {len(problems)} changed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
