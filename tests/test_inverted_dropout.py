"""Inverted dropout keeps its promises: mean, gradient, randomness, contract.

Spaces of at most 2**10 masks are enumerated, so most tests have no sampling error. The
others fix their seed and compare counts with exact binomial tails.
"""

from decimal import Decimal
from itertools import combinations

import numpy as np
import pytest

from snippets import inverted_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS, SILENT = {}, {}  # of the properties of the conformance suite: all hold


class Layer:
    """The snippet in the form that the conformance suite tests."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
        out, self.mask = inverted_dropout.dropout_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return inverted_dropout.dropout_backward(grad, self.mask)


X = np.array([1.5, -2.0, 0.0, 4.0])
RARE = 1e-11  # below it on either side: 2e-11 for each count that a test looks at


def forward(x, kept, keep_prob):
    """Return output and mask for a chosen 0/1 mask."""
    return inverted_dropout.dropout_forward(x, keep_prob, ChosenDraws(kept, keep_prob))


def draw(shape, keep_prob, seed=0):
    """Return which elements were kept, for a real generator."""
    rng = np.random.default_rng(seed)
    return inverted_dropout.dropout_forward(np.ones(shape), keep_prob, rng)[1] != 0


def binomial(n, keep_prob):
    """Return the probabilities of 0 to n successes in n tries."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    j = np.arange(n + 1)
    odds = j * np.log(keep_prob) + (n - j) * np.log1p(-keep_prob)
    return np.exp(logs[n] - logs - logs[::-1] + odds)


def smallest_tail(counts, n, keep_prob):
    """Return the smallest P(X <= count) or P(X >= count) of all counts."""
    pmf = binomial(n, keep_prob)
    below, above = np.cumsum(pmf), np.cumsum(pmf[::-1])[::-1]
    return np.minimum(below, above)[np.asarray(counts)].min()


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_every_output_is_zero_or_the_input_divided_by_keep_prob(keep_prob):
    """For all 16 masks: dropped is 0, kept is x / keep_prob, negative x included."""
    for kept, _ in every_mask(X.shape, keep_prob):
        out, _ = forward(X, kept, keep_prob)

        np.testing.assert_allclose(out, np.where(kept, X / keep_prob, 0), rtol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mask_is_zero_or_one_over_keep_prob(keep_prob):
    """For all 16 masks the mask carries the scale, exactly, and out is x * mask."""
    for kept, _ in every_mask(X.shape, keep_prob):
        out, mask = forward(X, kept, keep_prob)

        np.testing.assert_array_equal(mask, np.where(kept, 1 / keep_prob, 0))
        np.testing.assert_array_equal(out, X * mask)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_output_is_the_input(keep_prob):
    """Weighted by probability, the outputs of all 16 masks add up to x."""
    mean = sum(
        prob * forward(X, kept, keep_prob)[0]
        for kept, prob in every_mask(X.shape, keep_prob)
    )

    np.testing.assert_allclose(mean, X, rtol=1e-14, atol=0)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_variance_of_the_output_is_drop_over_keep_times_x_squared(keep_prob):
    """Over all 16 masks the variance of each element is (1 - k) / k * x**2."""
    variance = sum(
        prob * (forward(X, kept, keep_prob)[0] - X) ** 2
        for kept, prob in every_mask(X.shape, keep_prob)
    )

    expected = (1 - keep_prob) / keep_prob * X**2
    np.testing.assert_allclose(variance, expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_different_elements_have_no_covariance(keep_prob):
    """Over all 64 masks of 2 examples with 3 units the covariance is diagonal."""
    x = np.arange(1.0, 7.0).reshape(2, 3)
    covariance = np.zeros((6, 6))
    for kept, prob in every_mask(x.shape, keep_prob):
        noise = (forward(x, kept, keep_prob)[0] - x).ravel()
        covariance += prob * np.outer(noise, noise)

    expected = np.diag((1 - keep_prob) / keep_prob * x.ravel() ** 2)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_mean_after_the_next_relu_is_not_preserved():
    """x = (1, 2), weights (1, -1), keep 0.8: the mean is 0.2, evaluation gives 0."""
    x, weights = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    mean = sum(
        prob * max(forward(x, kept, 0.8)[0] @ weights, 0)
        for kept, prob in every_mask(x.shape, 0.8)
    )

    assert mean == pytest.approx(0.2, rel=1e-14)
    assert max(x @ weights, 0) == 0


def test_mean_loss_is_not_preserved():
    """x = (1, 2), weights (1, -1), keep 0.8: squared loss 2.25, in evaluation 1."""
    x, weights = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    mean = sum(
        prob * (forward(x, kept, 0.8)[0] @ weights) ** 2
        for kept, prob in every_mask(x.shape, 0.8)
    )

    assert mean == pytest.approx(2.25, rel=1e-14)
    assert (x @ weights) ** 2 == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_keep_prob_one_is_the_identity(dtype):
    """Bit for bit in every float type: -0.0, inf, nan and subnormal numbers too."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([1.1, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan, tiny], dtype=dtype)
    out, mask = inverted_dropout.dropout_forward(x, 1, np.random.default_rng(0))

    assert out.tobytes() == x.tobytes()
    np.testing.assert_array_equal(mask, np.ones(8))


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_grad_times_the_scaled_mask(keep_prob):
    """For all 16 masks: dropped gets 0, kept gets grad / keep_prob."""
    grad = np.array([3.0, -5.0, 7.0, 11.0])
    for kept, _ in every_mask(X.shape, keep_prob):
        _, mask = forward(X, kept, keep_prob)
        got = inverted_dropout.dropout_backward(grad, mask)

        np.testing.assert_allclose(got, np.where(kept, grad / keep_prob, 0), rtol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_derivative_of_forward(keep_prob):
    """With a frozen mask finite differences of a curved loss agree, at x = 0 too."""
    kept, steps = np.array([True, False, True, True]), 1e-4 * np.eye(X.size)

    def loss(x):
        return np.sum((forward(x, kept, keep_prob)[0] - 1) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-4 for step in steps]
    out, mask = forward(X, kept, keep_prob)
    analytic = inverted_dropout.dropout_backward(2 * (out - 1), mask)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_is_the_transpose_of_forward(keep_prob):
    """grad * forward(x) = backward(grad) * x for all 16 masks, without tolerance."""
    x, grad = np.array([1.0, -2.0, 8.0, 4.0]), np.array([4.0, -1.0, 2.0, 16.0])
    for kept, _ in every_mask(X.shape, keep_prob):
        out, mask = forward(x, kept, keep_prob)
        back = inverted_dropout.dropout_backward(grad, mask)

        np.testing.assert_array_equal(grad * out, back * x)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_gradient_is_the_gradient_of_the_mean_loss(keep_prob):
    """Squared loss, all 16 masks: the mean gradient is the ridge-like closed form."""
    weights, target, mean = np.array([0.3, -0.7, 1.1, 0.2]), 2.0, np.zeros(4)
    for kept, prob in every_mask(X.shape, keep_prob):
        out, mask = forward(X, kept, keep_prob)
        grad = (weights @ out - target) * weights
        mean += prob * inverted_dropout.dropout_backward(grad, mask)

    penalty = (1 - keep_prob) / keep_prob * weights**2 * X
    expected = (weights @ X - target) * weights + penalty
    np.testing.assert_allclose(mean, expected, rtol=1e-12)


def test_a_kept_input_of_exactly_zero_gets_gradient():
    """x = 0 and kept: the gradient is 1 / keep_prob, though the output is 0."""
    out, mask = forward(np.zeros(3), np.array([True, False, True]), 0.8)
    grad = inverted_dropout.dropout_backward(np.ones(3), mask)

    np.testing.assert_array_equal(out, [0, 0, 0])
    np.testing.assert_array_equal(grad, [1.25, 0, 1.25])


def test_weight_gradient_row_is_zero_iff_unit_is_dropped_for_every_example():
    """Row i of dW = out.T @ dz, for all 64 masks of 2 examples with 3 units."""
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    dz = np.array([[1.0, 2.0], [3.0, 4.0]])
    for kept, _ in every_mask(x.shape, 0.8):
        dw = forward(x, kept, 0.8)[0].T @ dz  # (units, next units)

        np.testing.assert_array_equal((dw == 0).all(axis=1), ~kept.any(axis=0))


def test_every_element_is_decided_by_its_own_draw():
    """In a (3, 4) batch, dropping one draw changes one element of the mask, its own."""
    for index in np.ndindex(3, 4):
        kept = np.ones((3, 4), dtype=bool)
        kept[index] = False
        _, mask = forward(np.ones((3, 4)), kept, 0.8)

        np.testing.assert_array_equal(mask != 0, kept)


def test_a_draw_equal_to_keep_prob_drops():
    """Kept means draw < keep_prob, so that [0, 1) holds exactly keep_prob of them."""
    kept = np.array([True, False])
    for keep_prob in KEEP_PROBS:
        _, mask = forward(np.ones(2), kept, keep_prob)

        np.testing.assert_array_equal(mask != 0, kept)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_number_kept_is_binomial_for_each_unit_and_each_example(keep_prob):
    """400 examples, 30 units: no count is in a tail of RARE. False alarms: < 1e-7."""
    kept = draw((400, 30), keep_prob)

    assert smallest_tail(kept.sum(axis=0), 400, keep_prob) > RARE
    assert smallest_tail(kept.sum(axis=1), 30, keep_prob) > RARE
    assert smallest_tail(kept.sum(), kept.size, keep_prob) > RARE


@pytest.mark.parametrize("keep_prob", [0.2, 0.8])
def test_number_kept_is_not_an_exact_fraction(keep_prob):
    """Examples that keep exactly 20 k of 20 units are a binomial share: < 1e-9."""
    kept = draw((500, 20), keep_prob).sum(axis=1)
    expected = round(20 * keep_prob)
    share = binomial(20, keep_prob)[expected]

    assert smallest_tail(np.sum(kept == expected), 500, share) > RARE


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_two_units_are_kept_together_as_often_as_chance(keep_prob):
    """45 pairs of 10 units in 1000 examples: binomial(k**2). False alarms: < 1e-8."""
    kept = draw((1000, 10), keep_prob, seed=1)
    both = [np.sum(kept[:, i] & kept[:, j]) for i, j in combinations(range(10), 2)]

    assert smallest_tail(both, 1000, keep_prob**2) > RARE


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_two_examples_keep_the_same_unit_as_often_as_chance(keep_prob):
    """45 pairs of 10 examples of 1000 units: binomial(k**2). False alarms: < 1e-8."""
    kept = draw((10, 1000), keep_prob, seed=2)
    both = [np.sum(kept[i] & kept[j]) for i, j in combinations(range(10), 2)]

    assert smallest_tail(both, 1000, keep_prob**2) > RARE


def test_every_example_has_its_own_mask():
    """Rows of 200 units differ from each other. False alarms: < 1e-30."""
    kept = draw((5, 200), 0.8)

    assert all((kept[i] != kept[j]).any() for i, j in combinations(range(5), 2))


def test_every_call_draws_a_new_mask():
    """Two calls with one generator differ. False alarms: < 1e-30."""
    rng = np.random.default_rng(0)
    _, first = inverted_dropout.dropout_forward(np.ones(200), 0.8, rng)
    _, second = inverted_dropout.dropout_forward(np.ones(200), 0.8, rng)

    assert (first != second).any()


def test_same_generator_state_gives_the_same_masks():
    """Two generators from one seed give equal sequences, another seed does not."""
    x = np.ones(200)
    one, two, other = (np.random.default_rng(seed) for seed in (7, 7, 8))
    for _ in range(3):
        _, mask = inverted_dropout.dropout_forward(x, 0.8, one)
        _, same = inverted_dropout.dropout_forward(x, 0.8, two)
        _, different = inverted_dropout.dropout_forward(x, 0.8, other)

        np.testing.assert_array_equal(mask, same)
        assert (mask != different).any()


@pytest.mark.parametrize("keep_prob", [0.2, 0.8, 1])
def test_every_call_consumes_one_draw_per_element(keep_prob):
    """Whatever keep_prob is, 1 included: the generator moves on by x.size draws."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    inverted_dropout.dropout_forward(np.ones((4, 5)), keep_prob, rng)
    reference.random(20)

    assert rng.random() == reference.random()


def test_a_larger_keep_prob_only_adds_units():
    """With the same generator state, what 0.2 keeps is kept by 0.8 as well."""
    fewer, more = draw((50, 20), 0.2), draw((50, 20), 0.8)

    assert (more | ~fewer).all()
    assert more.sum() > fewer.sum()


def test_mask_does_not_depend_on_the_data():
    """Same generator state, other numbers: zeros, negatives and nan get one mask."""
    _, expected = forward(X, np.array([True, False, True, True]), 0.8)
    for x in (-X, 0 * X, np.full(4, np.nan), 1e300 * X):
        _, mask = forward(x, np.array([True, False, True, True]), 0.8)

        np.testing.assert_array_equal(mask, expected)


def test_global_random_state_is_not_touched():
    """np.random's own generator is in the same state before and after."""
    before = np.random.get_state()
    inverted_dropout.dropout_forward(X, 0.8, np.random.default_rng(0))
    after = np.random.get_state()

    assert before[2:] == after[2:]
    np.testing.assert_array_equal(before[1], after[1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 0, 3), (2, 3), (2, 3, 4, 5)])
def test_output_mask_and_gradient_have_the_shape_and_dtype_of_x(shape, dtype):
    """All are arrays, for 0-d and empty x too; a float64 keep_prob does not upcast."""
    x, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    out, mask = inverted_dropout.dropout_forward(x, np.float64(0.8), rng)
    grad = inverted_dropout.dropout_backward(np.ones(shape), mask)

    assert all(type(array) is np.ndarray for array in (out, mask, grad))
    assert out.shape == mask.shape == grad.shape == shape
    assert out.dtype == mask.dtype == grad.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scale_is_one_over_keep_prob_rounded_once(dtype):
    """The scale is exact for every pair of types of x and keep_prob."""
    for keep_prob in (0.3, np.float16(0.3), np.float32(0.3), np.array(0.3), 0.95):
        _, mask = forward(np.ones(1, dtype=dtype), np.array([True]), float(keep_prob))
        rng = ChosenDraws(np.array([True]), float(keep_prob))
        _, other = inverted_dropout.dropout_forward(np.ones(1, dtype), keep_prob, rng)

        assert mask[0] == other[0] == dtype(1 / float(keep_prob))


def test_probability_is_not_rounded_to_the_dtype_of_x():
    """In float16, 0.9999 would be 1 and nothing would ever drop."""
    x = np.ones(2, dtype=np.float16)
    _, mask = forward(x, np.array([True, False]), 0.9999)

    np.testing.assert_array_equal(mask, [1, 0])


@pytest.mark.parametrize("order", ["transposed", "reversed", "strided", "fortran"])
def test_memory_layout_does_not_matter(order):
    """Views give what their copies give, element by element."""
    base = np.arange(24.0).reshape(4, 6)
    x = {
        "transposed": base.T,
        "reversed": base[::-1, ::-1],
        "strided": base[::2, 1::3],
        "fortran": np.asfortranarray(base),
    }[order]
    got = inverted_dropout.dropout_forward(x, 0.8, np.random.default_rng(0))
    expected = inverted_dropout.dropout_forward(x.copy(), 0.8, np.random.default_rng(0))

    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("keep_prob", [0.8, 1])
def test_input_gradient_and_mask_are_not_mutated(keep_prob):
    """All three keep their values, and no result shares memory with them."""
    x, grad = X.copy(), np.ones(4)
    out, mask = forward(x, np.array([True, False, True, False]), keep_prob)
    before = mask.copy()
    back = inverted_dropout.dropout_backward(grad, mask)

    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(grad, np.ones(4))
    np.testing.assert_array_equal(mask, before)
    given = (x, grad, mask)
    assert not any(np.shares_memory(a, b) for a in (out, back) for b in given)


def test_read_only_arrays_are_accepted():
    """Nothing is written to x, grad or mask, so they may be read-only."""
    x, grad = X.copy(), np.ones(4)
    x.flags.writeable = grad.flags.writeable = False
    _, mask = inverted_dropout.dropout_forward(x, 1, np.random.default_rng(0))
    mask.flags.writeable = False

    np.testing.assert_array_equal(inverted_dropout.dropout_backward(grad, mask), grad)


def test_dropped_inf_and_nan_become_nan():
    """0 * inf and 0 * nan are nan, kept ones stay, as documented."""
    x = np.array([np.inf, np.nan, -np.inf, np.inf, np.nan])
    with np.errstate(invalid="ignore"):
        out, mask = forward(x, np.array([False, False, True, True, True]), 0.8)

    np.testing.assert_array_equal(out, [np.nan, np.nan, -np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(mask, [0, 0, 1.25, 1.25, 1.25])


def test_numpy_warns_of_an_overflow():
    """60000 / 0.8 is too large for float16: inf, with NumPy's warning, not silently."""
    x = np.full(1, 60000, dtype=np.float16)
    with pytest.warns(RuntimeWarning, match="overflow"):
        out, _ = forward(x, np.array([True]), 0.8)

    assert np.isinf(out[0])


@pytest.mark.parametrize("keep_prob", [0, 0.0, -0.1, 1.1, 2, np.nan, np.inf, -np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """The message names keep_prob and the value; zero is refused, not turned to nan."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        inverted_dropout.dropout_forward(X, keep_prob, NoDraws())


@pytest.mark.parametrize(
    "keep_prob",
    ["0.8", None, [0.8], np.array([0.8]), True, np.True_, 0.8 + 0j, Decimal("0.8")],
)
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Text, None, lists, arrays, complex and bool (a training flag, out of place)."""
    with pytest.raises(TypeError, match="keep_prob must be a real number, got") as e:
        inverted_dropout.dropout_forward(X, keep_prob, NoDraws())

    assert repr(keep_prob) in str(e.value)


@pytest.mark.parametrize(
    "one", [1, 1.0, np.uint8(1), np.int64(1), np.float32(1), np.array(1.0)]
)
def test_every_real_scalar_is_a_keep_prob(one):
    """Python and NumPy numbers and 0-d arrays of them."""
    out, _ = inverted_dropout.dropout_forward(X, one, np.random.default_rng(0))

    np.testing.assert_array_equal(out, X)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_keep_prob_too_small_for_the_dtype_is_a_value_error(dtype):
    """1 / keep_prob may not exceed the largest float of the dtype: no silent inf."""
    smallest, x = 1 / float(np.finfo(dtype).max), np.ones(1, dtype=dtype)
    for keep_prob in (smallest * (1 + 1e-6), smallest if dtype != np.float64 else 0.2):
        _, mask = forward(x, np.array([True]), keep_prob)

        assert np.isfinite(mask[0])
    with pytest.raises(ValueError, match=f"keep_prob .* {np.dtype(dtype)}"):
        inverted_dropout.dropout_forward(x, smallest * (1 - 1e-6), NoDraws())


@pytest.mark.parametrize(
    "x",
    [
        np.array([1, 2]),
        np.array([True]),
        np.array([1j]),
        np.array([1.0], dtype=object),
        [1.0, 2.0],
        1.0,
        np.float64(1),
        None,
    ],
    ids=repr,
)
def test_only_float_arrays_are_accepted(x):
    """Integers, bool, complex, objects, lists and numbers: the message shows them."""
    with pytest.raises(TypeError, match="x must be a NumPy array of floats, got") as e:
        inverted_dropout.dropout_forward(x, 0.8, NoDraws())
    assert repr(x)[:60] in str(e.value)

    with pytest.raises(TypeError, match="grad must be a NumPy array of floats, got"):
        inverted_dropout.dropout_backward(x, np.ones(2))


@pytest.mark.parametrize("rng", [0, 12345, None, "pcg64", np.random.PCG64(0)])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        inverted_dropout.dropout_forward(X, 0.8, rng)


def test_anything_with_a_random_method_is_a_generator():
    """NumPy's legacy RandomState has one and is accepted, a constant is not."""
    rng, reference = np.random.RandomState(0), np.random.RandomState(0)
    _, mask = inverted_dropout.dropout_forward(X, 0.8, rng)

    np.testing.assert_array_equal(mask != 0, reference.random_sample(4) < 0.8)
    with pytest.raises(TypeError, match="rng"):
        inverted_dropout.dropout_forward(X, 0.8, type("Fake", (), {"random": 0.1}))


@pytest.mark.parametrize("shape", [(), (3,), (1, 4), (4, 1)])
def test_gradient_and_mask_of_different_shapes_are_a_value_error(shape):
    """Nothing is broadcast silently; the message has both shapes."""
    with pytest.raises(ValueError, match="grad has shape") as e:
        inverted_dropout.dropout_backward(np.ones(shape), np.ones(4))

    assert str(shape) in str(e.value)
    assert "(4,)" in str(e.value)


@pytest.mark.parametrize("dtype", [bool, int])
def test_an_unscaled_mask_of_bool_or_int_is_a_type_error(dtype):
    """A scaled mask has floats, so a bare `kept` cannot be passed by mistake."""
    with pytest.raises(TypeError):
        inverted_dropout.dropout_backward(np.ones(4), np.ones(4, dtype=dtype))
