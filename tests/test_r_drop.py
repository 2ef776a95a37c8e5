"""R-Drop: two independent masks, the loss and both gradients, errors.

Masks are enumerated, gradients compared with central differences; nothing is sampled.
"""

from itertools import product

import numpy as np
import pytest

from snippets import r_drop
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS, SILENT = {}, {}  # each of the two passes is inverted dropout: all hold


class Layer:
    """One of the two passes, in the form that the conformance suite tests."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
        outs, masks = r_drop.two_passes(x, self.keep_prob, self.rng)
        self.mask = masks[1]
        return outs[1]

    def backward(self, grad):
        return grad * self.mask


X = np.array([1.5, -2.0, 4.0])
DATA = np.random.default_rng(0)
FIRST, SECOND = DATA.normal(size=(2, 5, 4))
LABELS = DATA.integers(0, 4, 5)


def softmax(logits):
    """Return probabilities, (batch, classes)."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def by_definition(first, second, labels, alpha):
    """Return the loss from the definition, example by example."""
    total = 0
    for p, q, label in zip(softmax(first), softmax(second), labels, strict=True):
        kl = sum(a * np.log(a / b) + b * np.log(b / a) for a, b in zip(p, q))
        total += -np.log(p[label]) - np.log(q[label]) + alpha / 2 * kl
    return total / len(labels)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_each_pass_is_inverted_dropout_and_they_are_independent(keep_prob):
    """Over all 64 pairs of masks: each mean is x, their covariance is 0, own variances."""
    mean, second = np.zeros((2, 3)), np.zeros((6, 6))
    for kept, prob in every_mask((2, 3), keep_prob):
        outs, masks = r_drop.two_passes(X, keep_prob, ChosenDraws(kept, keep_prob))
        mean, noise = mean + prob * outs, (outs - X).ravel()
        second += prob * np.outer(noise, noise)

        np.testing.assert_array_equal(masks, np.where(kept, 1 / keep_prob, 0))
        np.testing.assert_array_equal(outs, X * masks)
    variance = (1 - keep_prob) / keep_prob * np.tile(X, 2) ** 2
    np.testing.assert_allclose(mean, [X, X], rtol=1e-12)
    np.testing.assert_allclose(second, np.diag(variance), atol=1e-12)


def test_two_passes_keep_shape_dtype_and_input():
    """(2, *shape) of the dtype of x, which is not touched; 0-d and empty too."""
    for shape, dtype in product([(), (0, 3), (4,), (2, 3, 4)], ["f2", "f4", "f8"]):
        x = np.ones(shape, dtype)
        x.flags.writeable = False
        outs, masks = r_drop.two_passes(x, np.float64(0.8), np.random.default_rng(0))

        assert outs.shape == masks.shape == (2, *shape)
        assert outs.dtype == masks.dtype == x.dtype
        assert not np.shares_memory(outs, masks)


def test_keep_prob_one_gives_x_twice():
    """And the smallest keep_prob that float32 can divide by is taken."""
    outs, masks = r_drop.two_passes(X, 1, np.random.default_rng(0))
    least = 1 / float(np.finfo(np.float32).max)
    _, few = r_drop.two_passes(X.astype("f4"), least, np.random.default_rng(0))

    np.testing.assert_array_equal(outs, [X, X])
    np.testing.assert_array_equal(masks, np.ones((2, 3)))
    np.testing.assert_array_equal(few, np.zeros((2, 3)))


def test_calls_differ_and_seeds_repeat_them():
    """Fresh masks of 200 units in each call and each pass. False alarms: < 1e-29."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    first, second = (r_drop.two_passes(np.ones(200), 0.8, one)[0] for _ in range(2))

    assert (first != second).any()
    assert (first[0] != first[1]).any()
    for outs in (first, second):
        again, _ = r_drop.two_passes(np.ones(200), 0.8, two)
        np.testing.assert_array_equal(again, outs)


@pytest.mark.parametrize("alpha", [0, 1, 0.7, 5.0])
def test_loss_is_that_of_the_definition(alpha):
    """Both cross-entropies and alpha / 2 times both divergences, mean over examples."""
    loss, *_ = r_drop.r_drop_loss(FIRST, SECOND, LABELS, alpha)

    expected = by_definition(FIRST, SECOND, LABELS, alpha)
    assert loss == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("alpha", [0, 1, 5.0])
def test_both_gradients_are_the_derivatives_of_the_loss(alpha):
    """Central differences of the definition agree for each logit of both passes."""
    _, *grads = r_drop.r_drop_loss(FIRST, SECOND, LABELS, alpha)
    for which, index in product((0, 1), np.ndindex(FIRST.shape)):
        ends = []
        for sign in (1, -1):
            logits = [FIRST.copy(), SECOND.copy()]
            logits[which][index] += sign * 1e-5
            ends.append(by_definition(*logits, LABELS, alpha))

        numeric = (ends[0] - ends[1]) / 2e-5
        assert grads[which][index] == pytest.approx(numeric, rel=1e-6, abs=1e-9)


def test_swapping_the_passes_swaps_the_gradients():
    """The loss is symmetric."""
    loss, first, second = r_drop.r_drop_loss(FIRST, SECOND, LABELS, 1.3)
    same, other, one = r_drop.r_drop_loss(SECOND, FIRST, LABELS, 1.3)

    assert loss == pytest.approx(same, rel=1e-14)
    np.testing.assert_allclose([one, other], [first, second], rtol=1e-13)


def test_equal_distributions_cost_nothing():
    """Also if the logits differ by a constant per example: alpha has no effect then."""
    shifted = FIRST + np.arange(5.0)[:, None]
    for alpha in (0, 1, 100):
        loss, first, second = r_drop.r_drop_loss(FIRST, shifted, LABELS, alpha)

        expected = by_definition(FIRST, FIRST, LABELS, 0)
        assert loss == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(first, second, atol=1e-12)


def test_different_distributions_cost_something():
    """The loss grows with alpha, by half of both divergences."""
    losses = [r_drop.r_drop_loss(FIRST, SECOND, LABELS, a)[0] for a in (0, 1, 2)]

    assert losses[1] - losses[0] > 0.1
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-12)


def test_the_gradients_of_each_example_sum_to_zero():
    """Adding a constant to all logits of an example changes nothing."""
    _, first, second = r_drop.r_drop_loss(FIRST, SECOND, LABELS, 2)

    np.testing.assert_allclose(first.sum(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(second.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_divergence_is_twice_a_covariance(keep_prob):
    """Over all pairs of masks: sum over classes of 2 Cov(probability, logit)."""
    weights = np.random.default_rng(1).normal(size=(3, 4))
    masks, chances = zip(*every_mask((3,), keep_prob), strict=True)
    logits, chances = np.array(masks) / keep_prob * X @ weights, np.array(chances)
    pairs = 0
    for i, j in product(range(8), repeat=2):
        args = logits[[i]], logits[[j]], [0]
        both = r_drop.r_drop_loss(*args, 2)[0] - r_drop.r_drop_loss(*args, 0)[0]
        pairs += chances[i] * chances[j] * both

    p, mean = softmax(logits), chances @ logits
    covariance = np.sum(chances @ (p * (logits - mean)))
    assert pairs == pytest.approx(2 * covariance, rel=1e-12)


def test_large_logits_do_not_overflow():
    """Finite loss and gradients for logits of +-1e4."""
    first = np.array([[1e4, -1e4]])
    loss, *grads = r_drop.r_drop_loss(first, -first, [0], 1)

    assert loss == pytest.approx(2e4 + 2e4, rel=1e-12)
    np.testing.assert_allclose(grads[0], [[0.5, -0.5]], atol=1e-9)


def test_dtype_is_kept_and_nothing_is_mutated():
    """float32 stays, for a float64 alpha too; read-only arrays are accepted."""
    first, second = FIRST.astype("f4"), SECOND.astype("f4")
    first.flags.writeable = second.flags.writeable = False
    found = r_drop.r_drop_loss(first, second, LABELS, np.float64(1.3))

    assert [np.asarray(value).dtype for value in found] == [np.float32] * 3


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True]), [1.0], 1.0, None])
def test_two_passes_take_float_arrays_only(x):
    """Nothing is drawn."""
    with pytest.raises(TypeError, match="x must be an array of floats, got"):
        r_drop.two_passes(x, 0.8, NoDraws())


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """The message has the value, and nothing is drawn."""
    with pytest.raises(ValueError, match="keep_prob is") as e:
        r_drop.two_passes(X, keep_prob, NoDraws())

    assert str(keep_prob) in str(e.value)


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """The message has the value, and nothing is drawn."""
    with pytest.raises(TypeError, match="wrong keep_prob"):
        r_drop.two_passes(X, keep_prob, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message has what was given."""
    with pytest.raises(TypeError, match=f"or rng {rng!r}"):
        r_drop.two_passes(X, 0.8, rng)


@pytest.mark.parametrize("labels", [[0], [0, 1, 2, 3, 4], [-1] * 5, [0.3] * 5, 0])
def test_labels_that_do_not_fit_are_a_value_error(labels):
    """Wrong number, class 4 of 0 to 3, negative, fractions, not an array."""
    with pytest.raises(ValueError, match="labels"):
        r_drop.r_drop_loss(FIRST, SECOND, labels, 1)


@pytest.mark.parametrize("alpha", [-1, np.nan, np.inf])
def test_alpha_that_is_no_weight_is_a_value_error(alpha):
    """The message has the value."""
    with pytest.raises(ValueError, match=f"alpha {alpha}"):
        r_drop.r_drop_loss(FIRST, SECOND, LABELS, alpha)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_logits_that_are_not_finite_are_a_value_error(bad):
    """A class masked with -inf would make the divergence nan."""
    second = SECOND.copy()
    second[0, 0] = bad
    with pytest.raises(ValueError, match="logits"):
        r_drop.r_drop_loss(FIRST, second, LABELS, 1)


@pytest.mark.parametrize("shape", [(5,), (5, 3), (4, 4), (1, 5, 4)])
def test_logits_of_other_shapes_are_a_value_error(shape):
    """Nothing is broadcast silently."""
    with pytest.raises(ValueError, match="must have the same shape"):
        r_drop.r_drop_loss(FIRST, np.ones(shape), LABELS, 1)
    with pytest.raises(ValueError, match="labels"):
        r_drop.r_drop_loss(FIRST[0], FIRST[0], LABELS[0], 1)
