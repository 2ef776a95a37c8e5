"""The thinned-network figure keeps, counts, joins and draws what NumPy keeps and counts."""

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.figures import draws

SIZES = [4, 6, 6, 2]
SEEDS = [1, 2, 7]
KEEP = [0.1, 0.4, 0.8, 1.0]


def expected(seed, keep_prob, skip=0):
    """Return kept of each layer, from the generator: inputs and outputs are never dropped."""
    numbers = draws.uniforms(seed, sum(SIZES), skip)
    layers = np.split(numbers, np.cumsum(SIZES)[:-1])
    ends = [np.ones(SIZES[0], bool), np.ones(SIZES[-1], bool)]
    return [ends[0], *(row < keep_prob for row in layers[1:-1]), ends[1]]


@pytest.mark.parametrize("keep_prob", KEEP)
@pytest.mark.parametrize("seed", SEEDS)
def test_units_and_weights_are_counted_as_numpy_counts_them(shown, seed, keep_prob):
    """A unit is kept if its number is below keep_prob; a weight joins two kept units."""
    numbers = shown("thinned-network", seed, keep_prob=keep_prob)["numbers"]
    kept = expected(seed, keep_prob)
    assert numbers["kept"] == [row.tolist() for row in kept]
    assert numbers["counts"] == [row.sum() for row in kept]
    live = sum(np.outer(a, b).sum() for a, b in itertools.pairwise(kept))
    assert numbers["live"] == live
    assert numbers["all"] == sum(a * b for a, b in itertools.pairwise(SIZES)) == 72


@pytest.mark.parametrize("presses", [1, 3])
def test_the_button_goes_on_with_the_generator(presses):
    """Each press draws 18 numbers, and all of them are new."""
    figure = draws.pressed("thinned-network", 4, ["again"] * presses, keep_prob=0.4)
    skip = presses * sum(SIZES)
    numbers = draws.uniforms(4, sum(SIZES), skip)
    np.testing.assert_array_equal(np.concatenate(figure["memory"]), numbers)
    kept = expected(4, 0.4, skip)
    assert figure["numbers"]["kept"] == [row.tolist() for row in kept]


def test_a_higher_keep_prob_only_adds_units(shown):
    """The same numbers are compared with another threshold: no unit is lost."""
    few, many = (
        shown("thinned-network", 3, keep_prob=k)["numbers"]["kept"] for k in (0.4, 0.8)
    )
    for a, b in zip(few, many):
        assert np.all(np.array(a) <= np.array(b))


@pytest.mark.parametrize("keep_prob", KEEP)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_drawing_joins_the_kept_units_of_neighbouring_layers(
    shown, seed, keep_prob
):
    """One circle a unit, filled or crossed; one line for each pair of kept neighbours."""
    figure = shown("thinned-network", seed, keep_prob=keep_prob)
    kept, (width, height) = expected(seed, keep_prob), figure["box"]
    drawing = ElementTree.fromstring(f"<svg>{figure['svg']}</svg>")
    groups = drawing.findall("g")
    state = [bool(on) for row in kept for on in row]
    assert [g.get("class") for g in groups] == [
        "kept" if on else "dropped" for on in state
    ]
    assert [len(g.findall("path[@class='cross']")) for g in groups] == [
        not on for on in state
    ]
    spots = [
        tuple(map(float, g.get("transform")[len("translate(") : -1].split()))
        for g in groups
    ]
    radius = float(groups[0].find("circle").get("r"))
    for x, y in spots:
        assert radius < x < width - radius
        assert radius < y < height - radius
    layer = np.repeat(range(len(SIZES)), SIZES)
    across = [{x for (x, _), at in zip(spots, layer) if at == n} for n in range(4)]
    assert all(len(one) == 1 for one in across)  # a layer is a column,
    assert sorted(across, key=min) == across  # from left to right
    assert len(set(spots)) == len(spots)

    lines = [
        tuple(float(line.get(at)) for at in ("x1", "y1", "x2", "y2"))
        for line in drawing.findall("line")
    ]
    pairs = [
        (*spots[a], *spots[b])
        for a, b in itertools.product(range(18), repeat=2)
        if layer[b] == layer[a] + 1 and state[a] and state[b]
    ]
    assert len(lines) == figure["numbers"]["live"]
    assert sorted(lines) == sorted(pairs)


@pytest.mark.parametrize("keep_prob", KEEP)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_sentence_says_the_numbers(shown, seed, keep_prob):
    """Each layer's count in its order, the weights and the divisor."""
    kept = expected(seed, keep_prob)
    live = sum(np.outer(a, b).sum() for a, b in itertools.pairwise(kept))
    assert shown("thinned-network", seed, keep_prob=keep_prob)["said"] == (
        f"Kept: {kept[1].sum()} of 6 units in the first hidden layer, {kept[2].sum()} of "
        f"6 in the second; {live} of 72 weights join kept units. The outputs of kept "
        f"hidden units are divided by {keep_prob:g}."
    )


def test_keep_prob_one_shows_all_units(shown):
    """As the caption says."""
    assert "keep_prob 1 shows all units" in draws.caption(
        "learn/why.md", "thinned-network"
    )
    figure = shown("thinned-network", 3, keep_prob=1)
    assert figure["numbers"]["counts"] == SIZES
    assert figure["numbers"]["live"] == 72
    assert "dropped" not in figure["svg"]
