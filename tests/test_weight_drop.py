"""Weight drop keeps its promises: moments, one mask for all steps, gradient, contract.

All 2**4 or 2**6 masks are visited, so only the two tests of the rate have an error.
"""

import numpy as np
import pytest

from snippets import weight_drop
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

SHARED = "All examples of a batch meet the same dropped weights"
DEPARTS = {
    "inf-and-nan": "In h @ U an inf of h meets the zeros of U, so that every unit of "
    "its example becomes nan, the kept ones too.",
}
SILENT = {
    "example-keep-rate": f"{SHARED}, so no example has a rate of its own.",
    "examples-independent": f"{SHARED}: they are meant to agree.",
}


class Layer:
    """One recurrent step, h @ U: x is the state, U the identity matrix, which is dropped.

    So each unit has one weight that counts, the same for all examples of the batch.
    """

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng, self.dropped = keep_prob, rng, None

    def mask_shape(self, shape):
        if len(shape) != 2:
            raise ValueError(f"a state is (batch, units), got the shape {shape}")
        return (1, shape[1])

    def forward(self, x, training=True):
        self.dropped = np.eye(self.mask_shape(x.shape)[1], dtype=x.dtype)
        if not training:
            return x
        call = weight_drop.drop_weights
        self.dropped, _ = call(self.dropped, self.keep_prob, self.rng)
        return x @ self.dropped

    def backward(self, grad):
        return grad @ self.dropped.T


W = np.array([[1.5, -2.0], [0.3, 4.0]])


def drop(weights, kept, keep_prob):
    """Return dropped weights and mask for a chosen 0/1 mask."""
    rng = ChosenDraws(kept, keep_prob)
    return weight_drop.drop_weights(weights, keep_prob, rng)


def run(x, recurrent):
    """Return the states of a plain RNN that begins at 0; x: (steps, batch, units)."""
    h, states = np.zeros(x.shape[1:]), []
    for row in x:
        h = np.tanh(row + h @ recurrent)
        states.append(h)
    return np.array(states)


def recurrent_gradient(slope, states, recurrent):
    """Return the gradient of sum(slope * states) for the matrix, summed over steps."""
    total, back = np.zeros_like(recurrent), 0.0
    for t in reversed(range(1, len(states))):
        dz = (slope[t] + back) * (1 - states[t] ** 2)
        total, back = total + states[t - 1].T @ dz, dz @ recurrent.T
    return total


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_every_weight_is_zero_or_divided_by_keep_prob(keep_prob):
    """For all 16 masks, and the mask says which."""
    for kept, _ in every_mask(W.shape, keep_prob):
        dropped, mask = drop(W, kept, keep_prob)

        np.testing.assert_allclose(dropped, np.where(kept, W / keep_prob, 0), 1e-15)
        np.testing.assert_array_equal(mask, np.where(kept, 1 / keep_prob, 0))
        np.testing.assert_array_equal(dropped, W * mask)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_and_variance_of_the_weights(keep_prob):
    """Over all 16 masks: W, and (1 - k) / k * W**2."""
    mean, square = 0, 0
    for kept, prob in every_mask(W.shape, keep_prob):
        dropped, _ = drop(W, kept, keep_prob)
        mean, square = mean + prob * dropped, square + prob * dropped**2

    np.testing.assert_allclose(mean, W, rtol=1e-14)
    expected = (1 - keep_prob) / keep_prob * W**2
    np.testing.assert_allclose(square - mean**2, expected, rtol=1e-11)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_examples_of_a_batch_share_the_noise(keep_prob):
    """Covariance of the same output in two examples: (1 - k) / k sum h_i h'_i w_ij**2."""
    h, total = np.array([[1.0, -0.7], [0.4, 2.0]]), np.zeros((2, 2))
    for kept, prob in every_mask(W.shape, keep_prob):
        noise = h @ (drop(W, kept, keep_prob)[0] - W)
        total += prob * np.outer(noise[0], noise[1])

    expected = (1 - keep_prob) / keep_prob * np.diag((h[0] * h[1]) @ W**2)
    np.testing.assert_allclose(total, expected, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_one_step_keeps_the_mean_and_two_do_not(keep_prob):
    """A scalar linear h -> h u: the mean of the second is u**2 / k, as u is drawn once."""
    one, two = 0.0, 0.0
    for kept, prob in every_mask((1, 1), keep_prob):
        u = drop(np.array([[0.9]]), kept, keep_prob)[0]
        one, two = one + prob * u[0, 0], two + prob * (u @ u)[0, 0]

    assert one == pytest.approx(0.9, rel=1e-14)
    assert two == pytest.approx(0.9**2 / keep_prob, rel=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_gradient_through_time_is_the_derivative(keep_prob):
    """Five steps of a tanh RNN, one mask: central differences for the raw weights."""
    rng = np.random.default_rng(4)
    x, slope = rng.normal(size=(2, 5, 3, 2))
    kept = np.array([[True, False], [True, True]])

    def loss(weights):
        return np.sum(slope * run(x, drop(weights, kept, keep_prob)[0]))

    dropped, mask = drop(W, kept, keep_prob)
    through = recurrent_gradient(slope, run(x, dropped), dropped)
    got = weight_drop.weight_gradient(through, mask)
    for index in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[index] = 1e-6
        numeric = (loss(W + step) - loss(W - step)) / 2e-6
        assert got[index] == pytest.approx(numeric, rel=1e-6, abs=1e-8)


def test_a_dropped_weight_gets_no_gradient_and_comes_back():
    """Its gradient is 0 while dropped; the raw weight is there for the next batch."""
    weights, rng = W.copy(), np.random.default_rng(0)
    kept = np.array([[True, False], [True, True]])
    dropped, mask = drop(weights, kept, 0.8)
    weights -= 0.1 * weight_drop.weight_gradient(np.ones((2, 2)), mask)

    assert dropped[0, 1] == 0
    assert weights[0, 1] == W[0, 1]
    for _ in range(200):
        weight_drop.drop_weights(weights, 0.8, rng)
    assert np.all(weights != 0)


def test_every_weight_is_decided_by_its_own_draw():
    """Dropping one of 3 x 4 draws changes one element of the mask, its own."""
    for index in np.ndindex(3, 4):
        kept = np.ones((3, 4), dtype=bool)
        kept[index] = False
        _, mask = drop(np.ones((3, 4)), kept, 0.8)

        np.testing.assert_array_equal(mask, np.where(kept, 1.25, 0))


def test_keep_prob_is_the_probability_to_stay_and_masks_are_fresh():
    """Of 10000, 8000 +- 300: 7.5 deviations, < 1e-12. Equal seeds give equal masks."""
    one, same, other = (np.random.default_rng(seed) for seed in (0, 0, 1))
    ones = np.ones((100, 100))
    _, mask = weight_drop.drop_weights(ones, 0.8, one)

    assert abs(np.sum(mask != 0) - 8000) < 300
    np.testing.assert_array_equal(mask, weight_drop.drop_weights(ones, 0.8, same)[1])
    assert (mask != weight_drop.drop_weights(ones, 0.8, one)[1]).any()
    assert (mask != weight_drop.drop_weights(ones, 0.8, other)[1]).any()


@pytest.mark.parametrize("one", [1, 1.0, np.int64(1), np.array(1.0)], ids=repr)
def test_keep_prob_one_is_the_identity(one):
    """Bit for bit: -0.0, inf and nan too."""
    weights = np.array([[1.1, -2.0, -0.0], [np.inf, np.nan, 0.0]])
    dropped, mask = weight_drop.drop_weights(weights, one, np.random.default_rng(0))

    assert dropped.tobytes() == weights.tobytes()
    np.testing.assert_array_equal(mask, np.ones((2, 3)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (2, 3)])
def test_results_have_shape_and_dtype_of_the_weights(shape, dtype):
    """A float64 keep_prob does not upcast; the weights are not changed or shared."""
    weights = np.ones(shape, dtype=dtype)
    weights.flags.writeable = False
    rng = np.random.default_rng(0)
    dropped, mask = weight_drop.drop_weights(weights, np.float64(0.8), rng)

    for array in (dropped, mask, weight_drop.weight_gradient(dropped, mask)):
        assert array.shape == shape
        assert array.dtype == dtype
    assert not np.shares_memory(dropped, weights)
    assert np.all(weights == 1)


@pytest.mark.parametrize("bad", [0, -0.1, 1.1, np.nan, np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(bad):
    """Before anything is drawn; the message has the value."""
    with pytest.raises(ValueError, match=rf"keep_prob must be in .* got {bad}"):
        weight_drop.drop_weights(W, bad, NoDraws())
    with pytest.raises(ValueError, match="got 1e-05"):
        weight_drop.drop_weights(W.astype(np.float16), 1e-5, NoDraws())


@pytest.mark.parametrize("bad", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(bad):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="keep_prob must be a real number, got"):
        weight_drop.drop_weights(W, bad, NoDraws())


@pytest.mark.parametrize("bad", [np.array([1, 2]), np.array([True]), [1.0], 1.0, None])
def test_only_float_arrays_are_accepted(bad):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="weights must be an array of floats, got"):
        weight_drop.drop_weights(bad, 0.8, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64", type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        weight_drop.drop_weights(W, 0.8, rng)


@pytest.mark.parametrize("shape", [(), (2,), (1, 2), (3, 2, 2)])
def test_gradient_and_mask_of_different_shapes_are_a_value_error(shape):
    """As one that was not summed over the steps."""
    with pytest.raises(ValueError, match="grad has shape"):
        weight_drop.weight_gradient(np.ones(shape), np.ones((2, 2)))
