"""Spatial dropout: one decision for each channel of each example, in any layout.

All masks of 2 examples with 3 channels are visited, so no test has a sampling error.
"""

import numpy as np
import pytest

from snippets import inverted_dropout, spatial_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS, SILENT = {}, {}  # of the properties of the conformance suite: all hold


class Layer:
    """The snippet in the form that the conformance suite tests, on 3 and 4 axes."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def mask_shape(self, x_shape):
        if len(x_shape) < 3:
            raise ValueError(f"{x_shape} has no axis in space")
        return (*x_shape[:2], *[1] * len(x_shape[2:]))

    def forward(self, x, training=True):
        self.mask = np.ones((*x.shape[:2], *[1] * (x.ndim - 2)), x.dtype)
        if not training:
            return x
        out, self.mask = spatial_dropout.channel_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return spatial_dropout.channel_backward(grad, self.mask)


X = np.linspace(-2, 3, 24).reshape(2, 3, 2, 2)  # (examples, channels, height, width)
CELLS = (2, 3, 1, 1)


def forward(x, kept, keep_prob):
    """Return output and mask for a chosen 0/1 mask."""
    return spatial_dropout.channel_forward(x, keep_prob, ChosenDraws(kept, keep_prob))


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_channel_is_zero_or_divided_by_keep_prob_as_a_whole(keep_prob):
    """For all 64 masks, in every cell; the mask has one number for a channel."""
    for kept, _ in every_mask(CELLS, keep_prob):
        out, mask = forward(X, kept, keep_prob)

        np.testing.assert_array_equal(mask, np.where(kept, 1 / keep_prob, 0))
        np.testing.assert_allclose(out, np.where(kept, X / keep_prob, 0), rtol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_is_the_input_and_variance_is_dropouts(keep_prob):
    """Over all 64 masks: mean x, and variance (1 - k) / k * x**2 in each cell."""
    mean, square = 0, 0
    for kept, prob in every_mask(CELLS, keep_prob):
        out, _ = forward(X, kept, keep_prob)
        mean, square = mean + prob * out, square + prob * out**2

    noise = (1 - keep_prob) / keep_prob
    np.testing.assert_allclose(mean, X, rtol=1e-12)
    np.testing.assert_allclose(square - X**2, noise * X**2, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_cells_of_one_channel_covary_and_no_others(keep_prob):
    """Over all 64 masks: (1 - k) / k * x_i * x_j in a channel of an example, else 0."""
    covariance = np.zeros((24, 24))
    for kept, prob in every_mask(CELLS, keep_prob):
        noise = (forward(X, kept, keep_prob)[0] - X).ravel()
        covariance += prob * np.outer(noise, noise)

    same = np.equal.outer(np.arange(24) // 4, np.arange(24) // 4)
    expected = (1 - keep_prob) / keep_prob * np.outer(X, X) * same
    np.testing.assert_allclose(covariance, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob):
    """With a frozen mask central differences of a curved loss agree."""
    kept = np.array([1, 0, 1, 1, 1, 0]).reshape(CELLS) == 1
    steps = 1e-4 * np.eye(X.size).reshape(-1, *X.shape)

    def loss(x):
        return np.sum((forward(x, kept, keep_prob)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, mask = forward(X, kept, keep_prob)
    analytic = spatial_dropout.channel_backward(2 * (out - 1), mask)
    np.testing.assert_allclose(analytic.ravel(), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2, -3])
def test_any_axis_but_the_first_may_hold_the_channels(axis):
    """Channels at another place: the same decisions, moved there."""
    moved = np.moveaxis(X, 1, axis)
    first = spatial_dropout.channel_forward(X, 0.8, np.random.default_rng(4))
    other = spatial_dropout.channel_forward(moved, 0.8, np.random.default_rng(4), axis)

    for one, two in zip(first, other):
        np.testing.assert_array_equal(np.moveaxis(one, 1, axis), two)


def test_without_space_it_is_inverted_dropout():
    """(examples, units) with the same generator state: the same output and mask."""
    x = np.linspace(-1, 1, 40).reshape(5, 8)
    got = spatial_dropout.channel_forward(x, 0.8, np.random.default_rng(0))
    expected = inverted_dropout.dropout_forward(x, 0.8, np.random.default_rng(0))

    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("keep_prob", [0.2, 1])
def test_every_call_consumes_one_draw_per_channel(keep_prob):
    """Of each example: 6 for 2 examples with 3 channels, whatever their cells are."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    spatial_dropout.channel_forward(X, keep_prob, rng)
    reference.random(6)

    assert rng.random() == reference.random()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(2, 3), (0, 3, 4), (2, 3, 0), (2, 3, 4, 5, 6)])
def test_results_have_the_dtype_of_x(shape, dtype):
    """A float64 keep_prob does not upcast; a float64 gradient takes the mask's dtype."""
    x, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    out, mask = spatial_dropout.channel_forward(x, np.float64(0.8), rng)
    grad = spatial_dropout.channel_backward(np.ones(shape), mask)

    assert out.shape == grad.shape == shape
    assert mask.shape == (*shape[:2], *[1] * len(shape[2:]))
    assert out.dtype == mask.dtype == grad.dtype == np.dtype(dtype)


def test_keep_prob_one_is_the_identity():
    """Bit for bit: -0.0, inf and nan too."""
    x = np.array([1.1, -0.0, np.inf, np.nan]).reshape(1, 2, 2)
    out, mask = spatial_dropout.channel_forward(x, 1, np.random.default_rng(0))

    assert out.tobytes() == x.tobytes()
    np.testing.assert_array_equal(mask, np.ones((1, 2, 1)))


def test_inputs_are_not_mutated():
    """x, grad and mask may be read-only, and no result shares memory with them."""
    x, grad = X.copy(), np.ones(X.shape)
    x.flags.writeable = grad.flags.writeable = False
    out, mask = spatial_dropout.channel_forward(x, 0.8, np.random.default_rng(0))
    mask.flags.writeable = False
    back = spatial_dropout.channel_backward(grad, mask)

    given = (x, grad, mask)
    assert not any(np.shares_memory(a, b) for a in (out, back) for b in given)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf, 1e-320])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; 1 / 1e-320 is more than a float64 holds."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        spatial_dropout.channel_forward(X, keep_prob, NoDraws())


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="keep_prob must be a number, got"):
        spatial_dropout.channel_forward(X, keep_prob, NoDraws())


@pytest.mark.parametrize("x", [np.array([[1, 2]]), np.array([[True]]), [[1.0]], None])
def test_only_float_arrays_are_accepted(x):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="x must be a NumPy array of floats, got"):
        spatial_dropout.channel_forward(x, 0.8, NoDraws())


@pytest.mark.parametrize("axis", [0, -4, 4, -5, None, "1", 1.5])
def test_a_channel_axis_that_is_not_there_is_a_value_error(axis):
    """Axis 0 holds the examples, also when it is counted from the end."""
    with pytest.raises(ValueError, match="no channel_axis"):
        spatial_dropout.channel_forward(X, 0.8, NoDraws(), axis)


@pytest.mark.parametrize("shape", [(), (3,)])
def test_an_array_without_channels_is_a_value_error(shape):
    """It takes two axes or more."""
    with pytest.raises(ValueError, match="no channel_axis 1 in"):
        spatial_dropout.channel_forward(np.ones(shape), 0.8, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        spatial_dropout.channel_forward(X, 0.8, rng)


@pytest.mark.parametrize("shape", [(2, 3), (1, 3, 2, 2), (2, 4, 2, 2), (2, 1, 2, 2)])
def test_a_mask_of_another_batch_is_a_value_error(shape):
    """Backward does not broadcast a mask over examples or channels that it is not of."""
    _, mask = spatial_dropout.channel_forward(X, 0.8, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"differ|broadcast"):
        spatial_dropout.channel_backward(np.ones(shape), mask)
