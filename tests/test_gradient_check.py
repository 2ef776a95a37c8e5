"""A gradient check passes the right gradient with a frozen mask, and nothing else."""

import numpy as np
import pytest

from snippets import gradient_check, inverted_dropout

X = np.array([[1.5, -2.0], [0.0, 4.0]])


def cubic(x):
    """Return a loss whose gradient is 3 x**2."""
    return np.sum(x**3)


@pytest.mark.parametrize("shape", [(), (4,), (2, 2), (1, 2, 2)])
def test_right_gradient_has_a_tiny_error(shape):
    """Below 1e-9 for a cubic loss, for arrays of any shape, 0-d included."""
    x = np.resize(X, shape)

    assert gradient_check.gradient_check(cubic, x, np.asarray(3 * x**2)) < 1e-9


@pytest.mark.parametrize("keep_prob", [0.2, 0.8, 0.95])
def test_backward_without_the_scale_has_a_known_error(keep_prob):
    """grad = k * numeric gives the error (1 - k) / (1 + k)."""
    weights = np.array([[3.0, -5.0], [7.0, 11.0]])
    error = gradient_check.gradient_check(
        lambda x: np.sum(weights * x), X, keep_prob * weights
    )

    expected = (1 - keep_prob) / (1 + keep_prob)
    assert error == pytest.approx(expected, abs=1e-8)


def test_error_is_the_distance_divided_by_the_sum_of_the_norms():
    """numeric (3, 4), grad (3, 0): 4 / (3 + 5)."""
    weights, grad = np.array([3.0, 4.0]), np.array([3.0, 0.0])
    error = gradient_check.gradient_check(lambda x: weights @ x, np.ones(2), grad)

    assert error == pytest.approx(4 / 8, abs=1e-9)


def test_opposite_gradient_has_error_one():
    """The sign counts: grad = -numeric is as wrong as it gets."""
    assert gradient_check.gradient_check(cubic, X, -3 * X**2) == pytest.approx(1)


def test_one_wrong_element_is_found():
    """Each element is checked: a change of one of them is an error above 1e-3."""
    for index in np.ndindex(X.shape):
        grad = 3 * X**2
        grad[index] += 1

        assert gradient_check.gradient_check(cubic, X, grad) > 1e-3


def test_central_differences_have_an_error_of_second_order():
    """For x**3 at 1 with step h the numeric gradient is 3 + h**2, exactly central."""
    error = gradient_check.gradient_check(cubic, np.ones(1), np.full(1, 3.0), step=0.1)

    assert error == pytest.approx(0.01 / 6.01, rel=1e-12)


def test_default_step_is_small():
    """The default, 1e-5, is off by less than 1e-9 for cubes and for sines."""
    x = np.array([0.3, 1.0])

    assert gradient_check.gradient_check(cubic, x, 3 * x**2) < 1e-9
    assert (
        gradient_check.gradient_check(lambda v: np.sum(np.sin(v)), x, np.cos(x)) < 1e-9
    )


@pytest.mark.parametrize("keep_prob", [0.2, 0.8])
def test_frozen_mask_passes_and_fresh_masks_fail(keep_prob):
    """Same loss, same gradient: below 1e-8 with one mask, above 0.9 with fresh ones.

    Below 0.9, all 40 differences had to be of two masks with one loss, which has a
    probability below 0.8**6 (units 1, 2, 4, .. 32). False alarms: < (0.8**6)**40 < 1e-20.
    """
    rng = np.random.default_rng(0)
    x = 1 + np.arange(40.0)
    _, mask = inverted_dropout.dropout_forward(x, keep_prob, rng)
    grad = inverted_dropout.dropout_backward(2 * x * mask, mask)

    def fresh(v):
        return np.sum(inverted_dropout.dropout_forward(v, keep_prob, rng)[0] ** 2)

    frozen = gradient_check.gradient_check(lambda v: np.sum((v * mask) ** 2), x, grad)
    assert frozen < 1e-8
    assert gradient_check.gradient_check(fresh, x, grad) > 0.9


def test_a_new_generator_from_one_seed_in_each_call_also_freezes_the_mask():
    """Then even the whole forward pass can be checked from the outside."""

    def forward(x):
        return inverted_dropout.dropout_forward(x, 0.8, np.random.default_rng(0))

    out, mask = forward(X)
    grad = inverted_dropout.dropout_backward(2 * out, mask)
    error = gradient_check.gradient_check(lambda x: np.sum(forward(x)[0] ** 2), X, grad)
    assert error < 1e-9


def test_two_zero_gradients_agree():
    """0 / 0 counts as no error, for a constant loss and for an empty array."""
    assert gradient_check.gradient_check(lambda x: 7.0, X, 0 * X) == 0
    assert gradient_check.gradient_check(np.sum, np.ones(0), np.ones(0)) == 0


def test_zero_against_something_is_an_error_of_one():
    """A forgotten gradient is not excused by its size."""
    assert gradient_check.gradient_check(lambda x: 7.0, X, 1e-9 + 0 * X) == 1
    assert gradient_check.gradient_check(cubic, X, 0 * X) == 1


def test_nan_is_returned_and_passes_no_comparison():
    """A nan in the gradient or in the loss cannot look like a small error."""
    in_grad = gradient_check.gradient_check(cubic, X, X * np.nan)
    in_loss = gradient_check.gradient_check(lambda x: np.nan, X, X)

    assert np.isnan(in_grad)
    assert np.isnan(in_loss)


def test_arguments_are_not_mutated():
    """x and grad keep their values and may be read-only."""
    x, grad = X.copy(), 3 * X**2
    gradient_check.gradient_check(cubic, x, grad)

    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(grad, 3 * X**2)
    x.flags.writeable = grad.flags.writeable = False
    assert gradient_check.gradient_check(cubic, x, grad) < 1e-9


def test_a_loss_that_changes_its_argument_does_no_harm():
    """It gets a new array in each call, so neither x nor the result is affected."""

    def careless(x):
        x *= 2
        return np.sum(x)

    x = X.copy()
    error = gradient_check.gradient_check(careless, x, np.full((2, 2), 2.0))
    assert error < 1e-9
    np.testing.assert_array_equal(x, X)


def test_result_is_a_python_float():
    """So that it prints as a number."""
    assert type(gradient_check.gradient_check(cubic, X, 3 * X**2)) is float
    assert type(gradient_check.gradient_check(cubic, 0 * X, 0 * X)) is float


@pytest.mark.parametrize(
    "bad",
    [np.float32(X), X.astype(int), X.tolist(), 1.0, np.float64(1), None],
    ids=repr,
)
def test_x_and_grad_must_be_float64_arrays(bad):
    """float32 would leave three digits for the difference; the message names which."""
    with pytest.raises(TypeError, match=r"^x must be a float64 array, got"):
        gradient_check.gradient_check(cubic, bad, X)
    with pytest.raises(TypeError, match=r"^grad must be a float64 array, got"):
        gradient_check.gradient_check(cubic, X, bad)


def test_different_shapes_are_a_value_error():
    """Nothing is broadcast; the message has both shapes."""
    with pytest.raises(ValueError, match=r"\(2, 2\), \(2,\)"):
        gradient_check.gradient_check(cubic, X, np.ones(2))


@pytest.mark.parametrize("step", [0, -1e-5, np.inf, np.nan])
def test_step_must_be_positive_and_finite(step):
    """A zero step would be 0 / 0, an infinite one inf - inf."""
    with pytest.raises(ValueError, match=f"step {step}"):
        gradient_check.gradient_check(cubic, X, 3 * X**2, step)


def test_loss_must_be_a_function_that_returns_a_number():
    """A loss for each example, or a number in place of the function, is refused."""
    with pytest.raises(ValueError, match="loss must return a number"):
        gradient_check.gradient_check(lambda x: x.sum(axis=1), X, X)
    with pytest.raises(TypeError, match="not callable"):
        gradient_check.gradient_check(3.0, X, X)
