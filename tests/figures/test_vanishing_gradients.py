"""The vanishing-gradients figure: every entry, count and chance, again in NumPy."""

from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.figures import draws

INPUTS, OUTPUTS, MOST = 5, 4, 8
OWN, SHARED = "one per example", "one for the batch"
SEEDS = [1, 2, 7]
KEEP = [0.1, 0.6, 0.9, 1.0]


def again(memory, batch, keep_prob, masks):
    """Return the layer's two masks and dW = (a m / k)^T (d m' / k) / B."""
    rows = [0] * batch if masks == SHARED else list(range(batch))
    m, m2 = (np.array(memory[name])[rows] < keep_prob for name in ("m", "m2"))
    signed = {name: np.array(memory[name])[:batch] for name in ("a", "d")}
    a, d = (np.where(u < 0.5, u - 1, u) for u in signed.values())
    assert min(abs(a).min(), abs(d).min()) >= 0.5  # never 0, as the figure says
    return m, m2, (a * m / keep_prob).T @ (d * m2 / keep_prob) / batch


def chance_that_a_row_is_zero(batch, keep_prob, masks):
    """Visit every mask of one input unit and of the outputs: no formula."""
    draws = 1 if masks == SHARED else batch
    one = 0.0  # the chance that one example adds nothing to the row
    for unit, *outputs in product([True, False], repeat=1 + OUTPUTS):
        kept = [unit, *outputs]
        weight = np.prod(np.where(kept, keep_prob, 1 - keep_prob))
        one += weight * (not (unit and any(outputs)))
    return one**draws


@pytest.mark.parametrize("masks", [OWN, SHARED])
@pytest.mark.parametrize("batch", [1, 2, 4, 8])
@pytest.mark.parametrize("keep_prob", KEEP)
def test_every_number_is_numpys(shown, keep_prob, batch, masks):
    """The draws, both masks, dW, what vanishes, the two chances, sentence and drawing."""
    for seed in SEEDS if keep_prob == 0.6 else [3]:
        values = {"batch": str(batch), "keep_prob": keep_prob, "masks": masks}
        figure = shown("vanishing-gradients", seed, **values)
        memory, numbers = figure["memory"], figure["numbers"]
        sizes = [("a", INPUTS), ("d", OUTPUTS), ("m", INPUTS), ("m2", OUTPUTS)]
        drawn = np.concatenate([np.ravel(memory[name]) for name, _ in sizes])
        np.testing.assert_array_equal(drawn, draws.uniforms(seed, drawn.size))
        for name, units in sizes:
            assert np.shape(memory[name]) == (MOST, units)

        m, m2, dW = again(memory, batch, keep_prob, masks)
        np.testing.assert_array_equal(numbers["inputs"], m)
        np.testing.assert_array_equal(numbers["outputs"], m2)
        np.testing.assert_allclose(numbers["dW"], dW, rtol=1e-12, atol=1e-13)
        # Zero exactly where no example keeps both units: from the masks, not from dW.
        zero = ~(m[:, :, None] & m2[:, None, :]).any(axis=0)
        np.testing.assert_array_equal(np.array(numbers["dW"]) == 0, zero)
        np.testing.assert_array_equal(numbers["zero"], zero)
        np.testing.assert_array_equal(numbers["rows"], zero.all(axis=1))
        np.testing.assert_array_equal(numbers["columns"], zero.all(axis=0))
        assert numbers["entries"] == zero.sum()

        power = 1 if masks == SHARED else batch
        row = chance_that_a_row_is_zero(batch, keep_prob, masks)
        np.testing.assert_allclose(numbers["row"], row, rtol=1e-12, atol=1e-300)
        unit = (1 - keep_prob) ** power
        np.testing.assert_allclose(numbers["unit"], unit, rtol=1e-12)

        base = f"1 − {keep_prob:g}"
        if power > 1:
            base = f"({base})" + {2: "²", 4: "⁴", 8: "⁸"}[power]
        unit, row = map(draws.power, (unit, row))
        assert figure["said"] == (
            "Nothing is dropped, and no entry of dW is 0."
            if keep_prob == 1
            else f"Exactly 0: {zero.all(axis=1).sum()} of 5 rows, "
            f"{zero.all(axis=0).sum()} of 4 columns and {zero.sum()} of 20 entries of dW. "
            f"{'All examples drop' if batch > 1 else 'The example drops'} a given unit "
            f"of a with probability {base} = {unit}; its row is 0 with probability {row}."
        )
        if keep_prob == 1:
            assert not zero.any()
        else:  # as the caption says
            assert numbers["row"] > numbers["unit"]
        assert_drawn(figure, m, m2, dW, zero)


def assert_drawn(figure, m, m2, dW, zero):
    """Masks beside their unit, example by example; in the grid areas, and crosses for 0."""
    drawing = ElementTree.fromstring(f"<svg>{figure['svg']}</svg>")
    cells = drawing.findall("rect[@class='grid']")
    corners = np.array([(c.get("x"), c.get("y")) for c in cells], float)
    across, down = (float(cells[0].get(name)) for name in ("width", "height"))
    middles = (corners + np.array([across, down]) / 2).reshape(INPUTS, OUTPUTS, 2)
    assert np.ptp(middles[..., 0], axis=0).max() == 0
    assert np.ptp(middles[..., 1], axis=1).max() == 0
    x, y = middles[0, :, 0], middles[:, 0, 1]
    assert (np.diff(x) == across).all()
    assert (np.diff(y) == down).all()

    groups = drawing.findall("g")
    for g in groups:
        crossed = len(g.findall("path[@class='cross']"))
        assert crossed == (g.get("class") == "dropped")
    spots = np.array(
        [g.get("transform")[len("translate(") : -1].split() for g in groups], float
    )
    sides = np.array([float(g.find("rect").get("width")) for g in groups])
    assert sides.max() < down
    inside = (spots > corners[0]).all(axis=1)
    beside, above = spots[:, 0] < corners[0, 0], spots[:, 1] < corners[0, 1]
    assert ((inside ^ beside) ^ above).all()
    kinds = np.array([g.get("class") for g in groups])
    np.testing.assert_array_equal(spots[inside], middles.reshape(-1, 2))
    np.testing.assert_array_equal(kinds[inside] == "dropped", zero.ravel())
    assert set(kinds[inside]) <= {"bar", "dropped"}
    large = abs(dW[~zero])
    if large.size:
        shown_sides = sides[inside][~zero.ravel()] / (down - 6)
        np.testing.assert_allclose(shown_sides, np.sqrt(large / large.max()), atol=2e-4)

    assert set(kinds[~inside]) <= {"kept", "dropped"}
    for strip, kept, along, places in ((beside, m, 1, y), (above, m2, 0, x)):
        assert strip.sum() == kept.size
        mine = spots[strip].reshape(
            kept.shape[1], len(kept), 2
        )  # (unit, example, place)
        np.testing.assert_array_equal(kinds[strip] == "kept", kept.T.ravel())
        # in the middle of its row or column, and no two squares touch
        np.testing.assert_allclose(mine[..., along].mean(axis=1), places, atol=0.01)
        gaps = abs(spots[strip][:, None] - spots[strip]).max(axis=2)
        assert gaps[~np.eye(len(gaps), dtype=bool)].min() > sides[strip].max() + 1.5
        within = np.broadcast_to(mine[0] - mine[0].mean(axis=0), mine.shape)
        np.testing.assert_allclose(
            mine - mine.mean(axis=1, keepdims=True), within, atol=0.02
        )
    texts = [t for t in drawing.iter("text") if t.text == "all 0"]
    right, below = corners.max(axis=0) + np.array([across, down])
    assert [float(t.get("y")) - 4 for t in texts if float(t.get("x")) > right] == (
        y[zero.all(axis=1)].tolist()
    )
    assert [float(t.get("x")) for t in texts if float(t.get("y")) > below] == (
        x[zero.all(axis=0)].tolist()
    )
    assert len(texts) == zero.all(axis=1).sum() + zero.all(axis=0).sum()


@pytest.mark.parametrize("keep_prob", KEEP)
def test_two_examples_by_all_their_masks(shown, keep_prob):
    """For a batch of two, all 2^10 masks: how often a row of the real dW is zero."""
    rng = np.random.default_rng(0)
    a, d = rng.uniform(0.5, 1, 2), rng.uniform(-1, -0.5, (2, OUTPUTS))
    chance = 0.0
    for kept in product([True, False], repeat=2 * (1 + OUTPUTS)):
        mask = np.array(kept).reshape(2, -1)
        row = (a * mask[:, 0]) @ (d * mask[:, 1:])
        chance += np.prod(np.where(mask, keep_prob, 1 - keep_prob)) * (row == 0).all()
    said = shown("vanishing-gradients", 1, batch="2", keep_prob=keep_prob)["numbers"]
    np.testing.assert_allclose(said["row"], chance, rtol=1e-12, atol=1e-300)


def test_an_entry_can_vanish_alone(shown):
    """At the first drawing: more zeros than whole rows and columns explain."""
    zero = np.array(shown("vanishing-gradients")["numbers"]["zero"])
    lines = zero.all(axis=1)[:, None] | zero.all(axis=0)
    assert (zero & ~lines).any()


def test_new_masks_leave_the_values(shown):
    """The button draws both masks, from where the generator stands, and nothing else."""
    before = shown("vanishing-gradients", 4)["memory"]
    after = draws.pressed("vanishing-gradients", 4, ["again"])["memory"]
    assert (after["a"], after["d"]) == (before["a"], before["d"])
    drawn = np.concatenate([np.ravel(after["m"]), np.ravel(after["m2"])])
    count = MOST * (INPUTS + OUTPUTS)
    expected = draws.uniforms(4, count, skip=2 * count)
    np.testing.assert_array_equal(drawn, expected)


def test_a_small_chance_is_written_as_a_power_of_ten(shown):
    """Eight examples at keep_prob 0.9, by hand: 0.1 to the eighth power."""
    said = shown("vanishing-gradients", 1, batch="8", keep_prob=0.9)["said"]
    assert "probability (1 − 0.9)⁸ = 1.00 × 10⁻⁸;" in said
    assert "e" not in said.split("10⁻⁸; its row is 0 with probability")[1]
