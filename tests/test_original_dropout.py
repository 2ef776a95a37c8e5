"""Original dropout: scaled in evaluation, and the same model as the inverted form."""

import numpy as np
import pytest

from snippets import inverted_dropout, original_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

UNSCALED = "Kept values are x, not x / keep_prob: the scale comes at evaluation."
DEPARTS = {
    "evaluation-is-identity": "Evaluation multiplies by keep_prob, training does not.",
    "mode-is-obeyed": "The suite takes x as evaluation's output; here it is k x.",
    "mean-kept": "The mean output of training is keep_prob * x, as at evaluation.",
    "variance": "Unscaled, it is keep_prob * (1 - keep_prob) * x**2.",
    "backward-is-the-mask": "The gradient is grad where kept, not grad / keep_prob.",
    "backward-after-evaluation": "The derivative of evaluation is keep_prob, not 1.",
    "zero-or-scaled": UNSCALED,
    "every-call-starts-anew": UNSCALED,
    "negative-like-positive": UNSCALED,
    "memory-layouts": UNSCALED,
    "inf-and-nan": UNSCALED,
    "half-precision": UNSCALED,
}
SILENT = {}


class Layer:
    """The snippet in the form that the conformance suite tests."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        if not training:
            self.factor = self.keep_prob
            return original_dropout.dropout_evaluate(x, self.keep_prob)
        out, self.factor = original_dropout.dropout_train(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return np.asarray(grad * self.factor, dtype=grad.dtype)


X = np.array([1.5, -2.0, 0.0, 4.0])


def train_output(x, kept, keep_prob):
    """Return output and mask for a chosen 0/1 mask."""
    return original_dropout.dropout_train(x, keep_prob, ChosenDraws(kept, keep_prob))


def sgd(grad, param, state):
    """Return the step of plain gradient descent."""
    return grad


def momentum(grad, param, state):
    """Return the step of gradient descent with heavy-ball momentum."""
    state["velocity"] = 0.9 * state.get("velocity", 0) + grad
    return state["velocity"]


def weight_decay(strength):
    """Return gradient descent with an L2 penalty."""
    return lambda grad, param, state: grad + strength * param


def adam(grad, param, state):
    """Return the step of Adam (its epsilon so small that it plays no part)."""
    state["t"] = state.get("t", 0) + 1
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * grad
    state["v"] = 0.999 * state.get("v", 0) + 0.001 * grad**2
    size = np.sqrt(state["v"] / (1 - 0.999 ** state["t"]))
    return state["m"] / (1 - 0.9 ** state["t"]) / (size + 1e-100)


def train(dropout, keep_prob, step, next_step, next_scale=1, next_rate=1):
    """Return losses and weights of 60 steps; `next_*` is for the weights after dropout.

    A 3-6-2 ReLU network on fixed data; both forms draw the same masks.
    """
    data, rng = np.random.default_rng(1), np.random.default_rng(2)
    x, y = data.normal(size=(8, 3)), data.normal(size=(8, 2))
    params = [data.normal(size=(3, 6)), data.normal(size=6)]
    params += [data.normal(size=(6, 2)) * next_scale, data.normal(size=2)]
    steps, rates = (step, step, next_step, step), (0.02, 0.02, 0.02 * next_rate, 0.02)
    losses, states = [], [{}, {}, {}, {}]
    for _ in range(60):
        z = x @ params[0] + params[1]
        hidden, mask = dropout(np.maximum(z, 0), keep_prob, rng)
        error = hidden @ params[2] + params[3] - y
        dout = 2 * error / len(x)
        dz = dout @ params[2].T * mask * (z > 0)
        grads = (x.T @ dz, dz.sum(axis=0), hidden.T @ dout, dout.sum(axis=0))
        losses.append(np.mean(error**2))
        for i, grad in enumerate(grads):
            params[i] = params[i] - rates[i] * steps[i](grad, params[i], states[i])
    return losses, params


def gap(keep_prob, step, next_rate, next_step=None):
    """Return the largest difference of the two forms, inverted weights being k * W."""
    original = train(original_dropout.dropout_train, keep_prob, step, step)
    inverted = train(
        inverted_dropout.dropout_forward,
        keep_prob,
        step,
        next_step or step,
        next_scale=keep_prob,
        next_rate=next_rate,
    )
    inverted[1][2] = inverted[1][2] / keep_prob
    pairs = zip([original[0], *original[1]], [inverted[0], *inverted[1]], strict=True)
    return max(np.abs(np.subtract(a, b)).max() for a, b in pairs)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_training_output_is_zero_or_the_input(keep_prob):
    """For all 16 masks: dropped is 0, kept is x itself, and the mask is 0 or 1."""
    for kept, _ in every_mask(X.shape, keep_prob):
        out, mask = train_output(X, kept, keep_prob)

        np.testing.assert_array_equal(out, np.where(kept, X, 0))
        np.testing.assert_array_equal(mask, kept.astype(float))


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_evaluation_is_the_mean_of_training(keep_prob):
    """Weighted by probability, the outputs of all 16 masks add up to keep_prob * x."""
    mean = sum(
        prob * train_output(X, kept, keep_prob)[0]
        for kept, prob in every_mask(X.shape, keep_prob)
    )

    got = original_dropout.dropout_evaluate(X, keep_prob)
    np.testing.assert_allclose(got, mean, rtol=1e-14, atol=0)
    np.testing.assert_allclose(got, keep_prob * X, rtol=1e-15, atol=0)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_scaling_the_next_weights_is_the_same_as_scaling_the_activation(keep_prob):
    """(k x) W + b = x (k W) + b: the weights are scaled, the bias is not."""
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    scaled = original_dropout.dropout_evaluate(x, keep_prob) @ w + b

    np.testing.assert_allclose(scaled, x @ (keep_prob * w) + b, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_grad_times_mask_is_the_derivative_of_training(keep_prob):
    """With a frozen mask finite differences of a curved loss agree, at x = 0 too."""
    kept, steps = np.array([True, False, True, True]), 1e-4 * np.eye(X.size)

    def loss(x):
        return np.sum((train_output(x, kept, keep_prob)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, mask = train_output(X, kept, keep_prob)
    np.testing.assert_allclose(2 * (out - 1) * mask, numeric, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_inverted_output_is_the_original_one_divided_by_keep_prob(keep_prob):
    """With the same generator state, element by element, in training."""
    args = X, keep_prob
    out, _ = original_dropout.dropout_train(*args, np.random.default_rng(0))
    inverted, _ = inverted_dropout.dropout_forward(*args, np.random.default_rng(0))

    np.testing.assert_allclose(inverted, out / keep_prob, rtol=1e-15)


@pytest.mark.parametrize("step", [sgd, momentum])
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_original_and_inverted_are_the_same_model(keep_prob, step):
    """W -> k W and its learning rate -> k**2: 60 steps agree, biases unchanged."""
    assert gap(keep_prob, step, next_rate=keep_prob**2) < 1e-12


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_one_learning_rate_for_both_forms_is_not_the_same_model(keep_prob):
    """Without the factor k**2 (or with k) the 60 steps differ visibly."""
    assert gap(keep_prob, sgd, next_rate=1) > 1e-2
    assert gap(keep_prob, sgd, next_rate=keep_prob) > 1e-2


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_weight_decay_must_be_divided_by_k_squared(keep_prob):
    """Equal decay breaks the equality; decay / k**2 on the weights kW restores it."""
    step, weaker = weight_decay(0.1), weight_decay(0.1 / keep_prob**2)

    assert gap(keep_prob, step, next_rate=keep_prob**2) > 1e-3
    assert gap(keep_prob, step, next_rate=keep_prob**2, next_step=weaker) < 1e-12


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_adam_needs_the_factor_k_instead_of_k_squared(keep_prob):
    """Adam's step ignores the size of the gradient, so only W -> k W is left."""
    assert gap(keep_prob, adam, next_rate=keep_prob**2) > 1e-3
    assert gap(keep_prob, adam, next_rate=keep_prob) < 1e-10


def test_every_call_and_every_example_draws_its_own_mask():
    """Rows of 200 units differ, calls differ. False alarms: < 1e-30."""
    rng = np.random.default_rng(0)
    _, first = original_dropout.dropout_train(np.ones((2, 200)), 0.8, rng)
    _, second = original_dropout.dropout_train(np.ones((2, 200)), 0.8, rng)

    assert (first[0] != first[1]).any()
    assert (first != second).any()


def test_keep_prob_is_the_probability_to_stay():
    """Of 10000, 8000 +- 300 stay at 0.8: 7.5 deviations. False alarms: < 1e-12."""
    x = np.ones(10000)
    _, mask = original_dropout.dropout_train(x, 0.8, np.random.default_rng(0))

    assert abs(mask.sum() - 8000) < 300


@pytest.mark.parametrize(
    "one", [1, 1.0, np.uint8(1), np.int64(1), np.array(1.0)], ids=repr
)
def test_keep_prob_one_is_the_identity(one):
    """Bit for bit in training and in evaluation: -0.0, inf and nan too."""
    x = np.array([1.1, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan])
    out, _ = original_dropout.dropout_train(x, one, np.random.default_rng(0))

    assert out.tobytes() == x.tobytes()
    assert original_dropout.dropout_evaluate(x, one).tobytes() == x.tobytes()


def test_the_type_of_keep_prob_changes_nothing():
    """0.3 as a Python float, a float64 or a 0-d array: equal bits, in float16 too."""
    x = np.arange(100, dtype=np.float16)
    expected = original_dropout.dropout_evaluate(x, 0.3)
    for keep_prob in (np.float64(0.3), np.array(0.3)):
        got = original_dropout.dropout_evaluate(x, keep_prob)

        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3, 4)])
def test_results_have_the_shape_and_dtype_of_x(shape, dtype):
    """All are arrays, for 0-d and empty x too; a float64 keep_prob does not upcast."""
    x, keep_prob = np.ones(shape, dtype=dtype), np.float64(0.8)
    rng = np.random.default_rng(0)
    out, mask = original_dropout.dropout_train(x, keep_prob, rng)
    scaled = original_dropout.dropout_evaluate(x, keep_prob)

    assert all(type(array) is np.ndarray for array in (out, mask, scaled))
    assert out.shape == mask.shape == scaled.shape == shape
    assert out.dtype == mask.dtype == scaled.dtype == np.dtype(dtype)


def test_input_is_not_mutated():
    """x keeps its values, may be read-only, and no result shares memory with it."""
    x = X.copy()
    out, mask = original_dropout.dropout_train(x, 0.8, np.random.default_rng(0))
    scaled = original_dropout.dropout_evaluate(x, 0.8)

    np.testing.assert_array_equal(x, X)
    assert not any(np.shares_memory(x, array) for array in (out, mask, scaled))
    x.flags.writeable = False
    original_dropout.dropout_train(x, 0.8, np.random.default_rng(0))
    original_dropout.dropout_evaluate(x, 0.8)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """In training (before anything is drawn) and in evaluation."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        original_dropout.dropout_train(X, keep_prob, NoDraws())
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        original_dropout.dropout_evaluate(X, keep_prob)


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """In training (before anything is drawn) and in evaluation."""
    with pytest.raises(TypeError, match="keep_prob must be a real number, got"):
        original_dropout.dropout_train(X, keep_prob, NoDraws())
    with pytest.raises(TypeError, match="keep_prob must be a real number, got"):
        original_dropout.dropout_evaluate(X, keep_prob)


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True]), [1.0], 1.0, None])
def test_only_float_arrays_are_accepted(x):
    """In training (before anything is drawn) and in evaluation."""
    with pytest.raises(TypeError, match="x must be a NumPy array of floats, got"):
        original_dropout.dropout_train(x, 0.8, NoDraws())
    with pytest.raises(TypeError, match="x must be a NumPy array of floats, got"):
        original_dropout.dropout_evaluate(x, 0.8)


@pytest.mark.parametrize("rng", [0, None, "pcg64", type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        original_dropout.dropout_train(X, 0.8, rng)
