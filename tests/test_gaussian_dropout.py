"""Gaussian dropout keeps its promises: moments, signs, gradient, randomness, contract.

Moments are exact: Gauss-Hermite quadrature visits 6 normal numbers for each element, and is
right for polynomials up to degree 11. No test needs a tolerance for chance.
"""

from itertools import product

import numpy as np
import pytest

from snippets import gaussian_dropout
from tests.fakes import KEEP_PROBS

_FACTORS = "Outputs are normal factors times x, neither 0 nor x / keep_prob."
_COUNTED = (
    "No output is 0, so there are no dropped units whose number could be counted."
)
_PAIRED = (
    "No output is 0, so the property sees all as kept; the noise itself is independent."
)
DEPARTS = {
    "zero-or-scaled": _FACTORS,
    "every-call-starts-anew": _FACTORS,
    "negative-like-positive": _FACTORS,
    "memory-layouts": _FACTORS,
    "inf-and-nan": _FACTORS,
    "half-precision": _FACTORS,
    "backward-is-the-mask": "The gradient is grad times the normal factor of forward.",
    "zeros-get-gradient": "Each zero gets a gradient, as none is dropped.",
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
        self.noise = np.ones_like(x)
        if not training:
            return x
        out, self.noise = gaussian_dropout.gaussian_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return gaussian_dropout.gaussian_backward(grad, self.noise)


class ChosenNormals:
    """A generator whose normal numbers are those a test asks for."""

    def __init__(self, normals):
        self.normals = np.asarray(normals, dtype=float)

    def standard_normal(self, size):
        assert tuple(size) == self.normals.shape, "one number for each element"
        return self.normals


class NoNormals:
    """A generator that must not be used."""

    def standard_normal(self, size):
        raise AssertionError("something was drawn before the arguments were checked")


X = np.array([1.5, -2.0, 0.0])


def forward(x, normals, keep_prob):
    """Return output and noise for chosen normal numbers."""
    rng = ChosenNormals(normals)
    return gaussian_dropout.gaussian_forward(x, keep_prob, rng)


def every_normal(shape):
    """Yield normal numbers and weights that integrate polynomials exactly."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    weights = weights / weights.sum()
    for picked in product(range(6), repeat=int(np.prod(shape))):
        picked = np.reshape(picked, shape)
        yield nodes[picked], np.prod(weights[picked])


def mean_of(function, x, keep_prob):
    """Return the mean of function(output) over the noise."""
    return sum(
        weight * function(forward(x, normals, keep_prob)[0])
        for normals, weight in every_normal(x.shape)
    )


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_noise_is_one_plus_the_deviation_times_a_normal_number(keep_prob):
    """Its deviation is sqrt((1 - k) / k), and the output is x * noise."""
    out, noise = forward(X, [-3.0, 0.0, 1.0], keep_prob)
    deviation = np.sqrt((1 - keep_prob) / keep_prob)

    expected = [1 - 3 * deviation, 1, 1 + deviation]
    np.testing.assert_allclose(noise, expected, rtol=1e-14)
    np.testing.assert_array_equal(out, X * noise)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_output_is_the_input(keep_prob):
    """Integrated over the noise the output is x, element by element."""
    mean = mean_of(lambda out: out, X, keep_prob)

    np.testing.assert_allclose(mean, X, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_and_covariance_are_those_of_inverted_dropout(keep_prob):
    """Mean x; covariance (1 - k) / k * x**2 on the diagonal and 0 off it: own draws."""
    x = np.array([[1.5, -2.0], [1.0, 0.0]])
    mean = mean_of(lambda out: out, x, keep_prob)
    covariance = mean_of(
        lambda out: np.outer((out - x).ravel(), (out - x).ravel()), x, keep_prob
    )

    expected = np.diag((1 - keep_prob) / keep_prob * x.ravel() ** 2)
    np.testing.assert_allclose(mean, x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_third_central_moment_is_zero_and_not_that_of_the_mask(keep_prob):
    """Inverted dropout's is (1 - k) (1 - 2 k) / k**2 * x**3."""
    third = mean_of(lambda out: (out - X) ** 3, X, keep_prob)

    np.testing.assert_allclose(third, np.zeros(3), atol=1e-10)
    assert abs((1 - keep_prob) * (1 - 2 * keep_prob)) / keep_prob**2 > 0.04


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_sign_turns_below_one_deviation_of_the_mean(keep_prob):
    """Exactly for normal numbers below -sqrt(k / (1 - k)): a tail of 0.0228 at 0.8."""
    border = -np.sqrt(keep_prob / (1 - keep_prob))
    _, noise = forward(np.ones(2), [border - 1e-9, border + 1e-9], keep_prob)

    assert noise[0] < 0 < noise[1]


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob):
    """With frozen noise finite differences of a curved loss agree, at x = 0 too."""
    normals, steps = [0.3, -1.2, 2.0], 1e-4 * np.eye(3)

    def loss(x):
        return np.sum((forward(x, normals, keep_prob)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, noise = forward(X, normals, keep_prob)
    analytic = gaussian_dropout.gaussian_backward(2 * (out - 1), noise)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-7, atol=1e-11)


def test_every_element_has_its_own_noise():
    """In a (3, 4) batch one normal number changes one factor, its own."""
    for index in np.ndindex(3, 4):
        normals = np.zeros((3, 4))
        normals[index] = 1.0
        _, noise = forward(np.ones((3, 4)), normals, 0.8)

        np.testing.assert_array_equal(noise != 1, normals == 1)


@pytest.mark.parametrize("keep_prob", [0.2, 0.8, 1])
def test_a_call_draws_one_normal_number_an_element(keep_prob):
    """And they are those of the generator, in their order: no other noise is added."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    _, noise = gaussian_dropout.gaussian_forward(np.ones((4, 5)), keep_prob, rng)
    deviation = np.sqrt((1 - keep_prob) / keep_prob)

    expected = 1 + deviation * reference.standard_normal((4, 5))
    np.testing.assert_allclose(noise, expected, rtol=1e-14)
    assert rng.random() == reference.random()


def test_calls_differ_and_seeds_repeat_them():
    """Fresh noise in each call; equal seeds give equal sequences; none is 0."""
    x = np.ones(200)
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    first, _ = gaussian_dropout.gaussian_forward(x, 0.8, one)
    second, _ = gaussian_dropout.gaussian_forward(x, 0.8, one)

    assert not np.isin(first, second).any()
    assert (first != 0).all()
    for out in (first, second):
        again, _ = gaussian_dropout.gaussian_forward(x, 0.8, two)
        np.testing.assert_array_equal(again, out)


def test_noise_does_not_depend_on_the_data():
    """Same normal numbers, other inputs: one noise for all."""
    for x in (-X, 0 * X, np.full(3, np.nan), 1e300 * X):
        _, noise = forward(x, [1.0, -1.0, 2.0], 0.8)

        np.testing.assert_allclose(noise, [1.5, 0.5, 2.0], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_keep_prob_one_is_the_identity(dtype):
    """Bit for bit: -0.0, inf and nan too."""
    x = np.array([1.1, -0.0, np.inf, -np.inf, np.nan], dtype=dtype)
    out, noise = gaussian_dropout.gaussian_forward(x, 1, np.random.default_rng(0))

    assert out.tobytes() == x.tobytes()
    np.testing.assert_array_equal(noise, np.ones(5))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3, 4, 5)])
def test_output_noise_and_gradient_have_the_shape_and_dtype_of_x(shape, dtype):
    """All are arrays, for 0-d and empty x too; a float64 keep_prob does not upcast."""
    x, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    out, noise = gaussian_dropout.gaussian_forward(x, np.float64(0.8), rng)
    grad = gaussian_dropout.gaussian_backward(np.ones(shape), noise)

    assert all(type(array) is np.ndarray for array in (out, noise, grad))
    assert out.shape == noise.shape == grad.shape == shape
    assert out.dtype == noise.dtype == grad.dtype == np.dtype(dtype)


def test_nothing_given_is_mutated():
    """x, grad and noise keep their values, may be read-only, and share no memory."""
    x, grad = X.copy(), np.ones(3)
    x.flags.writeable = grad.flags.writeable = False
    out, noise = gaussian_dropout.gaussian_forward(x, 0.8, np.random.default_rng(0))
    noise.flags.writeable = False
    back = gaussian_dropout.gaussian_backward(grad, noise)

    np.testing.assert_array_equal(x, X)
    assert not any(np.shares_memory(a, b) for a in (out, back) for b in (x, noise))
    assert not np.shares_memory(back, grad)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf, -np.inf, 1e-320])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """The message has the value, and nothing is drawn."""
    with pytest.raises(ValueError, match="keep_prob is") as e:
        gaussian_dropout.gaussian_forward(X.astype("f4"), keep_prob, NoNormals())

    assert str(keep_prob) in str(e.value)


def test_a_deviation_that_the_dtype_cannot_hold_is_a_value_error():
    """In float16 for keep_prob 1e-6; float32 holds it."""
    with pytest.raises(ValueError, match="float16"):
        gaussian_dropout.gaussian_forward(np.ones(3, "f2"), 1e-6, NoNormals())
    rng = np.random.default_rng(0)
    _, noise = gaussian_dropout.gaussian_forward(np.ones(1000, "f4"), 1e-6, rng)

    assert np.isfinite(noise).all()


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Nothing is drawn."""
    with pytest.raises(TypeError, match="keep_prob must be a number, got"):
        gaussian_dropout.gaussian_forward(X, keep_prob, NoNormals())


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True]), [1.0], 1.0, None])
def test_only_float_arrays_are_accepted(x):
    """Nothing is drawn."""
    with pytest.raises(TypeError, match="x must be an array of floats, got"):
        gaussian_dropout.gaussian_forward(x, 0.8, NoNormals())


@pytest.mark.parametrize("rng", [0, None, type("F", (), {"standard_normal": 1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message has what was given."""
    with pytest.raises(TypeError, match="rng must be a NumPy Generator, got"):
        gaussian_dropout.gaussian_forward(X, 0.8, rng)


def test_a_gradient_may_be_a_list_or_a_transposed_view():
    """Both give the gradient of the array with these values, in the dtype of noise."""
    noise, grad = np.float32([[2, -1], [1 / 4, 3]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    for given in (grad.tolist(), np.array(grad.T, order="C").T):
        back = gaussian_dropout.gaussian_backward(given, noise)

        np.testing.assert_array_equal(back, grad * noise)
        assert back.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (3,), (1, 4), (4, 1)])
def test_gradient_and_noise_of_different_shapes_are_a_value_error(shape):
    """Nothing is broadcast silently; the message has both shapes."""
    with pytest.raises(ValueError, match="grad has shape") as e:
        gaussian_dropout.gaussian_backward(np.ones(shape), np.ones(4))

    assert str(shape) in str(e.value)
    assert "(4,)" in str(e.value)
