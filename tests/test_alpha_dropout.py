"""Alpha dropout keeps its promises: moments, gradient, randomness, contract.

Moments are exact: all masks of a few elements are visited.
"""

from math import erfc, exp, pi, sqrt

import numpy as np
import pytest

from snippets import alpha_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

_VALUE = "A dropped x becomes a constant that is not 0, and a kept one a * x + b."
_COUNTED = "No output is 0, so the property sees no dropped units to count."
_PAIRED = (
    "No output is 0, so the property sees all as kept; the mask itself is independent."
)
DEPARTS = {
    "zero-or-scaled": _VALUE,
    "every-call-starts-anew": _VALUE,
    "negative-like-positive": "The constant is negative: forward(-x) is not -forward(x).",
    "memory-layouts": _VALUE,
    "inf-and-nan": "A dropped inf or nan becomes the constant, which is not 0.",
    "half-precision": _VALUE,
    "mean-kept": "Only inputs of mean 0 keep their mean; of one x it is less than x.",
    "variance": "The noise of an x grows with its distance from the constant.",
    "backward-is-the-mask": "A kept x has the derivative a, which is not 1 / keep_prob.",
    "keep-rate": _COUNTED,
    "unit-keep-rate": _COUNTED,
    "example-keep-rate": _COUNTED,
    "binomial-count": _COUNTED,
    "extreme-keep-probs": _COUNTED,
    "units-independent": _PAIRED,
    "examples-independent": _PAIRED,
    "fresh-mask": _PAIRED,
    "sharing-as-declared": _PAIRED,
    "generator-decides": _PAIRED,
    "layers-differ": _PAIRED,
    "mask-ignores-data": _COUNTED,
}
SILENT = {}


class Layer:
    """The snippet in the form that the conformance suite tests."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        self.factor = np.ones_like(x)
        if not training:
            return x
        out, self.factor = alpha_dropout.alpha_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return alpha_dropout.alpha_backward(grad, self.factor)


X = np.array([1.5, -2.0, 0.0, 4.0])
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # of SELU


def forward(x, kept, keep_prob):
    """Return output and factor for a chosen 0/1 mask."""
    return alpha_dropout.alpha_forward(x, keep_prob, ChosenDraws(kept, keep_prob))


def authors_form(keep_prob, mean=0.0, variance=1.0):
    """Return a and b as in the authors' code, for inputs of any mean and variance."""
    saturation = -SCALE * ALPHA
    spread = (1 - keep_prob) * (saturation - mean) ** 2 + variance
    a = sqrt(variance / (keep_prob * spread))
    return a, mean - a * (keep_prob * mean + (1 - keep_prob) * saturation)


def test_saturation_is_the_value_of_selu_at_minus_infinity():
    """-scale * alpha, with the two constants that make mean 0, variance 1 a fixed point."""
    below, twice = exp(1 / 2) * erfc(1 / sqrt(2)) / 2, exp(2) * erfc(sqrt(2)) / 2
    mean = 1 / sqrt(2 * pi) + ALPHA * (below - 1 / 2)
    second = 1 / 2 + ALPHA**2 * (twice - 2 * below + 1 / 2)

    assert abs(alpha_dropout.SATURATION + SCALE * ALPHA) < 1e-15
    assert SCALE * mean == pytest.approx(0, abs=1e-15)
    assert SCALE**2 * second == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_kept_is_a_x_plus_b_and_dropped_is_a_constant(keep_prob):
    """For all 16 masks, with a and b in the form of the authors' code."""
    a, b = authors_form(keep_prob)
    for kept, _ in every_mask(X.shape, keep_prob):
        out, factor = forward(X, kept, keep_prob)
        constant = -SCALE * ALPHA * a + b

        np.testing.assert_allclose(out, np.where(kept, a * X + b, constant), rtol=1e-14)
        np.testing.assert_allclose(factor, np.where(kept, a, 0), rtol=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_zero_and_variance_one_are_kept(keep_prob):
    """Of 8 numbers that have them, over all 256 masks: the two moments of the output."""
    x = np.array([-1.2, 0.1, 2.2, -0.7, 0.4, 1.0, -1.9, 0.6])
    x = (x - x.mean()) / x.std()
    mean = second = 0
    for kept, prob in every_mask(x.shape, keep_prob):
        out, _ = forward(x, kept, keep_prob)
        mean, second = mean + prob * out.mean(), second + prob * np.mean(out**2)

    assert mean == pytest.approx(0, abs=1e-12)
    assert second == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_mean_of_one_input_is_shrunk(keep_prob):
    """Over all 16 masks it is a k x = sqrt(k / (1 + (1 - k) s**2)) x, which is not x."""
    mean = sum(
        prob * forward(X, kept, keep_prob)[0]
        for kept, prob in every_mask(X.shape, keep_prob)
    )

    saturation = SCALE * ALPHA
    shrunk = np.sqrt(keep_prob / (1 + (1 - keep_prob) * saturation**2))
    assert shrunk < 0.95
    np.testing.assert_allclose(mean, shrunk * X, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_covariance_is_diagonal_and_grows_with_the_distance_to_the_saturation(
    keep_prob,
):
    """Over all 16 masks: a**2 k (1 - k) (x - s)**2, and 0 between elements."""
    a, _ = authors_form(keep_prob)
    x, covariance = X.reshape(2, 2), np.zeros((4, 4))
    for kept, prob in every_mask(x.shape, keep_prob):
        noise = (forward(x, kept, keep_prob)[0] - a * keep_prob * x).ravel()
        covariance += prob * np.outer(noise, noise)

    scale = a**2 * keep_prob * (1 - keep_prob)
    expected = np.diag(scale * (X + SCALE * ALPHA) ** 2)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob):
    """With a frozen mask finite differences of a curved loss agree, at x = 0 too."""
    kept, steps = np.array([True, False, True, True]), 1e-4 * np.eye(X.size)

    def loss(x):
        return np.sum((forward(x, kept, keep_prob)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, factor = forward(X, kept, keep_prob)
    analytic = alpha_dropout.alpha_backward(2 * (out - 1), factor)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-7, atol=1e-11)


def test_a_dropped_inf_or_nan_is_gone():
    """It is replaced, not multiplied: the output is the constant, the gradient 0."""
    x = np.array([np.inf, np.nan, -np.inf, 1.0])
    out, factor = forward(x, np.array([False, False, False, True]), 0.8)

    assert np.isfinite(out).all()
    np.testing.assert_array_equal(factor[:3], 0)


def test_every_element_is_decided_by_its_own_draw():
    """In a (3, 4) batch, dropping one draw changes one element, its own."""
    for index in np.ndindex(3, 4):
        kept = np.ones((3, 4), dtype=bool)
        kept[index] = False
        _, factor = forward(np.ones((3, 4)), kept, 0.8)

        np.testing.assert_array_equal(factor != 0, kept)


def test_calls_differ_and_seeds_repeat_them():
    """Fresh masks of 200 units in each call. False alarms: < 1e-30."""
    x = np.ones(200)
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    first, _ = alpha_dropout.alpha_forward(x, 0.8, one)
    second, _ = alpha_dropout.alpha_forward(x, 0.8, one)

    assert (first != second).any()
    for out in (first, second):
        np.testing.assert_array_equal(alpha_dropout.alpha_forward(x, 0.8, two)[0], out)


def test_keep_prob_is_the_probability_to_stay():
    """Of 10000, 8000 +- 300 stay at 0.8: 7.5 deviations. False alarms: < 1e-12."""
    rng = np.random.default_rng(0)
    _, factor = alpha_dropout.alpha_forward(np.ones(10000), 0.8, rng)

    assert abs(np.count_nonzero(factor) - 8000) < 300


@pytest.mark.parametrize("keep_prob", [0.2, 0.8, 1])
def test_a_call_draws_one_number_an_element(keep_prob):
    """The generator moves on by x.size draws, whatever keep_prob is."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    alpha_dropout.alpha_forward(np.ones((4, 5)), keep_prob, rng)
    reference.random(20)

    assert rng.random() == reference.random()


def test_keep_prob_one_is_the_identity():
    """a is 1 and b is 0; inf and nan stay, too."""
    x = np.array([1.1, -2.0, 0.0, np.inf, -np.inf, np.nan])
    out, factor = alpha_dropout.alpha_forward(x, 1, np.random.default_rng(0))

    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(factor, np.ones(6))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3, 4, 5)])
def test_output_factor_and_gradient_have_the_shape_and_dtype_of_x(shape, dtype):
    """All are arrays, for 0-d and empty x too; a float64 keep_prob does not upcast."""
    x, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    out, factor = alpha_dropout.alpha_forward(x, np.float64(0.8), rng)
    grad = alpha_dropout.alpha_backward(np.ones(shape), factor)

    assert all(type(array) is np.ndarray for array in (out, factor, grad))
    assert out.shape == factor.shape == grad.shape == shape
    assert out.dtype == factor.dtype == grad.dtype == np.dtype(dtype)


def test_nothing_given_is_mutated():
    """x, grad and factor keep their values, may be read-only, and share no memory."""
    x, grad = X.copy(), np.ones(4)
    x.flags.writeable = grad.flags.writeable = False
    out, factor = alpha_dropout.alpha_forward(x, 0.8, np.random.default_rng(0))
    factor.flags.writeable = False
    back = alpha_dropout.alpha_backward(grad, factor)

    np.testing.assert_array_equal(x, X)
    assert not any(np.shares_memory(a, b) for a in (out, back) for b in (x, factor))
    assert not np.shares_memory(back, grad)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf, -np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """The message has the value, and nothing is drawn."""
    with pytest.raises(ValueError, match="keep_prob is") as e:
        alpha_dropout.alpha_forward(X, keep_prob, NoDraws())

    assert str(keep_prob) in str(e.value)


def test_a_scale_that_the_dtype_cannot_hold_is_a_value_error():
    """In float16 for keep_prob 1e-11, before anything is drawn; 1e-5 is taken."""
    with pytest.raises(ValueError, match="float16"):
        alpha_dropout.alpha_forward(np.ones(3, "f2"), 1e-11, NoDraws())
    rng = np.random.default_rng(0)
    out, _ = alpha_dropout.alpha_forward(np.ones(3, "f2"), 1e-5, rng)

    assert np.isfinite(out).all()


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Nothing is drawn."""
    with pytest.raises(TypeError, match="keep_prob must be a number, got"):
        alpha_dropout.alpha_forward(X, keep_prob, NoDraws())


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True]), [1.0], 1.0, None])
def test_only_float_arrays_are_accepted(x):
    """Nothing is drawn."""
    with pytest.raises(TypeError, match="x must be an array of floats, got"):
        alpha_dropout.alpha_forward(x, 0.8, NoDraws())


@pytest.mark.parametrize("rng", [0, None, type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message has what was given."""
    with pytest.raises(TypeError, match="rng must be a NumPy Generator, got"):
        alpha_dropout.alpha_forward(X, 0.8, rng)


@pytest.mark.parametrize("shape", [(), (3,), (1, 4), (4, 1)])
def test_gradient_and_factor_of_different_shapes_are_a_value_error(shape):
    """Nothing is broadcast silently; the message has both shapes."""
    with pytest.raises(ValueError, match="grad has shape") as e:
        alpha_dropout.alpha_backward(np.ones(shape), np.ones(4))

    assert str(shape) in str(e.value)
    assert "(4,)" in str(e.value)
