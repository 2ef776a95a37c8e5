"""DropConnect keeps its promises: moments, covariances, gradient, contract.

All 2**9 or 2**8 masks of a small layer are visited, so no test has a sampling error.
"""

import numpy as np
import pytest

from snippets import dropconnect, inverted_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

# With one weight for an output, DropConnect is dropout of the input: all holds.
DEPARTS, SILENT = {}, {}


class Layer:
    """One connection at a time: each number of x meets one weight, 1, and the bias 0.

    An output that is all of its input at evaluation, and 0 or scaled in training, has one
    connection; with more, it is a sum of dropped and kept ones (see the tests below).
    """

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng, self.cache = keep_prob, rng, None

    def forward(self, x, training=True):
        one = np.ones((1, 1), x.dtype), np.zeros(1, x.dtype), self.keep_prob
        if not training:
            self.cache = None
            return x
        call = dropconnect.dropconnect_forward
        out, self.cache = call(x.reshape(-1, 1), *one, self.rng)
        return out.reshape(x.shape)

    def backward(self, grad):
        if self.cache is None:
            return grad
        dx, _, _ = dropconnect.dropconnect_backward(grad.reshape(-1, 1), self.cache)
        return dx.reshape(grad.shape)


X = np.array([[1.5, -2.0, 3.0]])
WEIGHTS = np.array([[0.7, -1.1], [1.3, 0.4], [-0.6, 2.0]])
BIAS = np.array([0.9, -0.3])


def forward(x, kept, keep_prob, weights=WEIGHTS, bias=BIAS):
    """Return out and cache for a chosen mask: (batch, inputs + 1, outputs)."""
    rng = ChosenDraws(kept, keep_prob)
    return dropconnect.dropconnect_forward(x, weights, bias, keep_prob, rng)


def draw(shape, seed=0):
    """Return the scaled mask of a layer of ones; shape: batch, inputs, outputs."""
    batch, inputs, outputs = shape
    given = np.ones((batch, inputs)), np.ones((inputs, outputs)), np.ones(outputs)
    rng = np.random.default_rng(seed)
    return dropconnect.dropconnect_forward(*given, 0.8, rng)[1][2]


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_output_is_the_layer_with_masked_weights_and_bias(keep_prob):
    """Out is x @ (W * m / k) + b * m / k, for all 256 masks of one example."""
    for kept, _ in every_mask((1, 4, 2), keep_prob):
        mask = kept[0] / keep_prob
        expected = X @ (WEIGHTS * mask[:3]) + BIAS * mask[3]

        out, _ = forward(X, kept, keep_prob)
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_moments_are_those_of_all_masks(keep_prob):
    """Weighted by probability, all 256 outputs have the mean and variance of moments."""
    mean, square = 0, 0
    for kept, prob in every_mask((1, 4, 2), keep_prob):
        out, _ = forward(X, kept, keep_prob)
        mean, square = mean + prob * out, square + prob * out**2

    got = dropconnect.moments(X, WEIGHTS, BIAS, keep_prob)
    np.testing.assert_allclose(got[0], mean, rtol=1e-12)
    np.testing.assert_allclose(got[0], X @ WEIGHTS + BIAS, rtol=1e-15)
    np.testing.assert_allclose(got[1], square - mean**2, rtol=1e-11)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_moments_are_those_of_the_paper_divided_by_keep_prob(keep_prob):
    """The paper's mean k W v and variance k (1 - k) (W * W)(v * v), for outputs / k."""
    mean = keep_prob * X @ WEIGHTS
    variance = keep_prob * (1 - keep_prob) * (X * X) @ (WEIGHTS * WEIGHTS)

    got = dropconnect.moments(X, WEIGHTS, np.zeros(2), keep_prob)
    np.testing.assert_allclose(got[0], mean / keep_prob, rtol=1e-13)
    np.testing.assert_allclose(got[1], variance / keep_prob**2, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_outputs_are_uncorrelated_where_those_of_dropout_are_not(keep_prob):
    """Without bias: equal means and variances, but covariance 0, not sum x^2 w w'."""
    connect, dropped = np.zeros((2, 2)), np.zeros((2, 2))
    for kept, prob in every_mask((1, 4, 2), keep_prob):
        noise = forward(X, kept, keep_prob, bias=np.zeros(2))[0] - X @ WEIGHTS
        connect += prob * noise.T @ noise
    for kept, prob in every_mask(X.shape, keep_prob):
        rng = ChosenDraws(kept, keep_prob)
        out, _ = inverted_dropout.dropout_forward(X, keep_prob, rng)
        noise = (out - X) @ WEIGHTS
        dropped += prob * noise.T @ noise

    scaled = X.T * WEIGHTS
    expected = (1 - keep_prob) / keep_prob * scaled.T @ scaled
    np.testing.assert_allclose(dropped, expected, rtol=1e-12)
    np.testing.assert_allclose(connect, np.diag(np.diag(expected)), atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_an_output_is_zero_only_if_all_its_connections_are_dropped(keep_prob):
    """With positive numbers: probability (1 - k)**4 for 3 weights and a bias."""
    ones, chance = np.ones((1, 3)), 0.0
    for kept, prob in every_mask((1, 4, 1), keep_prob):
        out, _ = forward(ones, kept, keep_prob, np.ones((3, 1)), np.ones(1))
        chance += prob * (out[0, 0] == 0)

    assert chance == pytest.approx((1 - keep_prob) ** 4, rel=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob):
    """Two examples with masks of their own: central differences for x, W and b."""
    rng, x = np.random.default_rng(3), np.vstack([X, -2 * X])
    kept, slope = rng.random((2, 4, 2)) < keep_prob, rng.normal(size=(2, 2))
    got = dropconnect.dropconnect_backward(slope, forward(x, kept, keep_prob)[1])

    params = [x, WEIGHTS, BIAS]
    for i, gradient in enumerate(got):
        assert gradient.shape == params[i].shape
        for index in np.ndindex(params[i].shape):
            ends = []
            for step in (1e-3, -1e-3):  # out is linear in each: any step will do
                moved = [p.copy() for p in params]
                moved[i][index] += step
                out, _ = forward(moved[0], kept, keep_prob, *moved[1:])
                ends.append(np.sum(slope * out))
            numeric = (ends[0] - ends[1]) / 2e-3
            assert gradient[index] == pytest.approx(numeric, rel=1e-9, abs=1e-10)


def test_every_number_of_the_mask_is_decided_by_its_own_draw():
    """Dropping one of 2 x 4 x 2 draws changes one element of the mask, its own."""
    for index in np.ndindex(2, 4, 2):
        kept = np.ones((2, 4, 2), dtype=bool)
        kept[index] = False
        _, (_, _, mask) = forward(np.ones((2, 3)), kept, 0.8)

        np.testing.assert_array_equal(mask, np.where(kept, 1.25, 0))


def test_masks_differ_between_examples_outputs_and_calls():
    """Rows of 200 are equal by chance with less than 1e-30."""
    mask, other = draw((2, 200, 2)), draw((2, 200, 2), seed=1)

    assert (mask[0] != mask[1]).any()
    assert (mask[:, :, 0] != mask[:, :, 1]).any()
    assert (mask != other).any()
    np.testing.assert_array_equal(mask, draw((2, 200, 2)))


def test_keep_prob_is_the_probability_to_stay():
    """Of 20000 draws 16000 +- 500 stay at 0.8: 8.8 deviations. False alarms < 1e-15."""
    assert abs(np.sum(draw((10, 199, 10)) != 0) - 16000) < 500


@pytest.mark.parametrize("one", [1, 1.0, np.float32(1), np.array(1.0)], ids=repr)
def test_keep_prob_one_is_the_layer_itself(one):
    """And its variance is 0."""
    rng = np.random.default_rng(0)
    out, cache = dropconnect.dropconnect_forward(X, WEIGHTS, BIAS, one, rng)
    mean, variance = dropconnect.moments(X, WEIGHTS, BIAS, one)

    np.testing.assert_allclose(out, X @ WEIGHTS + BIAS, rtol=1e-13)
    np.testing.assert_allclose(mean, out, rtol=1e-13)
    assert not variance.any()
    dx, _, db = dropconnect.dropconnect_backward(np.ones((1, 2)), cache)
    np.testing.assert_allclose(dx, WEIGHTS.sum(axis=1)[None], rtol=1e-13)
    np.testing.assert_array_equal(db, [1, 1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_results_have_the_dtype_of_the_input(dtype):
    """A float64 keep_prob does not upcast; empty batches are taken."""
    given = [a.astype(dtype) for a in (X, WEIGHTS, BIAS)]
    for x in (given[0], given[0][:0]):
        layer = (x, *given[1:], np.float64(0.8))
        out, cache = dropconnect.dropconnect_forward(*layer, np.random.default_rng(0))
        arrays = [out, *dropconnect.dropconnect_backward(out, cache)]
        arrays += dropconnect.moments(*layer)

        assert {a.dtype for a in arrays} == {np.dtype(dtype)}
        assert out.shape == (len(x), 2)


def test_inputs_are_not_changed_and_not_remembered():
    """A caller may overwrite x, weights and bias before backward."""
    given = [X.copy(), WEIGHTS.copy(), BIAS.copy()]
    rng, grad = np.random.default_rng(0), np.ones((1, 2))
    _, cache = dropconnect.dropconnect_forward(*given, 0.8, rng)
    before = dropconnect.dropconnect_backward(grad, cache)
    for array, value in zip(given, (X, WEIGHTS, BIAS)):
        np.testing.assert_array_equal(array, value)
        array[...] = 99
    after = dropconnect.dropconnect_backward(grad, cache)

    assert all(np.array_equal(a, b) for a, b in zip(before, after))
    np.testing.assert_array_equal(grad, np.ones((1, 2)))


@pytest.mark.parametrize(
    "bad", [0, -0.1, 1.1, np.nan, np.inf, "0.8", None, True, np.array([0.8])]
)
def test_bad_keep_prob_is_a_value_error(bad):
    """Before anything is drawn, and in moments; the message has the value."""
    with pytest.raises(ValueError, match="keep_prob must be a number in") as e:
        dropconnect.dropconnect_forward(X, WEIGHTS, BIAS, bad, NoDraws())
    with pytest.raises(ValueError, match="keep_prob must be a number in"):
        dropconnect.moments(X, WEIGHTS, BIAS, bad)

    assert repr(bad) in str(e.value)


def test_a_scale_that_the_dtype_cannot_hold_is_a_value_error():
    """1 / 1e-5 is more than float16 holds."""
    half = [a.astype(np.float16) for a in (X, WEIGHTS, BIAS)]
    with pytest.raises(ValueError, match="1e-05"):
        dropconnect.dropconnect_forward(*half, 1e-5, NoDraws())


@pytest.mark.parametrize("dtype", [int, bool, np.float32])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_other_dtypes_are_a_type_error(which, dtype):
    """Integers, or a second float type, which would promote the result."""
    given = [X, WEIGHTS, BIAS]
    given[which] = given[which].astype(dtype)
    with pytest.raises(TypeError, match="one float dtype"):
        dropconnect.dropconnect_forward(*given, 0.8, NoDraws())


def test_shapes_that_do_not_fit_are_value_errors():
    """Nothing is broadcast silently, and nothing is drawn."""
    for x, weights, bias in [
        (X[:, :2], WEIGHTS, BIAS),
        (X, WEIGHTS.T, BIAS),
        (X, WEIGHTS, np.ones(3)),
        (X, WEIGHTS, np.ones(1)),
        (X, WEIGHTS, np.ones((1, 2))),
        (X[None], WEIGHTS, BIAS),  # tokens: give them as rows
        (X[0], WEIGHTS, BIAS),
    ]:
        with pytest.raises(ValueError, match=r"weights must be \(inputs, outputs\)"):
            dropconnect.dropconnect_forward(x, weights, bias, 0.8, NoDraws())
        with pytest.raises(ValueError, match=r"weights must be \(inputs, outputs\)"):
            dropconnect.moments(x, weights, bias, 0.8)
    rng = np.random.default_rng(0)
    _, cache = dropconnect.dropconnect_forward(X, WEIGHTS, BIAS, 0.8, rng)
    for shape in [(2,), (1, 1), (2, 2), (1, 3)]:
        with pytest.raises(ValueError, match="grad has shape"):
            dropconnect.dropconnect_backward(np.ones(shape), cache)


@pytest.mark.parametrize("rng", [0, None, "pcg64", type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        dropconnect.dropconnect_forward(X, WEIGHTS, BIAS, 0.8, rng)
