"""Attention dropout: the mask lies between softmax and values, forward and backward."""

import numpy as np
import pytest

from snippets import attention_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS, SILENT = {}, {}  # of the properties of the conformance suite: all hold


class Layer:
    """Each element of x is the value of a query's only key, whose weight is 1.

    So it is for the first token of a causal model; the output is the mask times x.
    """

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng, self.cache = keep_prob, rng, None

    def forward(self, x, training=True):
        self.cache = None
        if not training:
            return x
        one = np.zeros((*x.shape, 1, 1), x.dtype)
        args = one, one, x[..., None, None], self.keep_prob, self.rng
        out, self.cache = attention_dropout.attention_forward(*args)
        return out[..., 0, 0]

    def backward(self, grad):
        if self.cache is None:
            return grad
        one = grad[..., None, None]
        return attention_dropout.attention_backward(one, self.cache)[2][..., 0, 0]


RNG = np.random.default_rng(3)
Q, K, V = RNG.normal(size=(2, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=(3, 2))


def forward(kept, keep_prob, q=Q, k=K, v=V, visible=True):
    """Return output and cache for a chosen 0/1 mask."""
    draws = ChosenDraws(kept, keep_prob)
    return attention_dropout.attention_forward(q, k, v, keep_prob, draws, visible)


def plain(q, k, v, visible=True):
    """Return softmax weights, each with a loop of its own, and the output."""
    weights = np.zeros((len(q), len(k)))
    seen = np.broadcast_to(visible, weights.shape)
    for i, j in np.ndindex(*weights.shape):
        weights[i, j] = seen[i, j] * np.exp(q[i] @ k[j] / len(q[i]) ** (1 / 2))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, weights @ v


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_weight_is_zero_or_divided_by_keep_prob(keep_prob):
    """For all 64 masks; a row is not normalised again, and the cache has both factors."""
    weights, _ = plain(Q, K, V)
    for kept, _ in every_mask((2, 3), keep_prob):
        out, (_, _, _, a, mask) = forward(kept, keep_prob)

        np.testing.assert_allclose(a, weights, rtol=1e-13)
        np.testing.assert_array_equal(mask, np.where(kept, 1 / keep_prob, 0))
        np.testing.assert_allclose(out, weights * mask @ V, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_output_is_that_of_evaluation(keep_prob):
    """Weighted by probability, the outputs of all 64 masks add up to softmax @ values."""
    mean = sum(p * forward(m, keep_prob)[0] for m, p in every_mask((2, 3), keep_prob))

    np.testing.assert_allclose(mean, plain(Q, K, V)[1], rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_units_of_a_head_covary_and_queries_do_not(keep_prob):
    """Covariance (1 - k) / k sum of a_j^2 v_j v_j' in a query, 0 between two."""
    weights, evaluation = plain(Q, K, V)
    covariance = np.zeros((4, 4))
    for kept, chance in every_mask((2, 3), keep_prob):
        noise = (forward(kept, keep_prob)[0] - evaluation).ravel()
        covariance += chance * np.outer(noise, noise)

    expected, scale = np.zeros((4, 4)), (1 - keep_prob) / keep_prob
    for i in range(2):
        rows = slice(2 * i, 2 * i + 2)
        expected[rows, rows] = scale * (V.T * weights[i] ** 2) @ V
    np.testing.assert_allclose(covariance, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_dropped_weight_removes_the_key_from_all_units(keep_prob):
    """For all 64 masks the output is that with the dropped values set to zero."""
    weights, _ = plain(Q, K, V)
    for kept, _ in every_mask((2, 3), keep_prob):
        out, _ = forward(kept, keep_prob)
        for i in range(2):
            rest = np.where(kept[i][:, None], V, 0)
            expected = weights[i] @ rest / keep_prob
            np.testing.assert_allclose(out[i], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob):
    """With a frozen mask central differences agree for each number of q, k and v."""
    kept = np.array([[True, False, True], [True, True, False]])
    visible = np.array([[True, True, False], [True, True, True]])
    aim = np.array([[1.0, -2.0], [3.0, 0.3]])
    out, cache = forward(kept, keep_prob, visible=visible)
    gradients = attention_dropout.attention_backward(out - aim, cache)
    for which, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            losses = []
            for step in (1e-5, -1e-5):
                arrays = [Q.copy(), K.copy(), V.copy()]
                arrays[which][index] += step
                moved, _ = forward(kept, keep_prob, *arrays, visible=visible)
                losses.append(np.sum((moved - aim) ** 2) / 2)
            slope = (losses[0] - losses[1]) / 2e-5
            np.testing.assert_allclose(gradient[index], slope, rtol=1e-6, atol=1e-8)


def test_keep_prob_one_is_evaluation_and_draws_nothing():
    """Softmax times values, with a mask of ones, for an int and a float."""
    for one in (1, 1.0):
        args = Q, K, V, one, NoDraws()
        out, cache = attention_dropout.attention_forward(*args)

        np.testing.assert_allclose(out, plain(Q, K, V)[1], rtol=1e-12)
        np.testing.assert_array_equal(cache[-1], np.ones((2, 3)))


def test_a_key_that_is_not_visible_has_no_weight_and_no_gradient():
    """In a causal model later keys may hold anything; the softmax is of the others."""
    q, visible = np.concatenate([Q, Q[:1]]), np.tri(3, dtype=bool)
    kept = np.ones((3, 3), dtype=bool)
    out, cache = forward(kept, 0.8, q=q, visible=visible)
    far = K + np.array([[0.0], [0.0], [50.0]])
    moved, _ = forward(kept, 0.8, q=q, k=far, visible=visible)

    np.testing.assert_allclose(cache[3], plain(q, K, V, visible)[0], rtol=1e-12)
    np.testing.assert_array_equal(out[:2], moved[:2])
    first = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])  # of the first query only
    _, dk, dv = attention_dropout.attention_backward(first, cache)
    assert not dk[1:].any()
    assert not dv[1:].any()


def test_a_query_that_sees_no_key_gets_nan_and_a_warning():
    """As said in the docstring; it is not silently zero."""
    with pytest.warns(RuntimeWarning):
        out, _ = forward(np.ones((2, 3)), 0.8, visible=np.array([[True], [False]]))

    assert np.isfinite(out[0]).all()
    assert np.isnan(out[1]).all()


def test_examples_and_heads_have_masks_of_their_own():
    """Each of (batch, heads) is as alone with its part of the draws."""
    rng = np.random.default_rng(5)
    q, k = rng.normal(size=(2, 2, 3, 2, 4)), rng.normal(size=(2, 2, 3, 3, 4))
    v, kept = rng.normal(size=(2, 3, 3, 5)), rng.random((2, 3, 2, 3)) < 0.8
    out, cache = forward(kept, 0.8, q[0], k[0], v)
    grads = attention_dropout.attention_backward(out, cache)
    for head in np.ndindex(2, 3):
        one, its = forward(kept[head], 0.8, q[0][head], k[0][head], v[head])
        np.testing.assert_allclose(out[head], one, rtol=1e-12)
        for whole, part in zip(
            grads, attention_dropout.attention_backward(one, its), strict=True
        ):
            np.testing.assert_allclose(whole[head], part, rtol=1e-10, atol=1e-14)


def test_every_weight_takes_one_draw():
    """The generator moves on by the number of weights, hidden ones included."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    args = Q, K, V, 0.8, rng, np.array([True, True, False])
    attention_dropout.attention_forward(*args)
    reference.random(6)

    assert rng.random() == reference.random()


def test_same_generator_state_gives_the_same_masks():
    """Two generators from one seed agree call by call."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(3):
        first, _ = attention_dropout.attention_forward(Q, K, V, 0.8, one)
        second, _ = attention_dropout.attention_forward(Q, K, V, 0.8, two)
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("keep_prob", [1, np.float64(0.8)])
def test_results_have_the_dtype_of_the_inputs(dtype, keep_prob):
    """Output, weights, mask and gradients; a float64 keep_prob does not upcast."""
    q, k, v = (x.astype(dtype) for x in (Q, K, V))
    rng = np.random.default_rng(0)
    out, cache = attention_dropout.attention_forward(q, k, v, keep_prob, rng)
    grads = attention_dropout.attention_backward(out, cache)

    assert {x.dtype for x in (out, *cache, *grads)} == {np.dtype(dtype)}
    assert [g.shape for g in grads] == [q.shape, k.shape, v.shape]


def test_inputs_are_not_mutated():
    """q, k, v and grad may be read-only."""
    arrays = [x.copy() for x in (Q, K, V, np.ones((2, 2)))]
    for x in arrays:
        x.flags.writeable = False
    *arrays, grad = arrays
    rng = np.random.default_rng(0)
    _, cache = attention_dropout.attention_forward(*arrays, 0.8, rng)
    attention_dropout.attention_backward(grad, cache)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.array([0.8])])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; the message has the value."""
    with pytest.raises(ValueError, match=r"keep_prob must be in \(0, 1\], got") as e:
        attention_dropout.attention_forward(Q, K, V, keep_prob, NoDraws())
    assert str(keep_prob) in str(e.value)


def test_a_scale_that_the_dtype_cannot_hold_is_a_value_error():
    """1 / 1e-5 is inf in float16."""
    half = [x.astype(np.float16) for x in (Q, K, V)]
    with pytest.raises(ValueError, match="1e-05"):
        attention_dropout.attention_forward(*half, 1e-5, NoDraws())


@pytest.mark.parametrize("bad", [np.log(np.tri(2, 3, 1) + 1e-9), np.tri(2, 3, 1), None])
def test_visible_must_be_bool(bad):
    """A mask to add, 0 for visible and -inf for hidden, would be taken the wrong way."""
    with pytest.raises(TypeError, match=r"(?s)visible .*: wrong type"):
        attention_dropout.attention_forward(Q, K, V, 0.8, NoDraws(), bad)


@pytest.mark.parametrize("keep_prob", ["0.8", None, 0.8 + 0j, True, False])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Before anything is drawn."""
    with pytest.raises(TypeError):
        attention_dropout.attention_forward(Q, K, V, keep_prob, NoDraws())


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("bad", [np.ones((2, 4), int), [[1.0]], None])
def test_only_float_arrays_are_accepted(which, bad):
    """Each of q, k and v, before anything is drawn."""
    arrays = [Q, K, V]
    arrays[which] = bad
    with pytest.raises(TypeError, match="q, k and v must be float arrays"):
        attention_dropout.attention_forward(*arrays, 0.8, NoDraws())


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 4), (3, 4), (2, 2)],  # a value is missing
        [(2, 4), (3, 5), (3, 2)],  # other units
        [(2, 2, 4), (1, 3, 4), (1, 3, 2)],  # no broadcasting of the batch
        [(2, 4), (1, 3, 4), (1, 3, 2)],
        [(4,), (4,), (4,)],
    ],
)
def test_shapes_that_do_not_fit_are_a_value_error(shapes):
    """Before anything is drawn."""
    with pytest.raises(ValueError, match=r"do not fit|matmul|matrix transpose"):
        attention_dropout.attention_forward(*map(np.ones, shapes), 0.8, NoDraws())


@pytest.mark.parametrize("rng", [0, None, type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        attention_dropout.attention_forward(Q, K, V, 0.8, rng)
