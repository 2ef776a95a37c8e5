# %% [markdown] claim="Test error falls in this order: L2, max-norm, dropout with L2, dropout with max-norm" section="section 6.5" source="srivastava2014" paper="Table 9: 1.62 % with L2, 1.35 % with max-norm, 1.25 % with dropout and L2, 1.05 % with dropout and max-norm"
# # Which regulariser ranks first, and does dropout need max-norm?
#
# The paper's ranking is not repeated here.
# With 100 units and tuned rates no arm is shown to have fewer errors than L2; with 12 units, dropping hidden units costs.
# Max-norm adds nothing that is shown.
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
# *None at 0.1* and *L2 at 0.1* may not choose their rate: they show what a shared rate would say.
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
# **An earlier run.** The reported seeds were run once before, with rates up to `0.3` and settings chosen by loss.
# Four arms then chose the largest rate on offer, so that grid was too short; and on pilot seeds the loss chose another rate for max-norm, with more errors.
# So rates were added and the error chooses; images, steps and strengths were then settled anew on pilot seeds.
# The verdict of the earlier run is kept beside the table.
#
# ## The code
#
# `keep_in` and `keep_hidden` are the keep probabilities of pixels and hidden units, and `hold` is the share that early stopping gives up.

# %% include="snippets/train_networks.py"

# %%
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)
ARMS = {"early stopping": {"hold": [0.1, 0.2]}}
ARMS["L1"] = {"l1": [1e-4, 3e-4, 1e-3, 3e-3]}
ARMS["input dropout"] = {"keep_in": [0.95, 0.9, 0.8, 0.7]}
ARMS |= {"none": {}, "L2": {"l2": [3e-4, 1e-3, 3e-3, 0.01]}}
ARMS["max-norm"] = {"max_norm": [1.0, 1.5, 2.5, 4.0]}
ARMS["hidden dropout"] = {"keep_hidden": [0.4, 0.6, 0.8, 0.9]}
ARMS["dropout"] = ARMS["input dropout"] | {"keep_hidden": [0.9, 0.8, 0.6]}
SAME = {"rate": [0.1]}
ARMS |= {"none at 0.1": SAME, "L2 at 0.1": ARMS["L2"] | SAME}
TABLE_9 = ["L2", "max-norm", "dropout + L2", "dropout + max-norm"]
FULL = {"first": 0, "seeds": 30, "tuning": 8, "arms": ARMS}
FULL["rates"] = {100: [0.03, 0.1, 0.3, 1.0], 12: [0.01, 0.03, 0.1, 0.3]}
FULL["cell"] = {"train_on": 500, "steps": 800}
QUICK = FULL | {"seeds": 12, "tuning": 0}
FEW = list(ARMS.items())[3:8]
QUICK["arms"] = {arm: {n: g[1:2] for n, g in grid.items()} for arm, grid in FEW}
QUICK |= {"cell": {"train_on": 200, "steps": 250}}
QUICK["rates"] = {100: [0.1], 12: [0.1]}
LOSSES = [(arm, "dropout") for arm in ("none", "L2", "max-norm")]
LOSSES += [("hidden dropout", "L2")]
LABEL = "error of L2 minus that of the arm, in points"
CHECKS = {"100 units: loss, none minus dropout": 0.003}
CHECKS["12 units: loss, hidden dropout minus L2"] = 0.02


# %%
def outcome(seeds, tuning, train_on, units, hold=0, **settings):
    """Return error and loss (2, seeds); as what tuning lowers, the error."""
    x, y, new_x, new_y = split(images, labels, seeds, train_on, tuning)
    keep = [settings.pop("keep_in", 1), settings.pop("keep_hidden", 1)]
    held, seen = int(hold * train_on), []

    def watch(step, nets):
        if (step + 1) % (20 if held else settings["steps"]) == 0:
            z, new = nets.forward(x[:, : held or 1])[0], nets.forward(new_x)[0]
            stop = log_loss(z, y[:, : held or 1])
            seen.append([stop, error(new, new_y), log_loss(new, new_y)])

    settings |= {"sizes": (64, units, 10), "batch": 32, "watch": watch}
    train(x[:, held:], y[:, held:], seeds, keep=keep, **settings)
    best = np.argmin([stop for stop, _, _ in seen], axis=0)
    both = np.array(seen)[best, 1:, range(len(seeds))].T
    return {"both": both, "loss": both[0]}


# %%
def experiment(size, run):
    """Return tables, charts, differences, verdict and effect of a size."""
    seeds, others = seeds_of(size)
    tables, charts, gaps, edges = {}, {}, {}, []
    for units, rates in size["rates"].items():
        cell = {"tuning": True, "units": units} | size["cell"] | {"rate": rates}
        arms = {arm: cell | grid for arm, grid in size["arms"].items()}
        chosen, ends = tune(run, outcome, arms, others)
        fixed = {n: chosen["dropout"][n] for n in ARMS["dropout"]}
        added = {f"dropout + {arm}": arms[arm] | fixed for arm in TABLE_9[:2]}
        more, more_ends = tune(run, outcome, added, others)
        chosen |= more
        edges += [f"{units} units, {end}" for end in ends + more_ends]
        final = {"seeds": seeds, "tuning": False}
        made = run(outcome, [one | final for one in chosen.values()])
        found = {arm: np.array(one["both"]) for arm, one in zip(chosen, made)}
        ranked = sorted(found, key=lambda arm: -found[arm][0].mean())
        rows, name = [], f"{units} units"
        for arm, after in itertools.pairwise([*ranked, ranked[-1]]):
            mine = [f"{n} {v}" for n, v in list(chosen[arm].items())[4:]]
            (wrong, loss), gain = found[arm], found["L2"] - found[arm]
            row = [arm, ", ".join(mine), said(wrong, 2, ""), said(loss, 3, "")]
            step = wrong - found[after][0]  # 0 in the last row
            row += [said(step) if step.any() else "", said(gain[0])]
            rows.append([*row, said(gain[1], 3)])
        head = "arm|chosen|error, %|loss|minus the next|L2 minus it|in loss"
        tables[name] = table(head.split("|"), rows)
        dots = [[arm, (found["L2"] - found[arm])[0].tolist()] for arm in ranked]
        charts[name] = {"kind": "intervals", "label": LABEL, "rows": dots}
        for a, b in itertools.pairwise(TABLE_9):
            gaps[f"{name}: {a} minus {b}"] = found[a][0] - found[b][0]
        for a, b in LOSSES:
            gaps[f"{name}: loss, {a} minus {b}"] = found[a][1] - found[b][1]
    pairs = [[name, said(gap, 3)] for name, gap in gaps.items()]
    tables["pairs"] = table(["difference", "mean"], pairs)
    first = dict(itertools.islice(gaps.items(), 3))
    words = "; ".join(f"{gap} {said(v)} points" for gap, v in first.items())
    result = {"tables": tables, "charts": charts, "differences": gaps}
    judged = {"verdict": judge(first.values()), "effect": words, "edges": edges}
    return result | judged


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
# *Minus the next* is the difference from the row below, and empty if there is none or if its settings are the same.
# *L2 minus it* and *in loss* are differences from L2: positive favours the arm.
#
# /// chart | experiments/results/regularisers.json 100 units
#     alt: "Twelve rows of dots for a network of 100 units, a dot a seed: the error of L2 minus that of the arm. Early stopping lies far left, then none and L2 at the rate 0.1, then L1; the intervals of none, of all kinds of dropout and of max-norm include zero."
#     caption: "100 hidden units: L2's error minus each arm's. Right of zero is better than L2."
# ///
#
# Two pairs of neighbours are separated by their intervals: early stopping from the row below it, and L1 from the row below it, only just.
# Neighbours are chosen by the order itself, so their differences are flattered.
#
# /// claim | regularisers-ranking
#     kind: measured
#     proof: notebook; docs/experiments/results/regularisers.json
#     red: "seeds, keep=keep, => seeds, keep=1.0,"
#
# With 100 units no step of the paper's ranking is shown: L2 minus max-norm is +0.08 ± 0.16 points, max-norm minus dropout + L2 is +0.04 ± 0.19, and dropout + L2 minus dropout + max-norm is −0.22 ± 0.20, which is the reverse.
# ///
#
# /// claim | regularisers-rate
#     kind: measured
#     proof: notebook; docs/experiments/results/regularisers.json
#     red: "seeds, keep=keep, => seeds, keep=1.0,"
#
# The learning rate is a regulariser, too: none has 3.98 ± 0.29 % of errors at the rate 0.1 and 3.48 ± 0.25 % at its own rate of 0.3; L2 at 0.1 has 0.57 ± 0.18 points more than L2 at 0.3.
# ///
#
# Beside L2 or none kept at 0.1, the dropout arms look better by about half a point.
# With their own rates, L2, max-norm and dropout are level in error, and none with them.
# In loss more is shown: *dropout + L2* gains on L2, and none loses.
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
#     alt: "Twelve rows of dots for a network of 12 units, a dot a seed: the error of L2 minus that of the arm. Hidden dropout and early stopping lie furthest left, none, dropout and L1 left of zero; input dropout and max-norm include zero; no arm lies right of zero."
#     caption: "12 hidden units: L2's error minus each arm's. Left of zero is worse than L2."
# ///
#
# /// claim | regularisers-small-network
#     kind: measured
#     proof: notebook; docs/experiments/results/regularisers.json
#     red: "seeds, keep=keep, => seeds, keep=1.0,"
#
# With 12 units L2 minus hidden dropout is −1.74 ± 0.78 points and L2 minus dropout on both −0.82 ± 0.45: dropout has more errors; for input dropout, −0.26 ± 0.46, no difference is shown.
# ///
#
# So a verdict on dropout depends on the network and on where the masks are.
#
# - **Early stopping** is last or last but one in both tables: a tenth of its images only chooses the step.
# - **Ends of grids.** L1, *L2 at 0.1* and the L2 beside dropout chose their weakest strength; so did the max-norm beside dropout and some keep probabilities.
#   One step further is the arm without it.
#   With 12 units, max-norm chose its strongest.
# - **Tuning.** All tuning seeds are judged by the same images, and the intervals do not contain the chance of another choice: the earlier run chose other rates, and its verdict was another.
# - **Other data, other sizes.** One data set of small images, one hidden layer, few steps; the paper's networks are far larger.
# - **Outliers.** With 12 units some networks with hidden dropout hardly learned; none is excluded.
#
# ## What one may say
#
# "On small digits, with every arm at its own learning rate, L2, max-norm and dropout could not be told apart by their errors; beside L2 at a smaller rate, dropout looked better."
#
# "In a network that is hardly large enough, dropout on hidden units costs accuracy, and dropout on the inputs does not."
#
# !!! can "What you can now do"
#
#     Rank regularisers fairly: each with its own learning rate and strength, on pairs of seeds, in error and in loss; read the neighbours in a ranking by their intervals; and say what the tuning leaves open.
#
# Continue: [planar points, with the course's settings](planar-network.py), or back to [dropout and other regularisers](../learn/regularisers.md).
