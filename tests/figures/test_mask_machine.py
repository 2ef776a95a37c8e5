"""The mask-machine figure draws, shares and counts as NumPy does from the same uniform numbers."""

from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.figures.draws import pressed, uniforms

ALL = (5, 3, 4)  # examples, channels, positions
SHAPES = {
    "one per element": (5, 3, 4),
    "shared by the batch": (1, 3, 4),
    "one per channel": (5, 3, 1),
}
PRESSES = {1: [], 2: ["one"], 102: ["hundred", "one"]}


def recomputed(memory, mask, keep_prob):
    """Return kept of every mask: the numbers of a smaller mask are the first along shared axes."""
    u = np.array(memory).reshape(-1, *ALL)
    examples, channels, positions = SHAPES[mask]
    small = u[:, :examples, :channels, :positions] < keep_prob
    return np.broadcast_to(small, u.shape)


@pytest.mark.parametrize("keep_prob", [0.1, 0.6, 0.8, 1])
@pytest.mark.parametrize("mask", SHAPES)
@pytest.mark.parametrize(("seed", "masks"), [(1, 1), (2, 2), (3, 102), (7, 102)])
def test_the_running_figures_are_numpys(seed, masks, mask, keep_prob):
    """Mean and variance of all outputs and variance of the masks' means, about the known mean 1."""
    figure = pressed(
        "mask-machine", seed, PRESSES[masks], mask=mask, keep_prob=keep_prob
    )
    numbers = figure["numbers"]
    kept = recomputed(figure["memory"], mask, keep_prob)
    out = kept / keep_prob
    means = out.mean(axis=(1, 2, 3))

    assert numbers["masks"] == len(kept) == masks
    np.testing.assert_array_equal(numbers["last"], kept[-1].ravel())
    assert numbers["kept"] == kept[-1].sum()
    assert tuple(numbers["shape"]) == SHAPES[mask]
    assert numbers["numbers"] == np.prod(SHAPES[mask])
    drawn = numbers["drawn"]
    np.testing.assert_allclose(drawn["mean"], out.mean(), rtol=1e-12)
    np.testing.assert_allclose(
        drawn["variance"], np.mean((out - 1) ** 2), rtol=1e-12, atol=1e-15
    )
    np.testing.assert_allclose(
        drawn["spread"], np.mean((means - 1) ** 2), rtol=1e-12, atol=1e-15
    )


def outcomes(number_of, elements, keep_prob):
    """Yield chance and outputs of these elements, for all values of the numbers that decide them."""
    numbers = sorted({number_of[e] for e in elements})
    for kept in product([True, False], repeat=len(numbers)):
        chance = np.prod(np.where(kept, keep_prob, 1 - keep_prob))
        fate = dict(zip(numbers, kept))
        yield chance, np.array([fate[number_of[e]] / keep_prob for e in elements])


@pytest.mark.parametrize("keep_prob", [0.1, 0.3, 0.8, 1])
@pytest.mark.parametrize("mask", SHAPES)
def test_the_exact_figures_are_those_of_the_distribution(shown, mask, keep_prob):
    """Each element alone, and each pair, by all values of the mask's numbers that decide them."""
    numbers = shown("mask-machine", 1, mask=mask, keep_prob=keep_prob)["numbers"]
    exact, shape = numbers["exact"], SHAPES[mask]
    number_of = np.broadcast_to(np.arange(np.prod(shape)).reshape(shape), ALL).ravel()
    assert len(set(number_of)) == numbers["numbers"]
    for element in range(60):
        cases = list(outcomes(number_of, [element], keep_prob))
        mean = sum(chance * out[0] for chance, out in cases)
        variance = sum(chance * (out[0] - mean) ** 2 for chance, out in cases)
        np.testing.assert_allclose(exact["mean"], mean, rtol=1e-12)
        np.testing.assert_allclose(exact["variance"], variance, rtol=1e-12)
    spread = 0.0  # of the mean of 60: the covariances of all pairs
    for pair in product(range(60), repeat=2):
        cases = outcomes(number_of, list(pair), keep_prob)
        spread += sum(chance * np.prod(out - 1) for chance, out in cases) / 60**2
    np.testing.assert_allclose(exact["spread"], spread, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("keep_prob", [0.1, 0.8])
def test_sharing_changes_the_mean_of_the_outputs_only(shown, keep_prob):
    """As the caption says: same mean and variance of an output; the mean of 60 varies more."""
    own, *shared = (
        shown("mask-machine", 1, mask=mask, keep_prob=keep_prob)["numbers"]["exact"]
        for mask in SHAPES
    )
    for exact in shared:
        assert (exact["mean"], exact["variance"]) == (own["mean"], own["variance"])
        assert exact["spread"] > own["spread"]


@pytest.mark.parametrize("seed", [1, 5])
def test_the_draws_are_the_generators_numbers_in_order(seed):
    """The buttons append 1 or 100 masks; nothing is redrawn, and starting again repeats all."""
    expected = uniforms(seed, 102 * 60).reshape(102, 60)
    for masks, presses in PRESSES.items():
        memory = pressed("mask-machine", seed, presses)["memory"]
        np.testing.assert_array_equal(memory, expected[:masks])


@pytest.mark.parametrize("mask", SHAPES)
def test_many_masks_come_near_the_exact_figures(mask):
    """1001 masks: within six standard errors (chance of a false alarm about 2e-9)."""
    numbers = pressed("mask-machine", 4, ["hundred"] * 10, mask=mask)["numbers"]
    drawn, exact, masks = numbers["drawn"], numbers["exact"], numbers["masks"]
    assert masks == 1001
    assert abs(drawn["mean"] - 1) < 6 * np.sqrt(exact["spread"] / masks)
    assert abs(drawn["variance"] - 0.25) < 6 * 0.75 * np.sqrt(exact["spread"] / masks)
    assert abs(drawn["spread"] / exact["spread"] - 1) < 6 * np.sqrt(2 / masks)


def test_what_shares_a_number_shares_its_fate(shown):
    """Batch: all examples alike. Channel: all positions alike. Element: neither."""
    cells = {
        m: np.reshape(shown("mask-machine", 3, mask=m)["numbers"]["last"], ALL)
        for m in SHAPES
    }
    assert (cells["shared by the batch"] == cells["shared by the batch"][:1]).all()
    assert (cells["one per channel"] == cells["one per channel"][..., :1]).all()
    assert (cells["one per element"] != cells["one per element"][:1]).any()
    assert (cells["one per element"] != cells["one per element"][..., :1]).any()


def test_a_higher_keep_prob_only_adds_elements(shown):
    """The same numbers are compared with another threshold."""
    few, many = (
        np.array(shown("mask-machine", 3, keep_prob=k)["numbers"]["last"])
        for k in (0.4, 0.7)
    )
    assert (few <= many).all()
    assert few.sum() < many.sum()


@pytest.mark.parametrize("keep_prob", [0.1, 0.6, 1])
@pytest.mark.parametrize("mask", SHAPES)
def test_the_drawing_shows_each_element_at_its_place(shown, mask, keep_prob):
    """Filled or hollow with a cross, example by example and channel by channel."""
    figure = shown("mask-machine", 2, mask=mask, keep_prob=keep_prob)
    drawing = ElementTree.fromstring(f"<svg>{figure['svg']}</svg>")
    place, on = {}, {}
    for i, group in enumerate(drawing.iter("g")):
        place[i] = (
            group.get("transform").removeprefix("translate(").removesuffix(")").split()
        )
        on[i] = group.get("class")
        assert len(group.findall("path[@class='cross']")) == (on[i] == "dropped")
    at = np.array([place[i] for i in range(60)], float).reshape(*ALL, 2)
    kept = np.array([on[i] == "kept" for i in range(60)])

    np.testing.assert_array_equal(kept, figure["numbers"]["last"])
    assert set(on.values()) <= {"kept", "dropped"}
    assert len(on) == 60
    x, y = at[..., 0], at[..., 1]
    assert (np.diff(x[0].ravel()) >= 20).all()
    assert (x == x[:1]).all()
    assert (np.diff(y[:, 0, 0]) >= 20).all()
    assert (y == y[:, :1, :1]).all()
    assert x.min() > 0
    assert x.max() + 20 <= figure["box"][0]
    assert y.max() + 20 < figure["box"][1]


def test_the_table_and_the_sentence_say_the_numbers():
    """Three significant digits, the same under the drawing as in it."""
    figure = pressed(
        "mask-machine", 6, ["hundred"], mask="one per channel", keep_prob=0.6
    )
    said = figure["said"]
    drawing = ElementTree.fromstring(f"<svg>{figure['svg']}</svg>")
    words = [text.text for text in drawing.iter("text")]
    kept = recomputed(figure["memory"], "one per channel", 0.6)
    out = kept / 0.6
    means = out.mean(axis=(1, 2, 3))
    drawn = [out.mean(), np.mean((out - 1) ** 2), np.mean((means - 1) ** 2)]
    drawn, exact = [f"{x:#.3g}" for x in drawn], ["1.00", "0.667", "0.0444"]

    assert [t.text for t in drawing.findall("text[@class='strong']")] == drawn
    assert words[-9:] == [
        x
        for name, a, b in zip(
            ("mean of the outputs", "variance of the outputs", "variance of the mean of 60"),
            drawn,
            exact,
        )
        for x in (name, a, b)
    ]  # fmt: skip
    assert words[-11:-9] == ["101 masks", "exact"]
    assert said == (
        f"Shape (5, 3, 1): 15 random numbers; {kept[-1].sum()} of 60 outputs kept. Over "
        f"101 masks: mean {drawn[0]}, variance {drawn[1]}, variance of the mean of 60 "
        f"outputs {drawn[2]}; exact: {', '.join(exact)}."
    )


def test_without_dropout_nothing_varies(shown):
    """At keep_prob 1, from the first mask on."""
    said = shown("mask-machine", 1, keep_prob=1)["said"]
    assert said.endswith(
        "Over 1 mask: mean 1.00, variance 0, variance of the mean of 60 outputs 0; "
        "exact: 1.00, 0, 0."
    )
