# %% [markdown] claim="The error is lowest for middling keep probabilities: it is higher at 1 and at 0.1" section="section 7.3" source="srivastava2014"
# # Which keep probability gives the lowest error?
#
# A middling one: ...
#
# %% include="snippets/train_networks.py"

# %% [markdown]
# ## The experiment

# %%
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)

KEEPS = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0]
RATES = [0.03, 0.1, 0.3]
FULL = {"first": 0, "seeds": 24, "tuning": 8, "train": 500, "steps": 1000, "hidden": 128}
FULL |= {"keeps": KEEPS, "rates": RATES}
QUICK = FULL | {"seeds": 12, "tuning": 0, "steps": 300, "train": 200}
QUICK |= {"keeps": [0.1, 0.4, 1.0], "rates": [0.1]}
CHECKS = {"none minus 0.4": 0.2}


def outcome(seeds, train_on, tuning=False, **settings):
    """Return every seed's test error and test loss after training with these settings."""
    x, y, test_x, test_y = split(images, labels, seeds, train_on, tuning)
    nets = train(x, y, seeds, batch=32, **settings)
    logits, _ = nets.forward(test_x)
    return {"error": error(logits, test_y), "loss": log_loss(logits, test_y)}


def experiment(size, run):
    """Return tables, charts, differences, verdict and effect of a size."""
    seeds, others = seeds_of(size)
    fixed = {"train_on": size["train"], "steps": size["steps"]}
    arms = {
        keep: fixed | {"sizes": (64, size["hidden"], 10), "keep": keep, "rate": size["rates"]}
        for keep in size["keeps"]
    }
    chosen, edges = tune(run, outcome, {k: a | {"tuning": True} for k, a in arms.items()}, others)
    final = run(outcome, [chosen[k] | {"seeds": seeds, "tuning": False} for k in arms])
    errors = {k: np.array(r["error"]) for k, r in zip(arms, final)}
    best = 0.4
    differences = {"none minus 0.4": errors[1.0] - errors[best], "0.1 minus 0.4": errors[0.1] - errors[best]}
    rows = [[k, chosen[k]["rate"], said(errors[k], 2, ""), said(errors[k] - errors[best])] for k in arms]
    means = [interval(e) for e in errors.values()]
    curve = ["n fixed", list(errors), [m for m, _ in means], [h for _, h in means]]
    return {
        "tables": {"errors": table(["keep_prob", "rate", "error %", "minus 0.4"], rows)},
        "charts": {"error": {"kind": "curves", "label": "test error, %", "x label": "keep_prob", "series": [curve]},
          "gain": {"kind": "intervals", "label": "difference of errors, points", "rows": [[k, v.tolist()] for k, v in differences.items()]}},
        "differences": differences,
        "verdict": judge(list(differences.values())),
        "effect": f"error without dropout minus keep_prob 0.4: {said(differences['none minus 0.4'])} points",
        "edges": edges,
    }


# %% tags=["quick"]
quick = experiment(QUICK, run_here)
print(text_of(quick["tables"]["errors"]))
print(check(quick["differences"], CHECKS))

# %% [markdown]
# ## Result
#
# /// verdict | experiments/results/keep-probability.json
# ///
#
# /// table | experiments/results/keep-probability.json errors
# ///
#
# /// chart | experiments/results/keep-probability.json error
#     alt: "Test error against keep_prob: high at 0.1, lowest in the middle, rising to 1."
#     caption: "Low in the middle."
# ///
#
# /// chart | experiments/results/keep-probability.json gain
#     alt: "Test error against keep_prob: high at 0.1, lowest in the middle, rising to 1."
#     caption: "Low in the middle."
# ///
