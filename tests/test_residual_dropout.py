"""Residual dropout: the branch is dropped, the stream never."""

import numpy as np
import pytest

from snippets import residual_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS, SILENT = {}, {}  # of the properties of the conformance suite: all hold


class Layer:
    """What a block adds: x is the branch, the stream is zero."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng, self.mask = keep_prob, rng, None

    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
        args = np.zeros_like(x), x, self.keep_prob, self.rng
        out, self.mask = residual_dropout.residual_forward(*args)
        return out

    def backward(self, grad):
        return residual_dropout.residual_backward(grad, self.mask)[1]


X = np.array([[1.5, -2.0], [0.0, 4.0]])
BRANCH = np.array([[0.3, 1.0], [-2.0, 0.75]])
GRAD = np.array([[3.0, -5.0], [7.0, 11.0]])


def forward(kept, keep_prob, x=X, branch=BRANCH):
    """Return output and mask for a chosen 0/1 mask."""
    draws = ChosenDraws(kept, keep_prob)
    return residual_dropout.residual_forward(x, branch, keep_prob, draws)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_dropped_element_is_the_stream_itself(keep_prob):
    """For all 16 masks: x where dropped, x + branch / keep_prob where kept."""
    for kept, _ in every_mask(X.shape, keep_prob):
        out, mask = forward(kept, keep_prob)

        np.testing.assert_array_equal(mask, np.where(kept, 1 / keep_prob, 0))
        np.testing.assert_array_equal(out[~kept], X[~kept])
        expected = (X + BRANCH / keep_prob)[kept]
        np.testing.assert_allclose(out[kept], expected, rtol=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_output_is_stream_plus_branch(keep_prob):
    """Weighted by probability, the outputs of all 16 masks add up to x + branch."""
    mean = sum(p * forward(m, keep_prob)[0] for m, p in every_mask(X.shape, keep_prob))

    np.testing.assert_allclose(mean, X + BRANCH, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_covariance_is_that_of_the_branch(keep_prob):
    """(1 - k) / k * branch^2 for each element, none between two; x plays no part."""
    covariance = np.zeros((4, 4))
    for kept, chance in every_mask(X.shape, keep_prob):
        noise = (forward(kept, keep_prob)[0] - X - BRANCH).ravel()
        covariance += chance * np.outer(noise, noise)

    expected = np.diag((1 - keep_prob) / keep_prob * BRANCH.ravel() ** 2)
    np.testing.assert_allclose(covariance, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_stream_gets_the_whole_gradient(keep_prob):
    """For all 16 masks: grad for x, grad * mask for the branch."""
    for kept, _ in every_mask(X.shape, keep_prob):
        _, mask = forward(kept, keep_prob)
        stream, branch = residual_dropout.residual_backward(GRAD, mask)

        np.testing.assert_array_equal(stream, GRAD)
        expected = np.where(kept, GRAD / keep_prob, 0)
        np.testing.assert_allclose(branch, expected, rtol=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_two_gradients_add_up_to_that_of_a_block(keep_prob):
    """f(x) = tanh(x @ w): d x = stream + branch through f, by central differences."""
    kept, w = np.array([[True, False], [True, True]]), np.array([[1.0, 2], [-1, 0.3]])

    def loss(x):
        out, _ = forward(kept, keep_prob, x, np.tanh(x @ w))
        return np.sum(GRAD * out**2) / 2

    f = np.tanh(X @ w)
    out, mask = forward(kept, keep_prob, X, f)
    stream, branch = residual_dropout.residual_backward(GRAD * out, mask)
    gradient = stream + branch * (1 - f**2) @ w.T
    for index in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[index] = 1e-5
        slope = (loss(X + step) - loss(X - step)) / 2e-5
        np.testing.assert_allclose(gradient[index], slope, rtol=1e-7)


def test_every_element_has_its_own_draw():
    """In a (3, 4) batch, dropping one draw changes one element, its own."""
    x, branch = np.zeros((3, 4)), np.ones((3, 4))
    for index in np.ndindex(3, 4):
        kept = np.ones((3, 4), dtype=bool)
        kept[index] = False
        np.testing.assert_array_equal(forward(kept, 0.8, x, branch)[0] != 0, kept)


def test_same_generator_state_gives_the_same_masks():
    """Two generators from one seed agree call by call, one draw for each element."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(3):
        _, mask = residual_dropout.residual_forward(X, BRANCH, 0.8, one)
        np.testing.assert_array_equal(mask != 0, two.random(X.shape) < 0.8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3, 4)])
def test_results_have_the_shape_and_dtype_of_x(shape, dtype):
    """All are arrays; a float64 keep_prob does not upcast."""
    x, rng = np.ones(shape, dtype), np.random.default_rng(0)
    out, mask = residual_dropout.residual_forward(x, x, np.float64(0.8), rng)
    results = out, mask, *residual_dropout.residual_backward(x, mask)

    assert all(type(array) is np.ndarray for array in results)
    assert {(array.shape, array.dtype) for array in results} == {(shape, x.dtype)}


def test_keep_prob_one_is_the_sum():
    """Bit for bit."""
    out, _ = residual_dropout.residual_forward(X, BRANCH, 1, np.random.default_rng(0))

    np.testing.assert_array_equal(out, X + BRANCH)


def test_inputs_are_not_mutated():
    """x, branch and grad may be read-only, and out is a new array."""
    arrays = [a.copy() for a in (X, BRANCH, GRAD)]
    for a in arrays:
        a.flags.writeable = False
    x, branch, grad = arrays
    rng = np.random.default_rng(0)
    out, mask = residual_dropout.residual_forward(x, branch, 0.8, rng)
    residual_dropout.residual_backward(grad, mask)

    assert not any(np.shares_memory(out, a) for a in (x, branch))


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; the message has the value."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        residual_dropout.residual_forward(X, BRANCH, keep_prob, NoDraws())


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="keep_prob must be a number, got"):
        residual_dropout.residual_forward(X, BRANCH, keep_prob, NoDraws())


@pytest.mark.parametrize("bad", [np.ones((2, 2), int), [[1.0]], None, X.astype("f4")])
def test_two_arrays_of_one_float_type_are_needed(bad):
    """As stream and as branch, before anything is drawn."""
    for pair in ((X, bad), (bad, X)):
        with pytest.raises(TypeError, match="must be of one float type"):
            residual_dropout.residual_forward(*pair, 0.8, NoDraws())


def test_shapes_that_differ_are_a_value_error():
    """Nothing is broadcast: neither a branch of one row, nor a gradient."""
    with pytest.raises(ValueError, match=r"x has shape \(2, 2\), the branch \(2,\)"):
        residual_dropout.residual_forward(X, BRANCH[0], 0.8, NoDraws())
    with pytest.raises(ValueError, match="grad"):
        residual_dropout.residual_backward(GRAD[0], np.ones((2, 2)))


@pytest.mark.parametrize("rng", [0, None, type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        residual_dropout.residual_forward(X, BRANCH, 0.8, rng)
