"""Variational dropout keeps its promises: moments, local noise, gradients, contract.

The output is linear in the noise, which has mean 0 and variance 1. So signs, +1 and -1
with equal chances, have the same first two moments: all 2**6 are visited. No sampling.
"""

from itertools import product

import numpy as np
import pytest

from snippets import variational_dropout
from tests.fakes import KEEP_PROBS

VALUES = "The factor is normal with mean 1 and variance alpha: it is neither 0 nor"
VALUES = f"{VALUES} 1 / keep_prob."
NEVER = "Nothing is ever dropped, so there is no rate at which elements are kept and no"
NEVER = f"{NEVER} pattern of kept ones to compare."
VALUED = [
    "zero-or-scaled",
    "every-call-starts-anew",
    "memory-layouts",
    "half-precision",
]
RATES = [
    "keep-rate",
    "unit-keep-rate",
    "example-keep-rate",
    "binomial-count",
    "units-independent",
    "examples-independent",
    "fresh-mask",
    "sharing-as-declared",
    "mask-ignores-data",
    "extreme-keep-probs",
    "generator-decides",
    "layers-differ",
]
DEPARTS = dict.fromkeys(VALUED, VALUES) | dict.fromkeys(RATES, NEVER)
DEPARTS["negative-like-positive"] = (
    "The noise is drawn for the output, not for x: forward(-x) is -x plus the same noise."
)
DEPARTS["inf-and-nan"] = (
    "In x @ W an inf of x meets the zeros of W, so that its whole example becomes nan."
)
DEPARTS["backward-is-the-mask"] = (
    "The gradient is grad times the factor of forward, which is not 0 or 1 / keep_prob."
)
DEPARTS["zeros-get-gradient"] = (
    "Nothing is dropped, so every input that is 0 gets a gradient."
)
SILENT = {}


class Layer:
    """A dense layer with identity weights and one alpha, (1 - keep_prob) / keep_prob.

    Each unit is then x times a normal factor with the mean and the variance of dropout.
    """

    def __init__(self, keep_prob, rng):
        if not 0 < keep_prob <= 1:
            raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
        with np.errstate(divide="ignore"):  # log 0: no noise
            self.log_alpha = np.log([[(1 - keep_prob) / keep_prob]])
        self.rng, self.cache = rng, None

    def forward(self, x, training=True):
        self.cache = None
        if not training:
            return x
        given = x.reshape(-1, x.shape[-1]), np.eye(x.shape[-1], dtype=x.dtype)
        log_alpha = self.log_alpha.astype(given[1].dtype)
        call = variational_dropout.variational_forward
        out, self.cache = call(*given, log_alpha, self.rng)
        return out.reshape(x.shape)

    def backward(self, grad):
        if self.cache is None:
            return grad
        flat = grad.reshape(-1, grad.shape[-1])
        dx, _, _ = variational_dropout.variational_backward(flat, self.cache)
        return dx.reshape(grad.shape)


X = np.array([[1.5, -2.0, 0.8], [0.4, 1.1, -3.0]])
WEIGHTS = np.array([[0.7, -1.1, 0.2], [1.3, 0.4, -0.9], [-0.6, 2.0, 1.7]])
SHAPES = [(1, 1), (3, 1), (1, 3), (3, 3)]


class ChosenNoise:
    """A generator whose normal numbers are those a test asks for."""

    def __init__(self, noise):
        self.noise = np.asarray(noise)

    def standard_normal(self, size):
        assert tuple(size) == self.noise.shape, "one number for each output"
        return self.noise


class NoNoise:
    """A generator that must not be used."""

    def standard_normal(self, size):
        raise AssertionError("something was drawn before the arguments were checked")


def logs(shape, seed=5):
    """Return log alpha of some shape, alpha from 0.1 to 1."""
    return np.log(np.random.default_rng(seed).uniform(0.1, 1, shape))


def forward(noise, x=X, weights=WEIGHTS, log_alpha=None):
    """Return out and cache for chosen noise."""
    log_alpha = logs((3, 3)) if log_alpha is None else log_alpha
    call = variational_dropout.variational_forward
    return call(x, weights, log_alpha, ChosenNoise(noise))


def every_sign(*shape):
    """Yield all arrays of +1 and -1."""
    for signs in product([1.0, -1.0], repeat=int(np.prod(shape))):
        yield np.reshape(signs, shape)


def noises(log_alpha):
    """Return out - x @ W for all 64 signs, one row each: (64, 2 x 3)."""
    return np.array(
        [
            (forward(n, log_alpha=log_alpha)[0] - X @ WEIGHTS).ravel()
            for n in every_sign(2, 3)
        ]
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_moments_are_those_of_normal_weights(shape):
    """Mean x @ W, variance sum_i alpha x_i^2 w_ij^2, no covariance of any two outputs."""
    found = noises(logs(shape))
    expected = X**2 @ (np.exp(logs(shape)) * WEIGHTS**2)

    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    covariance = found.T @ found / 64
    np.testing.assert_allclose(covariance, np.diag(expected.ravel()), atol=1e-12)


def test_drawing_the_weights_themselves_has_the_same_moments():
    """w (1 + sqrt(alpha) e), a sign e for each of 3 weights: the same mean and variance."""
    scale, weights = np.exp(logs((3, 1)) / 2), WEIGHTS[:, :1]
    outs = np.array([X @ (weights * (1 + scale * e)) for e in every_sign(3, 1)])

    np.testing.assert_allclose(outs.mean(axis=0), X @ weights, rtol=1e-12)
    local = noises(logs((3, 1))).var(axis=0).reshape(2, 3)[:, :1]
    np.testing.assert_allclose(outs.var(axis=0), local, rtol=1e-12)


def test_examples_share_no_noise_where_one_weight_sample_does():
    """Covariance of two examples: 0, against sum_i alpha x_i x'_i w_i^2."""
    scale, weights = np.exp(logs((3, 1)) / 2), WEIGHTS[:, :1]
    outs = np.array([X @ (weights * scale * e) for e in every_sign(3, 1)])[..., 0]
    expected = np.sum(X[0] * X[1] * (scale * weights)[:, 0] ** 2)
    found = noises(logs((3, 1)))

    assert np.mean(outs[:, 0] * outs[:, 1]) == pytest.approx(expected, rel=1e-12)
    assert abs(expected) > 1
    assert abs(np.mean(found[:, 0] * found[:, 3])) < 1e-12  # first output of both


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_alpha_of_a_keep_prob_gives_the_moments_of_dropconnect(keep_prob):
    """alpha = (1 - k) / k: variance (1 - k) / k sum x^2 w^2, as dropout of weights."""
    alpha = (1 - keep_prob) / keep_prob
    found = noises(np.log([[alpha]])).var(axis=0).reshape(2, 3)

    np.testing.assert_allclose(found, alpha * X**2 @ WEIGHTS**2, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_backward_is_the_derivative_of_forward(shape):
    """For x, W and log alpha, shared or not: central differences at fixed noise."""
    rng = np.random.default_rng(1)
    noise, slope = rng.normal(size=(2, 2, 3))
    params = [X, WEIGHTS, logs(shape)]
    got = variational_dropout.variational_backward(slope, forward(noise, *params)[1])
    for i, gradient in enumerate(got):
        assert gradient.shape == params[i].shape
        for index in np.ndindex(params[i].shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [p.copy() for p in params]
                moved[i][index] += step
                ends.append(np.sum(slope * forward(noise, *moved)[0]))
            numeric = (ends[0] - ends[1]) / 2e-6
            assert gradient[index] == pytest.approx(numeric, rel=1e-7, abs=1e-8)


def test_an_input_of_zeros_gets_a_finite_gradient():
    """There sqrt has no slope; the mean's gradient is left."""
    out, cache = forward(np.ones((1, 3)), x=np.zeros((1, 3)))
    got = variational_dropout.variational_backward(np.ones((1, 3)), cache)

    assert not out.any()
    np.testing.assert_allclose(got[0], WEIGHTS.sum(axis=1)[None], rtol=1e-12)
    assert not got[1].any()
    assert not got[2].any()


def test_no_noise_is_the_layer_itself():
    """log alpha = -inf: out is x @ W, and alpha gets no gradient."""
    out, cache = forward(np.ones((2, 3)), log_alpha=np.full((1, 1), -np.inf))
    got = variational_dropout.variational_backward(np.ones((2, 3)), cache)

    np.testing.assert_array_equal(out, X @ WEIGHTS)
    np.testing.assert_allclose(got[1], X.T @ np.ones((2, 3)), rtol=1e-12)
    assert not got[2].any()


def test_noise_is_normal_fresh_and_from_the_generator():
    """10000 outputs of variance 1/4: see the bounds. False alarms < 1e-8."""
    given = np.ones((100, 1)), np.ones((1, 100)), np.log([[0.25]])
    one, same = np.random.default_rng(0), np.random.default_rng(0)
    call = variational_dropout.variational_forward
    noise = (call(*given, one)[0] - 1) / 0.25**0.5

    np.testing.assert_array_equal(call(*given, same)[0], 1 + noise * 0.25**0.5)
    assert (call(*given, one)[0] != 1 + noise * 0.25**0.5).all()
    assert abs(noise.mean()) < 0.06  # 6 deviations of 1 / 100
    assert abs(noise.var() - 1) < 0.1  # 7 deviations of sqrt(2) / 100
    assert abs(np.mean(noise > 1) - 0.15866) < 0.022  # 6 deviations
    assert one.random() != same.random()  # one has made two calls


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_results_have_the_dtype_of_the_input(dtype):
    """Forward and backward; an empty batch is taken."""
    given = [a.astype(dtype) for a in (X, WEIGHTS, logs((1, 3)))]
    for x in (given[0], given[0][:0]):
        rng = np.random.default_rng(0)
        call = variational_dropout.variational_forward
        out, cache = call(x, *given[1:], rng)
        grads = variational_dropout.variational_backward(out, cache)

        assert {a.dtype for a in (out, *grads)} == {np.dtype(dtype)}
        assert out.shape == (len(x), 3)


def test_inputs_are_not_changed_and_not_remembered():
    """A caller may overwrite all of them before backward."""
    given = [X.copy(), WEIGHTS.copy(), logs((3, 3))]
    grad = np.ones((2, 3))
    _, cache = forward(np.ones((2, 3)), *given)
    before = variational_dropout.variational_backward(grad, cache)
    for array, value in zip(given, (X, WEIGHTS, logs((3, 3)))):
        np.testing.assert_array_equal(array, value)
        array[...] = 99
    after = variational_dropout.variational_backward(grad, cache)

    assert all(np.array_equal(a, b) for a, b in zip(before, after))
    np.testing.assert_array_equal(grad, np.ones((2, 3)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e4])
def test_bad_alpha_is_a_value_error(bad):
    """Before anything is drawn; so is a log_alpha that is not 2-D."""
    call = variational_dropout.variational_forward
    with pytest.raises(ValueError, match=r"log_alpha < 710: \[\["):
        call(X, WEIGHTS, np.full((1, 1), bad), NoNoise())
    with pytest.raises(ValueError, match="need 2-D"):
        call(X, WEIGHTS, np.zeros(3), NoNoise())


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("dtype", [int, bool, np.float32])
def test_other_dtypes_are_a_type_error(which, dtype):
    """Integers, or a second float type, which would promote the result."""
    given = [X, WEIGHTS, logs((1, 1))]
    given[which] = given[which].astype(dtype)
    with pytest.raises(TypeError, match="one float dtype"):
        variational_dropout.variational_forward(*given, NoNoise())


def test_shapes_that_do_not_fit_are_value_errors():
    """Nothing is broadcast silently, and nothing is drawn."""
    call, zeros = variational_dropout.variational_forward, np.zeros
    for x, shape in [(X[:, :2], (1, 1)), (X, (2, 1)), (X, (1, 2)), (X, (4, 4))]:
        with pytest.raises(ValueError, match=r"matmul|broadcast|shape"):
            call(x, WEIGHTS, zeros(shape), NoNoise())
    for x in (X[0], X[None]):  # one example, or steps: their gradients would be wrong
        with pytest.raises(ValueError, match="need 2-D"):
            call(x, WEIGHTS, zeros((1, 1)), NoNoise())
    with pytest.raises(ValueError, match=r"broadcast|shape|alpha"):
        call(X, WEIGHTS[:, :1], zeros((1, 3)), NoNoise())
    _, cache = forward(np.ones((2, 3)))
    for shape in [(3,), (1, 3), (2, 1), (3, 3)]:
        with pytest.raises(ValueError, match="grad has shape"):
            variational_dropout.variational_backward(np.ones(shape), cache)


def test_nested_lists_of_floats_are_taken_as_arrays():
    """Scalars are not: alpha has a shape."""
    call, log_alpha = variational_dropout.variational_forward, logs((1, 1))
    out, cache = call(X.tolist(), WEIGHTS.tolist(), [[-1.0]], ChosenNoise(X))
    wanted, _ = forward(X, log_alpha=np.array([[-1.0]]))

    np.testing.assert_array_equal(out, wanted)
    assert variational_dropout.variational_backward(out, cache)[0].shape == X.shape
    with pytest.raises(ValueError, match="need 2-D"):
        call(X, WEIGHTS, -1.0, NoNoise())
    for bad in (None, "x", [[1, 2, 3]]):
        with pytest.raises(TypeError, match="one float dtype"):
            call(bad, WEIGHTS, log_alpha, NoNoise())


@pytest.mark.parametrize("rng", [0, None, "pcg64", np.random.SeedSequence(0)])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        variational_dropout.variational_forward(X, WEIGHTS, logs((1, 1)), rng)
