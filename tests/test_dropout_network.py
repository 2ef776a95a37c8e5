"""The whole network keeps its promises: mean, gradient, randomness, training, contract.

Small networks have so few masks that all are visited; nothing here is left to chance but
fixed seeds.
"""

import re

import numpy as np
import pytest

from snippets import dropout_network
from tests.fakes import KEEP_PROBS, ChosenDraws, NoDraws, every_mask

SIZES = (2, 4, 3, 1)
X = np.random.default_rng(0).normal(size=(5, 2))
Y = np.array([[1.0], [0.0], [1.0], [1.0], [0.0]])


def network(sizes=SIZES):
    """Return parameters with biases that are not zero, which keeps ReLU off its kink."""
    rng = np.random.default_rng(1)
    params = dropout_network.first_params(sizes, rng)
    return [(w, rng.normal(size=b.shape)) for w, b in params]


def masks_for(keep_probs, seed=2):
    """Return masks of the two hidden layers for X."""
    rng = np.random.default_rng(seed)
    return dropout_network.draw_masks(network(), X, keep_probs, rng)


def flat(params):
    """Return all numbers of parameters or gradients in one array."""
    return np.concatenate([part.ravel() for pair in params for part in pair])


def gradient(params, masks, l2):
    """Return the gradient of the loss at X and Y."""
    logits, saved = dropout_network.forward(params, X, masks)
    return dropout_network.backward(params, logits, Y, saved, l2)


def value(params, masks, l2):
    """Return the loss at X and Y."""
    logits, _ = dropout_network.forward(params, X, masks)
    return dropout_network.loss(params, logits, Y, l2)


def slopes(params, masks, l2, step=1e-5):
    """Return the central difference of the loss for every single parameter."""
    found = []
    for layer, pair in enumerate(params):
        for part, array in enumerate(pair):
            for index in np.ndindex(array.shape):
                ends = []
                for sign in (1, -1):
                    moved = [[w.copy(), b.copy()] for w, b in params]
                    moved[layer][part][index] += sign * step
                    ends.append(value(moved, masks, l2))
                found.append((ends[0] - ends[1]) / (2 * step))
    return np.array(found)


def train(steps=20, rate=0.3, **options):
    """Return the parameters after a few steps on X and Y."""
    return dropout_network.train(network(), X, Y, steps, rate, **options)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("keep_probs", [None, (0.2, 0.8), (0.8, 0.95), (0.95, 0.2)])
def test_gradient_is_the_slope_of_the_loss(keep_probs, l2):
    """Central differences agree to 1e-7 for none, L2, dropout and both."""
    params, masks = network(), None if keep_probs is None else masks_for(keep_probs)
    got, wanted = flat(gradient(params, masks, l2)), slopes(params, masks, l2)

    size = np.linalg.norm(got) + np.linalg.norm(wanted)
    assert np.linalg.norm(got - wanted) / size < 1e-7


def test_l2_adds_its_strength_times_the_weights_to_the_gradient():
    """With and without masks; nothing is added to the biases."""
    params = network()
    for masks in (None, masks_for((0.8, 0.8))):
        pairs = zip(params, gradient(params, masks, 0.3), gradient(params, masks, 0.0))
        for (w, _), (dw, db), (plain_dw, plain_db) in pairs:
            np.testing.assert_allclose(dw - plain_dw, 0.3 * w, rtol=1e-12, atol=1e-14)
            np.testing.assert_array_equal(db, plain_db)


def test_l2_adds_half_its_strength_times_the_squared_weights_to_the_loss():
    """The biases do not count."""
    params = network()
    squares = sum(np.sum(w**2) for w, _ in params)

    added = value(params, None, 0.3) - value(params, None, 0.0)
    assert added == pytest.approx(0.15 * squares, rel=1e-12)


def test_loss_is_the_mean_cross_entropy():
    """Compared with the logarithm of the probability of the label."""
    logits = np.array([[0.3], [-2.0], [4.0], [0.0], [1.0]])
    right = 1 / (1 + np.exp(-np.where(Y == 1, logits, -logits)))

    got = dropout_network.loss(network(), logits, Y)
    assert got == pytest.approx(-np.log(right).mean(), rel=1e-13)


def test_several_outputs_add_their_losses_and_gradients():
    """Two logistic outputs cost as much as two networks that share the hidden layer."""
    (w1, b1), (w2, b2) = params = network((2, 4, 2))
    y, masks = np.hstack([Y, 1 - Y[::-1]]), [masks_for((0.8, 0.8))[0]]
    logits, saved = dropout_network.forward(params, X, masks)
    got = dropout_network.backward(params, logits, y, saved)
    total, grads = dropout_network.loss(params, logits, y), []
    for i in range(2):
        one = [(w1, b1), (w2[:, i : i + 1], b2[:, i : i + 1])]
        logits, saved = dropout_network.forward(one, X, masks)
        total -= dropout_network.loss(one, logits, y[:, i : i + 1])
        grads.append(dropout_network.backward(one, logits, y[:, i : i + 1], saved))

    assert total == pytest.approx(0, abs=1e-14)
    for part in range(2):
        first, second = (grad[0][part] for grad in grads)
        np.testing.assert_allclose(got[0][part], first + second, rtol=1e-12, atol=1e-15)
        both = np.hstack([grad[1][part] for grad in grads])
        np.testing.assert_allclose(got[1][part], both, rtol=1e-12, atol=1e-15)


def test_the_gate_is_closed_at_zero():
    """A unit fed by dropped units only has z = 0 with zero biases: slope 0."""
    params = [(w, 0 * b) for w, b in network()]
    masks = [np.zeros((5, 4)), np.ones((5, 3))]
    _, (inputs, gates) = dropout_network.forward(params, X, masks)

    np.testing.assert_array_equal(inputs[1] @ params[1][0], np.zeros((5, 3)))
    np.testing.assert_array_equal(gates[1], np.zeros((5, 3)))


def test_large_logits_neither_overflow_nor_lose_the_gradient():
    """At logits of 1000 the loss is 1000 or 0, and backward is finite."""
    params = [(np.array([[1000.0]]), np.zeros((1, 1)))]
    x = np.array([[1.0], [-1.0]])
    logits, saved = dropout_network.forward(params, x)
    wrong = np.array([[0.0], [1.0]])

    assert dropout_network.loss(params, logits, wrong) == 1000
    assert dropout_network.loss(params, logits, 1 - wrong) == 0
    [(dw, _)] = dropout_network.backward(params, logits, wrong, saved)
    np.testing.assert_array_equal(dw, [[1.0]])


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_logit_is_evaluation_if_only_the_last_hidden_layer_drops(keep_prob):
    """Over all 512 masks of three examples with three units, to rounding."""
    params, x = network(), X[:3]
    ones, mean = np.ones((3, 4)), 0.0
    for kept, prob in every_mask((3, 3), keep_prob):
        logits, _ = dropout_network.forward(params, x, [ones, kept / keep_prob])
        mean = mean + prob * logits

    evaluation, _ = dropout_network.forward(params, x)
    np.testing.assert_allclose(mean, evaluation, rtol=1e-12)


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_mean_of_the_next_pre_activation_is_evaluation(keep_prob):
    """Over all 256 masks that draw_masks can make for two examples of four units."""
    params, mean = network((2, 4, 1)), 0.0
    for kept, prob in every_mask((2, 4), keep_prob):
        draws = ChosenDraws(kept, keep_prob)
        masks = dropout_network.draw_masks(params, X[:2], (keep_prob,), draws)
        mean = mean + prob * dropout_network.forward(params, X[:2], masks)[0]

    evaluation, _ = dropout_network.forward(params, X[:2])
    np.testing.assert_allclose(mean, evaluation, rtol=1e-12)


def test_forward_is_relu_layers_and_a_linear_output():
    """Written out for two hidden layers, with masks."""
    (w1, b1), (w2, b2), (w3, b3) = network()
    mask1, mask2 = masks_for((0.8, 0.8))
    a1 = np.maximum(X @ w1 + b1, 0) * mask1
    a2 = np.maximum(a1 @ w2 + b2, 0) * mask2

    got, _ = dropout_network.forward(network(), X, [mask1, mask2])
    np.testing.assert_allclose(got, a2 @ w3 + b3, rtol=1e-12)


def test_evaluation_is_deterministic_and_draws_nothing():
    """Two passes agree bit for bit; there is no generator to draw from."""
    first, _ = dropout_network.forward(network(), X)
    second, _ = dropout_network.forward(network(), X)

    assert first.tobytes() == second.tobytes()


def test_keep_prob_one_equals_no_dropout_bit_for_bit():
    """After twenty steps, whatever the generator is."""
    plain = train()
    kept = train(keep_probs=(1.0, 1.0), rng=np.random.default_rng(3))

    assert flat(plain).tobytes() == flat(kept).tobytes()


def test_frozen_masks_reproduce():
    """The same masks give the same logits and gradient, bit for bit."""
    params, masks = network(), masks_for((0.8, 0.8))
    first, second = (flat(gradient(params, masks, 0.1)) for _ in range(2))

    assert first.tobytes() == second.tobytes()


def test_masks_are_zero_or_one_over_keep_prob():
    """Each hidden layer with its own keep_prob; a draw equal to keep_prob drops."""
    params = network((2, 3, 1))
    kept = np.array([[True, False, True]])
    draws = ChosenDraws(kept, 0.8)
    [mask] = dropout_network.draw_masks(params, X[:1], (0.8,), draws)
    np.testing.assert_array_equal(mask, np.where(kept, 1 / 0.8, 0))

    first, second = masks_for((0.8, 0.2))
    assert set(np.unique(first)) <= {0, 1 / 0.8}
    assert set(np.unique(second)) <= {0, 1 / 0.2}


def test_every_example_and_every_step_has_its_own_mask():
    """Of 200 units no two examples and no two calls keep the same ones."""
    params = network((2, 200, 1))
    rng = np.random.default_rng(0)
    calls = [dropout_network.draw_masks(params, X, (0.8,), rng)[0] for _ in range(3)]
    rows = np.concatenate(calls) > 0

    # Two rows agree with probability (0.8**2 + 0.2**2)**200 < 1e-33; 105 pairs.
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_training_draws_new_masks_in_every_step():
    """Two steps are two single steps with one generator between them."""
    rng = np.random.default_rng(5)
    options = {"keep_probs": (0.8, 0.8), "rng": rng}
    half = dropout_network.train(network(), X, Y, 1, 0.3, **options)
    wanted = dropout_network.train(half, X, Y, 1, 0.3, **options)
    got = train(steps=2, keep_probs=(0.8, 0.8), rng=np.random.default_rng(5))

    assert flat(got).tobytes() == flat(wanted).tobytes()


def test_same_generator_state_gives_the_same_training():
    """And another seed gives another one."""
    runs = [
        train(keep_probs=(0.8, 0.8), rng=np.random.default_rng(s)) for s in (1, 1, 2)
    ]
    first, again, other = (flat(run).tobytes() for run in runs)

    assert first == again != other


def test_one_step_subtracts_the_rate_times_the_gradient():
    """Without dropout, with L2."""
    params = network()
    wanted = flat(params) - 0.3 * flat(gradient(params, None, 0.1))

    np.testing.assert_allclose(flat(train(1, 0.3, l2=0.1)), wanted, rtol=1e-12)


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("keep_probs", [None, (0.8, 0.9)])
def test_training_lowers_the_loss(keep_probs, l2):
    """In evaluation, after 200 steps, to less than two thirds of the first value."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 2))
    y = 1.0 * (x[:, :1] * x[:, 1:] > 0)
    params = dropout_network.first_params((2, 12, 6, 1), rng)
    after = dropout_network.train(params, x, y, 200, 0.3, l2, keep_probs, rng)

    first, last = (
        dropout_network.loss(p, dropout_network.forward(p, x)[0], y)
        for p in (params, after)
    )
    assert last < 2 / 3 * first


def test_stacked_networks_train_as_single_ones():
    """Two networks in one array, each with its own data, equal two separate runs."""
    nets = [
        dropout_network.first_params(SIZES, np.random.default_rng(s)) for s in (0, 1)
    ]
    stacked = [[np.stack(part) for part in zip(*layer)] for layer in zip(*nets)]
    x, y = np.stack([X, -X]), np.stack([Y, 1 - Y])
    both = dropout_network.train(stacked, x, y, 5, 0.3, 0.1)
    logits, _ = dropout_network.forward(stacked, x)
    losses = dropout_network.loss(stacked, logits, y, 0.1)

    for i, net in enumerate(nets):
        alone = dropout_network.train(net, x[i], y[i], 5, 0.3, 0.1)
        for (w, b), (w1, b1) in zip(both, alone):
            np.testing.assert_allclose(w[i], w1, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(b[i], b1, rtol=1e-12, atol=1e-14)
        logits, _ = dropout_network.forward(net, x[i])
        wanted = dropout_network.loss(net, logits, y[i], 0.1)
        assert losses[i] == pytest.approx(wanted, rel=1e-12)


def test_stacked_networks_have_their_own_masks():
    """One draw for each network, example and unit."""
    x, rng = np.zeros((3, 5, 2)), np.random.default_rng(0)
    params = [(np.stack([w] * 3), np.stack([b] * 3)) for w, b in network((2, 100, 1))]
    masks = dropout_network.draw_masks(params, x, (0.8,), rng)

    assert masks[0].shape == (3, 5, 100)
    assert len(np.unique(masks[0].reshape(15, 100), axis=0)) == 15


def test_first_weights_have_variance_two_over_inputs():
    """A large layer; biases are zero."""
    [(w, b)] = dropout_network.first_params((400, 500), np.random.default_rng(0))

    # The variance of 200000 normal draws has a relative s.d. of 0.0032: 7 of them.
    assert w.shape == (400, 500)
    assert w.var() == pytest.approx(2 / 400, rel=0.022)
    np.testing.assert_array_equal(b, np.zeros((1, 500)))


def test_inputs_are_not_mutated():
    """Neither parameters nor data nor masks, in training or in a single pass."""
    params, x, y, masks = network(), X.copy(), Y.copy(), masks_for((0.8, 0.8))
    given = [*(part for pair in params for part in pair), x, y, *masks]
    before = [array.tobytes() for array in given]
    logits, saved = dropout_network.forward(params, x, masks)
    dropout_network.loss(params, logits, y, 0.1)
    dropout_network.backward(params, logits, y, saved, 0.1)
    rng = np.random.default_rng(0)
    dropout_network.train(params, x, y, 3, 0.3, 0.1, (0.8, 0.8), rng)

    assert [array.tobytes() for array in given] == before


def test_global_random_state_is_not_touched():
    """Training with dropout uses the generator it was given and nothing else."""
    before = str(np.random.get_state())
    train(keep_probs=(0.8, 0.8), rng=np.random.default_rng(0))

    assert str(np.random.get_state()) == before


@pytest.mark.parametrize(
    "keep_probs",
    [
        (0.8,),
        (0.8, 0.0),
        (0.8, -0.1),
        (1.1, 0.8),
        (np.nan, 0.8),
        (None, 0.8),
        ("0.8", "0.8"),
        "0.8",
        0.7,
        (0.8, 0.8, 0.7),
    ],
)
def test_bad_keep_probs_are_a_value_error_that_names_them(keep_probs):
    """One for each hidden layer, in (0, 1]; nothing is drawn."""
    with pytest.raises(ValueError, match=r"keep_probs in \(0, 1\], got .*(7|8|nan)"):
        train(keep_probs=keep_probs, rng=NoDraws())


@pytest.mark.parametrize(
    ("option", "number"),
    [
        ("rate", 0),
        ("rate", -0.1),
        ("rate", np.nan),
        ("rate", np.inf),
        ("rate", "0.3"),
        ("l2", -0.1),
        ("l2", np.nan),
        ("l2", np.inf),
        ("l2", None),
        ("steps", 0),
        ("steps", -1),
    ],
)
def test_bad_numbers_are_a_value_error_that_names_them(option, number):
    """Rate and steps above 0, L2 not below; nothing is drawn."""
    with pytest.raises(ValueError, match=f"{option} {number}"):
        train(**{option: number}, keep_probs=(0.8, 0.8), rng=NoDraws())


@pytest.mark.parametrize(
    ("y", "named"),
    [
        (Y[:, 0], r"\(5,\)"),
        (Y[:3], r"\(3, 1\)"),
        (Y[None], r"\(1, 5, 1\)"),
        (None, r"\(\)"),
        (2 * Y, "2"),
        (-Y, "-1"),
        (np.nan * Y, "nan"),
    ],
)
def test_bad_labels_are_a_value_error_that_names_them(y, named):
    """A flat y would broadcast to (batch, batch); nothing is drawn."""
    with pytest.raises(ValueError, match=f"y .*{named}"):
        dropout_network.train(network(), X, y, 2, 0.3, 0.0, (0.8, 0.8), NoDraws())


@pytest.mark.parametrize("y", [Y[:, 0], Y[None], Y[:1]])
def test_labels_of_another_shape_are_refused_by_loss_and_backward(y):
    """They would broadcast to a number or a gradient of the wrong thing."""
    logits, saved = dropout_network.forward(network(), X)
    with pytest.raises(ValueError, match="does not fit"):
        dropout_network.loss(network(), logits, y)
    with pytest.raises(ValueError, match="does not fit"):
        dropout_network.backward(network(), logits, y, saved)


@pytest.mark.parametrize("kind", [int, bool, np.float32, list])
def test_labels_may_be_integers_or_booleans(kind):
    """Training is the same, bit for bit."""
    y = Y.tolist() if kind is list else Y.astype(kind)
    got = dropout_network.train(network(), X, y, 5, 0.3)

    assert flat(got).tobytes() == flat(train(5)).tobytes()


@pytest.mark.parametrize("y", [Y, Y.astype(int)])
@pytest.mark.parametrize("keep_probs", [None, (0.8, 0.8)])
def test_float32_stays_float32(keep_probs, y):
    """Neither the masks nor the labels widen logits, gradient and parameters."""
    x = X.astype("f4")
    params = [(w.astype("f4"), b.astype("f4")) for w, b in network()]
    rng = np.random.default_rng(0)
    after = dropout_network.train(params, x, y, 2, 0.3, 0.1, keep_probs, rng)
    masks = keep_probs and masks_for(keep_probs)
    logits, saved = dropout_network.forward(params, x, masks)
    grads = dropout_network.backward(params, logits, y, saved, 0.1)

    assert {logits.dtype, flat(grads).dtype, flat(after).dtype} == {np.dtype("f4")}


@pytest.mark.parametrize("x", [X[0], X[:, :1], X.T, 3.0, None, X[:0], X[None]])
def test_an_x_that_does_not_fit_is_a_value_error_that_names_it(x):
    """A single example needs its batch axis, a batch an example; nothing is drawn."""
    shape = str(np.shape(x))
    with pytest.raises(ValueError, match=rf"x {re.escape(shape)} does not"):
        dropout_network.train(network(), x, Y, 2, 0.3, 0.0, (0.8, 0.8), NoDraws())


def turned(params):
    """Return parameters whose middle weights are transposed."""
    return [params[0], (params[1][0].T, params[1][1]), params[2]]


@pytest.mark.parametrize(
    "change",
    [
        turned,
        lambda params: params[::2],
        lambda params: [(w, b[0]) for w, b in params],
        lambda params: [(w, b[:, :1]) for w, b in params],
        lambda params: [(w, np.repeat(b, 5, axis=0)) for w, b in params],
        lambda params: [(w[None], b[None]) for w, b in params],
    ],
)
def test_params_that_do_not_fit_are_a_value_error_before_a_draw(change):
    """A layer is missing or turned, or a bias would broadcast."""
    params = change(network())
    with pytest.raises(ValueError, match="does not fit params"):
        dropout_network.train(params, X, Y, 2, 0.3, 0.0, (0.8, 0.8), NoDraws())
    with pytest.raises(ValueError, match="does not fit params"):
        dropout_network.draw_masks(params, X, (0.8, 0.8), NoDraws())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_a_value_error_before_a_draw(bad):
    """In x, weights or biases of any layer."""
    for place in range(7):
        x, params = X.copy(), network()
        [x, *(part for pair in params for part in pair)][place][0, 0] = bad
        with (
            np.errstate(all="ignore"),
            pytest.raises(ValueError, match="x and params must be finite"),
        ):
            dropout_network.train(params, x, Y, 2, 0.3, 0.0, (0.8, 0.8), NoDraws())


def test_values_of_another_type_are_refused_before_a_draw():
    """Texts in x or y, and steps that are not whole."""
    options = {"keep_probs": (0.8, 0.8), "rng": NoDraws()}
    for x, y, steps in ((X.astype(str), Y, 2), (X, Y.astype(str), 2), (X, Y, 2.7)):
        with pytest.raises(TypeError):
            dropout_network.train(network(), x, y, steps, 0.3, **options)


def test_masks_that_do_not_fit_are_a_value_error_that_names_the_shapes():
    """One mask too few, or one shared by the batch."""
    first, second = masks_for((0.8, 0.8))
    for masks in ([first], [first, second[:1]], [second, first]):
        with pytest.raises(ValueError, match=r"shapes \[\(5, 4\), \(5, 3\)\], got"):
            dropout_network.forward(network(), X, masks)


def test_a_legacy_random_state_is_a_generator_too():
    """It has the two methods that are used; the global state is not touched."""
    before = str(np.random.get_state())
    rng = np.random.RandomState(0)
    params = dropout_network.first_params((2, 4, 1), rng)
    [mask] = dropout_network.draw_masks(params, X, (0.8,), rng)

    assert set(np.unique(mask)) == {0, 1 / 0.8}
    assert str(np.random.get_state()) == before


def test_first_weights_need_a_generator_with_normal_draws():
    """A method named random is not enough."""
    with pytest.raises(TypeError, match="rng must be"):
        dropout_network.first_params(SIZES, NoDraws())


@pytest.mark.parametrize("rng", [0, None, "pcg64"])
def test_a_seed_in_place_of_a_generator_is_a_type_error_that_names_it(rng):
    """For the first weights and for the masks."""
    with pytest.raises(TypeError, match=repr(rng)):
        dropout_network.first_params(SIZES, rng)
    with pytest.raises(TypeError, match=repr(rng)):
        train(keep_probs=(0.8, 0.8), rng=rng)


@pytest.mark.parametrize("sizes", [(2,), (2, 0, 1), (2, -3, 1)])
def test_bad_sizes_are_a_value_error_that_names_them(sizes):
    """At least input and output, each with one unit or more."""
    with pytest.raises(ValueError, match="sizes, got"):
        dropout_network.first_params(sizes, np.random.default_rng(0))
