"""The all-masks figure: 16 thinned networks, their means and weight scaling, as NumPy has them."""

from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.figures.draws import normals, power, pressed, uniforms

PLACES = ["hidden units", "inputs"]
TIMES = {"as drawn": 1, "4 times as drawn": 4}


def recomputed(memory, masks, keep_prob, weights, place):
    """Return score, probability and output for each mask, and the three summaries."""
    x, W, v = (np.array(memory[name]) for name in ("x", "W", "v"))
    scaled, one = np.array(masks) / keep_prob, np.ones(4)

    def score(inputs, units):
        return (np.tanh((x * inputs) @ W) * units) @ (TIMES[weights] * v)

    z = score(scaled, one) if place == "inputs" else score(one, scaled)
    chance = np.prod(np.where(masks, keep_prob, 1 - keep_prob), axis=1)
    log_s, log_rest = -np.logaddexp(0, -z), -np.logaddexp(0, z)
    output = np.exp(log_s)
    log_g, log_h = chance @ log_s, chance @ log_rest
    geometric = np.exp(log_g - np.logaddexp(log_g, log_h))
    scaling = 1 / (1 + np.exp(-score(one, one)))
    return z, chance, output, chance @ output, geometric, scaling


@pytest.mark.parametrize("keep_prob", [0.1, 0.6, 0.8, 1])
@pytest.mark.parametrize("weights", TIMES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", [1, 12])
def test_all_numbers_are_numpys(shown, seed, place, weights, keep_prob):
    """Each mask once; its probability and output; mean, geometric mean, weight scaling."""
    values = {"place": place, "weights": weights, "keep_prob": keep_prob}
    figure = shown("all-masks", seed, **values)
    numbers, rows = figure["numbers"], figure["numbers"]["rows"]
    masks = [tuple(row["mask"]) for row in rows]
    z, chance, output, mean, geometric, scaling = recomputed(
        figure["memory"], masks, keep_prob, weights, place
    )

    assert sorted(masks) == sorted(product([False, True], repeat=4))
    kept = [sum(mask) for mask in masks]
    assert kept == sorted(kept, reverse=True)
    np.testing.assert_allclose([row["z"] for row in rows], z, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose([row["probability"] for row in rows], chance, rtol=1e-12)
    np.testing.assert_allclose(sum(row["probability"] for row in rows), 1, rtol=1e-12)
    np.testing.assert_allclose(
        [row["output"] for row in rows], output, rtol=1e-12, atol=1e-13
    )
    np.testing.assert_allclose(numbers["mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(numbers["geometric"], geometric, rtol=1e-12)
    np.testing.assert_allclose(numbers["scaling"], scaling, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", [0.1, 0.6, 0.8, 1])
@pytest.mark.parametrize("weights", TIMES)
@pytest.mark.parametrize("seed", [1, 2, 5])
def test_weight_scaling_is_the_geometric_mean_below_a_sigmoid(
    shown, seed, weights, keep_prob
):
    """For masks on the hidden units, to 1e-12, whatever the weights."""
    numbers = shown("all-masks", seed, weights=weights, keep_prob=keep_prob)["numbers"]
    np.testing.assert_allclose(
        numbers["geometric"], numbers["scaling"], rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_below_a_tanh_it_is_not(shown, seed):
    """For masks on the inputs the two differ, and agree again if nothing is dropped."""
    numbers = shown("all-masks", seed, place="inputs", weights="as drawn")["numbers"]
    assert abs(numbers["geometric"] - numbers["scaling"]) > 1e-3
    whole = shown("all-masks", seed, place="inputs", keep_prob=1)["numbers"]
    for name in ("mean", "geometric"):
        np.testing.assert_allclose(whole[name], whole["scaling"], rtol=1e-12)


def test_the_geometric_mean_is_the_product_of_powers(shown):
    """By its definition, from the outputs alone, where no digits are lost."""
    numbers = shown("all-masks", 5, weights="as drawn")["numbers"]
    s, p = np.transpose(
        [(row["output"], row["probability"]) for row in numbers["rows"]]
    )
    g, h = np.prod(s**p), np.prod((1 - s) ** p)
    np.testing.assert_allclose(numbers["geometric"], g / (g + h), rtol=1e-12)


@pytest.mark.parametrize("weights", TIMES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", [1, 2, 5])
def test_the_mean_generally_differs(shown, seed, place, weights):
    """From weight scaling, as the caption says; at keep_prob 1 all three are equal."""
    numbers = shown("all-masks", seed, place=place, weights=weights)["numbers"]
    assert abs(numbers["mean"] / numbers["scaling"] - 1) > 1e-5
    figure = shown("all-masks", seed, place=place, weights=weights, keep_prob=1)
    numbers = figure["numbers"]
    for name in ("mean", "geometric"):
        np.testing.assert_allclose(numbers[name], numbers["scaling"], rtol=1e-12)
    assert figure["said"].endswith(" Nothing is dropped, so all three are equal.")


@pytest.mark.parametrize(
    ("seed", "presses"), [(1, []), (5, []), (5, ["again", "again"])]
)
def test_the_network_is_drawn_from_the_generator(seed, presses):
    """Normal numbers for x, W (halved) and v; the button goes on in the sequence."""
    z = normals(uniforms(seed, 48 * (1 + len(presses)))[-48:])
    memory = pressed("all-masks", seed, presses)["memory"]
    np.testing.assert_allclose(memory["x"], z[:4], rtol=1e-12)
    np.testing.assert_allclose(memory["W"], z[4:20].reshape(4, 4) / 2, rtol=1e-12)
    np.testing.assert_allclose(memory["v"], z[20:], rtol=1e-12)


@pytest.mark.parametrize("keep_prob", [0.1, 0.6, 1])
@pytest.mark.parametrize("place", PLACES)
def test_the_drawing_shows_sixteen_rows_and_three_marks(shown, place, keep_prob):
    """Cells, probabilities and bars row by row; marks at the values, by the ticks' scale."""
    figure = shown("all-masks", 5, place=place, keep_prob=keep_prob)
    numbers, (width, height) = figure["numbers"], figure["box"]
    drawing = ElementTree.fromstring(f"<svg>{figure['svg']}</svg>")
    groups = drawing.findall("g")
    assert [g.get("class") == "kept" for g in groups] == [
        on for row in numbers["rows"] for on in row["mask"]
    ]
    for group in groups:
        assert len(group.findall("path[@class='cross']")) == (
            group.get("class") == "dropped"
        )

    ticks = drawing.findall("text[@class='tick']")
    scale = {
        t.text: float(t.get("x")) for t in ticks if t.get("text-anchor") == "middle"
    }
    zero, one = scale["0"], scale["1"]
    assert scale["0.5"] == (zero + one) / 2
    bars = drawing.findall("rect[@class='axis']")
    assert len(bars) == 16
    assert all(float(bar.get("x")) == zero for bar in bars)
    outputs = np.array([row["output"] for row in numbers["rows"]])
    lengths = np.array([bar.get("width") for bar in bars], float)
    np.testing.assert_allclose(lengths, outputs * (one - zero), atol=0.01)
    lines = [float(bar.get("y")) for bar in bars]
    heights = [float(g.get("transform").split()[1].rstrip(")")) for g in groups]
    np.testing.assert_allclose(np.repeat(lines, 4), heights, atol=2)

    said = [t.text for t in ticks if t.get("text-anchor") == "end"]
    assert said[::2] == [f"{row['probability']:.4f}" for row in numbers["rows"]]
    assert said[1::2] == [power(s) for s in outputs]
    summaries = [numbers[name] for name in ("mean", "geometric", "scaling")]
    circles = drawing.findall("circle")
    np.testing.assert_allclose(
        [float(c.get("cx")) for c in circles],
        zero + np.array(summaries) * (one - zero),
        atol=0.01,
    )
    assert [c.get("class") for c in circles] == ["series-1", "series-3", "series-2"]
    assert [t.text for t in drawing.findall("text[@class='strong']")] == [
        power(s) for s in summaries
    ]
    (rule,) = drawing.findall("line[@class='series-2 dashed']")
    assert float(rule.get("x1")) == float(circles[2].get("cx"))
    assert float(circles[2].get("cy")) < height
    assert one < width


@pytest.mark.parametrize("place", PLACES)
def test_the_sentence_says_the_numbers(shown, place):
    """All three, and whether the last two must be equal."""
    figure = shown("all-masks", 5, place=place, keep_prob=0.8)
    masks = [row["mask"] for row in figure["numbers"]["rows"]]
    weights = "4 times as drawn"
    found = recomputed(figure["memory"], masks, 0.8, weights, place)
    mean, geometric, scaling = map(power, found[3:])
    why = {
        "hidden units": "Only a linear step and a sigmoid follow the masks, so the last two are equal",
        "inputs": "A tanh follows the masks, so the last two need not be equal",
    }[place]
    assert figure["said"] == (
        f"Over the 16 outputs, weighted by probability: mean {mean}, normalised "
        f"geometric mean {geometric}. Weight scaling: {scaling}. {why}."
    )


def test_small_outputs_are_not_zero(shown):
    """As drawn, in rows and summaries, in fixed digits or as a power of ten."""
    figure = shown("all-masks", 3, place="inputs", keep_prob=0.6)
    assert "0.000424" in figure["svg"]
    assert "Weight scaling: 0.000424." in figure["said"]
    assert "4.48 × 10⁻⁷" in shown("all-masks", 5, keep_prob=0.1)["svg"]
