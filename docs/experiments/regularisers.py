# %% [markdown]
# # Does dropout beat L2 and max-norm?
#
# On one of two kinds of data, yes; on the other, no.
# No regulariser wins on both, so try them on your own data.
#
# Read before: [dropout and other regularisers](../learn/regularisers.md).
#
# !!! predict "Predict first"
#
#     Five arms: none, L2, max-norm, dropout, and dropout with max-norm.
#     Each is tuned.
#     Will their order be the same on two kinds of data?
#
# ## The question and the rule
#
# One hidden layer of ReLU units, one logistic output, few training points: the plain network fits them and overfits.
# The data are ours; a seed is one task with its own training set, test set and first weights.
#
# These points were fixed before the reported seeds ran:
#
# - All arms see the same tasks and start from the same weights: the seeds are paired.
# - Each arm gets the learning rate and the strength with the lowest mean test loss on other seeds, `TUNING`.
# - *Dropout + max-norm* keeps the keep probabilities chosen for dropout and tunes the bound and the rate again.
# - The outcome is the test loss; the test error in percent is shown beside it.
# - **Rule:** a difference is shown if its 95 % t-interval over the seeds excludes zero; otherwise it is not shown.
#
# The kinds of data, their sizes and the grids were chosen on further seeds, none of them reported.
# The grids were shortened after the first run, to save time: twice as many settings had led to the same choices and so to the same numbers.

# %%
import matplotlib.pyplot as plt
import numpy as np

TUNING, SEEDS = range(200, 208), range(40)  # a seed is a task and its first weights
POINTS, TEST, HIDDEN = 80, 500, 24  # training points, test points, hidden units
STEPS, MOMENTUM = 150, 0.9  # of full-batch gradient descent
RATES = [0.01, 0.03, 0.1, 0.3]
DECAYS = [0.003, 0.01, 0.03]  # L2
BOUNDS = [0.5, 1.0, 2.0]  # max-norm
KEEPS = [(0.9, 0.9), (0.8, 0.8), (0.6, 0.6)]  # inputs, hidden units
T_QUANTILE = 2.023  # 97.5 % point of Student's t, 40 - 1 = 39 degrees of freedom

print(f"{len(SEEDS)} seeds, {len(TUNING)} others for tuning, 95 % intervals")
print(f"{POINTS} training points, {HIDDEN} hidden units, {STEPS} steps")

# %% [markdown]
# ## Two kinds of data
#
# - **Patterns.** Six random patterns of `40` bits, three for each class; a point is a pattern with every bit flipped with probability 0.2.
# - **Factors.** Three hidden normal factors, seen through `30` inputs that mix them and add noise; the class is the sign of the product of two factors.


# %%
def patterns(rng):
    """Return a task: a function that draws points (n, 40) and labels (n, 1)."""
    bits = rng.random((6, 40)) < 0.3

    def draw(n):
        which = rng.integers(0, 6, n)
        x = bits[which] ^ (rng.random((n, 40)) < 0.2)
        return x.astype(float), which[:, None] % 2.0

    return draw


def factors(rng):
    """Return a task: a function that draws points (n, 30) and labels (n, 1)."""
    mixing = rng.normal(size=(3, 30)) / np.sqrt(3)

    def draw(n):
        hidden = rng.normal(size=(n, 3))
        x = hidden @ mixing + rng.normal(0, 0.7, (n, 30))
        return x, (hidden[:, :1] * hidden[:, 1:2] > 0).astype(float)

    return draw


def sets_of(kind, seeds):
    """Return training and test data, each (seeds, n, units)."""
    draws = [kind(np.random.default_rng([seed, 0])) for seed in seeds]
    sets = [(*draw(POINTS), *draw(TEST)) for draw in draws]
    return [np.stack(part) for part in zip(*sets)]


# %% [markdown]
# ## The network and the regularisers
#
# Arrays have two leading axes, for settings and seeds, so that a whole grid trains at once.
#
# - L2 adds `decay` times the weights to their gradient, not for biases.
# - Max-norm rescales the incoming weights of a hidden unit after each step, if their norm exceeds the bound.
# - Dropout is inverted, on inputs and hidden units, with fresh masks for each example, step and seed.
#
# By hand: with the bound $1$, incoming weights of norm $1.25$ are multiplied by $1 / 1.25 = 0.8$.


# %%
def first_weights(inputs, seeds):
    """Return [W, b, v, c] of the two layers, each (seeds, in, out)."""
    layers, rngs = [], [np.random.default_rng([seed, 1]) for seed in seeds]
    for n_in, n_out in [(inputs, HIDDEN), (HIDDEN, 1)]:
        w = [rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)) for rng in rngs]
        layers += [np.stack(w), np.zeros((len(seeds), 1, n_out))]
    return layers


def forward(layers, x, mask=1.0):
    """Return logits, hidden activations and the gate that backward needs."""
    W, b, v, c = layers
    z = x @ W + b
    gate = (z > 0) * mask
    return (z * gate) @ v + c, z * gate, gate


def loss(logits, y):
    """Return the mean cross-entropy between sigmoid(logits) and y."""
    return np.mean(np.logaddexp(0, logits) - y * logits, axis=(-1, -2))


def gradients(layers, x, y, mask=1.0):
    """Return the gradient of the loss, shaped like layers."""
    logits, a, gate = forward(layers, x, mask)
    delta = (0.5 + 0.5 * np.tanh(logits / 2) - y) / y.shape[-2]
    dz = delta * layers[2].swapaxes(-1, -2) * gate
    pairs = [(x, dz), (a, delta)]
    parts = [(i.swapaxes(-1, -2) @ d, d.sum(-2, keepdims=True)) for i, d in pairs]
    return [grad for part in parts for grad in part]


def bounded(W, bound):
    """Return W with every column's norm at most bound."""
    norm = np.sqrt(np.sum(W**2, axis=-2, keepdims=True))
    return W * np.minimum(1, bound / np.maximum(norm, 1e-12))


def train(x, y, settings, seeds, rng):
    """Return the layers, each (settings, seeds, in, out), after STEPS steps."""
    columns = np.array(settings, dtype=float).T[..., None, None, None]
    rate, decay, bound, keep_x, keep_a = columns
    copies = (len(settings), 1, 1, 1)
    layers = [np.tile(w, copies) for w in first_weights(x.shape[-1], seeds)]
    speed = [np.zeros_like(w) for w in layers]
    for _ in range(STEPS):
        masked, mask = x, 1.0
        if np.any(keep_a < 1):
            masked = x * ((rng.random(x.shape) < keep_x) / keep_x)
            mask = (rng.random((*x.shape[:2], HIDDEN)) < keep_a) / keep_a
        grads = gradients(layers, masked, y, mask)
        for i, grad in enumerate(grads):
            if i in (0, 2):
                grad += decay * layers[i]
            speed[i] *= MOMENTUM
            speed[i] -= rate * grad
            layers[i] += speed[i]
        if np.isfinite(bound).any():
            layers[0] = bounded(layers[0], bound)
    return layers


print("norms 1.25 and 0.8, bound 1:", bounded(np.array([[1.25, 0.8]]), 1.0))


# %% [markdown]
# ## Is the gradient right?
#
# The masks are drawn once and frozen; each weight moves a little up and down, and the loss answers.

# %%
x, y = (part[:1, :6] for part in sets_of(factors, TUNING)[:2])
rng = np.random.default_rng(2)
layers = [w + 0.1 for w in first_weights(30, TUNING[:1])]
mask = (rng.random((1, 6, HIDDEN)) < 0.8) / 0.8
ours = np.concatenate([grad.ravel() for grad in gradients(layers, x, y, mask)])
wanted = []
for part in layers:
    for i in np.ndindex(part.shape):
        old, ends = part[i], []
        for part[i] in (old + 1e-5, old - 1e-5):
            ends.append(loss(forward(layers, x, mask)[0], y)[0])
        part[i] = old
        wanted.append((ends[0] - ends[1]) / 2e-5)
gap = np.linalg.norm(ours - wanted) / np.linalg.norm(ours + wanted)

assert gap < 1e-7
print(f"{ours.size} derivatives, relative error below 1e-7: {gap < 1e-7}")

# %% [markdown]
# /// claim | regularisers-gradient
#     kind: exact
#     proof: notebook
#     red: "layers[2].swapaxes(-1, -2) * gate => layers[2].swapaxes(-1, -2) * (gate > 0)"
#
# With its mask frozen, the network's gradient agrees with central differences to a relative error below 1e-7.
# ///
#
# ## Tuning
#
# Every arm has the same six rates to choose from, and four strengths.


# %%
def strengths(arm, keeps):
    """Return the decay, the bound and both keep probabilities that an arm may use."""
    return {
        "none": [(0.0, np.inf, 1.0, 1.0)],
        "L2": [(decay, np.inf, 1.0, 1.0) for decay in DECAYS],
        "max-norm": [(0.0, bound, 1.0, 1.0) for bound in BOUNDS],
        "dropout": [(0.0, np.inf, *pair) for pair in KEEPS],
        "both": [(0.0, bound, *keeps) for bound in BOUNDS],  # dropout + max-norm
    }[arm]


ARMS = ["none", "L2", "max-norm", "dropout", "both"]


def tuned(kind):
    """Return each arm's chosen setting, judged on the tuning seeds alone."""
    x, y, test_x, test_y = sets_of(kind, TUNING)
    chosen, keeps = {}, (1.0, 1.0)
    for arm in ARMS:
        best = np.inf
        for rate in RATES:
            grid = [(rate, *rest) for rest in strengths(arm, keeps)]
            layers = train(x, y, grid, TUNING, np.random.default_rng(300))
            value = loss(forward(layers, test_x)[0], test_y).mean(axis=1)
            if value.min() < best:
                best, chosen[arm] = value.min(), grid[int(np.argmin(value))]
        keeps = chosen[arm][3:]
    return chosen


CHOSEN = {kind.__name__: tuned(kind) for kind in (patterns, factors)}
print("data      arm        rate  decay  bound  keep_prob")
for name, chosen in CHOSEN.items():
    for arm, (rate, decay, bound, *keeps) in chosen.items():
        print(f"{name:9} {arm:9} {rate:5}  {decay:5}  {bound:5}  {keeps}")

# %% [markdown]
# ## Result
#
# First each arm's mean over the seeds, then the paired differences with their intervals.


# %%
def outcomes(kind, chosen):
    """Return every arm's test loss, test error in percent and training loss."""
    x, y, test_x, test_y = sets_of(kind, SEEDS)
    found = {}
    for arm, setting in chosen.items():
        layers = train(x, y, [setting], SEEDS, np.random.default_rng(301))
        logits = forward(layers, test_x)[0]
        wrong = 100 * np.mean((logits > 0) != (test_y > 0), axis=(-1, -2))
        fit = loss(forward(layers, x)[0], y)
        found[arm] = loss(logits, test_y)[0], wrong[0], fit[0]
    return found


def interval(values):
    """Return the mean of one number a seed and the half-width of its 95 % interval."""
    return values.mean(), T_QUANTILE * values.std(ddof=1) / np.sqrt(len(values))


PAIRS = [
    ("dropout", "none"),
    ("dropout", "L2"),
    ("dropout", "max-norm"),
    ("both", "dropout"),
    ("both", "L2"),
    ("both", "max-norm"),
    ("L2", "none"),
    ("max-norm", "L2"),
]
results, shown = {}, {}
for kind in (patterns, factors):
    name = kind.__name__
    found = results[name] = outcomes(kind, CHOSEN[name])
    print(f"{name}: loss, error in %, training loss")
    for arm, values in found.items():
        means = [v.mean() for v in values]
        print(f"  {arm:20} {means[0]:.3f}  {means[1]:4.1f}  {means[2]:.3f}")
    for a, b in PAIRS:
        mean, half = interval(found[a][0] - found[b][0])
        shown[name, a, b] = 0 if abs(mean) < half else int(np.sign(mean))
        verdict = "shown" if shown[name, a, b] else "not shown"
        line = f"  {a + ' - ' + b:20} {mean:+.3f} ± {half:.3f}"
        mean, half = interval(found[a][1] - found[b][1])
        print(f"{line}  {mean:+.1f} ± {half:.1f}  {verdict}")

chance = 0.05 * len(shown)  # of the intervals, if no arms differed
print(f"{len(shown)} intervals; chance alone would show {chance:.1f} on average")
better = [("patterns", a, b) for a in ("dropout", "both") for b in ARMS[:3]]
better += [("factors", "dropout", "none"), ("factors", "both", "dropout")]
assert all(shown.get(pair, -1) == -1 for pair in better)
assert shown["factors", "dropout", "L2"] == shown["factors", "dropout", "max-norm"] == 1
assert shown["factors", "both", "L2"] == -1
assert shown["patterns", "both", "dropout"] == shown["patterns", "max-norm", "L2"] == 0

# %% [markdown]
# /// claim | regularisers-patterns
#     kind: measured
#     proof: notebook
#     red: "if np.any(keep_a < 1): => if np.any(keep_a < 0):"
#
# On patterns dropout changes the test loss by −0.040 ± 0.011 against none, −0.023 ± 0.011 against L2 and −0.024 ± 0.012 against max-norm; a bound added to dropout, and max-norm against L2, make no difference that is shown.
# ///
#
# /// claim | regularisers-factors
#     kind: measured
#     proof: notebook
#     red: "layers[0] = bounded(layers[0], bound) => layers[0] = bounded(layers[0], np.inf)"
#
# On factors dropout changes the test loss by −0.041 ± 0.008 against none, but by +0.041 ± 0.012 against L2 and +0.054 ± 0.011 against max-norm; a bound added to dropout changes it by −0.059 ± 0.010.
# ///
#
# So patterns show two groups: none, L2 and max-norm in one, both dropout arms in the other.
# Inside the first, L2 is better than none.
# Factors show another order.
# What holds on both: dropout is better than none, and dropout with max-norm is better than L2.
# The latter depends on the number of steps, see the exercise.

# %% alt="Two panels with one interval an arm: the test loss minus that of none. On patterns dropout and dropout with max-norm lie lowest. On factors L2, max-norm and dropout with max-norm lie lowest, and dropout alone lies between them and none." caption="Test loss minus that of none, with 95 % intervals. Squares: arms with dropout. Lower is better."
figure, panels = plt.subplots(1, 2, sharey=True, layout="constrained")
for panel, (name, found) in zip(panels, results.items()):
    for row, arm in enumerate(ARMS[1:]):
        mean, half = interval(found[arm][0] - found["none"][0])
        mark, colour = ("s", "C2") if arm in ("dropout", "both") else ("o", "C0")
        panel.errorbar(mean, -row, xerr=half, fmt=mark, color=colour, capsize=5)
    panel.axvline(0, color="black", linewidth=1, linestyle="--")
    panel.locator_params(axis="x", nbins=4)
    panel.set(
        title=name, yticks=range(0, -4, -1), yticklabels=ARMS[1:], ylim=(-3.5, 0.5)
    )
    panel.grid(False)
plt.show()

# %% [markdown]
# ## Where this stops being true
#
# - **Other data.** Of several kinds that were tried, these two were kept because they differ; a third may show a third order, and nothing here says why.
# - **Other sizes.** One hidden layer, few points, few steps: nothing here speaks for deep networks or large data.
# - **The bound** lies on the hidden layer only, and its grid was chosen for these sizes.
# - **Early stopping** is no arm, but a small chosen rate [acts like it](../learn/regularisers.md#early-stopping): all arms take the same number of steps.
# - **Many comparisons.** An interval that barely excludes zero, like *both − max-norm* on factors, can be chance.
# - **Not shown is not zero.**
#
# !!! exercise "Exercise"
#
#     Give every arm three times the steps.
#     Does the verdict on dropout against L2 change on factors?
#
# ??? solution "Solution"
#
#     Change `STEPS` in the downloaded file and run it; it tunes again by itself.
#     In our run dropout against L2 kept its sign on both kinds of data, but dropout with max-norm against L2 was no longer shown on factors.
#     The file then stops at an assertion, which speaks of the published run; and some arms chose the smallest rate, so the grid should reach further down.
#
# !!! can "What you can now do"
#
#     Compare regularisers fairly: paired seeds, each arm tuned on other seeds, a rule fixed beforehand, and more than one kind of data.
#
# Continue: [choosing rates](../learn/choosing-rates.md), or back to [dropout and other regularisers](../learn/regularisers.md).
