"""The two-modes figure: NumPy repeats the whole training from the same random numbers."""

from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.figures.draws import normals, precision, pressed, uniforms

UNITS, STEPS, EVERY, SETS, RATE, POINTS, OTHERS = 16, 200, 5, 20, 0.05, 40, 100
CURVES = ("one", "mean", "all", "eval", "other")


class Draws:
    """The figure's random numbers, in order."""

    def __init__(self, seed, skip=0):
        self.seed, self.used = seed, skip

    def __call__(self, *shape):
        """Return the next ones in this shape."""
        count = int(np.prod(shape))
        got = uniforms(self.seed, count, self.used)
        self.used += count
        return got.reshape(shape)


def gradients(x, y, parts, mask):
    """Return the gradients of the mean squared error with these scaled masks."""
    W, b, v, c = parts
    a = np.tanh(x @ W.T + b)
    slope = 2 * ((a * mask) @ v + c - y) / len(y)
    dz = slope[:, None] * v * mask * (1 - a**2)
    return dz.T @ x, dz.sum(axis=0), slope @ (a * mask), slope.sum()


def error(x, y, parts, mask=1.0):
    """Return the mean squared error."""
    W, b, v, c = parts
    return np.mean(((np.tanh(x @ W.T + b) * mask) @ v + c - y) ** 2)


def train(draws, keep_prob):
    """Return the five curves, and the data and weights at the end."""
    cloud = draws(POINTS + OTHERS, 4)  # two places and two for the noise, by point
    x = 2 * cloud[:, :2] - 1
    y = np.sin(3 * x[:, 0]) + x[:, 1] + 0.3 * normals(cloud[:, 2:])
    data, others = (x[:POINTS], y[:POINTS]), (x[POINTS:], y[POINTS:])
    W = normals(draws(UNITS, 2, 2)).reshape(UNITS, 2)
    v = normals(draws(UNITS, 2)) / 8
    parts = (W, np.zeros(UNITS), v, 0.0)
    curves = {name: [] for name in CURVES}
    for step in range(STEPS + 1):
        if step and step % EVERY == 0:
            sets = (draws(SETS, POINTS, UNITS) < keep_prob) / keep_prob
            drawn = [error(*data, parts, mask) for mask in sets]
            still = error(*data, parts)
            a = np.tanh(data[0] @ parts[0].T + parts[1])
            spread = np.mean(((a * parts[2]) ** 2).sum(axis=1))
            all_masks = still + (1 - keep_prob) / keep_prob * spread
            now = (drawn[0], np.mean(drawn), all_masks, still, error(*others, parts))
            for name, value in zip(CURVES, now):
                curves[name].append(value)
        if step == STEPS:
            return curves, data, parts
        mask = (draws(POINTS, UNITS) < keep_prob) / keep_prob
        slopes = gradients(*data, parts, mask)
        parts = tuple(part - RATE * slope for part, slope in zip(parts, slopes))
    raise AssertionError("the last step returns")


@pytest.mark.parametrize("keep_prob", [0.2, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 9])
def test_the_whole_training_is_numpys(shown, seed, keep_prob):
    """Five curves of 40 errors, from the seed alone; what the checks choose of them."""
    mine, *_ = train(Draws(seed), keep_prob)
    for average, other in ((False, False), (True, False), (seed == 9, True)):
        asked = {"keep_prob": keep_prob, "average": average, "other": other}
        figure = shown("two-modes", seed, **asked)
        numbers = figure["numbers"]
        assert set(figure["memory"]) == set(CURVES)
        for name in CURVES:
            assert len(mine[name]) == STEPS // EVERY
            np.testing.assert_allclose(figure["memory"][name], mine[name], rtol=1e-11)
        names = ["mean" if average else "one", "eval", *["other"] * other]
        curves = [figure["memory"][name] for name in names]
        assert numbers["curves"] == curves
        assert numbers["last"] == [curve[-1] for curve in curves]
        assert numbers["all"] == figure["memory"]["all"][-1]

        last = [precision(mine[name][-1]) for name in names]
        sets = "mean of 20 sets of masks" if average else "one set of masks"
        more = f", {last[2]} on 100 points not trained on" if other else ""
        assert figure["said"] == (
            f"After 200 steps at keep_prob {keep_prob:g}, the mean squared error is "
            f"{last[0]} in train mode ({sets}; over all masks "
            f"{precision(mine['all'][-1])}) and {last[1]} in eval mode{more}."
        )
        assert_drawn(figure, curves)


TICKS = [0.05, 0.1, 0.2, 0.5, 1]  # whatever is shown


def assert_drawn(figure, curves):
    """Each curve goes through its errors, by the ticks' scale; the axis is always the same."""
    drawing = ElementTree.fromstring(f"<svg>{figure['svg']}</svg>")
    ticks = [t for t in drawing.iter("text") if t.get("text-anchor") == "end"]
    errors = [t for t in ticks if t.text != "training step"]
    assert [float(t.text) for t in errors] == TICKS
    heights = np.array([float(t.get("y")) - 4 for t in errors])
    up = np.polyfit(np.log(TICKS), heights, 1)
    np.testing.assert_allclose(np.polyval(up, np.log(TICKS)), heights, atol=0.02)
    assert (up[0], heights[0]) == (pytest.approx(-73.4, abs=0.1), 298)
    steps = [t for t in drawing.iter("text") if t.get("text-anchor") == "middle"]
    assert [t.text for t in steps] == ["0", "50", "100", "150", "200"]
    across = np.polyfit(
        [int(t.text) for t in steps], [float(t.get("x")) for t in steps], 1
    )

    paths = drawing.findall("path")
    kinds = ["series-1", "series-2 dashed", "series-3"][: len(curves)]
    assert [path.get("class") for path in paths] == kinds
    for path, curve in zip(paths, curves):
        spots = path.get("d").removeprefix("M").split("L")
        x, y = np.array([spot.split() for spot in spots], float).T
        at = np.polyval(across, np.arange(EVERY, STEPS + 1, EVERY))
        np.testing.assert_allclose(x, at, atol=0.06)
        np.testing.assert_allclose(y, np.polyval(up, np.log(curve)), atol=0.08)
        assert y.min() > 70  # below the axis' name
        assert y.max() < 298
    assert len(drawing.findall("circle[@class='series-1']")) == len(curves[0])
    words = [t.text for t in drawing.iter("text")]
    names = ["train mode", "eval mode", "eval mode, points not trained on"]
    assert [word for word in words if "mode" in word] == names[: len(curves)]
    assert len(
        [line for line in drawing.findall("line") if line.get("class") in kinds]
    ) == len(curves)


def test_with_keep_prob_one_both_modes_are_one(shown):
    """No mask drops anything, so train mode is eval mode."""
    memory = shown("two-modes", 3, keep_prob=1)["memory"]
    assert memory["one"] == memory["eval"] == memory["all"]


@pytest.mark.parametrize("keep_prob", [0.2, 0.6])
def test_the_mean_over_all_masks_is_exact(shown, keep_prob):
    """All 2^16 masks of each point at the last weights, against the shown mean."""
    _, (x, y), (W, b, v, c) = train(Draws(4), keep_prob)
    masks = np.array(list(product([0.0, 1.0], repeat=UNITS)))
    chance = np.where(masks == 1, keep_prob, 1 - keep_prob).prod(axis=1)
    out = masks / keep_prob @ (np.tanh(x @ W.T + b) * v).T + c
    mean = np.mean(chance @ (out - y) ** 2)
    shown_mean = shown("two-modes", 4, keep_prob=keep_prob)["numbers"]["all"]
    np.testing.assert_allclose(shown_mean, mean, rtol=1e-10)


def test_the_gradient_is_that_of_the_error():
    """Central differences in every direction, with the masks held."""
    rng, keep_prob = np.random.default_rng(0), 0.6
    x, y = rng.normal(size=(7, 2)), rng.normal(size=7)
    mask = (rng.random((7, UNITS)) < keep_prob) / keep_prob
    shapes = ((UNITS, 2), (UNITS,), (UNITS,), ())
    parts = tuple(rng.normal(size=shape) for shape in shapes)
    found = gradients(x, y, parts, mask)
    for which, part in enumerate(parts):
        for at in np.ndindex(np.shape(part)):
            step = np.zeros(np.shape(part))
            step[at] = 1e-5
            up, down = (
                error(
                    x, y, (*parts[:which], part + s * step, *parts[which + 1 :]), mask
                )
                for s in (1, -1)
            )
            slope = np.asarray(found[which])[at]
            np.testing.assert_allclose((up - down) / 2e-5, slope, rtol=1e-6, atol=1e-7)


def test_the_button_draws_everything_anew(shown):
    """It goes on with the generator: other points, weights and masks, trained as before."""
    shown("two-modes", 2)  # which says so if node is missing
    after = pressed("two-modes", 2, ["again"], keep_prob=0.8)["memory"]
    data = 4 * (POINTS + OTHERS) + 6 * UNITS
    masks = POINTS * UNITS * (STEPS + SETS * STEPS // EVERY)
    mine, *_ = train(Draws(2, skip=data + masks), 0.8)
    for name in CURVES:
        np.testing.assert_allclose(after[name], mine[name], rtol=1e-11)
