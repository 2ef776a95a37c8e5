"""A shared mask has size 1 where it is shared, and is a dropout mask all the same."""

from itertools import product

import numpy as np
import pytest

from snippets import mask_shapes
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws

SHARED = [
    ((2, 3), (), (2, 3)),  # one draw for each element
    ((2, 3), (0,), (1, 3)),  # for each unit, shared over the batch
    ((2, 3), (1,), (2, 1)),  # for each example
    ((2, 3, 4, 5), (2, 3), (2, 3, 1, 1)),  # for each channel of each example
    ((2, 3, 4, 5), (-1, -2), (2, 3, 1, 1)),
    ((2, 3, 4, 5), (0, -3), (1, 1, 4, 5)),
    ((2, 3), (0, 1), (1, 1)),  # one draw for everything
    ((), (), ()),
    ((0, 3), (0,), (1, 3)),
    ((0, 3), (1,), (0, 1)),
]


@pytest.mark.parametrize(("shape", "shared_axes", "expected"), SHARED)
def test_mask_has_size_one_along_the_shared_axes(shape, shared_axes, expected):
    """And broadcasts to the shape it was asked for, so x * mask has the shape of x."""
    rng = np.random.default_rng(0)
    mask = mask_shapes.shared_mask(shape, shared_axes, 0.8, rng)

    assert type(mask) is np.ndarray
    assert mask.shape == expected
    assert (np.ones(shape) * mask).shape == shape


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mask_is_zero_or_one_over_keep_prob(keep_prob):
    """For all 8 masks of 3 shared units, exactly; a draw equal to keep_prob drops."""
    for bits in product([True, False], repeat=3):
        rng = ChosenDraws([bits], keep_prob)
        mask = mask_shapes.shared_mask((2, 3), (0,), keep_prob, rng)

        np.testing.assert_array_equal(mask, np.where([bits], 1 / keep_prob, 0))


@pytest.mark.parametrize("shared_axes", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_output_is_the_input_however_the_mask_is_shared(keep_prob, shared_axes):
    """Weighted by probability, the outputs of all masks (64 at most) add up to x."""
    x, mean = np.arange(-2.0, 4.0).reshape(2, 3), np.zeros((2, 3))
    size = tuple(1 if i in shared_axes else n for i, n in enumerate(x.shape))
    for bits in product([True, False], repeat=int(np.prod(size))):
        kept = np.reshape(bits, size)
        prob = np.prod(np.where(kept, keep_prob, 1 - keep_prob))
        rng = ChosenDraws(kept, keep_prob)
        mean += prob * x * mask_shapes.shared_mask((2, 3), shared_axes, keep_prob, rng)

    np.testing.assert_allclose(mean, x, rtol=1e-13, atol=0)


@pytest.mark.parametrize("batch", [1, 4, 8])
def test_sharing_over_the_batch_keeps_the_noise_of_the_batch_mean(batch):
    """One unit, x = 1, all masks: variance (1-k)/k shared, (1-k)/(k * batch) if not."""
    for shared_axes, size, expected in (((0,), 1, 0.25), ((), batch, 0.25 / batch)):
        variance = 0
        for bits in product([True, False], repeat=size):
            kept = np.reshape(bits, (size, 1))
            prob = np.prod(np.where(kept, 0.8, 1 - 0.8))
            rng = ChosenDraws(kept, 0.8)
            mask = mask_shapes.shared_mask((batch, 1), shared_axes, 0.8, rng)
            variance += prob * (np.mean(np.ones((batch, 1)) * mask) - 1) ** 2

        assert variance == pytest.approx(expected, rel=1e-12)


def test_whole_channels_are_kept_or_dropped():
    """A channel mask is constant over the map and differs between examples."""
    rng = np.random.default_rng(0)
    mask = mask_shapes.shared_mask((2, 100, 4, 5), (2, 3), 0.8, rng)
    out = np.ones((2, 100, 4, 5)) * mask

    assert (out == out[:, :, :1, :1]).all()
    assert (out[0] != out[1]).any()
    assert (out[:, :1] != out[:, 1:]).any()


def test_every_call_draws_a_new_mask():
    """Two calls differ, two generators from one seed do not. False alarms: < 1e-30."""
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    first, second = (mask_shapes.shared_mask((9, 200), (0,), 0.8, rng) for _ in "ab")

    assert (first != second).any()
    again = mask_shapes.shared_mask((9, 200), (0,), 0.8, same)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("dtype", [np.float16, "float32", np.float64])
def test_mask_has_the_dtype_asked_for(dtype):
    """1 / keep_prob is rounded once, a float16 keep_prob included."""
    keep_prob = np.float16(0.3)
    rng = ChosenDraws([True], float(keep_prob))
    mask = mask_shapes.shared_mask((1,), (), keep_prob, rng, dtype)

    assert mask.dtype == dtype
    assert mask[0] == np.dtype(dtype).type(1 / float(keep_prob))


@pytest.mark.parametrize(
    "one", [1, 1.0, np.uint8(1), np.int64(1), np.array(1.0)], ids=repr
)
def test_default_dtype_is_float64(one):
    """Without a dtype the mask is float64; every kind of keep_prob = 1 gives ones."""
    mask = mask_shapes.shared_mask((2, 3), (0,), one, np.random.default_rng(0))

    assert mask.dtype == np.float64
    np.testing.assert_array_equal(mask, np.ones((1, 3)))


@pytest.mark.parametrize(
    ("shape", "shared_axes"),
    [
        ((2, 3), (2,)),
        ((2, 3), (-3,)),
        ((2, 3), (0, 0)),
        ((2, 3), (1, -1)),
        ((2, 3), (0.3,)),
        ((2, 3), ("0",)),
        ((), (0,)),
        ((-1, 3), (0,)),
    ],
)
def test_impossible_axes_and_sizes_are_value_errors(shape, shared_axes):
    """Not there, twice (also as 1 and -1), no integer, negative size; all shown."""
    with pytest.raises(ValueError, match=r"shape .* shared_axes") as e:
        mask_shapes.shared_mask(shape, shared_axes, 0.8, NoDraws())

    assert str(shape) in str(e.value)
    assert str(shared_axes) in str(e.value)


@pytest.mark.parametrize(
    ("shape", "shared_axes"),
    [((2, 3), 0), ((2, 3), None), ((2, 3), [0]), ([2, 3], (0,)), (6, ())],
)
def test_shape_and_axes_must_be_tuples(shape, shared_axes):
    """A bare axis or a list is refused; the message shows both."""
    with pytest.raises(TypeError, match="tuples") as e:
        mask_shapes.shared_mask(shape, shared_axes, 0.8, NoDraws())

    assert f"shape {shape!r}, shared_axes {shared_axes!r}" in str(e.value)


@pytest.mark.parametrize("dtype", [int, bool, complex, "U3"])
def test_dtype_must_be_a_float_type(dtype):
    """An integer mask could not hold 1 / keep_prob; the message shows the dtype."""
    with pytest.raises(TypeError, match=f"dtype .* got {np.dtype(dtype)}"):
        mask_shapes.shared_mask((2, 3), (0,), 0.8, NoDraws(), dtype)


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """The message names keep_prob and the value."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        mask_shapes.shared_mask((2, 3), (), keep_prob, NoDraws())


def test_keep_prob_too_small_for_the_dtype_is_a_value_error():
    """1 / keep_prob may be the largest float16, 65504, and nothing above it."""
    rng = ChosenDraws([True], 1 / 65504)

    assert mask_shapes.shared_mask((1,), (), 1 / 65504, rng, np.float16)[0] == 65504
    with pytest.raises(ValueError, match=r"keep_prob .* float16"):
        mask_shapes.shared_mask((1,), (), 1 / 65505, NoDraws(), np.float16)


@pytest.mark.parametrize("keep_prob", ["0.8", None, np.array([0.8]), True, 0.8 + 0j])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Text, None, arrays, bool and complex."""
    with pytest.raises(TypeError, match="keep_prob must be a real number, got"):
        mask_shapes.shared_mask((2, 3), (), keep_prob, NoDraws())


@pytest.mark.parametrize("rng", [0, None, type("Fake", (), {"random": 0.1})])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        mask_shapes.shared_mask((2, 3), (), 0.8, rng)
