"""LoRA dropout: only what enters A is dropped, and merging takes no factor."""

import numpy as np
import pytest

from snippets import lora_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS = {
    "inf-and-nan": "A and B are matrices, in which one inf or nan reaches the whole row.",
    "half-precision": "60000 / keep_prob is inf in float16, and inf * 0 in A is nan.",
}
SILENT = {}


class Layer:
    """The adapter alone: the base weights are 0, A and B the identity, scale is 1."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng, self.cache = keep_prob, rng, None

    def forward(self, x, training=True):
        self.cache = None
        if not training:
            return x  # the merged weights are the identity
        eye = np.eye(x.shape[-1] if x.ndim else 1, dtype=x.dtype)
        args = x, 0 * eye, eye, eye, 1, self.keep_prob, self.rng
        out, self.cache = lora_dropout.lora_forward(*args)
        return out

    def backward(self, grad):
        if self.cache is None:
            return grad
        return lora_dropout.lora_backward(grad, self.cache)[0]


RNG = np.random.default_rng(3)
X, W = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 3))
A, B, SCALE = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 2)), 1.7
MERGED = W + SCALE * B @ A


def forward(kept, keep_prob, x=X, a=A, b=B):
    """Return output and cache for a chosen 0/1 mask."""
    draws = ChosenDraws(kept, keep_prob)
    return lora_dropout.lora_forward(x, W, a, b, SCALE, keep_prob, draws)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_output_is_base_plus_adapter_of_the_dropped_input(keep_prob):
    """For all 64 masks, written out example by example as W x + s B A (m x)."""
    for kept, _ in every_mask(X.shape, keep_prob):
        out, _ = forward(kept, keep_prob)
        for i in range(2):
            adapter = B @ (A @ (X[i] * kept[i] / keep_prob))
            np.testing.assert_allclose(out[i], W @ X[i] + SCALE * adapter, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_output_is_that_of_the_merged_weights(keep_prob):
    """Weighted by probability, the outputs of all 64 masks add up to x @ merged.T."""
    mean = sum(p * forward(m, keep_prob)[0] for m, p in every_mask(X.shape, keep_prob))

    np.testing.assert_allclose(mean, X @ MERGED.T, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_outputs_covary_through_the_adapter_only(keep_prob):
    """(1 - k) / k s^2 sum x_i^2 d_i d_i', d = BA; 0 between examples; no W in it."""
    covariance = np.zeros((8, 8))
    for kept, chance in every_mask(X.shape, keep_prob):
        noise = (forward(kept, keep_prob)[0] - X @ MERGED.T).ravel()
        covariance += chance * np.outer(noise, noise)

    expected, delta = np.zeros((8, 8)), SCALE * B @ A
    for i in range(2):
        rows = slice(4 * i, 4 * i + 4)
        expected[rows, rows] = (1 - keep_prob) / keep_prob * delta * X[i] ** 2 @ delta.T
    np.testing.assert_allclose(covariance, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_base_path_is_never_dropped(keep_prob):
    """With all of x dropped the output is x @ weights.T, and so is its gradient."""
    grad = np.arange(8.0).reshape(2, 4)
    out, cache = forward(np.zeros((2, 3), dtype=bool), keep_prob)
    dx, da, db = lora_dropout.lora_backward(grad, cache)

    np.testing.assert_allclose(out, X @ W.T, rtol=1e-13)
    np.testing.assert_allclose(dx, grad @ W, rtol=1e-13)
    assert not da.any()
    assert not db.any()


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob):
    """With a frozen mask central differences agree for each number of x, a and b."""
    kept = np.array([[True, False, True], [True, True, False]])
    aim = np.arange(8.0).reshape(2, 4)
    out, cache = forward(kept, keep_prob)
    gradients = lora_dropout.lora_backward(out - aim, cache)
    for which, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            losses = []
            for step in (1e-5, -1e-5):
                arrays = [X.copy(), A.copy(), B.copy()]
                arrays[which][index] += step
                moved, _ = forward(kept, keep_prob, *arrays)
                losses.append(np.sum((moved - aim) ** 2) / 2)
            slope = (losses[0] - losses[1]) / 2e-5
            np.testing.assert_allclose(gradient[index], slope, rtol=1e-6, atol=1e-6)


def test_a_fresh_adapter_shows_no_dropout_and_trains_b_first():
    """b = 0: no mask changes the output or d x; a has no gradient yet, b has one."""
    grad, fresh = np.ones((2, 4)), np.zeros_like(B)
    for kept, _ in every_mask(X.shape, 0.8):
        out, cache = forward(kept, 0.8, b=fresh)
        dx, da, db = lora_dropout.lora_backward(grad, cache)

        np.testing.assert_allclose(out, X @ W.T, rtol=1e-14)
        np.testing.assert_allclose(dx, grad @ W, rtol=1e-14)
        assert not da.any()
        np.testing.assert_array_equal(db.any(), kept.any())


def test_tokens_are_as_examples():
    """(batch, tokens, units): each token has its mask, gradients of a and b are sums."""
    rng = np.random.default_rng(5)
    x, kept, grad = rng.normal(size=(2, 5, 3)), rng.random((2, 5, 3)) < 0.8, 0
    out, cache = forward(kept, 0.8, x=x)
    flat, its = forward(kept.reshape(10, 3), 0.8, x=x.reshape(10, 3))
    grad = rng.normal(size=out.shape)
    three = lora_dropout.lora_backward(grad, cache)
    two = lora_dropout.lora_backward(grad.reshape(10, 4), its)

    np.testing.assert_allclose(out, flat.reshape(2, 5, 4), rtol=1e-12)
    for one, other in zip(three, two, strict=True):
        np.testing.assert_allclose(one.reshape(other.shape), other, rtol=1e-12)


def test_same_generator_state_gives_the_same_masks():
    """Two generators from one seed agree call by call, one draw for each input."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(3):
        _, cache = lora_dropout.lora_forward(X, W, A, B, SCALE, 0.8, one)
        np.testing.assert_array_equal(cache[1] != 0, two.random(X.shape) < 0.8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_results_have_the_dtype_of_the_inputs(dtype):
    """A float64 keep_prob or scale does not upcast; gradients have the shapes."""
    arrays, rng = [y.astype(dtype) for y in (X, W, A, B)], np.random.default_rng(0)
    args = *arrays, np.float64(SCALE), np.float64(0.8), rng
    out, cache = lora_dropout.lora_forward(*args)
    grads = lora_dropout.lora_backward(out, cache)

    assert {y.dtype for y in (out, cache[1], *grads)} == {np.dtype(dtype)}
    assert [g.shape for g in grads] == [X.shape, A.shape, B.shape]


def test_keep_prob_one_is_the_merged_layer():
    """For an int and a float."""
    for one in (1, 1.0):
        args = X, W, A, B, SCALE, one, np.random.default_rng(0)
        out, _ = lora_dropout.lora_forward(*args)
        np.testing.assert_allclose(out, X @ MERGED.T, rtol=1e-12)


def test_inputs_are_not_mutated():
    """All arrays may be read-only."""
    arrays = [y.copy() for y in (X, W, A, B, np.ones((2, 4)))]
    for y in arrays:
        y.flags.writeable = False
    *arrays, grad = arrays
    rng = np.random.default_rng(0)
    _, cache = lora_dropout.lora_forward(*arrays, SCALE, 0.8, rng)
    lora_dropout.lora_backward(grad, cache)


@pytest.mark.parametrize(
    "bad",
    [0, -0.1, 1.1, np.nan, 1e-320, np.array([0.8]), "0.8", None, True, 0.8 + 0j],
)
def test_keep_prob_that_is_no_number_in_its_range_is_a_value_error(bad):
    """Before anything is drawn; the message has the value. A bool is no number."""
    with pytest.raises(ValueError, match=r"keep_prob must be in \(0, 1\], got") as e:
        lora_dropout.lora_forward(X, W, A, B, SCALE, bad, NoDraws())
    assert repr(bad) in str(e.value)


def test_a_scale_that_the_dtype_cannot_hold_is_a_value_error():
    """1 / 1e-5 is more than float16 holds."""
    half = [y.astype(np.float16) for y in (X, W, A, B)]
    with pytest.raises(ValueError, match="1e-05"):
        lora_dropout.lora_forward(*half, SCALE, 1e-5, NoDraws())


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("bad", [np.ones((2, 3), int), [[1.0]], None, X.astype("f4")])
def test_four_arrays_of_one_float_type_are_needed(which, bad):
    """Before anything is drawn."""
    arrays = [X, W, A, B]
    arrays[which] = bad
    with pytest.raises(TypeError, match="must be of one float type"):
        lora_dropout.lora_forward(*arrays, SCALE, 0.8, NoDraws())


@pytest.mark.parametrize("scale", [None, [1.0, 2.0], "two"])
def test_a_scale_that_is_no_number_is_an_error(scale):
    """Before anything is drawn."""
    with pytest.raises((TypeError, ValueError)):
        lora_dropout.lora_forward(X, W, A, B, scale, 0.8, NoDraws())


@pytest.mark.parametrize(
    "arrays",
    [(X, W.T, A, B), (X, W, A.T, B), (X, W, A, B.T), (X[:, :2], W, A, B)],
)
def test_shapes_that_do_not_fit_are_a_value_error(arrays):
    """A transposed matrix, too few inputs: before anything is drawn, with the shapes."""
    with pytest.raises(ValueError, match=r"\(4, 3\)|\(3, 4\)"):
        lora_dropout.lora_forward(*arrays, SCALE, 0.8, NoDraws())


@pytest.mark.parametrize("rng", [0, None, type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        lora_dropout.lora_forward(X, W, A, B, SCALE, 0.8, rng)
