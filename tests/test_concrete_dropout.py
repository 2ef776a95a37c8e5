"""Concrete dropout: a soft mask near that of dropout, and the gradient of its rate."""

import numpy as np
import pytest

from snippets import concrete_dropout, inverted_dropout
from tests.fakes import KEEP_PROBS, NoDraws

SOFT = "The mask is soft: outputs lie between 0 and x / keep_prob."
NEVER = "A soft mask is hardly ever exactly 0, by which the suite tells what is kept."
DEPARTS = {
    "variance": "A soft mask varies less than a hard one: 2.11 x**2, not 2.33, at 0.3.",
    "backward-is-the-mask": "backward is grad * mask, but of a mask that is soft.",
    "zeros-get-gradient": "A soft mask gives every input a gradient, however small.",
    "extreme-keep-probs": NEVER,
    **dict.fromkeys(
        [
            "zero-or-scaled",
            "every-call-starts-anew",
            "negative-like-positive",
            "memory-layouts",
            "inf-and-nan",
            "half-precision",
        ],
        SOFT,
    ),
    **dict.fromkeys(
        [
            "keep-rate",
            "unit-keep-rate",
            "example-keep-rate",
            "binomial-count",
            "units-independent",
            "examples-independent",
            "fresh-mask",
            "sharing-as-declared",
            "mask-ignores-data",
            "generator-decides",
            "layers-differ",
        ],
        NEVER,
    ),
}
SILENT = {}


class Layer:
    """The snippet at the authors' temperature, in the form that the suite tests."""

    def __init__(self, keep_prob, rng):
        if not 0 < keep_prob <= 1:
            raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
        self.logit_p, self.rng = logit(keep_prob), rng

    def forward(self, x, training=True):
        self.cache = np.ones_like(x), np.zeros_like(x)
        if not training:
            return x
        args = x, self.logit_p, 0.1, self.rng
        out, self.cache = concrete_dropout.concrete_forward(*args)
        return out

    def backward(self, grad):
        return concrete_dropout.concrete_backward(grad, self.cache)[0]


def logit(keep_prob):
    """Return the logit of the probability to drop."""
    return -np.inf if keep_prob == 1 else np.log1p(-keep_prob) - np.log(keep_prob)


X = np.array([[1.5, -2.0, 0.0], [4.0, 0.25, -1.0]])
DRAWS = np.array([[0.13, 0.81, 0.62], [0.95, 0.05, 0.41]])


class Draws:
    """A generator that returns the draws it was made with."""

    def __init__(self, draws):
        self.draws = np.asarray(draws)

    def random(self, size):
        return self.draws.reshape(size)


def forward(x, keep_prob, temperature, draws=DRAWS):
    """Return output and cache for chosen draws."""
    args = x, logit(keep_prob), temperature, Draws(draws)
    return concrete_dropout.concrete_forward(*args)


def mean_mask(keep_prob, temperature, points=200001):
    """Return the mean of the mask over a fine grid of draws, by the midpoint rule."""
    draws = (np.arange(points) + 1 / 2) / points
    return forward(np.ones(points), keep_prob, temperature, draws)[0].mean()


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.7, 2])
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_output_is_the_formula_of_the_paper(keep_prob, temperature):
    """y = x (1 - z) / (1 - p), z = sigmoid((logit p + logit u) / t)."""
    p, u = 1 - keep_prob, DRAWS
    inside = np.log(p) - np.log(1 - p) + np.log(u) - np.log(1 - u)
    z = 1 / (1 + np.exp(-inside / temperature))
    out, (mask, _) = forward(X, keep_prob, temperature)

    np.testing.assert_allclose(out, X * (1 - z) / (1 - p), rtol=1e-9, atol=1e-14)
    np.testing.assert_array_equal(out, X * mask)


@pytest.mark.parametrize("temperature", [0.01, 0.1, 2.0])
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_soft_mask_is_above_one_half_where_dropout_keeps(keep_prob, temperature):
    """Inverted dropout from the same generator state, 2000 elements, any temperature."""
    x, rngs = np.ones(2000), [np.random.default_rng(0) for _ in range(2)]
    args = x, logit(keep_prob), temperature, rngs[0]
    out, _ = concrete_dropout.concrete_forward(*args)
    hard, _ = inverted_dropout.dropout_forward(x, keep_prob, rngs[1])

    np.testing.assert_array_equal(out * keep_prob > 1 / 2, hard != 0)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_near_temperature_zero_it_is_inverted_dropout(keep_prob):
    """At 1e-5 both outputs agree to 1e-12 for the same 2000 draws."""
    x, rngs = np.linspace(-2, 2, 2000), [np.random.default_rng(0) for _ in range(2)]
    out, _ = concrete_dropout.concrete_forward(x, logit(keep_prob), 1e-5, rngs[0])
    hard, _ = inverted_dropout.dropout_forward(x, keep_prob, rngs[1])

    np.testing.assert_allclose(out, hard, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_at_temperature_one_is_off_by_a_known_factor(keep_prob):
    """E[1 - z] = 1 / (1 - r) + r log(r) / (1 - r)**2 with r = p / k, divided by k."""
    r = (1 - keep_prob) / keep_prob
    exact = 1 / (1 - r) + r * np.log(r) / (1 - r) ** 2

    assert mean_mask(keep_prob, 1.0) == pytest.approx(exact / keep_prob, rel=1e-8)
    assert abs(exact / keep_prob - 1) > 0.05


@pytest.mark.parametrize(("keep_prob", "bias"), [(0.3, 0.0045), (0.8, -0.0020)])
def test_mean_at_the_authors_temperature_is_nearly_kept(keep_prob, bias):
    """At 0.1 it is off by less than half a percent, in the direction of one half."""
    assert mean_mask(keep_prob, 0.1) - 1 == pytest.approx(bias, abs=1e-4)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_by_x(keep_prob, temperature):
    """For frozen draws and a curved loss, by central differences, at x = 0 too."""
    steps = 1e-4 * np.eye(X.size).reshape(-1, *X.shape)

    def loss(x):
        return np.sum((forward(x, keep_prob, temperature)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, cache = forward(X, keep_prob, temperature)
    got, _ = concrete_dropout.concrete_backward(2 * (out - 1), cache)
    np.testing.assert_allclose(got.ravel(), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_by_logit_p(keep_prob, temperature):
    """For frozen draws and a curved loss, by central differences."""

    def loss(logit_p):
        args = X, logit_p, temperature, Draws(DRAWS)
        return np.sum((concrete_dropout.concrete_forward(*args)[0] - 1) ** 2)

    point, step = logit(keep_prob), 1e-5
    numeric = (loss(point + step) - loss(point - step)) / (2 * step)
    out, cache = forward(X, keep_prob, temperature)
    _, got = concrete_dropout.concrete_backward(2 * (out - 1), cache)
    assert got == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("keep_prob", [1e-6, 0.3, 0.8, 1 - 1e-6, 1])
@pytest.mark.parametrize("temperature", [1e-6, 0.1, 10])
def test_no_draw_gives_nan_or_a_warning(keep_prob, temperature):
    """The smallest and the largest draws of NumPy, 0 and 1 - 2**-53, are finite."""
    draws = np.array([0.0, 2.0**-53, keep_prob, 1 - 2.0**-53])
    draws = np.minimum(draws, 1 - 2.0**-53)
    with np.errstate(all="raise", under="ignore"):
        out, cache = forward(np.ones(4), keep_prob, temperature, draws)

    assert np.isfinite([out, *cache]).all()
    assert ((out >= 0) & (out <= 1 / keep_prob * (1 + 1e-9))).all()


def test_infinite_logit_drops_nothing():
    """logit_p = -inf: out is x, the gradient grad, and 0 for logit_p."""
    out, cache = forward(X, 1, 0.1)
    dx, dlogit = concrete_dropout.concrete_backward(np.ones_like(X), cache)

    np.testing.assert_array_equal(out, X)
    np.testing.assert_array_equal(dx, np.ones_like(X))
    assert dlogit == 0


def test_every_element_has_its_own_draw_and_every_call_new_ones():
    """100 elements and two calls: 200 different masks, x.size draws a call."""
    rng, reference = np.random.default_rng(0), np.random.default_rng(0)
    outs = [
        concrete_dropout.concrete_forward(np.ones(100), 0.5, 1.0, rng)[0]
        for _ in range(2)
    ]
    reference.random(200)

    assert len(np.unique(outs)) == 200
    assert rng.random() == reference.random()


def test_same_generator_state_gives_the_same_output():
    """And another one another output."""
    outs = [
        concrete_dropout.concrete_forward(X, -1.0, 0.1, np.random.default_rng(seed))[0]
        for seed in (1, 1, 2)
    ]

    np.testing.assert_array_equal(outs[0], outs[1])
    assert (outs[0] != outs[2]).any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3, 4)])
def test_results_have_the_shape_and_dtype_of_x(shape, dtype):
    """Arrays in all cases, and a float for logit_p."""
    x, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    args = x, np.float64(-1), np.float64(0.1), rng
    out, cache = concrete_dropout.concrete_forward(*args)
    dx, dlogit = concrete_dropout.concrete_backward(np.ones_like(x), cache)

    assert type(out) is np.ndarray
    assert out.shape == np.shape(dx) == shape
    assert out.dtype == dx.dtype == np.dtype(dtype)
    assert type(dlogit) is float


def test_inputs_are_not_mutated():
    """x, grad and cache stay as they were, and no result shares memory with x."""
    x, grad = X.copy(), np.ones_like(X)
    x.flags.writeable = grad.flags.writeable = False
    out, cache = forward(x, 0.8, 0.1)
    before = [part.copy() for part in cache]
    dx, _ = concrete_dropout.concrete_backward(grad, cache)

    np.testing.assert_array_equal(before, cache)
    assert not any(np.shares_memory(a, b) for a in (out, dx) for b in (x, grad))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 700, 1e4])
def test_a_logit_that_keeps_nothing_is_a_value_error(bad):
    """Before anything is drawn; the message has the number."""
    with pytest.raises(ValueError, match=f"logit_p {bad}"):
        concrete_dropout.concrete_forward(X, bad, 0.1, NoDraws())


def test_a_scale_too_large_for_the_dtype_is_a_value_error():
    """1 / keep_prob may not exceed the largest float16: no silent inf."""
    x = np.ones(3, dtype=np.float16)
    with pytest.raises(ValueError, match="logit_p 12"):
        concrete_dropout.concrete_forward(x, 12, 0.1, NoDraws())


@pytest.mark.parametrize("bad", [0, -0.1, np.nan, np.inf])
def test_a_bad_temperature_is_a_value_error(bad):
    """Before anything is drawn; the message has the number."""
    with pytest.raises(ValueError, match=f"temperature {bad}"):
        concrete_dropout.concrete_forward(X, -1.0, bad, NoDraws())


@pytest.mark.parametrize("bad", ["0.1", None, np.array([0.1]), True, 1j])
def test_numbers_of_a_wrong_type_are_a_type_error(bad):
    """Both numbers, before anything is drawn."""
    for numbers in ((bad, 0.1), (-1.0, bad)):
        with pytest.raises(TypeError, match="logit_p and temperature are numbers"):
            concrete_dropout.concrete_forward(X, *numbers, NoDraws())


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True]), [1.0], 1.0, None])
def test_only_float_arrays_are_accepted(x):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="x must be a NumPy array of floats, got"):
        concrete_dropout.concrete_forward(x, -1.0, 0.1, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        concrete_dropout.concrete_forward(X, -1.0, 0.1, rng)


def test_gradient_and_mask_of_different_shapes_are_a_value_error():
    """Nothing is broadcast silently; the message has both shapes."""
    _, cache = forward(X, 0.8, 0.1)
    with pytest.raises(ValueError, match=r"grad has shape \(3,\), the mask \(2, 3\)"):
        concrete_dropout.concrete_backward(np.ones(3), cache)
