"""DropPath: one decision for the branch of each example; and the line of rates.

All masks of 3 examples are visited, so no test has a sampling error.
"""

import numpy as np
import pytest

from snippets import drop_path
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS = {}
SHARED = "An example has one decision, so there are no two units to compare."
SILENT = {"unit-keep-rate": SHARED, "units-independent": SHARED}


class Layer:
    """The snippet in the form that the conformance suite tests: x is the branch."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def mask_shape(self, x_shape):
        return (*x_shape[:1], *[1] * len(x_shape[1:]))

    def forward(self, x, training=True):
        self.mask = np.ones_like(x)
        if not training:
            return x
        out, self.mask = drop_path.drop_path_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return grad * self.mask


X = np.linspace(-2, 3, 24).reshape(3, 2, 2, 2)
CELLS = (3, 1, 1, 1)


def branch_of(x):
    """Return some curved branch."""
    return np.tanh(2 * x) - 0.3


def forward(branch, kept, keep_prob):
    """Return output and mask for a chosen 0/1 mask."""
    rng = ChosenDraws(kept, keep_prob)
    return drop_path.drop_path_forward(branch, keep_prob, rng)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_branch_of_an_example_is_zero_or_divided_by_keep_prob(keep_prob):
    """For all 8 masks, as a whole; the mask has one number for an example."""
    for kept, _ in every_mask(CELLS, keep_prob):
        out, mask = forward(X, kept, keep_prob)

        np.testing.assert_array_equal(mask, np.where(kept, 1 / keep_prob, 0))
        np.testing.assert_allclose(out, np.where(kept, X / keep_prob, 0), rtol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_of_a_residual_block_is_its_evaluation(keep_prob):
    """Over all 8 masks x + out is x + f(x) on average, with dropout's variance."""
    branch, mean, square = branch_of(X), 0, 0
    for kept, prob in every_mask(CELLS, keep_prob):
        block = X + forward(branch, kept, keep_prob)[0]
        mean, square = mean + prob * block, square + prob * block**2

    variance = (1 - keep_prob) / keep_prob * branch**2
    np.testing.assert_allclose(mean, X + branch, rtol=1e-12)
    np.testing.assert_allclose(square - mean**2, variance, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_cells_of_one_example_covary_and_examples_do_not(keep_prob):
    """Over all 8 masks: (1 - k) / k * f_i * f_j within an example, else 0."""
    covariance = np.zeros((24, 24))
    for kept, prob in every_mask(CELLS, keep_prob):
        noise = (forward(X, kept, keep_prob)[0] - X).ravel()
        covariance += prob * np.outer(noise, noise)

    same = np.equal.outer(np.arange(24) // 8, np.arange(24) // 8)
    expected = (1 - keep_prob) / keep_prob * np.outer(X, X) * same
    np.testing.assert_allclose(covariance, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_papers_form_is_the_same_block_with_a_branch_k_times_as_large(keep_prob):
    """x + b F, evaluated as x + k F, is DropPath on f = k F: all masks, both modes."""
    large = branch_of(X)
    for kept, _ in every_mask(CELLS, keep_prob):
        out, _ = forward(keep_prob * large, kept, keep_prob)

        np.testing.assert_allclose(X + out, X + kept * large, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_the_gradient_is_grad_times_mask_and_the_skip_is_never_dropped(keep_prob):
    """Central differences through x + out: 1 for the skip, mask * f'(x) for the branch."""
    kept = np.array([True, False, True]).reshape(CELLS)
    steps = 1e-5 * np.eye(X.size).reshape(-1, *X.shape)

    def loss(x):
        return np.sum((x + forward(branch_of(x), kept, keep_prob)[0]) ** 2)

    numeric = [(loss(X + step) - loss(X - step)) / 2e-5 for step in steps]
    out, mask = forward(branch_of(X), kept, keep_prob)
    grad = 2 * (X + out)
    slope = 2 / np.cosh(2 * X) ** 2
    analytic = grad + grad * mask * slope
    np.testing.assert_allclose(analytic.ravel(), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layers", [1, 2, 7, np.int64(12)])
@pytest.mark.parametrize("last", [0.2, 0.8, 1])
def test_the_line_of_keep_probs_starts_behind_one_and_ends_at_the_last(layers, last):
    """Equal steps from 1 (no layer has it) to last; the sum is L - (1 - k)(L + 1) / 2."""
    line = drop_path.depth_keep_probs(layers, last)

    assert line.shape == (layers,)
    assert line[-1] == pytest.approx(last, rel=1e-15)
    np.testing.assert_allclose(np.diff([1, *line]), (last - 1) / layers, atol=1e-15)
    assert line.sum() == pytest.approx(
        layers - (1 - last) * (layers + 1) / 2, rel=1e-14
    )


def test_the_number_of_active_layers_is_that_sum_on_average():
    """Over all 2**6 sets of layers of one example, each with its own keep_prob."""
    line, mean = drop_path.depth_keep_probs(6, 0.3), 0
    for kept, _ in every_mask((6,), 0.8):
        mean += kept.sum() * np.prod(np.where(kept, line, 1 - line))

    assert mean == pytest.approx(line.sum(), rel=1e-13)


@pytest.mark.parametrize("keep_prob", [0.2, 1])
def test_every_call_consumes_one_draw_per_example(keep_prob):
    """3 for 3 examples, whatever the branch holds."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    drop_path.drop_path_forward(X, keep_prob, rng)
    reference.random(3)

    assert rng.random() == reference.random()


def test_same_generator_state_gives_the_same_mask():
    """Equal seeds, equal masks; the next call has another. False alarm: < 1e-30."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    first, same = (
        drop_path.drop_path_forward(np.ones((400, 2)), 0.8, r) for r in (one, two)
    )
    later = drop_path.drop_path_forward(np.ones((400, 2)), 0.8, one)

    np.testing.assert_array_equal(first[1], same[1])
    assert (first[1] != later[1]).any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(2,), (0, 3), (2, 0), (2, 3, 4, 5, 6)])
def test_results_have_the_dtype_of_the_branch(shape, dtype):
    """A float64 keep_prob does not upcast; one number of mask for an example."""
    branch, rng = np.ones(shape, dtype=dtype), np.random.default_rng(0)
    out, mask = drop_path.drop_path_forward(branch, np.float64(0.8), rng)

    assert out.shape == shape
    assert mask.shape == (*shape[:1], *[1] * len(shape[1:]))
    assert out.dtype == mask.dtype == np.dtype(dtype)


def test_keep_prob_one_is_the_identity():
    """Bit for bit: -0.0, inf and nan too."""
    branch = np.array([[1.1, -0.0], [np.inf, np.nan]])
    out, mask = drop_path.drop_path_forward(branch, 1, np.random.default_rng(0))

    assert out.tobytes() == branch.tobytes()
    np.testing.assert_array_equal(mask, np.ones((2, 1)))


def test_the_branch_is_not_mutated():
    """It may be read-only, and the output shares no memory with it."""
    branch = X.copy()
    branch.flags.writeable = False
    out, mask = drop_path.drop_path_forward(branch, 0.8, np.random.default_rng(0))

    assert not np.shares_memory(out, branch)
    assert not np.shares_memory(out, mask)
    np.testing.assert_array_equal(branch, X)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf, 1e-320])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; 1 / 1e-320 is more than a float64 holds."""
    with pytest.raises(ValueError, match=rf"keep_prob {keep_prob} not in"):
        drop_path.drop_path_forward(X, keep_prob, NoDraws())


def test_a_scale_that_the_dtype_cannot_hold_is_a_value_error():
    """float16 does not hold 1 / 1e-6, float32 does; the message has the dtype."""
    with pytest.raises(ValueError, match=r"keep_prob 1e-06 not in .* float16"):
        drop_path.drop_path_forward(X.astype("f2"), 1e-6, NoDraws())
    rng = ChosenDraws(np.ones(CELLS, bool), 1e-6)
    _, mask = drop_path.drop_path_forward(X.astype("f4"), 1e-6, rng)

    np.testing.assert_array_equal(mask, np.full(CELLS, np.float32(1e6)))


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="keep_prob must be a number, got"):
        drop_path.drop_path_forward(X, keep_prob, NoDraws())


@pytest.mark.parametrize("branch", [np.array([1, 2]), np.array([True]), [1.0], None])
def test_only_float_arrays_are_accepted(branch):
    """Before anything is drawn."""
    with pytest.raises(TypeError, match="branch must be a float array, got"):
        drop_path.drop_path_forward(branch, 0.8, NoDraws())


def test_a_branch_without_examples_axis_is_a_value_error():
    """A 0-d array has no examples."""
    with pytest.raises(ValueError, match="branch needs an axis of examples"):
        drop_path.drop_path_forward(np.ones(()), 0.8, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        drop_path.drop_path_forward(X, 0.8, rng)


@pytest.mark.parametrize(
    "arguments", [(0, 0.8), (-1, 0.8), (2.5, 0.8), (3, 0), (3, 1.2), (3, np.nan)]
)
def test_a_line_of_keep_probs_that_cannot_be_is_a_value_error(arguments):
    """No layers, half a layer, or a last keep_prob outside of (0, 1]."""
    with pytest.raises(ValueError, match=f"layers {arguments[0]}, .* {arguments[1]}"):
        drop_path.depth_keep_probs(*arguments)
