"""Input dropout: the first layer's dropout, and the corruption of an autoencoder."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from snippets import input_dropout, inverted_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS, SILENT = {}, {}  # scaled it is inverted dropout: all properties hold


class Layer:
    """The scaled form, in the form that the conformance suite tests."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
        out, self.mask = input_dropout.input_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return input_dropout.input_backward(grad, self.mask)


X = np.array([[1.5, -2.0], [0.0, 4.0]])


def forward(x, kept, keep_prob, scaled=True):
    """Return output and mask for a chosen 0/1 mask."""
    return input_dropout.input_forward(
        x, keep_prob, ChosenDraws(kept, keep_prob), scaled
    )


def mean(keep_prob, scaled):
    """Return the mean output over all 16 masks."""
    return sum(
        prob * forward(X, kept, keep_prob, scaled)[0]
        for kept, prob in every_mask(X.shape, keep_prob)
    )


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_scaled_it_is_inverted_dropout(keep_prob):
    """Equal outputs and masks, bit for bit, from the same generator state."""
    x, rngs = np.linspace(-3, 3, 200), [np.random.default_rng(0) for _ in range(2)]
    got = input_dropout.input_forward(x, keep_prob, rngs[0])
    expected = inverted_dropout.dropout_forward(x, keep_prob, rngs[1])

    np.testing.assert_array_equal(got, expected)
    assert rngs[0].random() == rngs[1].random()


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_unscaled_each_output_is_zero_or_the_input(keep_prob):
    """For all 16 masks; the mask itself is 0 or 1."""
    for kept, _ in every_mask(X.shape, keep_prob):
        out, mask = forward(X, kept, keep_prob, scaled=False)

        np.testing.assert_array_equal(out, np.where(kept, X, 0))
        np.testing.assert_array_equal(mask, kept.astype(float))


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_scaled_masks_keep_the_mean(keep_prob):
    """Weighted by probability, the outputs of all 16 masks add up to x."""
    np.testing.assert_allclose(mean(keep_prob, True), X, rtol=1e-13, atol=0)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_unscaled_masks_shrink_the_mean_by_keep_prob(keep_prob):
    """Weighted by probability, the outputs of all 16 masks add up to k x."""
    np.testing.assert_allclose(mean(keep_prob, False), keep_prob * X, rtol=1e-13)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_ridge_regression_fits_the_dropped_inputs(keep_prob):
    """Mean square 1, no intercept: Ridge(alpha = B (1 - k) / k) is least squares over all masks."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    x /= np.sqrt(np.mean(x**2, axis=0))
    rows, targets = [], []
    for kept, prob in every_mask((1, 3), keep_prob):  # one mask, all examples
        out, _ = forward(x, np.broadcast_to(kept, x.shape), keep_prob)
        rows.append(np.sqrt(prob) * out)
        targets.append(np.sqrt(prob) * y)
    best = np.linalg.lstsq(np.concatenate(rows), np.concatenate(targets))[0]

    ridge = Ridge(alpha=len(x) * (1 - keep_prob) / keep_prob, fit_intercept=False)
    np.testing.assert_allclose(ridge.fit(x, y).coef_, best, rtol=1e-9)


def test_unscaled_and_scaled_drop_the_same_elements():
    """From the same generator state the outputs differ by the factor k alone."""
    rngs = [np.random.default_rng(3) for _ in range(2)]
    scaled, _ = input_dropout.input_forward(X, 0.8, rngs[0])
    plain, _ = input_dropout.input_forward(X, 0.8, rngs[1], scaled=False)

    np.testing.assert_allclose(plain, 0.8 * scaled, rtol=1e-15)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob, scaled):
    """With a frozen mask finite differences of a curved loss agree, at x = 0 too."""
    kept = np.array([[True, False], [True, True]])
    steps = 1e-4 * np.eye(X.size).reshape(-1, *X.shape)

    def loss(x):
        return np.sum((forward(x, kept, keep_prob, scaled)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, mask = forward(X, kept, keep_prob, scaled)
    got = input_dropout.input_backward(2 * (out - 1), mask)
    np.testing.assert_allclose(got.ravel(), numeric, rtol=1e-7, atol=1e-11)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3, 4)])
def test_results_have_the_shape_and_dtype_of_x(shape, dtype, scaled):
    """Arrays in all cases; a float64 keep_prob does not upcast."""
    x, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    out, mask = input_dropout.input_forward(x, np.float64(0.8), rng, scaled)
    grad = input_dropout.input_backward(np.ones_like(x), mask)

    assert all(type(array) is np.ndarray for array in (out, mask, grad))
    assert out.shape == mask.shape == grad.shape == shape
    assert out.dtype == mask.dtype == grad.dtype == np.dtype(dtype)


@pytest.mark.parametrize("scaled", [True, False])
def test_inputs_are_not_mutated(scaled):
    """The target of an autoencoder stays clean: x may be read-only, nothing is shared."""
    x, grad = X.copy(), np.ones_like(X)
    x.flags.writeable = grad.flags.writeable = False
    out, mask = input_dropout.input_forward(x, 0.8, np.random.default_rng(0), scaled)
    dx = input_dropout.input_backward(grad, mask)

    np.testing.assert_array_equal(x, X)
    assert not any(np.shares_memory(a, b) for a in (out, dx) for b in (x, grad, mask))


def test_every_call_and_every_example_draws_its_own_mask():
    """Rows of 200 inputs differ, calls differ. False alarms: < 1e-30."""
    rng = np.random.default_rng(0)
    _, first = input_dropout.input_forward(np.ones((2, 200)), 0.8, rng)
    _, second = input_dropout.input_forward(np.ones((2, 200)), 0.8, rng)

    assert (first[0] != first[1]).any()
    assert (first != second).any()


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("one", [1, 1.0, np.int64(1), np.array(1.0)], ids=repr)
def test_keep_prob_one_is_the_identity(one, scaled):
    """Bit for bit, in both forms."""
    out, _ = input_dropout.input_forward(X, one, np.random.default_rng(0), scaled)

    assert out.tobytes() == X.tobytes()


def test_keep_prob_too_small_for_the_dtype_is_a_value_error():
    """1 / keep_prob may be the largest float16, 65504, and nothing above it."""
    x = np.ones(1, dtype=np.float16)
    _, mask = forward(x, np.array([True]), 1 / 65504)

    assert mask[0] == 65504
    with pytest.raises(ValueError, match=r"keep_prob .* float16"):
        input_dropout.input_forward(x, 1 / 65505, NoDraws())


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; the message names keep_prob and the value."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        input_dropout.input_forward(X, keep_prob, NoDraws())


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="keep_prob must be a real number, got"):
        input_dropout.input_forward(X, keep_prob, NoDraws())


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True]), [1.0], 1.0, None])
def test_only_float_arrays_are_accepted(x):
    """Counts and flags have to be made floats first, on purpose."""
    with pytest.raises(TypeError, match="x must be a NumPy array of floats, got"):
        input_dropout.input_forward(x, 0.8, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        input_dropout.input_forward(X, 0.8, rng)


def test_gradient_and_mask_of_different_shapes_are_a_value_error():
    """Nothing is broadcast silently; the message has both shapes."""
    with pytest.raises(ValueError, match=r"grad has shape \(2,\), the mask \(2, 2\)"):
        input_dropout.input_backward(np.ones(2), np.ones((2, 2)))
