"""Variational RNN dropout: one mask for all steps, another one for each example.

All masks of small shapes are visited, so nothing here has a sampling error.
"""

import numpy as np
import pytest

from snippets import variational_rnn_dropout as locked
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS, SILENT = {}, {}  # of the properties of the conformance suite: all hold


class Layer:
    """The mask on a batch of sequences (batch, steps, units), as Keras lays them out."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def mask_shape(self, shape):
        if len(shape) != 3:
            raise ValueError(f"x must be (batch, steps, units), got shape {shape}")
        return shape[0], 1, shape[2]

    def forward(self, x, training=True):
        batch, _, units = self.mask_shape(x.shape)
        self.mask = np.ones_like(x)
        if not training:
            return x
        mask = locked.locked_mask(batch, units, self.keep_prob, self.rng, x.dtype)
        self.mask = mask.swapaxes(0, 1)  # the snippet has the steps first
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


X = np.array([[[1.5, -2.0], [0.0, 4.0]], [[-1.0, 3.0], [2.0, 0.5]]])  # steps first
X = np.concatenate([X, 2 * X[:1] + 1])  # (3, 2, 2): steps, batch, units


def mask_of(kept, keep_prob):
    """Return the mask for chosen decisions of shape (1, batch, units)."""
    draws = ChosenDraws(kept, keep_prob)
    return locked.locked_mask(*kept.shape[1:], keep_prob, draws)


def network(seed=0, steps=4, batch=3, inputs=2, units=5):
    """Return x and the weights of a small RNN."""
    rng = np.random.default_rng(seed)
    w, u = rng.normal(size=(inputs, units)), rng.normal(size=(units, units))
    return rng.normal(size=(steps, batch, inputs)), w, u, rng.normal(size=units)


def three_masks(batch=3, inputs=2, units=5, keep_prob=0.8, seed=1):
    """Return masks for input, state and output."""
    rng = np.random.default_rng(seed)
    return [
        locked.locked_mask(batch, n, keep_prob, rng) for n in (inputs, units, units)
    ]


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mask_is_zero_or_one_over_keep_prob_with_one_axis_for_all_steps(keep_prob):
    """For all 16 masks of 2 examples with 2 units: shape (1, batch, units)."""
    for kept, _ in every_mask((1, 2, 2), keep_prob):
        mask = mask_of(kept, keep_prob)

        np.testing.assert_array_equal(mask, np.where(kept, 1 / keep_prob, 0))


def test_one_decision_drops_one_unit_of_one_example_at_all_steps():
    """And of a (2, 3) batch nothing else; each of the 6 decisions in turn."""
    for index in np.ndindex(2, 3):
        kept = np.ones((1, 2, 3), dtype=bool)
        kept[0][index] = False
        out = np.ones((4, 2, 3)) * mask_of(kept, 0.8)

        assert (out[:, *index] == 0).all()
        assert np.sum(out == 0) == 4


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_is_the_input(keep_prob):
    """Weighted by probability, the outputs of all 16 masks add up to x, at each step."""
    mean = sum(
        prob * X * mask_of(kept, keep_prob)
        for kept, prob in every_mask((1, 2, 2), keep_prob)
    )

    np.testing.assert_allclose(mean, X, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_steps_covary_and_units_and_examples_do_not(keep_prob):
    """(1 - k) / k * x_s * x_t for two steps of one unit of one example, 0 otherwise."""
    covariance, flat = np.zeros((12, 12)), X.reshape(3, 4)
    for kept, prob in every_mask((1, 2, 2), keep_prob):
        noise = (X * mask_of(kept, keep_prob) - X).ravel()
        covariance += prob * np.outer(noise, noise)

    same_unit = np.einsum("si,tj,ij->sitj", flat, flat, np.eye(4)).reshape(12, 12)
    expected = (1 - keep_prob) / keep_prob * same_unit
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_without_masks_it_is_the_plain_network():
    """Evaluation: a loop over the steps that knows nothing of masks."""
    x, w, u, b = network()
    out, states = locked.rnn_forward(x, w, u, b)

    h = np.zeros((3, 5))
    for step, row in enumerate(x):
        h = np.tanh(row @ w + h @ u + b)
        np.testing.assert_allclose(states[step], h, rtol=1e-14)
    np.testing.assert_array_equal(out, states)


def test_each_example_is_one_thinned_network_at_all_steps():
    """Its masks drop rows of the matrices that read what they mask, and scale the rest."""
    x, w, u, b = network()
    masks = three_masks()
    out, _ = locked.rnn_forward(x, w, u, b, masks)

    for i in range(3):
        rows_w, rows_u, last = (mask[0, i] for mask in masks)
        thin_w, thin_u = rows_w[:, None] * w, rows_u[:, None] * u
        alone, _ = locked.rnn_forward(x[:, [i]], thin_w, thin_u, b)
        np.testing.assert_allclose(out[:, [i]], alone * last, rtol=1e-12, atol=1e-15)


def test_the_state_that_goes_on_is_not_masked():
    """With u = 0 the state mask changes nothing; the output mask never enters the state."""
    x, w, u, b = network()
    masks = three_masks()
    _, states = locked.rnn_forward(x, w, 0 * u, b, masks)
    _, same = locked.rnn_forward(x, w, 0 * u, b, (masks[0], 1.0, 1.0))
    _, one = locked.rnn_forward(x, w, u, b, masks)
    _, two = locked.rnn_forward(x, w, u, b, (*masks[:2], 1.0))

    np.testing.assert_array_equal(states, same)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept(dtype):
    """By the mask, and by out and the states of the network."""
    arrays = [a.astype(dtype) for a in network()]
    rng = np.random.default_rng(0)
    masks = [locked.locked_mask(3, n, np.float64(0.8), rng, dtype) for n in (2, 5, 5)]
    out, states = locked.rnn_forward(*arrays, masks)

    assert {a.dtype for a in (*masks, out, states)} == {np.dtype(dtype)}
    assert out.shape == states.shape == (4, 3, 5)


def test_keep_prob_one_is_evaluation():
    """Bit for bit."""
    masks = [locked.locked_mask(3, n, 1, np.random.default_rng(0)) for n in (2, 5, 5)]
    for got, want in zip(
        locked.rnn_forward(*network(), masks), locked.rnn_forward(*network())
    ):
        np.testing.assert_array_equal(got, want)


def test_masks_come_from_the_generator_alone():
    """Equal seeds, equal masks; a call takes batch * units draws; no global state."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    before = np.random.get_state()[1].copy()
    first, again = (locked.locked_mask(4, 5, 0.8, one) for _ in range(2))
    two.random(20)

    np.testing.assert_array_equal(locked.locked_mask(4, 5, 0.8, two), again)
    assert (first != again).any()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_inputs_are_not_mutated():
    """x, the weights and the masks keep their values; they may be read-only."""
    arrays, masks = network(), three_masks()
    given = [a.copy() for a in (*arrays, *masks)]
    for array in (*arrays, *masks):
        array.flags.writeable = False
    locked.rnn_forward(*arrays, masks)

    for array, copy in zip((*arrays, *masks), given):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf, 1e-320])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; 1e-320 is too small for float64."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        locked.locked_mask(2, 3, keep_prob, NoDraws())


@pytest.mark.parametrize("keep_prob", ["0.8", None, [0.8], np.array([0.8]), True])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Before anything is drawn; the message shows it."""
    with pytest.raises(TypeError, match="keep_prob must be a real number, got") as e:
        locked.locked_mask(2, 3, keep_prob, NoDraws())
    assert repr(keep_prob) in str(e.value)


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        locked.locked_mask(2, 3, 0.8, rng)


@pytest.mark.parametrize("x", [np.ones((4, 2)), np.ones((4, 3, 2), int), [[[1.0]]]])
def test_x_must_be_three_axes_of_floats(x):
    """A list, integers and (steps, inputs) are refused."""
    with pytest.raises(TypeError, match=r"x must be floats \(steps, batch, inputs\)"):
        locked.rnn_forward(x, *network()[1:])


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_mask_for_each_step_is_refused(which):
    """So are masks shared by the batch; the message has both shapes."""
    masks = three_masks()
    for shape in (4, 3, masks[which].shape[2]), (1, 1, masks[which].shape[2]):
        wrong = [m if i != which else np.ones(shape) for i, m in enumerate(masks)]
        with pytest.raises(ValueError, match="masks must be") as e:
            locked.rnn_forward(*network(), wrong)
        assert str(shape) in str(e.value)
