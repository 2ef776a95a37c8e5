"""Zoneout: each unit is old or new, evaluation is the mean, the gradient is handed on."""

import numpy as np
import pytest

from snippets import zoneout
from tests.fakes import ChosenDraws, NoDraws, every_mask

FACTOR = "Nothing is divided by keep_prob: what is taken is the new value, times 1. "
MEAN = "Evaluation is the mean of old and new, here keep_prob * x. "
DEPARTS = {  # two causes: no factor in training, a weighted mean in evaluation
    "evaluation-is-identity": MEAN + "The new value alone would be another model.",
    "mode-is-obeyed": MEAN + "So an evaluation call changes x, as it should.",
    "zero-or-scaled": FACTOR + "From an old state of 0 the next one is 0 or x.",
    "every-call-starts-anew": FACTOR + "The check expects x / keep_prob.",
    "negative-like-positive": FACTOR + "The check expects x / keep_prob.",
    "memory-layouts": FACTOR + "The check expects x / keep_prob.",
    "inf-and-nan": FACTOR + "The check expects x / keep_prob.",
    "half-precision": FACTOR + "The check expects x / keep_prob.",
    "mean-kept": "The mean over masks is the output of evaluation, which is not x.",
    "variance": "It is q * (1 - q) * (new - old)**2 for the zone probability q.",
    "backward-is-the-mask": FACTOR + "The gradient is handed on undivided, too.",
    "backward-after-evaluation": MEAN + "Its gradient for x is keep_prob * grad.",
}
SILENT = {}


class Layer:
    """One step from the state 0: x is the new state."""

    def __init__(self, keep_prob, rng):
        if isinstance(keep_prob, str) or keep_prob is None:
            raise TypeError(f"keep_prob must be a number, got {keep_prob!r}")
        self.zone_prob, self.rng = 1 - keep_prob, rng

    def forward(self, x, training=True):
        old = np.zeros_like(x)
        out, self.share = zoneout.zoneout_forward(
            old, x, self.zone_prob, self.rng, training
        )
        return out

    def backward(self, grad):
        return zoneout.zoneout_backward(grad, self.share)[1]


ZONE_PROBS = [0.1, 0.3, 0.8]
OLD, NEW = np.array([1.5, -2.0, 0.0, 4.0]), np.array([2.0, 1.0, -3.0, 4.5])


def forward(held, zone_prob, old=OLD, new=NEW):
    """Return out and share for chosen decisions; held: the old value stays."""
    return zoneout.zoneout_forward(old, new, zone_prob, ChosenDraws(held, zone_prob))


def evaluate(zone_prob, old=OLD, new=NEW):
    """Return out and share of evaluation, in which nothing may be drawn."""
    return zoneout.zoneout_forward(old, new, zone_prob, NoDraws(), training=False)


@pytest.mark.parametrize("zone_prob", ZONE_PROBS)
def test_every_unit_is_its_old_or_its_new_value(zone_prob):
    """For all 16 masks, exactly: nothing is scaled. share is 1 where it is the old one."""
    for held, _ in every_mask(OLD.shape, zone_prob):
        out, share = forward(held, zone_prob)

        np.testing.assert_array_equal(out, np.where(held, OLD, NEW))
        np.testing.assert_array_equal(share, held.astype(float))


@pytest.mark.parametrize("zone_prob", ZONE_PROBS)
def test_evaluation_is_the_mean_of_training(zone_prob):
    """Weighted by probability, all 16 outputs add up to q * old + (1 - q) * new."""
    mean = sum(
        prob * forward(held, zone_prob)[0]
        for held, prob in every_mask(OLD.shape, zone_prob)
    )
    out, share = evaluate(zone_prob)

    np.testing.assert_allclose(out, mean, rtol=1e-12)
    np.testing.assert_allclose(out, zone_prob * OLD + (1 - zone_prob) * NEW, rtol=1e-14)
    np.testing.assert_array_equal(share, np.full(4, zone_prob))


@pytest.mark.parametrize("zone_prob", ZONE_PROBS)
def test_covariance_is_that_of_the_change_of_each_unit(zone_prob):
    """q * (1 - q) * (new - old)**2 on the diagonal, 0 beside it."""
    covariance, mean = np.zeros((4, 4)), evaluate(zone_prob)[0]
    for held, prob in every_mask(OLD.shape, zone_prob):
        noise = forward(held, zone_prob)[0] - mean
        covariance += prob * np.outer(noise, noise)

    expected = zone_prob * (1 - zone_prob) * np.diag((NEW - OLD) ** 2)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


@pytest.mark.parametrize("zone_prob", ZONE_PROBS)
def test_it_is_dropout_of_the_change(zone_prob):
    """old + (1 - q) * inverted dropout of new - old with keep probability 1 - q."""
    for held, _ in every_mask(OLD.shape, zone_prob):
        dropped = np.where(held, 0, (NEW - OLD) / (1 - zone_prob))
        wanted = OLD + (1 - zone_prob) * dropped

        np.testing.assert_allclose(forward(held, zone_prob)[0], wanted, rtol=1e-14)


def test_the_gradient_goes_to_old_or_to_new_and_none_is_lost():
    """For all 16 masks one of the two gets it whole; in evaluation they share it."""
    grad = np.array([3.0, -5.0, 7.0, 11.0])
    for held, _ in every_mask(OLD.shape, 0.3):
        for_old, for_new = zoneout.zoneout_backward(grad, forward(held, 0.3)[1])

        np.testing.assert_array_equal(for_old, np.where(held, grad, 0))
        np.testing.assert_array_equal(for_new, np.where(held, 0, grad))
    for_old, for_new = zoneout.zoneout_backward(grad, evaluate(0.3)[1])
    np.testing.assert_allclose(for_old, 0.3 * grad, rtol=1e-14)
    np.testing.assert_allclose(for_old + for_new, grad, rtol=1e-14)


@pytest.mark.parametrize("training", [True, False])
def test_backward_is_the_derivative_of_forward(training):
    """Central differences of a curved loss, through old and through new, both modes."""
    draws = ChosenDraws(np.array([True, False, True, False]), 0.3)

    def loss(old, new):
        out, _ = zoneout.zoneout_forward(old, new, 0.3, draws, training)
        return np.sum((out - 1) ** 2)

    out, share = zoneout.zoneout_forward(OLD, NEW, 0.3, draws, training)
    for_old, for_new = zoneout.zoneout_backward(2 * (out - 1), share)
    steps = 1e-4 * np.eye(4)
    numeric = [(loss(OLD + s, NEW) - loss(OLD - s, NEW)) / 2e-4 for s in steps]
    np.testing.assert_allclose(for_old, numeric, rtol=1e-7, atol=1e-9)
    numeric = [(loss(OLD, NEW + s) - loss(OLD, NEW - s)) / 2e-4 for s in steps]
    np.testing.assert_allclose(for_new, numeric, rtol=1e-7, atol=1e-9)


def test_zone_prob_zero_gives_the_new_value():
    """Bit for bit in training, inf and nan included, and in evaluation."""
    new = np.array([1.1, -0.0, np.inf, np.nan])
    trained, _ = zoneout.zoneout_forward(OLD, new, 0, np.random.default_rng(0))

    assert trained.tobytes() == new.tobytes()
    np.testing.assert_array_equal(evaluate(0, OLD, new)[0], new)


def test_a_draw_equal_to_zone_prob_takes_the_new_value():
    """Held means draw < zone_prob, so that [0, 1) holds exactly zone_prob of them."""
    for zone_prob in ZONE_PROBS:
        out, _ = forward(np.array([True, False, False, True]), zone_prob)

        np.testing.assert_array_equal(out, [1.5, 1.0, -3.0, 4.0])


def test_held_inf_and_nan_do_not_reach_the_state():
    """The value that is not taken is not multiplied by 0 but left out."""
    new = np.array([np.inf, np.nan, np.inf, 1.0])
    out, _ = forward(np.array([True, True, False, False]), 0.3, OLD, new)

    np.testing.assert_array_equal(out, [1.5, -2.0, np.inf, 1.0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_and_shape_are_kept_in_both_modes(dtype):
    """By out, share and gradients; a float64 zone_prob does not upcast."""
    old, new = np.zeros((2, 3), dtype), np.ones((2, 3), dtype)
    for training in (True, False):
        args = np.float64(0.3), np.random.default_rng(0), training
        out, share = zoneout.zoneout_forward(old, new, *args)
        grads = zoneout.zoneout_backward(new, share)

        for array in (out, share, *grads):
            assert (array.dtype, array.shape) == (np.dtype(dtype), (2, 3))


def test_masks_come_from_the_generator_alone():
    """Equal seeds, equal results; one draw for each element; evaluation draws nothing."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    old, new = np.zeros((10, 20)), np.ones((10, 20))
    first, _ = zoneout.zoneout_forward(old, new, 0.3, one)
    zoneout.zoneout_forward(old, new, 0.3, one, training=False)
    again, _ = zoneout.zoneout_forward(old, new, 0.3, one)
    two.random((10, 20))

    assert (first != again).any()
    np.testing.assert_array_equal(zoneout.zoneout_forward(old, new, 0.3, two)[0], again)


def test_inputs_are_not_mutated():
    """They may be read-only, and no result shares memory with them."""
    old, new, grad = OLD.copy(), NEW.copy(), np.ones(4)
    for array in (old, new, grad):
        array.flags.writeable = False
    for training in (True, False):
        args = 0.3, np.random.default_rng(0), training
        out, share = zoneout.zoneout_forward(old, new, *args)
        results = (out, share, *zoneout.zoneout_backward(grad, share))
        given = (old, new, grad)
        assert not any(np.shares_memory(a, b) for a in results for b in given)
    np.testing.assert_array_equal((old, new), (OLD, NEW))


@pytest.mark.parametrize("zone_prob", [1, 1.0, -0.1, 1.1, np.nan, np.inf])
def test_zone_prob_outside_its_range_is_a_value_error(zone_prob):
    """In both modes; 1 would hold every unit for ever."""
    for training in (True, False):
        with pytest.raises(ValueError, match=rf"zone_prob .* got {zone_prob}"):
            zoneout.zoneout_forward(OLD, NEW, zone_prob, NoDraws(), training)


@pytest.mark.parametrize("zone_prob", ["0.3", None, [0.3], np.array([0.3]), True])
def test_zone_prob_of_a_wrong_type_is_a_type_error(zone_prob):
    """In both modes; the message shows it."""
    for training in (True, False):
        with pytest.raises(TypeError, match="zone_prob must be a real number") as e:
            zoneout.zoneout_forward(OLD, NEW, zone_prob, NoDraws(), training)
        assert repr(zone_prob) in str(e.value)


@pytest.mark.parametrize("bad", [np.array([1, 2, 3, 4]), [1.0] * 4, 1.0, None])
def test_states_must_be_arrays_of_floats(bad):
    """Each of the two."""
    for pair in ((bad, NEW), (OLD, bad)):
        with pytest.raises(TypeError, match="old, new must be float arrays"):
            zoneout.zoneout_forward(*pair, 0.3, NoDraws())


@pytest.mark.parametrize("new", [np.ones(3), np.ones((1, 4)), np.ones(4, np.float32)])
def test_states_of_different_shape_or_dtype_are_a_value_error(new):
    """Nothing is broadcast or promoted silently; nor in backward."""
    with pytest.raises(ValueError, match=r"old is float64\(4,\), new float"):
        zoneout.zoneout_forward(OLD, new, 0.3, NoDraws())
    if new.shape != (4,):
        with pytest.raises(ValueError, match="grad has shape"):
            zoneout.zoneout_backward(new, np.ones(4))


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """In training; evaluation needs none."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        zoneout.zoneout_forward(OLD, NEW, 0.3, rng)
    zoneout.zoneout_forward(OLD, NEW, 0.3, rng, training=False)
