"""The gradient-variance figure: mask noise as the page defines it, marks from the draws."""

from itertools import product
from math import comb
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.figures.draws import caption, normals, pressed, uniforms

SIZES = [1, 2, 4, 8, 16, 32, 64, 128]
BATCHES = 500
ENDS = [(0.2, 0), (0.2, 2), (0.8, 1), (0.9, 0), (0.9, 2)]  # keep_prob, spread


def exact(batch, keep_prob, spread, one):
    """Return the mean over examples c of the variance over masks, mask by mask.

    With j of B terms kept, the gradient is off its mean over masks by sum_b c_b d_b / B, where d_b
    is 1 / k - 1 for the j and -1 for the others. The c_b have mean 1 and deviation `spread`, so
    that the mean of the square is (spread^2 sum_b d_b^2 + (sum_b d_b)^2) / B^2.
    """
    j = np.array([0, batch]) if one else np.arange(batch + 1)
    if one:
        chance = np.array([1 - keep_prob, keep_prob])
    else:
        chance = np.array(
            [
                comb(batch, i) * keep_prob**i * (1 - keep_prob) ** (batch - i)
                for i in range(batch + 1)
            ]
        )
    squares = j * (1 / keep_prob - 1) ** 2 + (batch - j)
    sums = j * (1 / keep_prob - 1) - (batch - j)
    return chance @ (spread**2 * squares + sums**2) / batch**2


def recomputed(memory, batch, keep_prob, spread, one):
    """Return the mean squared deviation of the drawn gradients from those without dropout."""
    kept = np.array(memory["uniform"])[:, : 1 if one else batch] < keep_prob
    c = 1 + spread * np.array(memory["normal"])[:, :batch]
    off = (c * kept / keep_prob).mean(axis=1) - c.mean(axis=1)
    return np.mean(off**2)


def of_the_page(c, keep_prob, one):
    """Return the sums of V_b and of C_bc over b != c, and the batch gradient's variance.

    These examples are given, every mask is visited, as the page defines them.
    """
    batch = len(c)
    masks = np.array(list(product([1, 0], repeat=1 if one else batch)))
    chance = np.prod(np.where(masks, keep_prob, 1 - keep_prob), axis=1)
    terms = np.broadcast_to(masks, (len(masks), batch)) * c / keep_prob
    terms = terms - chance @ terms
    covariance = np.einsum("m,mb,mc->bc", chance, terms, terms)
    whole = chance @ terms.mean(axis=1) ** 2
    return np.trace(covariance), covariance.sum() - np.trace(covariance), whole


@pytest.mark.parametrize(("keep_prob", "spread"), ENDS)
@pytest.mark.parametrize(("seed", "batch"), [(1, 1), (2, 2), (3, 16), (7, 128)])
def test_all_numbers_are_numpys(shown, seed, batch, keep_prob, spread):
    """Both curves, both variances, rho, ratio, floor, and both drawn variances."""
    values = {"batch": str(batch), "keep_prob": keep_prob, "spread": spread}
    figure = shown("gradient-variance", seed, **values)
    numbers = figure["numbers"]
    own, one = (
        np.array([exact(size, keep_prob, spread, kind) for size in SIZES])
        for kind in (False, True)
    )
    here = SIZES.index(batch)
    rho = (one[1] * 2 - own[0]) / own[0]  # two terms: 2 Var = V + C

    assert numbers["sizes"] == SIZES
    np.testing.assert_allclose(numbers["curves"]["own"], own, rtol=1e-12)
    np.testing.assert_allclose(numbers["curves"]["one"], one, rtol=1e-12)
    np.testing.assert_allclose(
        [numbers["own"], numbers["one"]], [own[here], one[here]], rtol=1e-12
    )
    np.testing.assert_allclose(numbers["ratio"], one[here] / own[here], rtol=1e-12)
    np.testing.assert_allclose(numbers["rho"], rho, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(numbers["ratio"], 1 + (batch - 1) * rho, rtol=1e-12)
    drawn = [
        recomputed(figure["memory"], batch, keep_prob, spread, kind)
        for kind in (False, True)
    ]
    np.testing.assert_allclose(
        [numbers["drawn"]["own"], numbers["drawn"]["one"]], drawn, rtol=1e-12
    )


@pytest.mark.parametrize(("keep_prob", "spread"), [(0.2, 1), (0.6, 1.5), (0.9, 0)])
def test_letters_and_values_are_the_pages(shown, keep_prob, spread):
    """Its V_b, C_bc, rho and ratio for given examples, averaged over examples by a quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)  # exact for these squares
    weights /= weights.sum()
    batch = 4
    mean = {False: np.zeros(3), True: np.zeros(3)}
    for at in product(range(3), repeat=batch):
        c = 1 + spread * nodes[list(at)]
        for one in (False, True):
            V, C, whole = of_the_page(c, keep_prob, one)
            np.testing.assert_allclose(whole, (V + C) / batch**2, rtol=1e-9, atol=1e-15)
            mean[one] += np.prod(weights[list(at)]) * np.array([V, C, whole])
    values = {"batch": "4", "keep_prob": keep_prob, "spread": spread}
    numbers = shown("gradient-variance", 1, **values)["numbers"]
    (V, C, one), own = mean[True], mean[False]
    np.testing.assert_allclose(own, [V, 0, numbers["own"]], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(numbers["one"], one, rtol=1e-10)
    rho = C / ((batch - 1) * V)  # as on the page, of the averages
    np.testing.assert_allclose(numbers["rho"], rho, rtol=1e-10)
    np.testing.assert_allclose(numbers["ratio"], 1 + (batch - 1) * rho, rtol=1e-10)
    np.testing.assert_allclose(numbers["ratio"], one / own[2], rtol=1e-10)
    np.testing.assert_allclose(numbers["curves"]["own"][0], V / batch, rtol=1e-10)
    np.testing.assert_allclose(numbers["floor"], C / (batch * (batch - 1)), rtol=1e-10)


def test_by_hand():
    """keep_prob 0.8, spread 1: V = 2 / 4 = 0.5, C = 0.25, and for B = 64 the ratio is 32.5."""
    numbers = pressed("gradient-variance", 1, [])["numbers"]
    np.testing.assert_allclose(
        [numbers[name] for name in ("own", "one", "rho", "ratio", "floor")],
        [0.5 / 64, 0.5 / 64 + 63 / 64 / 4, 1 / 2, 32.5, 0.25],
        rtol=1e-12,
    )


def test_own_masks_fall_as_one_over_b_and_one_mask_stays_above_the_floor(shown):
    """As the caption says; where all examples react alike, one mask averages nothing away."""
    words = caption("learn/mask.md", "gradient-variance")
    assert "own masks divide it by B, one mask leaves the floor C" in words
    numbers = shown("gradient-variance", 1, keep_prob=0.6)["numbers"]
    own, one = np.array(numbers["curves"]["own"]), np.array(numbers["curves"]["one"])
    np.testing.assert_allclose(own * SIZES, own[0], rtol=1e-12)
    assert one[0] == own[0]
    assert (one[1:] > own[1:]).all()
    assert (one > numbers["floor"]).all()
    # what is above the floor falls as 1 / B, too
    np.testing.assert_allclose(
        (one - numbers["floor"]) * SIZES, one[0] - numbers["floor"], rtol=1e-9
    )

    alike = shown("gradient-variance", 1, keep_prob=0.6, spread=0)["numbers"]
    np.testing.assert_allclose(alike["curves"]["one"], alike["floor"], rtol=1e-12)
    np.testing.assert_allclose((alike["rho"], alike["ratio"]), (1, 64), rtol=1e-12)


@pytest.mark.parametrize(("seed", "presses"), [(1, []), (5, []), (5, ["again"])])
def test_the_draws_are_the_generators_numbers_in_order(seed, presses):
    """Uniform numbers first, then Box and Muller's; the button goes on in the sequence."""
    count = BATCHES * 128
    u = uniforms(seed, 3 * count * (1 + len(presses)))[-3 * count :]
    memory = pressed("gradient-variance", seed, presses)["memory"]
    np.testing.assert_array_equal(memory["uniform"], u[:count].reshape(BATCHES, 128))
    mine = normals(u[count:]).reshape(BATCHES, 128)
    np.testing.assert_allclose(memory["normal"], mine, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_drawn_variances_come_near_the_exact_ones(shown, seed):
    """Squares of 500 gradients' deviations: 0.4 is six standard errors."""
    numbers = shown("gradient-variance", seed)["numbers"]
    for kind in ("own", "one"):
        assert abs(numbers["drawn"][kind] / numbers[kind] - 1) < 0.4


@pytest.mark.parametrize(("keep_prob", "spread"), ENDS)
@pytest.mark.parametrize("batch", [1, 64, 128])
def test_the_drawing_has_both_curves_and_both_marks_where_the_ticks_say(
    shown, keep_prob, spread, batch
):
    """The scales are read from the ticks; every point is inside the axes."""
    values = {"batch": str(batch), "keep_prob": keep_prob, "spread": spread}
    figure = shown("gradient-variance", 2, **values)
    numbers, (width, height) = figure["numbers"], figure["box"]
    drawing = ElementTree.fromstring(f"<svg>{figure['svg']}</svg>")
    ticks = [(t.get("text-anchor"), float(t.text), float(t.get("x")), float(t.get("y")))
             for t in drawing.findall("text[@class='tick']")]  # fmt: skip
    up = np.polyfit(
        *np.transpose([(np.log10(v), y - 4) for a, v, _, y in ticks if a == "end"]), 1
    )
    across = np.polyfit(
        *np.transpose([(np.log2(v), x) for a, v, x, _ in ticks if a == "middle"]), 1
    )
    assert [v for a, v, *_ in ticks if a == "middle"] == SIZES

    places = []
    for kind, name in (("series-1", "own"), ("series-2 dashed", "one")):
        (curve,) = drawing.findall(f"polyline[@class='{kind}']")
        points = np.array([p.split(",") for p in curve.get("points").split()], float)
        curves = numbers["curves"][name]
        np.testing.assert_allclose(
            points[:, 0], np.polyval(across, np.log2(SIZES)), atol=0.05
        )
        np.testing.assert_allclose(
            points[:, 1], np.polyval(up, np.log10(curves)), atol=0.05
        )
        places.append(points)
    circles, squares = drawing.findall("circle"), drawing.findall("rect")
    assert len(circles) == len(squares) == 2  # in the key, and in the drawing
    circle, square = circles[1], squares[1]
    assert (circle.get("class"), square.get("class")) == ("series-1", "series-2")
    marks = [
        [float(circle.get("cx")), float(circle.get("cy"))],
        [
            float(square.get(a)) + float(square.get(b)) / 2
            for a, b in (("x", "width"), ("y", "height"))
        ],
    ]
    drawn = [numbers["drawn"]["own"], numbers["drawn"]["one"]]
    expected = np.transpose(
        [np.polyval(across, np.log2([batch] * 2)), np.polyval(up, np.log10(drawn))]
    )
    np.testing.assert_allclose(marks, expected, atol=0.05)
    axis = float(drawing.find("line[@class='axis']").get("y1"))
    x, y = np.concatenate([*places, marks]).T
    assert x.min() > 40
    assert x.max() < width
    assert y.min() > 20
    assert y.max() < axis < height

    key, floor = drawing.findall("line[@class='axis dashed']")
    top = min(y for a, _, _, y in ticks if a == "end") - 20
    assert float(key.get("y1")) < top < float(floor.get("y1"))
    words = [t.text for t in drawing.iter("text")]
    named = {"own masks", "one mask", "marks: 500 drawn batches"}
    assert named | {f"floor C = {numbers['floor']:#.3g}"} <= set(words)
    np.testing.assert_allclose(
        float(floor.get("y1")), np.polyval(up, np.log10(numbers["floor"])), atol=0.05
    )


@pytest.mark.parametrize(("batch", "keep_prob"), [(1, 0.8), (64, 0.8), (128, 0.2)])
def test_the_sentence_says_the_numbers(shown, batch, keep_prob):
    """Three significant digits, from NumPy's own numbers."""
    figure = shown("gradient-variance", 4, batch=str(batch), keep_prob=keep_prob)
    own, one = (exact(batch, keep_prob, 1, kind) for kind in (False, True))
    drawn = [
        recomputed(figure["memory"], batch, keep_prob, 1, kind)
        for kind in (False, True)
    ]
    assert figure["said"] == (
        f"Batch size {batch}: the mask noise is {own:#.3g} with own masks and {one:#.3g} "
        f"with one, 1 + (B − 1)ρ = {one / own:#.3g} times as much, with ρ = 0.500. "
        f"{BATCHES} drawn batches give {drawn[0]:#.3g} and {drawn[1]:#.3g}."
    )
