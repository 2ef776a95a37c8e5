"""DropBlock: which cells a seed drops, how often, and the scale of what is left.

All sets of seeds of small maps are visited, so no test has a sampling error.
"""

from itertools import product

import numpy as np
import pytest

from snippets import dropblock
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

SCALE = "What is left is multiplied by cells / cells left, not divided by keep_prob."
RATE = "Blocks overlap, so on average more cells are kept than keep_prob says."
BLOCK = "The cells of a block are dropped together, which is the point of DropBlock."
SCALED = "zero-or-scaled", "every-call-starts-anew", "negative-like-positive"
SCALED += "memory-layouts", "inf-and-nan", "half-precision", "backward-is-the-mask"
DEPARTS = {
    **dict.fromkeys(SCALED, SCALE),
    **dict.fromkeys(["keep-rate", "example-keep-rate", "extreme-keep-probs"], RATE),
    "unit-keep-rate": "A corner is in fewer blocks than the centre: places differ in rate.",
    "variance": "Rate and scale are not those of dropout, so the variance is not, either.",
    "zeros-get-gradient": "They do; but their number is compared with keep_prob.",
    "mask-ignores-data": "It does; but the share it keeps is compared with keep_prob.",
    "examples-independent": "They are; but how often they agree depends on the rate.",
    "generator-decides": "It does; but how often two masks agree depends on the rate.",
    "fresh-mask": "It is; but how often a cell is kept is compared with keep_prob.",
    **dict.fromkeys(["units-independent", "sharing-as-declared"], BLOCK),
    "binomial-count": "Whole blocks go at once, at another rate: the number is not binomial.",
}
SILENT = {}


class Layer:
    """The snippet in the form that the conformance suite tests, in blocks of up to 3.

    Arrays with fewer axes than 4 have their last one folded into a map as square as
    it can be; a single axis holds examples with a map of one cell each.
    """

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
        maps = self._maps(x)
        block_size = min(3, *maps.shape[2:])
        out, mask = dropblock.dropblock_forward(
            maps, self.keep_prob, block_size, self.rng
        )
        self.mask = mask.reshape(x.shape)
        return out.reshape(x.shape)

    def backward(self, grad):
        return grad * self.mask

    @staticmethod
    def _maps(x):
        if x.ndim == 4:
            return x
        if x.ndim < 2 or not x.size:
            return x.reshape(-1, 1, 1, 1)
        size = x.shape[-1]
        high = max(n for n in range(1, int(size**0.5) + 1) if size % n == 0)
        return x.reshape(len(x), -1, high, size // high)


def forward(x, seeds, keep_prob, block_size):
    """Return output and mask for chosen seeds."""
    chance = dropblock.gamma(keep_prob, block_size, *x.shape[2:])
    rng = ChosenDraws(seeds, chance)
    return dropblock.dropblock_forward(x, keep_prob, block_size, rng)


def blocks(seeds, block_size, shape):
    """Return which cells are kept, by painting one block after the other."""
    kept = np.ones(shape, dtype=bool)
    for n, c, row, column in np.argwhere(seeds):
        rows, columns = slice(row, row + block_size), slice(column, column + block_size)
        kept[n, c, rows, columns] = False
    return kept


def reach(size, block_size):
    """Return how many seeds reach each of size cells in a row."""
    cells = np.arange(size)
    corners = np.arange(size - block_size + 1)[:, None]
    return np.sum((corners <= cells) & (cells < corners + block_size), axis=0)


X = np.linspace(-2, 3, 36).reshape(1, 1, 6, 6)
SMALL = np.linspace(1, 2, 12).reshape(1, 1, 3, 4)  # 6 seeds for blocks of 2


@pytest.mark.parametrize(
    ("block_size", "shape"), [(1, (3, 3)), (2, (3, 4)), (3, (5, 4))]
)
def test_exactly_the_blocks_of_the_seeds_are_dropped(block_size, shape):
    """For all sets of seeds; what is left is scaled by cells / cells left."""
    corners = tuple(n - block_size + 1 for n in shape)
    x = np.linspace(1, 2, np.prod(shape)).reshape(1, 1, *shape)
    for seeds, _ in every_mask((1, 1, *corners), 0.8):
        out, mask = forward(x, seeds, 0.8, block_size)
        kept = blocks(seeds, block_size, x.shape)
        scale = x.size / max(kept.sum(), 1)

        np.testing.assert_allclose(mask, kept * scale, rtol=1e-15)
        np.testing.assert_array_equal(out, x * mask)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
@pytest.mark.parametrize("block_size", [1, 2, 3, 4])
def test_gamma_would_drop_the_asked_share_without_overlaps(keep_prob, block_size):
    """The cells of all blocks together, counted with overlaps: 1 - k of the map."""
    gamma = dropblock.gamma(keep_prob, block_size, 4, 7)
    covered = gamma * (4 - block_size + 1) * (7 - block_size + 1) * block_size**2

    assert covered / 28 == pytest.approx(1 - keep_prob, rel=1e-12)
    assert gamma <= (1 - keep_prob) * (1 + 1e-12)


def test_gamma_of_the_papers_setting():
    """keep_prob 0.9, blocks of 7, maps of 14 x 14: 0.1 / 49 * 14**2 / 8**2."""
    assert dropblock.gamma(0.9, 7, 14, 14) == pytest.approx(0.00625, rel=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_cell_is_kept_if_no_seed_reaches_it(keep_prob):
    """Over all 64 sets of seeds: (1 - gamma)**n, for a cell that n seeds can reach."""
    gamma, share = dropblock.gamma(keep_prob, 2, 3, 4), 0
    for seeds, chance in every_mask((1, 1, 2, 3), gamma):
        share = share + chance * (forward(SMALL, seeds, keep_prob, 2)[1][0, 0] > 0)

    expected = (1 - gamma) ** np.outer(reach(3, 2), reach(4, 2))
    np.testing.assert_allclose(share, expected, rtol=1e-12)
    assert share.mean() > keep_prob + 1e-4  # fewer are dropped than asked for


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_mask_of_an_example_has_mean_one_in_every_pass(keep_prob):
    """Unless nothing is left of it; then it is 0. Two examples, all 2**8 sets of seeds."""
    x = np.ones((2, 1, 3, 3))
    for seeds, _ in every_mask((2, 1, 2, 2), keep_prob):
        _, mask = forward(x, seeds, keep_prob, 2)
        left = blocks(seeds, 2, x.shape).any(axis=(1, 2, 3))

        np.testing.assert_allclose(mask.mean(axis=(1, 2, 3)), left, rtol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_mean_of_a_cell_is_not_kept_but_that_of_a_pass_is(keep_prob):
    """Over all 64 sets of seeds ones become more in the corner, less in the middle."""
    ones, mean, gone = np.ones((1, 1, 3, 4)), 0, 0
    for seeds, chance in every_mask((1, 1, 2, 3), dropblock.gamma(keep_prob, 2, 3, 4)):
        out, _ = forward(ones, seeds, keep_prob, 2)
        mean, gone = mean + chance * out[0, 0], gone + chance * (not out.any())

    assert mean.mean() == pytest.approx(1 - gone, rel=1e-12)
    assert mean[0, 0] > mean[1, 1] + 0.01


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_blocks_of_one_cell_are_dropout_but_for_the_scale(keep_prob):
    """gamma is 1 - k, cells are independent; a cell's mean is 1 - (1 - k)**cells."""
    ones, kept, both, mean = np.ones((1, 1, 2, 3)), 0, 0, 0
    for seeds, chance in every_mask((1, 1, 2, 3), 1 - keep_prob):
        out = forward(ones, seeds, keep_prob, 1)[0].ravel()
        kept, mean = kept + chance * (out > 0), mean + chance * out
        both = both + chance * np.outer(out > 0, out > 0)

    apart = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(kept, keep_prob, rtol=1e-12)
    np.testing.assert_allclose(both[apart], keep_prob**2, rtol=1e-12)
    np.testing.assert_allclose(mean, 1 - (1 - keep_prob) ** 6, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_block_as_large_as_the_map_drops_channels(keep_prob):
    """gamma is 1 - k: the masks of spatial dropout, scaled by channels / channels left."""
    x, total = np.ones((1, 3, 4, 4)), 0
    assert dropblock.gamma(keep_prob, 4, 4, 4) == pytest.approx(
        1 - keep_prob, rel=1e-14
    )
    for kept, chance in every_mask((1, 3, 1, 1), keep_prob):
        _, mask = forward(x, ~kept, keep_prob, 4)
        total += chance

        expected = np.broadcast_to(kept * 3 / max(kept.sum(), 1), x.shape)
        np.testing.assert_allclose(mask, expected, rtol=1e-15)
    assert total == pytest.approx(1, rel=1e-12)


def test_examples_have_seeds_and_scales_of_their_own_channels_share_the_scale():
    """One seed, of example 0 and channel 1: nothing happens to example 1."""
    seeds = np.zeros((2, 2, 3, 3), dtype=bool)
    seeds[0, 1, 1, 1] = True
    _, mask = forward(np.ones((2, 2, 4, 4)), seeds, 0.8, 2)

    np.testing.assert_array_equal(mask[1], np.ones((2, 4, 4)))
    np.testing.assert_allclose(mask[0, 0], np.full((4, 4), 32 / 28), rtol=1e-15)
    assert (mask[0, 1] == 0).sum() == 4


def test_grad_times_mask_is_the_derivative_of_forward():
    """With frozen seeds central differences of a curved loss agree, the scale included."""
    seeds = np.zeros((1, 1, 4, 4), dtype=bool)
    seeds[0, 0, 1, 2] = seeds[0, 0, 3, 0] = True
    steps = 1e-4 * np.eye(X.size).reshape(-1, *X.shape)

    def loss(x):
        return np.sum((forward(x, seeds, 0.8, 3)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, mask = forward(X, seeds, 0.8, 3)
    analytic = 2 * (out - 1) * mask
    np.testing.assert_allclose(analytic.ravel(), numeric, rtol=1e-7, atol=1e-9)


def test_the_mask_does_not_depend_on_the_data():
    """Same generator state, other numbers: the same mask, draw by draw."""
    x = np.ones((2, 3, 5, 6))
    masks = [
        dropblock.dropblock_forward(data, 0.3, 3, np.random.default_rng(5))[1]
        for data in (x, -7 * x, np.full_like(x, np.nan))
    ]

    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])
    assert 0 < np.mean(masks[0] == 0) < 1


def test_every_call_consumes_one_draw_per_possible_seed():
    """2 examples, 3 channels, 3 x 4 places for a block of 3 on 5 x 6 cells: 72."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    dropblock.dropblock_forward(np.ones((2, 3, 5, 6)), 0.8, 3, rng)
    reference.random(72)

    assert rng.random() == reference.random()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (0, 3, 4, 5), (2, 0, 4, 5)])
def test_results_have_the_shape_and_dtype_of_x(shape, dtype):
    """Empty batches and no channels too; a float64 keep_prob does not upcast."""
    x, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    out, mask = dropblock.dropblock_forward(x, np.float64(0.8), 2, rng)

    assert out.shape == mask.shape == shape
    assert out.dtype == mask.dtype == np.dtype(dtype)


def test_keep_prob_one_is_the_identity():
    """Bit for bit: -0.0, inf and nan too."""
    x = np.array([1.1, -0.0, np.inf, np.nan]).reshape(1, 1, 2, 2)
    out, mask = dropblock.dropblock_forward(x, 1, 2, np.random.default_rng(0))

    assert out.tobytes() == x.tobytes()
    np.testing.assert_array_equal(mask, np.ones(x.shape))


def test_x_is_not_mutated():
    """It may be read-only, and the output shares no memory with it."""
    x = X.copy()
    x.flags.writeable = False
    out, mask = dropblock.dropblock_forward(x, 0.2, 3, np.random.default_rng(0))

    assert not any(np.shares_memory(a, b) for a, b in product([out], [x, mask]))
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize(
    "keep_prob",
    [0, -0.1, 1.1, np.nan, np.inf, -np.inf],
)
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; the message has the value."""
    with pytest.raises(ValueError, match=rf"keep_prob must .* got {keep_prob}"):
        dropblock.dropblock_forward(X, keep_prob, 3, NoDraws())


@pytest.mark.parametrize("block_size", [0, -1, 7, np.int64(7)])
def test_a_block_that_does_not_fit_is_a_value_error(block_size):
    """Before anything is drawn; the message names block and map."""
    with pytest.raises(ValueError, match=rf"block_size {block_size} .* 6 x 6"):
        dropblock.dropblock_forward(X, 0.8, block_size, NoDraws())


@pytest.mark.parametrize("wrong", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_numbers_of_a_wrong_type_are_a_type_error(wrong):
    """Before anything is drawn; a block is not a fraction, either."""
    for args in ((wrong, 3), (0.8, wrong), (0.8, 3.0)):
        with pytest.raises(TypeError, match="keep_prob or block_size: wrong type"):
            dropblock.dropblock_forward(X, *args, NoDraws())


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int8, np.array])
def test_a_block_size_of_numpy_is_taken(kind):
    """And computed with as an int: 20**2 does not fit into np.uint8."""
    x = np.ones((1, 1, 30, 40))
    got = dropblock.dropblock_forward(x, 0.8, kind(20), np.random.default_rng(0))
    expected = dropblock.dropblock_forward(x, 0.8, 20, np.random.default_rng(0))

    np.testing.assert_array_equal(got, expected)
    assert dropblock.gamma(0.8, kind(20), 30, 40) == dropblock.gamma(0.8, 20, 30, 40)


@pytest.mark.parametrize(
    "x", [np.ones((2, 3)), np.ones((1, 1, 2, 2), int), [[1.0]], None]
)
def test_only_float_arrays_with_four_axes_are_accepted(x):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="x must be a 4-D array of floats, got"):
        dropblock.dropblock_forward(x, 0.8, 1, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        dropblock.dropblock_forward(X, 0.8, 3, rng)
