"""The conformance suite over many seeds: no false alarm, and always a verdict."""

import concurrent.futures
import subprocess
import sys
import time

import numpy as np
import pytest

from sitekit import pages
from snippets import dropout_conformance as suite
from tests import layers, misbehaving

RUNS = 1000


class Single:
    """A layer for float32 only in its core: computes in single precision, returns x's dtype."""

    def __init__(self, keep_prob, rng):
        self.layer = layers.SinglePrecision(keep_prob, rng)

    def forward(self, x, training=True):
        return self.layer.forward(x, training)

    def backward(self, grad):
        return self.layer.backward(grad)


def alarms(seed):
    """Return what fails for a right layer, with this seed; they take turns."""
    layer = [*layers.RIGHT, Single][seed % (len(layers.RIGHT) + 1)]
    found = suite.check(layer, seed=seed)
    return [(layer.__name__, seed, v) for v in found if v["verdict"] == "fail"]


def test_a_thousand_runs_of_right_layers_raise_no_alarm():
    """Eighteen right layers, each property in float64, many in float32 too."""
    with concurrent.futures.ProcessPoolExecutor(pages.cores()) as pool:
        found = list(pool.map(alarms, range(1, RUNS + 1), chunksize=10))

    assert len(found) == RUNS
    assert [alarm for each in found for alarm in each] == []


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_random_misbehaving_layers_get_a_verdict_in_ten_seconds(tmp_path, first):
    """200 layers that raise, hang, exit, return anything or change anything."""
    for number in range(first, first + 20):
        (tmp_path / "layer.py").write_text(misbehaving.source(number), "utf8")
        command = [sys.executable, "-I", suite.__file__, "layer.py:Layer"]
        begun = time.monotonic()
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        seconds = time.monotonic() - begun

        assert done.returncode in (1, 2), f"number {number}"
        assert "Traceback" not in done.stdout + done.stderr, f"number {number}"
        assert seconds < 10, f"number {number}: {seconds:.1f} s"


@pytest.mark.parametrize("name", ["keep-rate", "units-independent", "fresh-mask"])
def test_listed_defects_are_found_by_simulation(name):
    """300 seeds each: what --list says is found, is found."""
    (row,) = [r for r in suite.listing() if r["property"] == name]
    size = float(row["smallest_defect"].split()[-1])
    layer = DEFECTS[name](size)
    missed = [
        seed
        for seed in range(300)
        if suite.check(layer, seed=seed, names=[name])[0]["verdict"] == "pass"
    ]

    assert len(missed) <= 4  # chance of more at one in a thousand: 2e-5


def rate_off(size):
    class RateOff(layers.Right):
        def draw(self, x):
            return self.rng.random(x.shape) < self.keep_prob + size

    return RateOff


def units_correlate(size):
    class UnitsCorrelate(layers.Right):
        """Unit 1 copies unit 0 with that probability, which is their correlation."""

        def draw(self, x):
            kept = super().draw(x)
            copied = self.rng.random(kept[..., 1].shape) < size
            kept[..., 1] = np.where(copied, kept[..., 0], kept[..., 1])
            return kept

    return UnitsCorrelate


def calls_correlate(size):
    class CallsCorrelate(layers.Right):
        """An element keeps its last state with that probability."""

        last = None

        def draw(self, x):
            kept = super().draw(x)
            if self.last is not None and self.last.shape == x.shape:
                kept = np.where(self.rng.random(x.shape) < size, self.last, kept)
            self.last = kept
            return kept

    return CallsCorrelate


DEFECTS = {
    "keep-rate": rate_off,
    "units-independent": units_correlate,
    "fresh-mask": calls_correlate,
}
