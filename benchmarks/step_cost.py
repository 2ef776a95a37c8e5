"""Is a training step with dropout faster? Ratios to the same step without dropout.

Four steps of one network (one hidden ReLU layer, softmax, plain gradient descent): plain; a
mask for each example; one mask for the whole batch, multiplied; the same mask, with the kept
units really taken out of the weights and their updates written back. They take turns, in an
order drawn anew for each turn, so that other work on the machine hits all alike: the fastest
timing of a round counts, as a ratio to the plain step's of the same round, and the median of
the rounds is printed with its quartiles. `--store` writes the result.
"""

import datetime
import hashlib
import json
import os
import platform
import sys
import time
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"  # read when NumPy is imported

import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs" / "experiments" / "results" / "step-cost.json"
SIZES = {"small": (32, 64, 256, 10), "large": (1000, 256, 1024, 10)}
TIMINGS = {"small": (40, 10), "large": (5, 1)}  # timings in a round, steps in a timing
KEEP_PROBS, RATE, SEED, ROUNDS = (0.8, 0.4), 1e-3, 0, 15


def step(params, x, y, mask=None):
    """One step of gradient descent, in place."""
    W1, b1, W2, b2 = params
    z = x @ W1 + b1
    a = np.maximum(z, 0)
    if mask is not None:
        a = a * mask
    logits = a @ W2 + b2
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta = (e / e.sum(axis=1, keepdims=True) - y) / len(x)
    back = delta @ W2.T
    if mask is not None:
        back = back * mask
    back = back * (z > 0)
    W2 -= RATE * (a.T @ delta)
    b2 -= RATE * delta.sum(axis=0)
    W1 -= RATE * (x.T @ back)
    b1 -= RATE * back.sum(axis=0)


def plain(params, x, y, rng, keep_prob):
    step(params, x, y)


def masked(params, x, y, rng, keep_prob):
    shape = len(x), params[1].size
    step(params, x, y, (rng.random(shape) < keep_prob) / keep_prob)


def shared(params, x, y, rng, keep_prob):
    step(params, x, y, (rng.random((1, params[1].size)) < keep_prob) / keep_prob)


def extracted(params, x, y, rng, keep_prob):
    """The shared mask, but on the thinned matrices; equal to shared() up to rounding."""
    W1, b1, W2, b2 = params
    kept = np.flatnonzero(rng.random((1, b1.size))[0] < keep_prob)
    thin = [np.take(W1, kept, axis=1), b1[kept], np.take(W2, kept, axis=0), b2]
    step(thin, x, y, 1 / keep_prob)  # every unit is kept, so the mask is one number
    W1[:, kept], b1[kept], W2[kept] = thin[:3]


STEPS = {"plain": plain, "masked": masked, "shared": shared, "extracted": extracted}


def start(size):
    """Return parameters, inputs and labels; every call returns the same."""
    batch, inputs, units, outputs = size
    rng = np.random.default_rng(SEED)
    params = [
        rng.normal(size=(inputs, units)) * np.sqrt(2 / inputs),
        np.zeros(units),
        rng.normal(size=(units, outputs)) / np.sqrt(units),
        np.zeros(outputs),
    ]
    labels = np.eye(outputs)[rng.integers(outputs, size=batch)]
    return params, rng.normal(size=(batch, inputs)), labels


def check_that_they_agree(size, keep_prob):
    """Extraction must train the same network as the shared mask."""
    one, other = start(size)[0], start(size)[0]
    _, x, y = start(size)
    first, second = np.random.default_rng(SEED), np.random.default_rng(SEED)
    for _ in range(20):
        shared(one, x, y, first, keep_prob)
        extracted(other, x, y, second, keep_prob)
    for a, b in zip(one, other):
        assert np.allclose(a, b, rtol=0, atol=1e-12)


def measure(size, keep_prob, timings, steps):
    """Return, for each way, the milliseconds of a step, shape (round, timing)."""
    params, x, y = start(size)
    rng = np.random.default_rng(SEED)
    found = {name: [] for name in STEPS}
    for _ in range(ROUNDS * timings):
        for name in rng.permutation(list(STEPS)):
            started = time.perf_counter()
            for _ in range(steps):
                STEPS[name](params, x, y, rng, keep_prob)
            found[name].append((time.perf_counter() - started) / steps * 1000)
    return {name: np.reshape(ms, (ROUNDS, timings)) for name, ms in found.items()}


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            v.split(":")[1].strip() for v in lines if v.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor()


def main() -> None:
    results = {}
    print("a training step, in times the plain step (median of rounds, quartiles)")
    for label, size in SIZES.items():
        results[label] = {"batch, inputs, units, outputs": size}
        for keep_prob in KEEP_PROBS:
            check_that_they_agree(size, keep_prob)
            found = measure(size, keep_prob, *TIMINGS[label])
            each = {name: ms.min(axis=1) for name, ms in found.items()}
            ms = round(float(np.median(each["plain"])), 3)
            print(f"{label}: batch {size[0]}, keep_prob {keep_prob}, plain {ms} ms")
            stored = results[label][f"keep_prob {keep_prob}"] = {"plain, ms": ms}
            for name in list(STEPS)[1:]:
                ratios = each[name] / each["plain"]
                low, middle, high = (
                    round(float(q), 2) for q in np.quantile(ratios, [0.25, 0.5, 0.75])
                )
                stored[name] = {"median": middle, "quartiles": [low, high]}
                print(f"  {name:9} {middle:.2f} ({low:.2f} to {high:.2f})")
    if "--store" in sys.argv:
        code = Path(__file__).resolve()
        stored = {
            "what": __doc__.split("\n")[0],
            "code": {
                "path": code.relative_to(ROOT).as_posix(),
                "sha256": hashlib.sha256(code.read_text("utf8").encode()).hexdigest(),
            },
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "versions": {"python": platform.python_version(), "numpy": np.__version__},
            "machine": {
                "system": platform.system(),
                "architecture": platform.machine(),
                "processor": processor(),
                "cores": os.cpu_count(),
                "blas threads": 1,
            },
            "settings": {
                "seed": SEED,
                "keep_prob": KEEP_PROBS,
                "rounds": ROUNDS,
                "timings in a round, steps in a timing": TIMINGS,
                "dtype": "float64",
            },
            "results": results,
        }
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(stored, indent=2) + "\n", "utf8")
        print(f"wrote {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
