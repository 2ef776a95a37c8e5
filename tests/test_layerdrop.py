"""LayerDrop: one decision for a layer and the whole batch, and no factor."""

from math import comb

import numpy as np
import pytest

from snippets import layerdrop
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

ALSO = "The property needs the factor 1 / keep_prob, too, and there is none."
DEPARTS = {
    "zero-or-scaled": "Nothing is scaled: what is kept is x, not x / keep_prob.",
    "mean-kept": "The mean is keep_prob times x, for want of a factor.",
    "variance": "It is keep_prob (1 - keep_prob) x^2, for want of a factor.",
    "backward-is-the-mask": "The gradient is not scaled either: grad, or zero.",
    "every-call-starts-anew": ALSO,
    "memory-layouts": ALSO,
    "inf-and-nan": ALSO,
    "half-precision": ALSO,
    "negative-like-positive": ALSO,
}
SILENT = {
    "example-keep-rate": "All examples of a batch share one decision.",
    "examples-independent": "All examples of a batch share one decision.",
}


class Layer:
    """A chain with a layer for each column: it adds that column of x to a zero stream.

    So a call makes many decisions, and no property passes by the luck of one of them.
    """

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng, self.kept = keep_prob, rng, None

    def forward(self, x, training=True):
        self.kept = np.ones(x.shape[-1], bool)
        if not training:
            return x
        own = np.eye(x.shape[-1], dtype=bool)
        layers = [lambda stream, i=i: stream + np.where(i, x, 0) for i in own]
        args = np.zeros_like(x), layers, self.keep_prob, self.rng
        out, self.kept = layerdrop.layerdrop_forward(*args)
        return out

    def backward(self, grad):
        found = np.zeros_like(grad)

        def backward(arriving, i):  # for the stream; keeps that for the column
            found[..., i] = arriving[..., i]
            return arriving

        columns = range(grad.shape[-1])
        backwards = [lambda grad, i=i: backward(grad, i) for i in columns]
        layerdrop.layerdrop_backward(grad, backwards, self.kept)
        return found

    def mask_shape(self, shape):
        return *(1,) * (len(shape) - 1), shape[-1]


def chain(slopes):
    """Return linear residual layers x + c x, and their backward functions."""
    layers = [lambda x, c=c: x + c * x for c in slopes]
    return layers, [lambda grad, c=c: grad + c * grad for c in slopes]


class Draws(ChosenDraws):
    """As ChosenDraws, for a generator that is asked for a number of numbers."""

    def random(self, size):
        return super().random((size,))


X = np.array([[1.5, -2.0, 0.0], [4.0, 0.3, -1.0]])
SLOPES = [0.3, -0.2, 0.7, 0.1]


def forward(kept, keep_prob, x=X, layers=None):
    """Return output and decisions for chosen ones."""
    layers = chain(SLOPES)[0] if layers is None else layers
    return layerdrop.layerdrop_forward(x, layers, keep_prob, Draws(kept, keep_prob))


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_layer_is_run_or_skipped_for_the_whole_batch(keep_prob):
    """For all 16 choices the output is that of the kept layers alone, not scaled."""
    for kept, _ in every_mask((4,), keep_prob):
        out, found = forward(kept, keep_prob)
        factor = np.prod(1 + np.array(SLOPES)[kept])

        np.testing.assert_array_equal(found, kept)
        np.testing.assert_allclose(out, factor * X, rtol=1e-13)


def test_layers_run_in_their_order():
    """x + 1, then 10 x, then x + 100: skipping the second or the first."""
    layers = [lambda x: x + 1, lambda x: 10 * x, lambda x: x + 100]
    one = np.ones(1)

    assert forward(np.array([True, True, True]), 0.8, one, layers)[0] == 120
    assert forward(np.array([True, False, True]), 0.8, one, layers)[0] == 102
    assert forward(np.array([False, True, True]), 0.8, one, layers)[0] == 110


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_a_layer_adds_keep_prob_of_its_branch_on_average(keep_prob):
    """Each layer adds a constant to an element of its own: mean k, variance k (1 - k)."""
    layers = [lambda x, row=row: x + row for row in np.eye(4)]
    found = [
        (p, forward(kept, keep_prob, np.zeros(4), layers)[0])
        for kept, p in every_mask((4,), keep_prob)
    ]
    mean = sum(p * out for p, out in found)
    noise = [(p, out - mean) for p, out in found]
    covariance = sum(p * np.outer(off, off) for p, off in noise)

    np.testing.assert_allclose(mean, keep_prob * np.ones(4), rtol=1e-12)
    expected = keep_prob * (1 - keep_prob) * np.eye(4)
    np.testing.assert_allclose(covariance, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_depth_is_binomial(keep_prob):
    """Over all 16 choices: comb(4, d) k^d (1 - k)^(4 - d), so 4 k layers on average."""
    depth = np.zeros(5)
    for kept, p in every_mask((4,), keep_prob):
        depth[forward(kept, keep_prob)[1].sum()] += p

    k = keep_prob
    wanted = [comb(4, d) * k**d * (1 - k) ** (4 - d) for d in range(5)]
    np.testing.assert_allclose(depth, wanted, rtol=1e-12)
    np.testing.assert_allclose(depth @ np.arange(5), 4 * keep_prob, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_goes_through_the_kept_layers_from_the_last(keep_prob):
    """For all 8 choices of curved layers, by central differences; order matters."""
    weights, seen = np.random.default_rng(1).normal(size=(3, 3, 3)), {}
    grad = np.array([[1.0, -2.0, 0.3], [0.7, 1.0, -1.0]])

    def layer(x, i):
        seen[i] = np.tanh(x @ weights[i])
        return x + seen[i]

    def backward(grad, i):
        return grad + (grad * (1 - seen[i] ** 2)) @ weights[i].T

    layers = [lambda x, i=i: layer(x, i) for i in range(3)]
    backwards = [lambda g, i=i: backward(g, i) for i in range(3)]
    for kept, _ in every_mask((3,), keep_prob):
        _, found = forward(kept, keep_prob, X, layers)
        gradient = layerdrop.layerdrop_backward(grad, backwards, found)
        for index in np.ndindex(X.shape):
            step = np.zeros_like(X)
            step[index] = 1e-6
            ends = [forward(kept, keep_prob, X + s * step, layers)[0] for s in (1, -1)]
            slope = np.sum(grad * (ends[0] - ends[1])) / 2e-6
            np.testing.assert_allclose(gradient[index], slope, rtol=1e-6, atol=1e-8)


def test_keep_prob_one_is_evaluation_and_draws_nothing():
    """All layers, for an int and a float; also if there are none."""
    for one in (1, 1.0):
        layers = chain(SLOPES)[0]
        out, kept = layerdrop.layerdrop_forward(X, layers, one, NoDraws())
        np.testing.assert_allclose(out, np.prod(1 + np.array(SLOPES)) * X, rtol=1e-13)
        assert kept.tolist() == [True] * 4
        assert layerdrop.layerdrop_forward(X, [], one, NoDraws())[0] is X


def test_pruning_drops_each_step_th_layer():
    """Of 16 layers step 2 leaves 0, 2, ... 14 counted from 0, as fairseq's example does."""
    sixteen = list(range(16))

    assert layerdrop.every_other(sixteen, 2) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert layerdrop.every_other(range(6), 3) == [0, 1, 3, 4]
    assert layerdrop.every_other(sixteen, 1) == []
    assert layerdrop.every_other(range(6), 1 / 0.3) == [0, 1, 3, 4]  # the floor
    assert sixteen == list(range(16))


def test_a_pruned_network_is_one_that_was_trained():
    """It is the forward pass in which those layers were dropped."""
    layers = chain(SLOPES)[0]
    args = X, layerdrop.every_other(layers, 2), 1, NoDraws()
    pruned, _ = layerdrop.layerdrop_forward(*args)
    dropped, _ = forward(np.array([True, False, True, False]), 0.8)

    np.testing.assert_array_equal(pruned, dropped)


def test_same_generator_state_gives_the_same_layers():
    """One draw for each layer, whatever the batch is."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(3):
        _, kept = layerdrop.layerdrop_forward(X, chain(SLOPES)[0], 0.8, one)
        np.testing.assert_array_equal(kept, two.random(4) < 0.8)


def test_inputs_are_not_mutated():
    """x may be read-only, and the dtype is that of the layers."""
    x = X.astype(np.float32)
    x.flags.writeable = False
    out, _ = layerdrop.layerdrop_forward(
        x, chain(SLOPES)[0], np.float64(0.8), np.random.default_rng(0)
    )

    assert out.dtype == np.float32


@pytest.mark.parametrize(
    "bad", [0, -0.1, 1.1, np.nan, np.array([0.8]), "0.8", None, True, 0.8 + 0j]
)
def test_keep_prob_that_is_no_number_in_its_range_is_a_value_error(bad):
    """Before anything is drawn; the message has the value. A bool is no number."""
    with pytest.raises(ValueError, match=r"keep_prob must be in \(0, 1\], got") as e:
        layerdrop.layerdrop_forward(X, [], bad, NoDraws())
    assert repr(bad) in str(e.value)


@pytest.mark.parametrize("bad", [np.ones((2, 3), int), [[1.0]], None, 1.0])
def test_only_float_arrays_and_functions_are_accepted(bad):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="need floats, functions"):
        layerdrop.layerdrop_forward(bad, [], 0.8, NoDraws())
    with pytest.raises(TypeError, match="need floats, functions"):
        layerdrop.layerdrop_forward(X, [bad], 0.8, NoDraws())


def test_backward_needs_a_function_for_each_layer():
    """Too few are a ValueError, not a gradient that lacks a layer."""
    with pytest.raises(ValueError, match="zip"):
        layerdrop.layerdrop_backward(X, [], np.ones(1, bool))


@pytest.mark.parametrize("rng", [0, None, type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        layerdrop.layerdrop_forward(X, [], 0.8, rng)
