"""The attention-dropout figure: softmax, masks, sums and their spread, again in NumPy."""

from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.figures import draws

SIZE = 8
WEIGHTS = SIZE * (SIZE + 1) // 2
BELOW = np.tril(np.ones((SIZE, SIZE), bool))


def square(rows, fill=0.0):
    """Return the rows of a triangle as a full matrix."""
    assert [len(row) for row in rows] == list(range(1, SIZE + 1))
    full = np.full((SIZE, SIZE), fill)
    full[BELOW] = np.concatenate(rows)
    return full


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("keep_prob", [0.4, 0.6, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 7])
def test_every_number_is_numpys(shown, seed, keep_prob, mask):
    """Scores, softmax, inverted dropout, sums, deviations, counts, sentence and drawing."""
    figure = shown("attention-dropout", seed, keep_prob=keep_prob, mask=mask)
    memory, numbers = figure["memory"], figure["numbers"]
    drawn = draws.uniforms(seed, 3 * WEIGHTS)
    scores = square(memory["scores"], -np.inf)
    expected = draws.normals(drawn[: 2 * WEIGHTS])
    np.testing.assert_allclose(scores[BELOW], expected, rtol=1e-12, atol=1e-13)
    uniform = square(memory["draws"])
    np.testing.assert_array_equal(uniform[BELOW], drawn[2 * WEIGHTS :])

    k = keep_prob if mask else 1.0
    powers = np.exp(scores)  # 0 above the diagonal: no query sees a later key
    before = powers / powers.sum(axis=1, keepdims=True)
    kept = BELOW & (uniform < k)
    after = np.where(kept, before / k, 0)
    sums = after.sum(axis=1)
    deviations = np.sqrt((1 - k) / k * (before**2).sum(axis=1))
    np.testing.assert_allclose(square(numbers["before"]), before, rtol=1e-12)
    np.testing.assert_allclose(square(numbers["after"]), after, rtol=1e-12)
    np.testing.assert_array_equal(square(numbers["kept"]).astype(bool), kept)
    np.testing.assert_allclose(numbers["sums"], sums, rtol=1e-12)
    np.testing.assert_allclose(numbers["deviations"], deviations, rtol=1e-12)
    same = np.isclose(sums, 1, rtol=0, atol=1e-12)
    above, below = ((sums > 1) & ~same).sum(), ((sums < 1) & ~same).sum()
    lost = (~kept[BELOW.any(axis=1)].any(axis=1)).sum()
    assert (numbers["above"], numbers["below"], numbers["lost"]) == (above, below, lost)

    first, last = (draws.precision(x) for x in deviations[[0, -1]])
    assert figure["said"] == (
        "Nothing is dropped: all 8 rows sum to 1."
        if k == 1
        else f"Of 8 sums, {above} are above 1 and {below} below; {lost} of the rows lost "
        f"every weight, as the first does with probability 1 − {keep_prob:g} = "
        f"{draws.precision(1 - keep_prob)}. Over all masks the first sum is 1 ± {first}, "
        f"the last 1 ± {last}."
    )
    assert_drawn(figure["svg"], kept, after, sums, deviations)


def assert_drawn(svg, kept, after, sums, deviations):
    """The lower triangle in its cells: areas, crosses, and two numbers a row."""
    drawing = ElementTree.fromstring(f"<svg>{svg}</svg>")
    cells = drawing.findall("rect[@class='grid']")
    corners = np.array([(c.get("x"), c.get("y")) for c in cells], float)
    side = float(cells[0].get("width"))
    row, column = np.nonzero(
        BELOW
    )  # in the order of drawing: a query sees no later key
    np.testing.assert_array_equal(corners - corners[0], side * np.c_[column, row])
    groups = drawing.findall("g")
    assert [g.get("class") == "bar" for g in groups] == kept[BELOW].tolist()
    assert [len(g.findall("path[@class='cross']")) for g in groups] == [
        not on for on in kept[BELOW]
    ]
    spots = [g.get("transform")[len("translate(") : -1].split() for g in groups]
    np.testing.assert_array_equal(np.array(spots, float), corners + side / 2)
    sides = [float(g.find("rect").get("width")) for g in groups]
    large = (side - 3) * np.sqrt(0.4 * after[BELOW])
    on = kept[BELOW]
    np.testing.assert_allclose(np.array(sides)[on], large[on], atol=0.006)
    assert max(sides) < side

    texts = [t.text for t in drawing.iter("text")]
    assert " ".join(texts[:5]) == "key query sum over all masks"
    lines = np.array(texts[5:]).reshape(SIZE, 4)  # query, key, sum, over all masks
    assert lines[:, 0].tolist() == lines[:, 1].tolist() == list("12345678")
    assert lines[:, 2].tolist() == rounded(sums)
    assert lines[:, 3].tolist() == [f"1 ± {x}" for x in rounded(deviations)]


def rounded(values):
    """Return two decimals; no value here stands at a border of rounding."""
    assert (abs(values * 100 % 1 - 0.5) > 1e-9).all()
    return [f"{x:.2f}" for x in values]


@pytest.mark.parametrize("keep_prob", [0.4, 0.8, 1.0])
def test_mean_and_spread_over_all_masks(shown, keep_prob):
    """All 2^n masks of each row: the sum's mean is 1, its deviation the one shown."""
    numbers = shown("attention-dropout", 3, keep_prob=keep_prob)["numbers"]
    for row, deviation in zip(numbers["before"], numbers["deviations"]):
        masks = np.array(list(product([True, False], repeat=len(row))))
        chance = np.where(masks, keep_prob, 1 - keep_prob).prod(axis=1)
        sums = masks @ np.array(row) / keep_prob
        np.testing.assert_allclose(chance @ sums, 1, rtol=1e-12)
        variance = chance @ (sums - 1) ** 2
        np.testing.assert_allclose(variance, deviation**2, rtol=1e-12, atol=1e-25)
        if len(row) == 1:  # what the sentence says of the first row
            lost = chance[~masks.any(axis=1)]
            np.testing.assert_allclose(lost, [1 - keep_prob], rtol=1e-12)


def test_a_new_mask_leaves_the_scores(shown):
    """The button draws one number for each weight, from where the generator stands."""
    before = shown("attention-dropout", 5)["memory"]
    after = draws.pressed("attention-dropout", 5, ["again"])["memory"]
    assert after["scores"] == before["scores"]
    expected = draws.uniforms(5, WEIGHTS, skip=3 * WEIGHTS)
    np.testing.assert_array_equal(np.concatenate(after["draws"]), expected)
