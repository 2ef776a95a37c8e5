"""Monte-Carlo dropout: mean and spread over masks, unbiased, and drawn at evaluation."""

import numpy as np
import pytest

from snippets import inverted_dropout, monte_carlo_dropout
from tests.fakes import NoDraws

DEPARTS = {
    "evaluation-is-identity": "A prediction is the mean of passes that drop.",
    "mode-is-obeyed": "Dropout stays on at evaluation, which is the method.",
    "evaluation-draws-nothing": "Each prediction draws the masks of its passes.",
}
SILENT = {}


class Layer:
    """Dropout in training, the mean of 20 passes in evaluation, as the suite asks."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        if training:
            out, self.mask = inverted_dropout.dropout_forward(
                x, self.keep_prob, self.rng
            )
            return out
        self.mask = None

        def one_pass(rng):
            return inverted_dropout.dropout_forward(x, self.keep_prob, rng)[0]

        return monte_carlo_dropout.mc_predict(one_pass, 20, self.rng)[0]

    def backward(self, grad):
        if self.mask is None:
            raise RuntimeError("a Monte-Carlo prediction has no backward")
        return inverted_dropout.dropout_backward(grad, self.mask)


A = np.array([[1.5, -2.0, 0.5, 1.0], [1.0, 0.25, -3.0, 2.0]])  # two examples
V = np.array([[1.0, -0.5], [0.75, 2.0], [-1.25, 1.0], [0.5, 1.5]])
KEEP_PROB = 0.8  # 4 of the 5 numbers below it


class EveryDraw:
    """A generator that goes through all 5**4 equally likely draws for four units."""

    numbers = np.array([0.1, 0.3, 0.5, 0.7, 0.9])

    def __init__(self, first=0):
        self.number = first

    def random(self, size):
        places = np.unravel_index(self.number, (5,) * 4)
        self.number += 1
        return np.broadcast_to(self.numbers[list(places)], size)


def network(rng, a=A):
    """Return the outputs of one pass: dropout on four units, then a linear layer."""
    return a * (rng.random(a.shape) < KEEP_PROB) / KEEP_PROB @ V


def variance():
    """Return the exact variance over masks of each output."""
    return (1 - KEEP_PROB) / KEEP_PROB * A**2 @ V**2


def test_mean_over_all_masks_is_evaluation_below_a_linear_layer():
    """All 625 equally likely draws are passes: the mean is the pass without masks."""
    mean, _ = monte_carlo_dropout.mc_predict(network, 625, EveryDraw())

    np.testing.assert_allclose(mean, A @ V, rtol=0, atol=1e-12)


def test_spread_over_all_masks_is_that_of_the_formula():
    """Its square is (1 - k) / k * sum(a**2 v**2), but for the factor 625 / 624."""
    _, spread = monte_carlo_dropout.mc_predict(network, 625, EveryDraw())

    np.testing.assert_allclose(spread**2, variance() * 625 / 624, rtol=1e-12)


def test_variance_of_two_passes_is_unbiased():
    """Over all 390625 pairs of masks the mean of spread**2 is the variance."""
    outs = np.array([network(EveryDraw(i)) for i in range(625)])
    squares = np.mean([(outs - other) ** 2 / 2 for other in outs], axis=(0, 1))
    assert (outs[4] != outs[120]).all()
    pair = iter(outs[[4, 120]])
    _, spread = monte_carlo_dropout.mc_predict(lambda _: next(pair), 2, EveryDraw())

    np.testing.assert_allclose(squares, variance(), rtol=1e-12)
    np.testing.assert_allclose(spread**2, (outs[4] - outs[120]) ** 2 / 2, atol=1e-12)


@pytest.mark.parametrize("passes", [2, 3, 50, np.int64(7)])
def test_mean_and_spread_are_those_of_the_stored_passes(passes):
    """Welford's sums agree with NumPy's mean and std, far from zero too."""

    def forward(rng):
        return 1e6 + network(rng)

    rng = np.random.default_rng(0)
    outs = [forward(rng) for _ in range(passes)]
    got = monte_carlo_dropout.mc_predict(forward, passes, np.random.default_rng(0))

    np.testing.assert_allclose(got[0], np.mean(outs, axis=0), rtol=1e-14)
    np.testing.assert_allclose(got[1], np.std(outs, axis=0, ddof=1), atol=1e-8)


def test_mean_is_not_evaluation_above_a_curve():
    """relu(a @ v) with a = (1, 2), v = (1, -1): mean 0.2 over the masks, evaluation 0."""
    a, v = np.array([1.0, 2.0, 0.0, 0.0]), np.array([1.0, -1.0, 0.0, 0.0])

    def forward(rng):
        hidden = a * (rng.random(a.shape) < KEEP_PROB) / KEEP_PROB
        return np.atleast_1d(np.maximum(hidden @ v, 0))

    mean, _ = monte_carlo_dropout.mc_predict(forward, 625, EveryDraw())
    assert mean[0] == pytest.approx(0.2, rel=1e-12)
    assert np.maximum(a @ v, 0) == 0


def test_every_pass_gets_the_generator_and_no_other_call_is_made():
    """forward is called passes times with rng itself, and nothing else draws."""
    seen, rng, reference = [], np.random.default_rng(0), np.random.default_rng(0)

    def forward(given):
        seen.append(given)
        return given.random((2, 3))

    monte_carlo_dropout.mc_predict(forward, 5, rng)
    reference.random((5, 2, 3))
    assert all(given is rng for given in seen)
    assert len(seen) == 5
    assert rng.random() == reference.random()


def test_same_generator_state_gives_the_same_prediction():
    """And another one another prediction."""
    got = [
        monte_carlo_dropout.mc_predict(network, 10, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]

    np.testing.assert_array_equal(got[0], got[1])
    assert (got[0][0] != got[2][0]).any()


def test_a_network_that_does_not_draw_has_no_spread():
    """Dropout that was left off shows as a spread of exactly 0."""
    rng = np.random.default_rng(0)
    mean, spread = monte_carlo_dropout.mc_predict(lambda _: A @ V, 7, rng)

    np.testing.assert_allclose(mean, A @ V, rtol=1e-15)
    assert not spread.any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3, 4)])
def test_results_have_the_shape_and_dtype_of_the_output(shape, dtype):
    """Arrays in all cases; the sums are made in float64."""
    rng = np.random.default_rng(0)

    def forward(rng):
        return np.asarray(rng.random(shape), dtype=dtype)

    for array in monte_carlo_dropout.mc_predict(forward, 3, rng):
        assert type(array) is np.ndarray
        assert (array.shape, array.dtype) == (shape, np.dtype(dtype))


def test_half_precision_is_summed_in_float64():
    """3000 passes of 1000 and 1002 in turn: mean 1001, spread 1, as float16 has them."""
    turn = iter([1000, 1002] * 1500)

    def forward(rng):
        return np.full(2, next(turn), dtype=np.float16)

    rng = np.random.default_rng(0)
    mean, spread = monte_carlo_dropout.mc_predict(forward, 3000, rng)
    np.testing.assert_array_equal(mean, [1001, 1001])
    np.testing.assert_array_equal(spread, [1, 1])


def test_a_buffer_that_forward_reuses_is_neither_kept_nor_changed():
    """forward may return the same array each time; it is read before the next pass."""
    buffer, rng = np.zeros(4), np.random.default_rng(0)

    def forward(rng):
        buffer[...] = rng.random(4)
        return buffer

    mean, spread = monte_carlo_dropout.mc_predict(forward, 6, rng)
    outs = np.random.default_rng(0).random((6, 4))
    np.testing.assert_allclose(mean, outs.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(spread, outs.std(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_array_equal(buffer, outs[-1])


@pytest.mark.parametrize("passes", [1, 0, -3])
def test_too_few_passes_are_a_value_error(passes):
    """Before anything is drawn; the message has the number."""
    with pytest.raises(ValueError, match=f"at least 2 .* got {passes}"):
        monte_carlo_dropout.mc_predict(network, passes, NoDraws())


@pytest.mark.parametrize("passes", [2.0, "10", None, True, np.array([3])])
def test_passes_of_a_wrong_type_are_a_type_error(passes):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="passes must be an integer, got"):
        monte_carlo_dropout.mc_predict(network, passes, NoDraws())


def test_function_and_generator_are_checked():
    """A result in place of the function, a seed in place of the generator."""
    with pytest.raises(TypeError, match="give a function and a generator"):
        monte_carlo_dropout.mc_predict(A @ V, 10, NoDraws())
    with pytest.raises(TypeError, match="give a function and a generator"):
        monte_carlo_dropout.mc_predict(network, 10, 0)


@pytest.mark.parametrize("out", [1.5, [1.0], np.array([1]), None])
def test_only_arrays_of_floats_are_averaged(out):
    """Class numbers, for instance, have no mean worth having."""
    with pytest.raises(TypeError, match="forward must return an array of floats, got"):
        monte_carlo_dropout.mc_predict(lambda _: out, 2, np.random.default_rng(0))


def test_outputs_of_different_shapes_are_a_value_error():
    """Nothing is broadcast silently."""
    outs = iter([np.ones((2, 3)), np.ones((1, 3))])
    with pytest.raises(ValueError, match=r"pass 2: \(1, 3\), before \(2, 3\)"):
        monte_carlo_dropout.mc_predict(
            lambda _: next(outs), 2, np.random.default_rng(0)
        )
