"""The training library: its gradients, its random numbers, its optimisers and its judge."""

import numpy as np
import pytest
from scipy.stats import t

from snippets import train_networks as tn
from snippets.gradient_check import gradient_check

SEEDS = [3, 8]


def points(n=12, units=4, classes=3):
    """Return inputs (seeds, n, units) and labels (seeds, n), for two seeds."""
    rngs = tn.streams(SEEDS, tn.DATA)
    x = np.stack([rng.normal(size=(n, units)) for rng in rngs])
    return x, np.stack([rng.integers(0, classes, n) for rng in rngs])


def loss_gradient(logits, y):
    """Return the gradient of the mean cross-entropy of each seed."""
    delta = tn.softmax(logits)
    rows = np.arange(len(y))[:, None], np.arange(y.shape[1]), y
    delta[rows] -= 1
    return delta / y.shape[1]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("keep_prob", [1.0, 0.6])
@pytest.mark.parametrize("draw", [tn.own_masks, tn.shared_masks, tn.gaussian_masks])
def test_gradients_agree_with_central_differences(batch_norm, keep_prob, draw):
    """With frozen masks of every kind, on inputs too, with and without BatchNorm."""
    x, y = points()
    nets = tn.Networks([4, 6, 5, 3], SEEDS, batch_norm, np.float64)
    for layer, rng in zip(nets.layers, map(np.random.default_rng, range(3))):
        layer["b"] += rng.normal(0, 0.3, layer["b"].shape)
    rngs = tn.streams(SEEDS, tn.MASKS)
    masks = None
    if keep_prob < 1:
        masks = [draw(keep_prob, 12, units, rngs) for units in (4, 6, 5)]
    logits, saved = nets.forward(x, masks, training=True)
    grads = nets.backward(loss_gradient(logits, y), saved, masks)

    for layer, grad in zip(nets.layers, grads):
        assert layer.keys() == grad.keys()
        for name, ours in grad.items():
            own = layer[name]

            def loss(value, layer=layer, name=name):
                layer[name] = value
                return float(
                    tn.log_loss(nets.forward(x, masks, training=True)[0], y).sum()
                )

            error = gradient_check(loss, own, ours)
            layer[name] = own
            # A bias before BatchNorm changes nothing: both gradients are rounding errors.
            assert error < 1e-6 or np.abs(ours).max() < 1e-12, (name, error)


def one_step(**settings):
    """Return weights before and after one full-batch step, and the gradient between."""
    x, y = points()
    before = tn.Networks([4, 6, 3], SEEDS, dtype=np.float64)
    logits, saved = before.forward(x)
    grads = before.backward(loss_gradient(logits, y), saved)
    common = {"sizes": (4, 6, 3), "steps": 1, "batch": 12, "rate": 0.2}
    after = tn.train(x, y, SEEDS, dtype=np.float64, **common, **settings)
    return before.layers, after.layers, grads


def test_a_step_goes_down_the_gradient():
    """One step of plain descent: the rate times the gradient, penalties added for W only."""
    before, after, grads = one_step(l2=0.3, l1=0.7)
    for old, new, grad in zip(before, after, grads):
        penalty = 0.3 * old["W"] + 0.7 * np.sign(old["W"])
        assert np.allclose(new["W"], old["W"] - 0.2 * (grad["W"] + penalty), rtol=1e-12)
        assert np.allclose(new["b"], old["b"] - 0.2 * grad["b"], rtol=1e-12, atol=1e-15)


def test_adam_starts_with_steps_of_the_rate():
    """The first step of Adam is the rate times the gradient's sign."""
    before, after, grads = one_step(adam=True)
    for old, new, grad in zip(before, after, grads):
        large = np.abs(grad["W"]) > 1e-3
        move = (new["W"] - old["W"])[large]
        assert np.allclose(move, -0.2 * np.sign(grad["W"][large]), rtol=1e-4)


def test_momentum_and_the_falling_rate_by_hand():
    """Three steps of a network without hidden layer, written out."""
    x, y = points(classes=2)
    nets = tn.train(
        *(x, y, SEEDS),
        sizes=(4, 2),
        steps=3,
        batch=12,
        rate=0.3,
        momentum=0.6,
        dtype=np.float64,
        final_rate=0.1,
    )
    by_hand = tn.Networks([4, 2], SEEDS, dtype=np.float64)
    speed = moved = 0.0
    for rate in (0.3, 0.3 * 0.7, 0.3 * 0.4):
        logits, saved = by_hand.forward(x)
        grad = by_hand.backward(loss_gradient(logits, y), saved)[0]["W"]
        speed = 0.6 * speed + grad
        bias = loss_gradient(logits, y).sum(1, keepdims=True)
        by_hand.layers[0]["W"] = by_hand.layers[0]["W"] - rate * speed
        moved = 0.6 * moved + bias
        by_hand.layers[0]["b"] = by_hand.layers[0]["b"] - rate * moved
    assert np.allclose(nets.layers[0]["W"], by_hand.layers[0]["W"], rtol=1e-12)


def test_max_norm_bounds_the_incoming_weights():
    """Each hidden unit's incoming weights, not the output's; shorter ones stay."""
    _, free, _ = one_step()
    _, bounded, _ = one_step(max_norm=0.9)
    norms = np.linalg.norm(free[0]["W"], axis=1)
    assert (norms > 0.9).any()
    assert (norms < 0.9).any()
    wanted = free[0]["W"] * np.minimum(1, 0.9 / norms)[:, None]
    assert np.allclose(bounded[0]["W"], wanted, rtol=1e-12)
    assert np.array_equal(bounded[1]["W"], free[1]["W"])


def test_a_seed_does_not_depend_on_its_neighbours():
    """Alone or beside others, in any order: the same weights, bit for bit."""
    x, y = points(n=40)
    settings = {
        "sizes": (4, 6, 5, 3),
        "steps": 30,
        "batch": 8,
        "rate": 0.1,
        "keep": 0.6,
    }
    both = tn.train(x, y, SEEDS, **settings)
    for seed, place in ((3, 0), (8, 1)):
        alone = tn.train(x[place : place + 1], y[place : place + 1], [seed], **settings)
        for one, two in zip(alone.layers, both.layers):
            assert np.array_equal(one["W"][0], two["W"][place])


def test_methods_share_data_weights_and_order():
    """Masks have a stream of their own: masks of ones train like no masks, bit for bit."""
    x, y = points(n=40)

    def ones(keep_prob, batch, units, rngs):
        drawn = tn.own_masks(keep_prob, batch, units, rngs)
        return np.ones_like(drawn)

    common = {"sizes": (4, 6, 3), "steps": 20, "batch": 8, "rate": 0.1}
    none = tn.train(x, y, SEEDS, **common)
    masked = tn.train(x, y, SEEDS, keep=0.4, draw=ones, **common)
    for one, two in zip(none.layers, masked.layers):
        assert np.array_equal(one["W"], two["W"])


def test_masks_have_their_mean_and_variance():
    """Own, shared and Gaussian: mean 1 and variance (1 - k) / k, within six deviations."""
    for draw in (tn.own_masks, tn.shared_masks, tn.gaussian_masks):
        rngs = tn.streams([0, 1], tn.MASKS)
        masks = draw(0.7, 4, 200_000, rngs)
        count, var = masks.size, 0.3 / 0.7
        fourth = 3 * var**2 if draw is tn.gaussian_masks else 0.7**-3 * 0.3 * 0.37
        assert abs(masks.mean() - 1) < 6 * np.sqrt(var / count)
        assert abs(masks.var() - var) < 6 * np.sqrt(abs(fourth - var**2) / count) + 1e-6
        assert masks.shape == (2, 1 if draw is tn.shared_masks else 4, 200_000)
    assert set(np.unique(tn.own_masks(0.7, 3, 50, tn.streams([0], 3)))) == {0, 1 / 0.7}


def test_dropout_where_it_was_asked_for():
    """A number: hidden layers only. A list: inputs first. A function: by step."""
    asked = []

    def draw(keep_prob, batch, units, rngs):
        asked.append((keep_prob, units))
        return tn.own_masks(keep_prob, batch, units, rngs)

    x, y = points()
    for keep in (0.6, [0.8, 0.6, 1.0], lambda step: 0.9 if step else 1.0):
        common = {"sizes": (4, 6, 5, 3), "batch": 12, "rate": 0.1, "keep": keep}
        tn.train(x, y, SEEDS, steps=2 if callable(keep) else 1, draw=draw, **common)
    assert asked == [(0.6, 6), (0.6, 5), (0.8, 4), (0.6, 6), (0.9, 6), (0.9, 5)]


def test_batch_norm_runs_on_its_averages_at_test():
    """Training uses the batch's moments; evaluation the running ones, 0.9 old and 0.1 new."""
    x, _ = points()
    nets = tn.Networks([4, 6, 3], SEEDS, batch_norm=True, dtype=np.float64)
    _, saved = nets.forward(x, training=True)
    normal = saved[0]["normal"]
    z = x @ nets.layers[0]["W"]

    assert np.allclose(normal.mean(1), 0, atol=1e-12)
    assert np.allclose(normal.var(1), z.var(1) / (z.var(1) + 1e-5), rtol=1e-12)
    assert np.allclose(nets.running[0]["mean"], 0.1 * z.mean(1, keepdims=True))
    assert np.allclose(nets.running[0]["var"], 0.9 + 0.1 * z.var(1, keepdims=True))
    _, again = nets.forward(x)
    wanted = (z - nets.running[0]["mean"]) / np.sqrt(nets.running[0]["var"] + 1e-5)
    assert np.allclose(again[0]["normal"], wanted, rtol=1e-12)


def test_images_that_choose_never_judge():
    """Tuning is judged by 400 images that no reported seed is judged by; none leaks."""
    images = np.arange(1797)[:, None]
    labels = np.arange(1797)
    x, y, test_x, test_y = tn.split(images, labels, range(5), 1197)
    tune_x, _, tune_test, _ = tn.split(images, labels, range(5), 900, tuning=True)

    assert np.array_equal(x[..., 0], y)
    assert test_x.shape == (5, 600, 1)
    assert tune_test.shape == (5, 400, 1)
    assert not np.intersect1d(tune_test, test_y).size
    for place in range(5):
        assert not np.intersect1d(x[place], test_x[place]).size
        assert not np.intersect1d(tune_x[place], tune_test[place]).size
        assert np.unique(x[place]).size == 1197
    with pytest.raises(ValueError, match="1198 training images"):
        tn.split(images, labels, range(5), 1198)


def test_losses_are_what_they_say():
    """Cross-entropy and error against their definitions, large logits too."""
    logits = np.array([[[1.0, 3.0, 2.0], [900.0, 0.0, -900.0]]])
    y = np.array([[2, 0]])
    first = np.log(np.exp([1.0, 3.0, 2.0]).sum()) - 2
    assert np.allclose(tn.log_loss(logits, y), [first / 2], rtol=1e-12)
    assert tn.error(logits, y) == [50.0]


def test_quantiles_are_students():
    """Every stored quantile against SciPy; a number of values without one is refused."""
    for count, quantile in tn.T_QUANTILES.items():
        assert abs(quantile - t.ppf(0.975, count - 1)) < 1e-6
    values = np.array([1.0, 2.0, 4.0, 5.0])
    mean, half = tn.interval(values)
    assert (mean, tn.said(values)) == (3.0, f"+3.00 ± {half:.2f}")
    with pytest.raises(ValueError, match="5 values"):
        tn.interval(np.ones(5))


@pytest.mark.parametrize(
    ("means", "margin", "wanted"),
    [
        ([3, 5], 0, "holds"),
        ([3, 0], 0, "holds weakly"),
        ([0, 0], 0, "does not hold"),
        ([3, -3], 0, "does not hold"),
        ([3, 5], 4, "does not hold"),
        ([-3], 0, "does not hold"),
    ],
)
def test_the_judge_follows_its_rule(means, margin, wanted):
    """All intervals above, at least one and none below, or not."""
    spread = np.array([-0.4, -0.1, 0.1, 0.4])
    assert tn.judge([mean + spread for mean in means], margin) == wanted


def test_tuning_takes_the_lowest_loss_and_tells_of_edges():
    """Each arm by itself; lists are grids, tuples are not; one candidate is not run."""
    seen = []

    def outcome(seeds, rate, keep, sizes):
        seen.append((rate, keep, sizes))
        return {"loss": [abs(rate - 0.3) + keep + 0 * s for s in seeds]}

    arms = {
        "a": {"rate": [0.1, 0.3, 1.0], "keep": [0.6, 0.8], "sizes": (2, 3)},
        "b": {"rate": [0.5, 0.7, 0.9], "keep": 0.4, "sizes": (2, 3)},
        "c": {"rate": [0.2], "keep": 0.9, "sizes": (2, 3)},
    }
    chosen, edges = tn.tune(tn.run_here, outcome, arms, range(4))
    assert chosen["a"] == {"rate": 0.3, "keep": 0.6, "sizes": (2, 3)}
    assert (chosen["b"]["rate"], chosen["c"]["rate"]) == (0.5, 0.2)
    assert edges == ["b: rate 0.5"]
    assert len(seen) == 9


def test_a_loss_that_is_no_number_is_never_chosen():
    """A diverged setting loses against every other."""
    arms = {"a": {"rate": [1.0, 2.0, 3.0]}}

    def outcome(seeds, rate):
        return {"loss": [np.nan if rate < 3 else 9.0]}

    chosen, _ = tn.tune(tn.run_here, outcome, arms, range(1))
    assert chosen["a"]["rate"] == 3.0


def test_reported_and_tuning_seeds_do_not_meet():
    """They lie 10,000 apart."""
    reported, tuning = tn.seeds_of({"first": 50, "seeds": 24, "tuning": 8})
    assert (reported, tuning) == (range(50, 74), range(10_050, 10_058))


def test_a_check_names_what_fell_below_its_margin():
    """The text lists what passed; AssertionError names the difference and the margin."""
    assert tn.check({"gain": [1.0, 2.0]}, {"gain": 1.2}) == "gain: 1.50, above 1.2"
    for values in ([1.0, 1.2], [np.nan, 2.0]):
        with pytest.raises(AssertionError, match=r"gain: .* is not above 1.2"):
            tn.check({"gain": values}, {"gain": 1.2})


def test_a_broken_backward_pass_is_possible_on_purpose():
    """`backward_masks` changes what backward is given, and nothing else."""
    x, y = points()
    common = {"sizes": (4, 6, 3), "steps": 1, "batch": 12, "rate": 0.2, "keep": 0.6}
    right = tn.train(x, y, SEEDS, **common)
    same = tn.train(x, y, SEEDS, backward_masks=lambda masks: masks, **common)
    wrong = tn.train(x, y, SEEDS, backward_masks=lambda masks: [None] * 2, **common)
    assert np.array_equal(right.layers[0]["W"], same.layers[0]["W"])
    assert not np.array_equal(right.layers[0]["W"], wrong.layers[0]["W"])
    assert np.array_equal(right.layers[1]["W"], wrong.layers[1]["W"])
