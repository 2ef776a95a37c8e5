"""Early and late dropout: the schedules, step by step, and their errors."""

import numpy as np
import pytest

from snippets import early_late_dropout, inverted_dropout
from tests.fakes import KEEP_PROBS

DEPARTS, SILENT = {}, {}  # at every step it is inverted dropout: all hold

keep_prob_at = early_late_dropout.keep_prob_at


class Layer:
    """Late dropout after its switch, in the form that the conformance suite tests."""

    def __init__(self, keep_prob, rng):
        self.keep_prob = keep_prob_at(50, 100, keep_prob, "late", switch=20)
        self.rng = rng

    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
        out, self.mask = inverted_dropout.dropout_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return inverted_dropout.dropout_backward(grad, self.mask)


def line(kind, keep_prob=0.8, steps=10, switch=4):
    """Return the keep probabilities of all steps."""
    return [keep_prob_at(i, steps, keep_prob, kind, switch) for i in range(steps)]


def test_early_dropout_falls_in_a_line_to_none():
    """The drop rate is p (1 - step / switch) before the switch and 0 from it on."""
    expected = [0.8, 0.85, 0.9, 0.95, 1, 1, 1, 1, 1, 1]

    np.testing.assert_allclose(line("early"), expected, rtol=1e-15)


def test_late_dropout_starts_at_the_switch():
    """No dropout before it, the whole rate from it on."""
    assert line("late") == [1.0] * 4 + [0.8] * 6


@pytest.mark.parametrize("keep_prob", [*KEEP_PROBS, 0.3, 1e-5, 1 / 3])
def test_both_ends_are_exact(keep_prob):
    """keep_prob itself and 1, without rounding: no unit drops where none should."""
    early, late = line("early", keep_prob), line("late", keep_prob)

    assert early[0] == late[-1] == keep_prob
    assert early[4:] == [1] * 6
    assert late[:4] == [1] * 4


@pytest.mark.parametrize("keep_prob", [*KEEP_PROBS, 1])
@pytest.mark.parametrize("switch", [1, 2, 7, 9])
def test_the_schedules_are_monotone_and_in_range(keep_prob, switch):
    """Early never falls, late never rises; both stay between keep_prob and 1."""
    early = line("early", keep_prob, switch=switch)
    late = line("late", keep_prob, switch=switch)

    assert early == sorted(early)
    assert late == sorted(late, reverse=True)
    assert keep_prob <= min(early + late) <= max(early + late) <= 1


@pytest.mark.parametrize("switch", [2, 4, 9])
def test_it_is_at_most_one_part_in_switch_from_a_line_that_ends_at_zero(switch):
    """np.linspace(p, 0, switch) drops p / switch less at the last early step."""
    drop = 1 - np.array(line("early", 0.8, switch=switch))[:switch]
    other = np.linspace(0.2, 0, switch)

    assert np.max(np.abs(drop - other)) == pytest.approx(0.2 / switch, rel=1e-12)
    assert drop[0] == pytest.approx(other[0], rel=1e-15)


@pytest.mark.parametrize("kind", ["early", "late"])
def test_the_whole_dose_is_that_of_the_formula(kind):
    """The drop rates of all steps add up to p (switch + 1) / 2, or p (steps - switch)."""
    dose = np.sum(1 - np.array(line(kind)))

    assert dose == pytest.approx({"early": 0.2 * 5 / 2, "late": 0.2 * 6}[kind])


def test_integers_and_numbers_of_numpy_are_taken_and_a_float_comes_back():
    """np.int64 steps, np.float32 keep_prob."""
    step, keep_prob = np.int64(0), np.float32(0.8)
    got = keep_prob_at(step, np.int32(10), keep_prob, "early", np.uint8(4))

    assert type(got) is float
    assert got == float(keep_prob)


@pytest.mark.parametrize("step", [-1, 10, 11])
def test_a_step_outside_of_the_training_is_a_value_error(step):
    """A run that goes on must say how long it is now."""
    with pytest.raises(ValueError, match=f"step {step}"):
        keep_prob_at(step, 10, 0.8, "early", 4)


@pytest.mark.parametrize("switch", [0, -1, 10, 11])
def test_a_switch_at_an_end_is_a_value_error(switch):
    """It would be dropout throughout, or never."""
    with pytest.raises(ValueError, match=f"switch {switch}"):
        keep_prob_at(0, 10, 0.8, "late", switch)


@pytest.mark.parametrize("given", [1.0, "1", None, True, np.array(1)])
@pytest.mark.parametrize("name", ["step", "steps", "switch"])
def test_steps_that_are_no_integers_are_a_type_error(name, given):
    """The message has the name: a part of the training is no step."""
    args = {"step": 0, "steps": 10, "keep_prob": 0.8, "kind": "late", "switch": 4}
    with pytest.raises(TypeError, match=f"{name} must be an integer"):
        keep_prob_at(**{**args, name: given})


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Also at a step that does not drop."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        keep_prob_at(0, 10, keep_prob, "late", 4)


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """The message says what was given."""
    with pytest.raises(TypeError, match="keep_prob must be a number"):
        keep_prob_at(0, 10, keep_prob, "late", 4)


@pytest.mark.parametrize("kind", ["Early", "linear", "", None, 0])
def test_another_kind_is_a_value_error(kind):
    """The message names both kinds."""
    with pytest.raises(ValueError, match="'early' or 'late'"):
        keep_prob_at(0, 10, 0.8, kind, 4)
