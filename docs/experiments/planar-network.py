# %% [markdown] claim="With the settings of the course, dropout raises the accuracy on noisy planar points" section="Regularization assignment" source="dlai-regularization-copy" paper="test accuracy 91.5 % without, 93 % with L2, 95 % with dropout, one run each"
# # Does dropout help on planar points, with the course's settings?
#
# Not reliably: a gain with flipped labels and long training, shown on one set of seeds, was not shown on fresh ones.
# One run on 200 points can have either sign.
#
# Read before: [the mask](../learn/mask.md) and [a whole network from scratch](../learn/network.md).
#
# !!! predict "Predict first"
#
#     Two networks start from the same weights and see the same 211 noisy points, one without and one with dropout.
#     Both are judged on 200 new points.
#     In how many of two dozen repetitions will dropout have more wrong answers?
#
# ## The claim
#
# The course's assignment trains a network with hidden layers of `20` and `3` units on points of the plane.
# It reports a test accuracy of 91.5 % without regularisation, 93 % with L2 and 95 % with dropout [@dlai-regularization-copy].
# Each is one run, judged on 200 points.
#
# We do not have the right to publish those points, so these are our own.
# Two trial runs for this site disagreed: one saw a clear gain by dropout on such points, the other saw none.
# They differed in the noise of the labels, in the number of steps and in what they did with runs that never learned.
# So the noise and the steps are settings here.
#
# ## The rule, written before the run
#
# A point is uniform on the square from $-1$ to $1$, and its true class says whether it lies above the curve $0.6 \sin(4 x_1)$.
# Labels come in three kinds:
#
# - *flips*: each label is wrong with probability `0.15`, wherever the point lies;
# - *jitter*: each point is labelled at a place that normal noise with standard deviation `0.05` has moved, so only labels near the curve are wrong;
# - *clean*: labels are the true classes.
#
# **Arms.** *None*, *L2* and *dropout* in both hidden layers, with the course's settings [@dlai-regularization-copy]: rate 0.3, `keep_prob` 0.86, and L2's $\lambda = 0.7$ divided by the `211` points, all of which are in every step.
# Two lengths: `500` and `6000` steps; the course takes many more, and its output is one sigmoid where ours is a softmax over two classes.
#
# *Tuned* is a comparison on flips with `2000` steps.
# There each arm has the rate (`0.03`, `0.1` or `0.3`) and the strength with the lowest loss on `8` other seeds.
#
# **Pairs.** A seed fixes points, noise and first weights, which all arms share.
# A *gain* is the error without regularisation minus that with it, in percentage points.
# The error is the share of the `4211 - 211` new points whose true class is missed.
# Beside it stand the gain in loss, on the noisy labels of these points, and *one run*.
# *One run* is the gain on the first `200` of these points with their noisy labels: a test set as small as the course's.
#
# **Collapsed runs.** A network with more than `35` % wrong answers on its own training points has collapsed.
# Its seed is left out of all rows and counted; the column *with collapsed* keeps it.
#
# **Verdict.** The claim that dropout raises the accuracy holds if both 95 % intervals of its gain, for flips and for jitter after `6000` steps, lie above zero.
# It holds weakly if one does and none lies below, else it does not hold.
# Without any effect, about one experiment in twenty would hold weakly by chance.
#
# Curve, lengths, limit of collapse and grids were chosen on pilot seeds, which are not reported.
#
# ## The code
#
# The library trains all seeds at once; its lines are in the download.
# Every outcome holds three rows: clean error, error on the `200` points, and loss.
# The t quantiles are for the seeds that remain when some have collapsed.

# %% include="snippets/train_networks.py"

# %%
COURSE = {"none": {}, "L2": {"l2": 0.7 / 211}, "dropout": {"keep": 0.86}}
GRIDS = {"none": {}, "L2": {"l2": [0.001, 0.003, 0.01]}}
GRIDS["dropout"] = {"keep": [0.95, 0.86, 0.7]}
FULL = {"first": 0, "seeds": 24, "tuning": 8}
FULL["steps"] = {"flips": [500, 6000], "jitter": [500, 6000], "clean": [500]}
QUICK = FULL | {"seeds": 48, "tuning": 0, "steps": {"clean": [200]}}
CHECKS = {"share of seeds with more errors, clean labels": 0.6}
T_QUANTILES |= {19: 2.100922, 21: 2.085963, 22: 2.079614, 23: 2.073873}
LABEL = "gain of one run with dropout on 200 points, in points"
HEAD = "labels, steps|arm|rates|gain|with collapsed|in loss|one run|s|worse in"


# %%
def outcome(seeds, noise, **settings):
    """Return clean error, error on 200 points, loss; training error."""
    rngs = streams(seeds, DATA)
    x = np.stack([rng.uniform(-1, 1, (4211, 2)) for rng in rngs])
    moves = np.stack([rng.normal(0, 0.05, (4211, 2)) for rng in rngs])
    flips = np.stack([rng.random(4211) < 0.15 for rng in rngs])
    judged = x + moves * (noise == "jitter")
    true, y = [z[..., 1] > 0.6 * np.sin(4 * z[..., 0]) for z in (x, judged)]
    y = (y ^ (flips & (noise == "flips"))).astype(int)
    settings |= {"sizes": (2, 20, 3, 2), "batch": 211, "momentum": 0}
    nets = train(x[:, :211], y[:, :211], seeds, final_rate=1, **settings)
    old, new = np.split(nets.forward(x)[0], [211], axis=1)
    loss, few = log_loss(new, y[:, 211:]), error(new[:, :200], y[:, 211:411])
    every = np.array([error(new, true[:, 211:]), few, loss])
    return {"all": every, "loss": loss, "fit": error(old, y[:, :211])}


# %%
def experiment(size, run):
    """Return tables, chart, differences, verdict and effect of a size."""
    seeds, others = seeds_of(size)
    own = {"noise": "flips", "steps": 2000, "rate": [0.03, 0.1, 0.3]}
    arms = {("tuned", arm): own | GRIDS[arm] for arm in GRIDS if size["tuning"]}
    for noise, arm in itertools.product(size["steps"], COURSE):
        for steps in size["steps"][noise]:
            course = {"noise": noise, "steps": steps, "rate": 0.3}
            arms[f"{noise}, {steps} steps", arm] = course | COURSE[arm]
    cells, edges = tune(run, outcome, arms, others)
    made = run(outcome, [cell | {"seeds": seeds} for cell in cells.values()])
    found = {key: np.array(one["all"]) for key, one in zip(cells, made)}
    fit = np.max([one["fit"] for one in made], axis=0)
    fine = (fit < 35) | (not size["tuning"])  # the quick run keeps all
    rows, gains = [], {}
    for data, arm in (key for key in cells if key[1] != "none"):
        none, cell = cells[data, "none"], cells[data, arm]
        gain = found[data, "none"] - found[data, arm]
        clean, few, loss = gains[data, arm] = gain[:, fine]
        row = [data, f"{arm} {cell.get('l2', cell.get('keep')):.2g}"]
        row += [f"{none['rate']}, {cell['rate']}", said(clean), said(gain[0])]
        row += [said(loss, 3), said(few), f"{few.std(ddof=1):.1f}"]
        rows.append([*row, f"{sum(few < 0)} of {len(few)}"])
    last = {k: f"{k}, {steps[-1]} steps" for k, steps in size["steps"].items()}
    ends = {noise: gains[data, "dropout"][0] for noise, data in last.items()}
    words = [f"{said(ends[noise])} ({data})" for noise, data in last.items()]
    dots = [[d, g[1].tolist()] for (d, arm), g in gains.items() if arm != "L2"]
    return {
        "tables": {"gains": table(HEAD.split("|"), rows)},
        "charts": {"runs": {"kind": "intervals", "label": LABEL, "rows": dots}},
        "differences": ends | {next(iter(CHECKS)): 1.0 * (ends["clean"] < 0)},
        "verdict": judge(list(ends.values())[:2]),
        "effect": "gain of dropout in points: " + ", ".join(words),
    } | {"edges": edges, "excluded": int(sum(~fine))}


# %% tags=["quick"]
quick = experiment(QUICK, run_here)
print(text_of(quick["tables"]["gains"]))
print(check(quick["differences"], CHECKS))

# %% [markdown]
# The quick run asserts one thing that is easy to see: early in training, on clean labels, dropout costs accuracy in most pairs.
#
# ## Is the gradient right?
#
# The masks are drawn once and frozen, so the loss is an ordinary function of the weights.
# Each weight is moved a little up and down; the change of the loss is compared with `backward`.

# %%
three, n = range(3), 8
nets = Networks((2, 20, 3, 2), three, dtype=np.float64)
for layer in nets.layers:
    layer["b"] += 0.1  # away from the kinks at zero
rng = np.random.default_rng(2)
x, y = rng.uniform(-1, 1, (3, n, 2)), rng.integers(0, 2, (3, n))
rngs = streams(three, MASKS)
masks = [None, *(own_masks(0.86, n, units, rngs) for units in (20, 3))]

logits, saved = nets.forward(x, masks, training=True)
delta = softmax(logits)
delta[np.arange(3)[:, None], np.arange(n), y] -= 1
grads = nets.backward(delta / n, saved, masks)
ours, wanted = [], []
for layer, grad in zip(nets.layers, grads):
    for name, part in layer.items():
        for i in np.ndindex(part.shape):
            old, ends = part[i], []
            for part[i] in (old + 1e-5, old - 1e-5):
                ends.append(log_loss(nets.forward(x, masks)[0], y).sum())
            part[i] = old
            wanted.append((ends[0] - ends[1]) / 2e-5)
            ours.append(grad[name][i])
ours, wanted = np.array(ours), np.array(wanted)
apart = np.linalg.norm(ours - wanted) / np.linalg.norm(ours + wanted)

assert apart < 1e-7
print(f"{ours.size} derivatives, relative error below 1e-7: {apart < 1e-7}")

# %% [markdown]
# /// claim | planar-gradient
#     kind: exact
#     proof: notebook
#     red: "else delta * now[\"gate\"] * mask => else delta * now[\"gate\"]"
#
# With its masks frozen, the network's gradient agrees with central differences to a relative error below 1e-7.
# ///
#
# ## Result
#
# /// verdict | experiments/results/planar-network.json
# ///
#
# /// table | experiments/results/planar-network.json gains
# ///
#
# Every row compares an arm with none; positive gains favour the arm, and *tuned* is flips with `2000` steps.
# *Rates* are those of none and of the arm; behind an arm stands its strength.
# *One run* is the mean over the seeds of a gain on 200 points, $s$ the standard deviation of these gains, and *worse in* counts the seeds in which the arm had more wrong answers.
# None of these 24 seeds collapsed, so the two columns of gains agree.
#
# ### Why do the two verdicts differ?
#
# By chance, as far as we can tell: code and settings are the same, only the seeds differ.
# The rule gives *holds weakly* on the reported seeds and *does not hold* on fresh ones.
# With flipped labels the mean gain is +3.04 points on the first and +0.95 on the fresh ones, where the interval contains zero.
# The two intervals overlap, so the runs do not contradict each other.
# But an effect that 24 seeds show once and once do not is not settled by 24 seeds.
#
# So what this page says of one run applies to its own verdict: it is one draw, too.
# The table is that of the reported seeds only; of the fresh ones only the three gains below the verdict are kept.
#
# /// chart | experiments/results/planar-network.json runs
#     alt: "Rows of dots, one row for each kind of labels and length of training, a dot for each seed: the gain by dropout on 200 points. In every row the dots lie on both sides of zero; only for flips after 6000 steps does the interval of the mean lie right of zero, and for clean labels it lies left."
#     caption: "What one run with dropout would have shown, on 200 points: a dot right of zero favours dropout."
# ///
#
# /// claim | planar-same-rate
#     kind: measured
#     proof: notebook; docs/experiments/results/planar-network.json
#     red: "\"dropout\": {\"keep\": 0.86} => \"dropout\": {\"keep\": 1.0}"
#
# At the course's rate, dropout's gain with flipped labels is −1.89 ± 1.16 points after 500 steps and +3.04 ± 1.60 after 6000; with jitter after 6000, +0.42 ± 0.55, no gain is shown.
# Fresh seeds show neither gain after 6000 steps: +0.95 ± 1.81 with flips, −0.02 ± 0.44 with jitter.
# ///
#
# L2 with the course's strength gained +2.88 ± 1.09 points on the same flips, and +0.80 ± 0.55 on jitter, after 6000 steps.
# It was not compared with dropout directly, and is not part of the verdict.
#
# /// claim | planar-tuned-no-difference
#     kind: measured
#     proof: notebook; docs/experiments/results/planar-network.json
#     red: "\"dropout\": {\"keep\": 0.86} => \"dropout\": {\"keep\": 1.0}"
#
# On flipped labels, with the rate and the strength chosen for each arm, no difference in error is shown after 2000 steps: dropout's gain is −0.14 ± 0.92 points, L2's +0.16 ± 0.59; in loss dropout gains 0.015 ± 0.009.
# ///
#
# /// claim | planar-single-seed
#     kind: measured
#     proof: notebook; docs/experiments/results/planar-network.json
#     red: "\"dropout\": {\"keep\": 0.86} => \"dropout\": {\"keep\": 1.0}"
#
# On 200 points with flipped labels, after 6000 steps, dropout's gain has a mean of +2.27 ± 1.39 points, but a standard deviation of 3.3 from run to run, and is negative in 4 of 24 runs; with jitter it is negative in 9, tuned in 10.
# ///
#
# ## Why did two trial runs disagree?
#
# Steps and noise may be why, and so may chance: our own two runs disagreed with neither changed.
#
# On the reported seeds the steps turned the sign: with flips dropout lost after `500` and gained after `6000`.
# Noise would be a reason, too.
# Flipped labels lie anywhere, so a network that trains long can bend its boundary around single points, and each bend costs clean accuracy.
# Jittered labels are wrong near the boundary only, where a bend costs little.
# But no interval compares flips with jitter here, and on fresh seeds neither gain is shown.
# The course reports one run of each arm, on points whose noise nobody states.
#
# Tuned, no gain is left to see: with a smaller rate, none may in effect stop early, and have less to lose.
# That reason was found after the run; the numbers agree with it, but no arm tests it.
#
# ## Where it breaks
#
# /// claim | planar-no-flips
#     kind: measured
#     proof: notebook; docs/experiments/results/planar-network.json
#     red: "\"dropout\": {\"keep\": 0.86} => \"dropout\": {\"keep\": 1.0}"
#
# Without wrong labels, after 500 steps at the course's rate, dropout costs 1.54 ± 0.45 points of error and 0.055 ± 0.017 of loss.
# ///
#
# Fresh seeds show this loss of accuracy again.
#
# - **Collapse.** On the pilot seeds some networks without dropout never learned, because their three ReLU units were dead, while the same weights with dropout did.
#   One such seed moved the mean by more than everything else: hence the rule about collapsed runs.
# - **The grid of `keep_prob`.** The tuned arm chose `0.95`, the weakest on offer; one step further is no dropout.
# - **Fewer steps than the course.** The gain on flips grew from `500` to `6000` steps on the reported seeds; the course goes on to 30 000 [@dlai-regularization-copy].
# - **One curve, two kinds of noise, one small network.** Two hidden layers of `20` and `3` units say nothing about wide ones.
# - **Many rows.** A table of so many rows has intervals that exclude zero by chance; the verdict uses two of them, fixed before.
#   That did not make it stable.
#
# ## What one may say
#
# "On small planar sets with the course's settings, no reliable gain by dropout was found: one set of seeds showed one, with flipped labels and long training, and another did not."
#
# "Early in training, on clean labels, it cost accuracy on both."
#
# "One run on 200 points decides nothing there: the gain varies more from run to run than its mean is large."
#
# !!! can "What you can now do"
#
#     Say why a single comparison on a small test set shows next to nothing, and why one verdict is a draw, too; name the noise, the steps and the tuning before you believe a gain; and treat runs that never learned by a rule fixed beforehand.
#
# Continue: [regularisers ranked](regularisers.py), or back to [a whole network from scratch](../learn/network.md).
