"""Embedding dropout: one decision for each word of the vocabulary, wherever it stands."""

import numpy as np
import pytest

from snippets import embedding_dropout
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

DEPARTS = {}
SILENT = {  # properties that compare the units of an example
    "unit-keep-rate": "All units of a word share its decision, so none has a rate.",
    "units-independent": "All units of a word share its decision: they are one.",
}


class Layer:
    """The lookup of each word once: x is the table (vocabulary, units)."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def mask_shape(self, shape):
        if len(shape) != 2:
            raise ValueError(f"x must be a table (vocabulary, units), got {shape}")
        return shape[0], 1

    def forward(self, x, training=True):
        self.tokens, self.mask = np.arange(len(x)), np.ones((len(x), 1), x.dtype)
        if not training:
            return x[self.tokens]
        out, self.mask = embedding_dropout.embed_forward(
            self.tokens, x, self.keep_prob, self.rng
        )
        return out

    def backward(self, grad):
        return embedding_dropout.embed_backward(grad, self.tokens, self.mask)


TOKENS = np.array([[2, 0, 2], [1, 2, 0]])  # two sentences, word 3 is in neither
TABLE = np.array([[1.5, -2.0], [0.25, 4.0], [-1.0, 3.0], [7.0, 7.0]])


def forward(kept, keep_prob, tokens=TOKENS, table=TABLE):
    """Return the result and the mask for chosen decisions, one for each word."""
    draws = ChosenDraws(np.reshape(kept, (-1, 1)), keep_prob)
    return embedding_dropout.embed_forward(tokens, table, keep_prob, draws)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_all_tokens_of_a_word_share_one_decision(keep_prob):
    """For all 16 masks: 0 everywhere, or its row / keep_prob everywhere it stands."""
    for kept, _ in every_mask((4,), keep_prob):
        out, mask = forward(kept, keep_prob)

        assert out.shape == (2, 3, 2)
        np.testing.assert_array_equal(mask[:, 0], np.where(kept, 1 / keep_prob, 0))
        for where in np.ndindex(2, 3):
            word = TOKENS[where]
            np.testing.assert_array_equal(out[where], TABLE[word] * mask[word])


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_is_the_embedding(keep_prob):
    """Weighted by probability, the outputs of all 16 masks add up to table[tokens]."""
    mean = sum(
        prob * forward(kept, keep_prob)[0] for kept, prob in every_mask((4,), keep_prob)
    )

    np.testing.assert_allclose(mean, TABLE[TOKENS], rtol=1e-14)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_covariance_is_within_a_word(keep_prob):
    """(1 - k) / k * e_i * e_j for all units of all tokens of one word, else 0."""
    covariance, rows = np.zeros((12, 12)), TABLE[TOKENS].reshape(6, 2)
    for kept, prob in every_mask((4,), keep_prob):
        noise = (forward(kept, keep_prob)[0] - TABLE[TOKENS]).ravel()
        covariance += prob * np.outer(noise, noise)

    same_word = TOKENS.reshape(6, 1) == TOKENS.reshape(1, 6)
    pairs = np.einsum("si,tj,st->sitj", rows, rows, same_word).reshape(12, 12)
    expected = (1 - keep_prob) / keep_prob * pairs
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_gradient_of_a_word_is_the_sum_over_its_tokens_times_its_mask(keep_prob):
    """For all 16 masks; a word that is dropped or absent gets 0."""
    grad = np.arange(1.0, 13.0).reshape(2, 3, 2)
    sums = np.array([grad[word == TOKENS].sum(axis=0) for word in range(4)])
    for kept, _ in every_mask((4,), keep_prob):
        _, mask = forward(kept, keep_prob)
        got = embedding_dropout.embed_backward(grad, TOKENS, mask)

        np.testing.assert_allclose(got, sums * mask, rtol=1e-14)
        assert (got[~kept] == 0).all()
        assert (got[3] == 0).all()


def test_backward_is_the_derivative_of_forward():
    """Central differences of a curved loss in each element of the table."""
    kept = np.array([True, False, True, True])

    def loss(table):
        return np.sum((forward(kept, 0.8, table=table)[0] - 1) ** 2)

    out, mask = forward(kept, 0.8)
    got = embedding_dropout.embed_backward(2 * (out - 1), TOKENS, mask)
    for index in np.ndindex(TABLE.shape):
        step = np.zeros(TABLE.shape)
        step[index] = 1e-4
        numeric = (loss(TABLE + step) - loss(TABLE - step)) / 2e-4
        assert got[index] == pytest.approx(numeric, rel=1e-7, abs=1e-8)


def test_a_draw_equal_to_keep_prob_drops():
    """Kept means draw < keep_prob."""
    for keep_prob in KEEP_PROBS:
        _, mask = forward([True, False, False, True], keep_prob)

        np.testing.assert_array_equal(mask[:, 0] != 0, [True, False, False, True])


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0), (2, 3, 4)])
@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_tokens_have_any_shape_and_any_kind_of_integer(shape, kind):
    """The result has one axis more; the gradient has the shape of the table."""
    tokens = np.full(shape, 3, dtype=kind)
    out, mask = forward([True] * 4, 0.8, tokens)
    grad = embedding_dropout.embed_backward(np.ones(out.shape), tokens, mask)

    assert out.shape == (*shape, 2)
    assert grad.shape == TABLE.shape
    np.testing.assert_allclose(grad[3], 1.25 * tokens.size, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_of_the_table_is_kept(dtype):
    """By the result, the mask and the gradient; a float64 keep_prob does not upcast."""
    args = TOKENS, TABLE.astype(dtype), np.float64(0.8), np.random.default_rng(0)
    out, mask = embedding_dropout.embed_forward(*args)
    grad = embedding_dropout.embed_backward(out, TOKENS, mask)

    assert {a.dtype for a in (out, mask, grad)} == {np.dtype(dtype)}


def test_keep_prob_one_is_the_plain_lookup():
    """Bit for bit."""
    out, _ = forward([True] * 4, 1)

    np.testing.assert_array_equal(out, TABLE[TOKENS])


def test_masks_come_from_the_generator_alone():
    """Equal seeds, equal masks; one draw for each word, however long the text is."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    words, table = np.arange(50), np.ones((50, 2))
    _, first = embedding_dropout.embed_forward(words, table, 0.8, one)
    _, again = embedding_dropout.embed_forward(words[:1], table, 0.8, one)
    two.random(50)

    assert (first != again).any()
    _, same = embedding_dropout.embed_forward(np.tile(words, 9), table, 0.8, two)
    np.testing.assert_array_equal(again, same)


def test_inputs_are_not_mutated():
    """They may be read-only, and no result shares memory with them."""
    tokens, table, grad = TOKENS.copy(), TABLE.copy(), np.ones((2, 3, 2))
    for array in (tokens, table, grad):
        array.flags.writeable = False
    for keep_prob in (0.8, 1):
        rng = np.random.default_rng(0)
        out, mask = embedding_dropout.embed_forward(tokens, table, keep_prob, rng)
        back = embedding_dropout.embed_backward(grad, tokens, mask)
        assert not any(np.shares_memory(a, table) for a in (out, mask, back))
    np.testing.assert_array_equal(table, TABLE)


@pytest.mark.parametrize("tokens", [np.array([4]), np.array([0, -1]), np.array([99])])
def test_tokens_outside_the_table_are_a_value_error(tokens):
    """Negative ones too, which NumPy would take from the end."""
    with pytest.raises(ValueError, match="are not rows of a table") as e:
        embedding_dropout.embed_forward(tokens, TABLE, 0.8, NoDraws())
    assert str(tokens) in str(e.value)


@pytest.mark.parametrize("tokens", [np.array([1.0]), np.array([True]), [1], 1, None])
def test_tokens_must_be_an_array_of_integers(tokens):
    """Floats, bool, lists and numbers are refused."""
    with pytest.raises(TypeError, match="tokens: need an array"):
        embedding_dropout.embed_forward(tokens, TABLE, 0.8, NoDraws())


@pytest.mark.parametrize("table", [np.ones((4, 2), int), [[1.0]], None])
def test_the_table_must_be_an_array_of_floats(table):
    """Integers, lists and nothing are refused; a table of other than 2 axes, too."""
    with pytest.raises(TypeError, match="table: need an array"):
        embedding_dropout.embed_forward(TOKENS, table, 0.8, NoDraws())
    for wrong in (np.ones(4), np.ones((4, 2, 1))):
        with pytest.raises(ValueError, match="are not rows of a table"):
            embedding_dropout.embed_forward(TOKENS, wrong, 0.8, NoDraws())


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.1, np.nan, np.inf, 1e-320])
def test_keep_prob_outside_its_range_is_a_value_error(keep_prob):
    """Before anything is drawn; 1e-320 is too small for float64."""
    with pytest.raises(ValueError, match=rf"keep_prob .* got {keep_prob}"):
        embedding_dropout.embed_forward(TOKENS, TABLE, keep_prob, NoDraws())


@pytest.mark.parametrize("keep_prob", ["0.8", None, [0.8], np.array([0.8]), True])
def test_keep_prob_of_a_wrong_type_is_a_type_error(keep_prob):
    """Before anything is drawn; the message shows it."""
    with pytest.raises(TypeError, match="keep_prob must be a real number, got") as e:
        embedding_dropout.embed_forward(TOKENS, TABLE, keep_prob, NoDraws())
    assert repr(keep_prob) in str(e.value)


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error(rng):
    """The message says what to pass instead."""
    with pytest.raises(TypeError, match=r"rng must be np\.random\.default_rng\(seed\)"):
        embedding_dropout.embed_forward(TOKENS, TABLE, 0.8, rng)


def test_a_gradient_of_another_shape_is_a_value_error():
    """The message has both shapes."""
    with pytest.raises(ValueError, match=r"grad has shape \(3, 2\), tokens \(2, 3\)"):
        embedding_dropout.embed_backward(np.ones((3, 2)), TOKENS, np.ones((4, 1)))
