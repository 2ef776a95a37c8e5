# %% [markdown] claim="On very small training sets dropout gains nothing; with more data the gain grows, then declines" section="section 7.4" source="srivastava2014" paper="section 7.4: no improvement with 100 and 500 MNIST images; with more, the gain increases up to a point and then declines"
# # How much data does dropout need?
#
# Some: here dropout did harm with `20` images and gained +0.48 ± 0.18 points with `100` to `500`.
# That the gain then declines was shown on one set of seeds, not on fresh ones.
#
# A network that under-fits shows another shape.
#
# Read before: [Why dropout?](../learn/why.md) and [choosing rates](../learn/choosing-rates.md).
#
# !!! predict "Predict first"
#
#     A network of one hidden layer trains on `20`, `100`, `500` or `1000` images, with and without dropout.
#     Where does dropout lower the test error most, in percentage points?
#     And does it ever raise the error?
#
# ## The claim
#
# The 2014 paper trained one network on MNIST sets of 100 to 50,000 images [@srivastava2014, section 7.4].
# With 100 and 500 images dropout did not help; with more, its gain grew up to a point and then declined [@srivastava2014, section 7.4].
# Its explanation: there is a "sweet spot", enough data not to be memorised in spite of the noise, but not so much that overfitting is no problem anyway [@srivastava2014, section 7.4].
#
# ## The rule, written before the run
#
# The data are the bundled digits, the sets `20`, `50`, `100`, `200`, `500` and `1000` images.
# A batch has `32` images, or all `20`.
#
# - **Arms:** *none* and *dropout*, in a network of `100` hidden units that takes `800` steps on every set.
#   The hidden layer keeps `0.5`, as in the paper's MNIST networks [@srivastava2014, section B.1].
#   Those also dropped inputs; here only the second network does.
# - **Pairs:** a seed fixes images, first weights and order for both arms; there are `24` seeds, and `600` test images a seed.
# - **Tuning:** each arm has its own learning rate on each set: the one of five with the lowest loss, on `8` other seeds and `400` other images.
#   The five are `1`, `3`, `10`, `30` and `60` times a first rate, which is smaller for smaller sets.
# - **Gain:** test error of *none* minus that of *dropout*, in percentage points.
#
# **Verdict**, from the gains $g_n$ with $n$ images, where $\bar g$ is each seed's mean of $g_{100}$, $g_{200}$ and $g_{500}$:
#
# 1. *No gain*: $0.5 - g_{20}$ is above zero, so that any gain at `20` is below half a point.
# 2. *Growing*: $\bar g$ and the rise $\bar g - g_{20}$ are above zero.
# 3. *Declining*: the fall $\bar g - g_{1000}$ is above zero.
#
# The claim holds if all four 95 % intervals lie above zero.
# It holds weakly if at least one does and none lies below; else it does not hold.
#
# So *growing* compares `20` images with the three middle sets; growth among these is not judged.
# A gain below zero counts as *no gain*.
#
# Gains in percent of the error are shown, too, but not judged.
#
# **Where it should break:** two hidden layers with `64` units each, inputs kept at `0.8` and units at `0.5`, and only `400` steps.
# We expected under-fitting: harm that grows with the data, and shrinks with four times the steps (*longer*) or twice the units (*wider*).
# These rows are outside of the verdict.
#
# Sizes, steps, rates, the margin and the three middle sets were chosen on pilot seeds.
# The row of `50` images enters no part of the rule.
#
# The reported seeds ran twice: in the first run the grid had no `60`, one choice lay at its end, and the code was longer.
# The gains came out the same.

# %% include="snippets/train_networks.py"

# %% [markdown]
# ## The experiment
#
# `NETS` lists the networks; `QUICK` is the same experiment, small enough to run while the page is built.

# %%
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)
FIRST = {20: 0.001, 50: 0.003, 100: 0.003, 200: 0.01, 500: 0.01, 1000: 0.01}
FULL = {"first": 0, "seeds": 24, "tuning": 8, "factors": (1, 3, 10, 30, 60)}
FULL["nets"] = {  # sizes, keep_prob of inputs and layers, steps, images
    "one layer": ((64, 100, 10), (1.0, 0.5), 800, tuple(FIRST)),
    "two layers": ((64, 64, 64, 10), (0.8, 0.5, 0.5), 400, (20, 200, 1000)),
    "longer": ((64, 64, 64, 10), (0.8, 0.5, 0.5), 1600, (1000,)),
    "wider": ((64, 128, 128, 10), (0.8, 0.5, 0.5), 400, (1000,)),
}
QUICK = {"first": 0, "seeds": 20, "tuning": 0, "factors": (10,)}
QUICK["nets"] = {"one layer": ((64, 100, 10), (1.0, 0.5), 250, (20, 100, 200))}
CHECKS = {"loss": 0.0}
PARTS = ["part", "points", "alone", "percent"]
HEAD = ["net", "images", "rates", "fit", "error", "gain", "percent", "in loss"]

# %% [markdown]
# The outcome of a cell has one number for each seed.
# `fit` is the error on the training images, with dropout off.


# %%
def outcome(seeds, train_on, tuning=False, **settings):
    """Return test error, test loss and training error of every seed."""
    x, y, new_x, new_y = split(images, labels, seeds, train_on, tuning)
    nets = train(x, y, seeds, batch=32, **settings)
    z, fit = nets.forward(new_x)[0], error(nets.forward(x)[0], y)
    return {"error": error(z, new_y), "loss": log_loss(z, new_y), "fit": fit}


# %% [markdown]
# A gain has three rows: points, percent of the error without dropout, and the gain in loss.


# %%
def experiment(size, run):
    """Return tables, charts, differences, verdict and effect of a size."""
    (seeds, others), arms, rows, gain = seeds_of(size), {}, [], {}
    for net, (sizes, keep, steps, counts) in size["nets"].items():
        for n, k in itertools.product(counts, (1.0, keep)):
            arm = {"train_on": n, "sizes": sizes, "keep": k, "steps": steps}
            arm["rate"] = [round(FIRST[n] * f, 3) for f in size["factors"]]
            arms[net, n, k] = arm | {"tuning": True}
    chosen, edges = tune(run, outcome, arms, others)
    last = {"seeds": seeds, "tuning": False}
    made = run(outcome, [chosen[arm] | last for arm in arms])
    for (net, n, k), none, drop in zip([*arms][1::2], made[::2], made[1::2]):
        gap, less = (np.subtract(none[m], drop[m]) for m in ("error", "loss"))
        gain[net, n] = np.array([gap, 100 * gap / np.mean(none["error"]), less])
        cells = [[chosen[net, n, keep]["rate"] for keep in (1.0, k)]]
        cells += [np.mean([none[m], drop[m]], 1) for m in ("fit", "error")]
        cells = [f"{round(a, 3):.3g} / {round(b, 3):.3g}" for a, b in cells]
        rows.append([net, n, *cells, *map(said, gain[net, n], (2, 0, 3))])
    one = {n: v for (net, n), v in gain.items() if net == "one layer"}
    few, *middle, many = (one[n] for n in one if n != 50)
    between = np.mean(middle, axis=0)
    parts = {"no gain at 20": 0.5 - few, "gain at 100 to 500": between}
    parts |= {"rise": between - few, "fall": between - many}
    told = [[a, said(v), judge([v]), said(w)] for a, (v, w, _) in parts.items()]
    bars = [[f"{n} images", [*v[0]]] for n, v in one.items()]
    return {
        "tables": {"parts": table(PARTS, told), "gains": table(HEAD, rows)},
        "charts": {"n": {"kind": "intervals", "label": "points", "rows": bars}},
        "differences": {"loss": one[200][2]} | {a: parts[a][0] for a in parts},
        "verdict": judge([v[0] for v in parts.values()]),
        "effect": "points: " + ", ".join(f"{a} {said(v)}" for a, v in bars),
        "edges": edges,
    }


# %% tags=["quick"]
quick = experiment(QUICK, run_here)
print(text_of(quick["tables"]["gains"]))
print(check(quick["differences"], CHECKS))

# %% [markdown]
# ## Result
#
# /// verdict | experiments/results/data-size.json
# ///
#
# How to read the effect: *points* are percentage points of test error that dropout gains, and behind each number of images stands the mean gain with its interval.
# A minus sign means that dropout made more errors, as with `20` images.
# The verdict is not read off these six gains one by one, but from the parts of the rule.
#
# The first table has these parts, each with the verdict it would get *alone*.
# *Percent* is the gain in percent of the mean error of *none*; there, too, *no gain* has a margin of 0.5.
# In the second, `a / b` belongs to *none* and *dropout*; *rates* are the chosen learning rates.
# *Fit* is the training error, with dropout off, and *error* that on test images, in percent.
# *Gain* is in points, *percent* is as above, and *in loss* is the gain in loss, in nats.
#
# /// table | experiments/results/data-size.json parts
# ///
#
# /// table | experiments/results/data-size.json gains
# ///
#
# /// chart | experiments/results/data-size.json n
#     alt: "Gain of dropout for six sizes of the training set, a dot a seed: below zero at 20 images, about zero at 50, above zero from 100 to 500, and about zero at 1000."
#     caption: "One hidden layer: test error without dropout minus test error with it, in points."
# ///
#
# /// claim | data-size-gain-rises-and-falls
#     kind: measured
#     proof: notebook; docs/experiments/results/data-size.json
#     red: "\"keep\": k, => \"keep\": 1.0,"
#
# In a network of one hidden layer, dropout gains −1.04 ± 0.64 points of test error with 20 digits, +0.48 ± 0.18 on average with 100 to 500, and −0.03 ± 0.20 with 1000: a rise of 1.53 ± 0.62, then a fall of 0.52 ± 0.26.
# ///
#
# On fresh seeds the claim holds only weakly.
# The harm with `20` images and the gains with `200` and `500` are shown again.
# But with `1000` images a gain is left there, +0.39 ± 0.17 points, close to those with fewer images, and the fall is not shown.
# So the growth was seen twice, and the decline on one of two sets of seeds.
#
# The sizes do not carry over: the paper saw no gain with 100 and 500 images [@srivastava2014, section 7.4], here a few hundred were enough.
# Three more things weaken the picture.
#
# - **The loss tells another story.** With `20` images dropout has more errors, but a lower loss, by 0.034 ± 0.028; with `1000` images the loss is still lower, by 0.020 ± 0.010.
# - **The end of the curve moves with a rate.** On pilot seeds and on the fresh ones *none* chose the rate 0.1 with `1000` images, here 0.3.
#   Both times a gain was left at `1000` images, and the fall in percent was not shown.
#   In points it was seen on the pilot seeds, on which the rule was made, but not shown on the fresh ones.
# - **Intervals do not know about tuning.** They hold for the rates chosen, and two rates can be nearly equal in loss and differ in error.
#
# ## Where it breaks
#
# /// claim | data-size-under-fitting-grows
#     kind: measured
#     proof: notebook; docs/experiments/results/data-size.json
#     red: "\"keep\": k, => \"keep\": 1.0,"
#
# With two hidden layers of 64 units, input dropout and 400 steps, dropout gains +1.18 ± 0.65 points with 20 digits, −3.35 ± 1.24 with 200 and −6.04 ± 0.59 with 1000.
# With 1000 and dropout, 7.05 % of the training digits are wrong at the end; in one layer of 100 units with 800 steps, 0.192 %.
# ///
#
# This is not the shape of the claim: there is a gain on the smallest set, and harm that grows with the data.
# The gain at `20` is one interval outside of the rule, and may be luck; the harm is large.
# By its dropped inputs this network is nearer to the paper's than the one of the verdict, but it trains for `400` steps only.
#
# The harm goes with under-fitting: without dropout, the same network fits nearly all of the training digits in as many steps.
#
# /// claim | data-size-steps-and-width-help
#     kind: measured
#     proof: notebook; docs/experiments/results/data-size.json
#     red: "\"keep\": k, => \"keep\": 1.0,"
#
# With 1000 digits, four times the steps shrink the harm of dropout to 2.97 ± 0.38 points and its training error to 3.26 %; twice the units, at 400 steps, to 3.27 ± 0.43 points and 4.12 %.
# ///
#
# Both remedies help, and neither was enough.
# A third, a higher `keep_prob`, is [another experiment](keep-probability.py).
#
# So less gain with more data can mean that the network no longer overfits, or that it cannot fit.
# The training error, with dropout off, helps to tell these apart.
#
# Not tested: other data, larger sets, deeper networks trained to the end.
# All seeds draw from the same pool of images.
#
# ## What one may say
#
# > On small sets of digits, dropout in one wide hidden layer did harm with `20` images, and gained about half a point with `100` to `500`.
# > Whether the gain declines with `1000` is open: one set of seeds showed it, another did not.
# > Harm that grows with the data, beside a high training error, is a sign of under-fitting.
#
# !!! can "What you can now do"
#
#     Say for which amounts of data dropout is worth trying, and tell a gain that has run out from a network that under-fits.
#
# Continue: [is dropout the same as a smaller network?](smaller-network.py), or [choosing rates](../learn/choosing-rates.md).
