# %% [markdown] claim="Test error falls in this order: L2, max-norm, dropout with L2, dropout with max-norm" section="section 6.5" source="srivastava2014" paper="Table 9: 1.62 % with L2, 1.35 % with max-norm, 1.25 % with dropout and L2, 1.05 % with dropout and max-norm"
# # Which regulariser ranks first if each is tuned?
#
# The paper's ranking is not repeated: with 100 units no step of it is shown on the reported seeds, one on fresh seeds.
# With 12 units, dropout on hidden units has more errors than L2.
#
# Read before: [dropout and other regularisers](../learn/regularisers.md).
#
# !!! predict "Predict first"
#
#     A network of 100 hidden units and one of 12 learn digits from 500 images.
#     Dropout can be on the inputs, on the hidden units, or on both, and it can be joined with L2 or max-norm.
#     For each network, which of these do you expect to beat L2?
#
# ## The claim
#
# The dropout paper compares regularisers on MNIST, with networks of 784-1024-1024-2048-10 units [@srivastava2014, section 6.5].
# Its Table 9 lists these test errors [@srivastava2014, Table 9]:
#
# - 1.62 % with L2 [@srivastava2014, Table 9];
# - 1.60 % with L2, and L1 towards the end of training [@srivastava2014, Table 9];
# - 1.55 % with L2 and KL-sparsity [@srivastava2014, Table 9];
# - 1.35 % with max-norm [@srivastava2014, Table 9];
# - 1.25 % with dropout and L2 [@srivastava2014, Table 9];
# - 1.05 % with dropout and max-norm [@srivastava2014, Table 9].
#
# We read this table as a ranking, and run four of its rows again: L2, max-norm, dropout with L2, dropout with max-norm [@srivastava2014, Table 9].
# The two mixed rows with L1 and KL-sparsity are not run; L1 is run alone.
#
# ## The rule, written before the run
#
# **Data and networks.** Scikit-learn's digits, `500` training images, `800` steps of `32` images with momentum; one hidden layer of `100` ReLU units, and again one of `12`.
#
# **Arms.** *None*; *L2*; *L1*; *max-norm* on the hidden units' incoming weights; *early stopping*; *hidden dropout*, on the hidden units only; *input dropout*, on the pixels only; *dropout*, on both; and *dropout + L2*, *dropout + max-norm*.
#
# *None at 0.1* and *L2 at 0.1* may not choose their rate: they show what a baseline that is not tuned would say.
#
# *Early stopping* gives up a tenth or a fifth of its training images.
# Every `20` steps it measures the loss on them, and each seed keeps the networks of its best step.
# So it pays for the choice with data; the other arms train on all `500`.
#
# **Tuning.** Each arm chooses its learning rate, from `0.03`, `0.1`, `0.3` and `1.0`, together with its strength, by the mean error of `8` other seeds on a fixed set of images that judge no reported run.
# With `12` units the rates go from `0.01` to `0.3`.
# Error chooses, not loss, because the claim is about errors.
# The combined arms keep the two `keep_prob` that *dropout* chose, and choose rate and added strength anew.
# Each network is tuned on its own.
# The arms do not have equally many settings to choose from: *none* has four, *dropout* forty-eight, most have sixteen.
#
# **Pairs.** A seed fixes the images, the first weights and their order; all arms share them.
# There are `30` seeds.
# The outcome is the test error in percent on other images; the loss stands beside it.
#
# **Verdict.** It is about the `100` units.
# The ranking holds if three 95 % intervals lie above zero: L2 minus max-norm, max-norm minus dropout + L2, and dropout + L2 minus dropout + max-norm.
# It holds weakly if one does and none lies below zero, else it does not hold.
#
# Sizes and grids were chosen on pilot seeds, which are not reported.
# The `12` units are there because in the pilot dropout lost with them: they are the condition where the claim was expected to break.
#
# **An earlier run.** The reported seeds and ten more were run once before, on fewer images, with rates up to `0.3`, other grids of strength, and settings chosen by loss.
# Four arms then chose the largest rate on offer, so that grid was too short; and on pilot seeds the loss chose another rate for max-norm, with more errors.
# So rates were added and the error chooses; images, steps, strengths and the number of seeds were then settled anew on pilot seeds.
# All this was changed with the first verdict known, *holds weakly*; the rule of the verdict stayed as it was.
# So the repetition on fresh seeds, on which nothing was chosen, weighs more than the reported run.
#
# ## The code
#
# `keep_in` and `keep_hidden` are the keep probabilities of pixels and hidden units, and `hold` is the share that early stopping gives up.

# %% include="snippets/train_networks.py"

# %%
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)
ARMS = {"none": {}, "early stopping": {"hold": [0.1, 0.2]}}
ARMS["L1"] = {"l1": [1e-4, 3e-4, 1e-3, 3e-3]}
ARMS["L2"] = {"l2": [3e-4, 1e-3, 3e-3, 0.01]}
ARMS["max-norm"] = {"max_norm": [1.0, 1.5, 2.5, 4.0]}
ARMS["hidden dropout"] = {"keep_hidden": [0.4, 0.6, 0.8, 0.9]}
ARMS["input dropout"] = {"keep_in": [0.95, 0.9, 0.8, 0.7]}
ARMS["dropout"] = ARMS["input dropout"] | {"keep_hidden": [0.9, 0.8, 0.6]}
ARMS |= {f"{arm} at 0.1": ARMS[arm] | {"rate": [0.1]} for arm in ("none", "L2")}
TABLE_9 = ["L2", "max-norm", "dropout + L2", "dropout + max-norm"]
FULL = {"first": 0, "seeds": 30, "tuning": 8, "cell": {"n": 500, "steps": 800}}
FULL["rates"] = {100: [0.03, 0.1, 0.3, 1.0], 12: [0.01, 0.03, 0.1, 0.3]}
FEW = ["none", "L2", "max-norm", "hidden dropout", "dropout"]
QUICK = FULL | {"seeds": 12, "tuning": 0, "rates": {100: [0.1], 12: [0.1]}}
QUICK["cell"] = {"n": 200, "steps": 250}
QUICK["arms"] = {a: {n: g[1:2] for n, g in ARMS[a].items()} for a in FEW}
LOSSES = [(arm, "dropout") for arm in FEW[:3]] + [("hidden dropout", "L2")]
LABEL = "error of L2 minus that of the arm, in points"
CHECKS = {"100 units: loss, none minus dropout": 0.003}
CHECKS["12 units: loss, hidden dropout minus L2"] = 0.02


# %%
def outcome(seeds, tuning, units, n, hold=0, keep_in=1, keep_hidden=1, **more):
    """Return error and loss (2, seeds); as what tuning lowers, the error."""
    x, y, new_x, new_y = split(images, labels, seeds, n, tuning)
    held, seen = int(hold * n), []

    def watch(step, nets):
        if (step + 1) % (20 if held else more["steps"]) == 0:
            z, new = nets.forward(x[:, : held or 1])[0], nets.forward(new_x)[0]
            stop = log_loss(z, y[:, : held or 1])
            seen.append([stop, error(new, new_y), log_loss(new, new_y)])

    more |= {"sizes": (64, units, 10), "batch": 32, "watch": watch}
    train(x[:, held:], y[:, held:], seeds, keep=[keep_in, keep_hidden], **more)
    best = np.argmin([stop for stop, _, _ in seen], axis=0)
    both = np.array(seen)[best, 1:, range(len(seeds))].T
    return {"both": both, "loss": both[0]}


# %%
def experiment(size, run):
    """Return tables, charts, differences, verdict and effect of a size."""
    seeds, others = seeds_of(size)
    tables, charts, gaps, ends = {}, {}, {}, []
    for units, rates in size["rates"].items():
        cell = size["cell"] | {"tuning": True, "units": units, "rate": rates}
        arms = {a: cell | grid for a, grid in size.get("arms", ARMS).items()}
        chosen, edges = tune(run, outcome, arms, others)
        fixed = {name: chosen["dropout"][name] for name in ARMS["dropout"]}
        added = {f"dropout + {a}": arms[a] | fixed for a in TABLE_9[:2]}
        more, more_edges = tune(run, outcome, added, others)
        chosen |= more
        name = f"{units} units"
        ends += [f"{name}, {edge}" for edge in edges + more_edges]
        cells = [c | {"seeds": seeds, "tuning": False} for c in chosen.values()]
        made = [np.array(one["both"]) for one in run(outcome, cells)]
        found = dict(sorted(zip(chosen, made), key=lambda r: -r[1][0].mean()))
        wrong, loss = np.swapaxes(list(found.values()), 0, 1)  # (arms, seeds)
        gain, step = found["L2"][0] - wrong, wrong - [*wrong[1:], wrong[-1]]
        mine = [list(chosen[arm].items())[4:] for arm in found]
        rows = {"arm": found}
        rows["chosen"] = [", ".join(f"{n} {v}" for n, v in one) for one in mine]
        rows["error, %"] = [said(v, 2, "") for v in wrong]
        rows["loss"] = [said(v, 3, "") for v in loss]
        rows["minus the next"] = [said(v) if v.any() else "" for v in step]
        rows["L2 minus it"] = [said(v) for v in gain]
        rows["in loss"] = [said(v, 3) for v in found["L2"][1] - loss]
        tables[name] = table(rows, zip(*rows.values()))
        dots = list(zip(found, gain.tolist()))
        charts[name] = {"kind": "intervals", "label": LABEL, "rows": dots}
        for a, b in itertools.pairwise(TABLE_9):
            gaps[f"{name}: {a} minus {b}"] = found[a][0] - found[b][0]
        for a, b in LOSSES:
            gaps[f"{name}: loss, {a} minus {b}"] = found[a][1] - found[b][1]
    pairs = [[gap, said(values, 3)] for gap, values in gaps.items()]
    tables["pairs"] = table(["difference", "mean"], pairs)
    first = list(gaps)[:3]
    words = "; ".join(f"{gap} {said(gaps[gap])} points" for gap in first)
    judged = {"verdict": judge(gaps[gap] for gap in first), "effect": words}
    out = {"tables": tables, "charts": charts, "differences": gaps}
    return out | judged | {"edges": ends}


# %% tags=["quick"]
quick = experiment(QUICK, run_here)
print(text_of(quick["tables"]["100 units"]))
print(check(quick["differences"], CHECKS))

# %% [markdown]
# The quick run asserts two large differences in loss: dropout is better than none with 100 units, and hidden dropout is worse than L2 with 12.
#
# ## Result
#
# /// verdict | experiments/results/regularisers.json
# ///
#
# /// table | experiments/results/regularisers.json 100 units
# ///
#
# The arms stand in the order of their mean error, the highest first.
# *Chosen* is what the tuning seeds chose; *error* and *loss* are means on the test images, with the half-width of a 95 % interval.
# *Minus the next* is the difference from the row below, and empty if there is no such row or if its settings are the same.
# *L2 minus it* and *in loss* are differences from L2: positive favours the arm.
#
# /// chart | experiments/results/regularisers.json 100 units
#     alt: "Twelve rows of dots for a network of 100 units, a dot a seed: the error of L2 minus that of the arm. Early stopping lies far left, then none and L2 at the rate 0.1, then L1; the intervals of none, of all five kinds of dropout and of max-norm include zero; L2 itself is zero."
#     caption: "100 hidden units: L2's error minus each arm's. Right of zero is better than L2."
# ///
#
# Two pairs of neighbours are separated by their intervals: early stopping from the row below it, and L1 from the row below it, only just.
# Neighbours are chosen by the order itself, so these intervals are too hopeful.
#
# /// claim | regularisers-ranking
#     kind: measured
#     proof: notebook; docs/experiments/results/regularisers.json
#     red: "keep=[keep_in, keep_hidden] => keep=1.0"
#
# With 100 units no step of the paper's ranking is shown on the reported seeds: L2 minus max-norm is +0.08 ± 0.16 points, max-norm minus dropout + L2 is +0.04 ± 0.19, and dropout + L2 minus dropout + max-norm is −0.22 ± 0.20, which is the reverse.
# ///
#
# The verdict depends on the run: the earlier run and the one on fresh seeds *hold weakly*.
# In both, L2 minus max-norm lies above zero, so max-norm may well have fewer errors than L2.
# The two steps from there to dropout are shown in none of the three runs, and the reversed one is not repeated on fresh seeds.
# On fresh seeds dropout on hidden units, on both, and its two combinations have fewer errors than L2, too; none has fewer than max-norm.
#
# /// claim | regularisers-rate
#     kind: measured
#     proof: notebook; docs/experiments/results/regularisers.json
#     red: "keep=[keep_in, keep_hidden] => keep=1.0"
#
# A rate that is not tuned changes the comparison: none has 3.98 ± 0.29 % of errors at the rate 0.1 and 3.48 ± 0.25 % at its own rate of 0.3; L2 at 0.1 has 0.57 ± 0.18 points more than L2 at 0.3.
# ///
#
# On fresh seeds none gains from its own rate, too; for L2 a gain is not shown there.
# Whether the larger rate regularises, or gets further in so few steps, this run does not separate.
# Beside L2 kept at 0.1, every arm with dropout would look better by about half a point; this was read off after the run.
# Beside L2 at its own rate, on these seeds, none of them is shown to be better or worse in error, nor are max-norm and none.
# That is not equality: each interval leaves room for about a quarter of a point or more.
# In loss more is shown: *dropout + L2* has a lower one than L2; none, L1 and hidden dropout have a higher one.
#
# The first three rows of the next table are judged; the other rows were computed with them.
#
# /// table | experiments/results/regularisers.json pairs
# ///
#
# ## Where it breaks
#
# /// table | experiments/results/regularisers.json 12 units
# ///
#
# /// chart | experiments/results/regularisers.json 12 units
#     alt: "Twelve rows of dots for a network of 12 units, a dot a seed: the error of L2 minus that of the arm. Hidden dropout and early stopping lie furthest left, none, dropout on both, L1 and dropout with max-norm left of zero; dropout with L2, input dropout and max-norm include zero; no mean lies right of zero."
#     caption: "12 hidden units: L2's error minus each arm's. Left of zero is worse than L2."
# ///
#
# /// claim | regularisers-small-network
#     kind: measured
#     proof: notebook; docs/experiments/results/regularisers.json
#     red: "keep=[keep_in, keep_hidden] => keep=1.0"
#
# With 12 units L2 minus hidden dropout is −1.74 ± 0.78 points and L2 minus dropout on both −0.82 ± 0.45: dropout has more errors than L2; for input dropout, −0.26 ± 0.46, no difference is shown.
# ///
#
# So a verdict on dropout depends on the network and on where the masks are.
# It depends on the reference, too: dropout on both is not told apart from *none* here, which also has more errors than L2.
#
# - **Early stopping** is last or last but one in both tables.
#   It trains on fewer images, and at 100 units with a smaller rate; what stopping alone does was not run.
# - **Ends of grids.** With 100 units L1, *L2 at 0.1*, the L2 and the max-norm beside dropout chose their weakest strength; some keep probabilities were at their weakest, too.
#   Far beyond that end lies the arm without the regulariser.
#   With 12 units, max-norm chose its strongest; the earlier run had offered a weaker L2 and a stronger max-norm.
# - **Many intervals.** The tables hold over twenty differences from L2, each with its own interval; about one in twenty such intervals misses.
#   Only three differences are judged.
# - **Tuning.** All tuning seeds are judged by the same images, and the intervals do not contain the chance of another choice: the earlier run chose other settings, and its verdict was another.
# - **Other data, other sizes.** One data set of small images, one hidden layer, few steps; the paper's networks are far larger.
# - **Outliers.** With 12 units one network with hidden dropout made eleven points more errors than its pair with L2.
#   None is excluded; without that pair the interval would still lie below zero.
#
# ## What one may say
#
# "On small digits, with every arm tuned and 100 hidden units, whether dropout had fewer errors than L2 depended on the seeds: not shown in one run, shown in its repetition."
# "In neither did dropout have fewer errors than max-norm by more than chance."
#
# "In a network of 12 hidden units, dropout on hidden units had more errors than L2; for dropout on the inputs no difference was shown."
#
# !!! can "What you can now do"
#
#     Rank regularisers fairly: each with its own learning rate and strength, on pairs of seeds, in error and in loss; repeat the ranking on fresh seeds; read the neighbours in a ranking by their intervals; and say what the tuning leaves open.
#
# Continue: [planar points, with the course's settings](planar-network.py), or back to [dropout and other regularisers](../learn/regularisers.md).
