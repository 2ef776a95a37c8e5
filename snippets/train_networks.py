"""Train many small networks at once, one for each seed, with every form of dropout.

More than 40 lines: it is what the site's experiments share, and each shows it whole.
Every array has a leading axis for the seed: inputs (seeds, examples, units), labels
(seeds, examples), weights (seeds, in, out). A seed has one stream of random numbers
for its data, weights, order of examples and masks; two methods that are compared
share the first three, and a seed's numbers do not depend on its neighbours.
Source: https://jmlr.org/papers/v15/srivastava14a.html (dropout, max-norm).
"""

import itertools

import numpy as np

DATA, WEIGHTS, ORDER, MASKS = range(4)  # the streams of a seed
VALIDATION, TEST = 400, 600  # images that choose settings, and that judge them
# Quantiles of Student's t for 95 % intervals, by the number of values
COUNTS = (4, 6, 8, 10, 12, 16, 20, 24, 30, 32, 40, 48, 60)
POINTS = (
    *(3.182446, 2.570582, 2.364624, 2.262157, 2.200985, 2.131450, 2.093024),
    *(2.068658, 2.045230, 2.039513, 2.022691, 2.011741, 2.000995),
)
T_QUANTILES = dict(zip(COUNTS, POINTS))


def streams(seeds, purpose):
    """Return one generator a seed for one of DATA, WEIGHTS, ORDER and MASKS."""
    return [np.random.default_rng([seed, purpose]) for seed in seeds]


def split(images, labels, seeds, train, tuning=False):
    """Return training and test sets of every seed: x (seeds, n, pixels), y, x, y.

    The first 400 images of one fixed order judge settings (`tuning`); the reported
    seeds may train on them, but each is judged by 600 of the others.
    """
    order = np.random.default_rng(0).permutation(len(images))
    held, rest = order[:VALIDATION], order[VALIDATION:]
    if train > len(rest) - (0 if tuning else TEST - VALIDATION):
        raise ValueError(f"{train} training images are more than there are")
    chosen = []
    for rng in streams(seeds, DATA):
        mixed = rng.permutation(rest)
        test, pool = (held, mixed) if tuning else (mixed[:TEST], mixed[TEST:])
        pool = pool if tuning else rng.permutation(np.concatenate([pool, held]))
        chosen.append((pool[:train], test))
    parts = [np.stack(part) for part in zip(*chosen)]
    return tuple(data[part] for part in parts for data in (images, labels))


# ---- masks: (seeds, batch or 1, units), already scaled --------------------------------


def own_masks(keep_prob, batch, units, rngs):
    """Return inverted dropout's masks, drawn for each example."""
    shape = batch, units
    kept = [rng.random(shape, dtype=np.float32) < keep_prob for rng in rngs]
    return np.stack(kept) / keep_prob


def shared_masks(keep_prob, batch, units, rngs):
    """Return inverted dropout's masks, one for the whole batch."""
    return own_masks(keep_prob, 1, units, rngs)


def gaussian_masks(keep_prob, batch, units, rngs):
    """Return normal factors with the mean and variance of inverted dropout's masks."""
    sd = np.sqrt((1 - keep_prob) / keep_prob)
    drawn = [rng.standard_normal((batch, units), dtype=np.float32) for rng in rngs]
    return 1 + sd * np.stack(drawn)


# ---- networks -------------------------------------------------------------------------


class Networks:
    """Fully connected ReLU networks with a softmax output, one for each seed.

    A hidden layer is affine, batch normalisation if asked for, ReLU, then dropout.
    A list of masks has one entry for the inputs and one for each hidden layer; None
    stands for no dropout there.
    """

    def __init__(self, sizes, seeds, batch_norm=False, dtype=np.float32):
        self.layers, self.running = [], []
        rngs = streams(seeds, WEIGHTS)
        for n_in, n_out in itertools.pairwise(sizes):
            W = [rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)) for rng in rngs]
            row = np.zeros((len(rngs), 1, n_out), dtype)
            self.layers.append({"W": np.stack(W).astype(dtype), "b": row})
            if batch_norm and len(self.layers) < len(sizes) - 1:
                self.layers[-1] |= {"scale": row + 1, "shift": row.copy()}
                self.running.append({"mean": row.copy(), "var": row + 1})

    def forward(self, x, masks=None, training=False):
        """Return the logits (seeds, examples, classes) and what backward needs."""
        masks = masks or [None] * len(self.layers)
        h, saved = x if masks[0] is None else x * masks[0], []
        for number, layer in enumerate(self.layers):
            now = {"input": h}
            z = h @ layer["W"] + layer["b"]
            saved.append(now)
            if number == len(self.layers) - 1:
                return z, saved
            if "scale" in layer:
                z = self._normalised(z, number, now, training)
            now["gate"] = z > 0
            mask = masks[number + 1]
            h = z * now["gate"] if mask is None else z * now["gate"] * mask
        return None

    def _normalised(self, z, number, now, training):
        """Return z with mean 0 and variance 1 over the batch, then scaled and shifted."""
        layer, running = self.layers[number], self.running[number]
        mean, var = running["mean"], running["var"]
        if training:
            mean, var = z.mean(1, keepdims=True), z.var(1, keepdims=True)
            for name, value in (("mean", mean), ("var", var)):
                running[name] = 0.9 * running[name] + 0.1 * value
        now["sd"] = np.sqrt(var + 1e-5)
        now["normal"] = (z - mean) / now["sd"]
        return layer["scale"] * now["normal"] + layer["shift"]

    def backward(self, delta, saved, masks=None):
        """Return the gradients of a training pass, shaped like `layers`.

        `delta` is the gradient of the loss with respect to the logits.
        """
        masks = masks or [None] * len(self.layers)
        grads = []
        for number in reversed(range(len(self.layers))):
            layer, now, grad = self.layers[number], saved[number], {}
            if "gate" in now:
                mask = masks[number + 1]
                delta = (
                    delta * now["gate"] if mask is None else delta * now["gate"] * mask
                )
            if "scale" in layer:
                normal = now["normal"]
                grad["scale"] = np.sum(delta * normal, 1, keepdims=True)
                grad["shift"] = np.sum(delta, 1, keepdims=True)
                delta = delta * layer["scale"]
                along = normal * np.mean(delta * normal, 1, keepdims=True)
                delta = (delta - delta.mean(1, keepdims=True) - along) / now["sd"]
            grad["W"] = now["input"].swapaxes(1, 2) @ delta
            grad["b"] = np.sum(delta, 1, keepdims=True)
            grads.append(grad)
            if number:
                delta = delta @ layer["W"].swapaxes(1, 2)
        return grads[::-1]


def softmax(logits):
    """Return the class probabilities of every example."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def log_loss(logits, y):
    """Return the mean cross-entropy of every seed, in nats."""
    top = logits.max(-1, keepdims=True)
    total = np.log(np.sum(np.exp(logits - top), -1)) + top[..., 0]
    right = np.take_along_axis(logits, y[..., None], -1)[..., 0]
    return np.mean(total - right, axis=-1)


def error(logits, y):
    """Return the share of wrong answers of every seed, in percent."""
    return 100 * np.mean(logits.argmax(-1) != y, axis=-1)


# ---- training -------------------------------------------------------------------------


def train(
    x, y, seeds, *, sizes, steps, batch, rate, keep=1.0, draw=own_masks, momentum=0.9,
    adam=False, l2=0.0, l1=0.0, max_norm=None, batch_norm=False, final_rate=0.0,
    backward_masks=None, watch=None, dtype=np.float32,
):  # fmt: skip
    """Return networks trained on x (seeds, n, inputs) and y (seeds, n).

    The learning rate goes from `rate` to `final_rate` times `rate` in a line. `keep`
    is the keep probability of every hidden layer, or a list that begins with that of
    the inputs, or a function of the step that returns one of them. `l2` and `l1` are
    the factors of the penalties' gradients; `max_norm` bounds the incoming weights of
    each hidden unit. `backward_masks(masks)` changes what backward is given (a bug).
    `watch(step, networks)` is called after every step. A batch of all examples keeps
    their order.
    """
    networks = Networks(sizes, seeds, batch_norm, dtype)
    x, rows, n = x.astype(dtype), np.arange(len(seeds))[:, None], x.shape[1]
    epochs = -(-steps * batch // n)
    orders = np.stack(
        [np.ravel([g.permutation(n) for _ in range(epochs)]) for g in streams(seeds, ORDER)]
    )  # fmt: skip
    rngs = streams(seeds, MASKS)
    state = [{k: (0 * v, 0 * v) for k, v in layer.items()} for layer in networks.layers]
    for step in range(steps):
        which = orders[:, step * batch : (step + 1) * batch]
        now_x, now_y = (x, y) if batch >= n else (x[rows, which], y[rows, which])
        keeps = keep(step) if callable(keep) else keep
        if np.ndim(keeps) == 0:
            keeps = [1.0, *[keeps] * (len(sizes) - 2)]
        masks = [
            None if k == 1 else draw(k, now_x.shape[1], units, rngs).astype(dtype)
            for k, units in zip(keeps, sizes)
        ]
        logits, saved = networks.forward(now_x, masks, training=True)
        delta = softmax(logits)
        delta[rows, np.arange(now_x.shape[1]), now_y] -= 1
        used = masks if backward_masks is None else backward_masks(masks)
        grads = networks.backward(delta / now_x.shape[1], saved, used)
        now_rate = rate * (1 - (1 - final_rate) * step / steps)
        for layer, grad, moments in zip(networks.layers, grads, state):
            grad["W"] += l2 * layer["W"] + l1 * np.sign(layer["W"])
            for name, g in grad.items():
                moments[name] = _moments(moments[name], g, momentum, adam)
                move = _direction(moments[name], momentum, adam, step)
                layer[name] = layer[name] - dtype(now_rate) * move
            if max_norm is not None and layer is not networks.layers[-1]:
                norm = np.sqrt(np.sum(layer["W"] ** 2, 1, keepdims=True))
                layer["W"] *= np.minimum(1, max_norm / np.maximum(norm, 1e-12))
        if watch is not None:
            watch(step, networks)
    return networks


def _moments(moments, g, momentum, adam):
    """Return running sums of the gradient, and for Adam of its square."""
    first, second = moments
    if adam:
        return momentum * first + (1 - momentum) * g, 0.999 * second + 0.001 * g * g
    return momentum * first + g, second


def _direction(moments, momentum, adam, step):
    """Return the step that the moments ask for, before the learning rate."""
    first, second = moments
    if not adam:
        return first
    root = np.sqrt(second / (1 - 0.999 ** (step + 1)))
    return first / (1 - momentum ** (step + 1)) / (root + 1e-8)


# ---- experiments ----------------------------------------------------------------------


def run_here(function, cells):
    """Return function(**cell) of every cell, one after the other."""
    return [function(**cell) for cell in cells]


def seeds_of(size):
    """Return the reported seeds, and the other ones on which settings are chosen."""
    first, other = size["first"], size["first"] + 10_000
    return range(first, first + size["seeds"]), range(other, other + size["tuning"])


def tune(run, function, arms, seeds):
    """Return each arm's settings with the lowest mean `loss` on the tuning seeds.

    An arm is a dict of settings; a list among its values is a grid to choose from.
    Also returned: every choice that lies at the end of a grid of three or more.
    """
    cells, owners = [], []
    for arm, settings in arms.items():
        grid = {name: v for name, v in settings.items() if isinstance(v, list)}
        for values in itertools.product(*grid.values()):
            cells.append(settings | dict(zip(grid, values)))
            owners.append(arm)
    alone = {arm for arm in arms if owners.count(arm) == 1}
    trials = [c | {"seeds": seeds} for c, o in zip(cells, owners) if o not in alone]
    losses = iter([np.mean(r["loss"]) for r in run(function, trials)])
    scores = [0.0 if owner in alone else next(losses) for owner in owners]
    chosen, edges = {}, []
    for arm, settings in arms.items():
        mine = [i for i, owner in enumerate(owners) if owner == arm]
        chosen[arm] = cells[min(mine, key=lambda i: (np.isnan(scores[i]), scores[i]))]
        for name, grid in settings.items():
            ends = isinstance(grid, list) and len(grid) > 2
            if ends and chosen[arm][name] in (grid[0], grid[-1]):
                edges.append(f"{arm}: {name} {chosen[arm][name]}")
    return chosen, edges


def interval(values):
    """Return the mean of one value a seed and the half-width of its 95 % t-interval."""
    values = np.asarray(values, dtype=float)
    if len(values) not in T_QUANTILES:
        raise ValueError(f"no t quantile for {len(values)} values: add it")
    spread = values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), T_QUANTILES[len(values)] * spread


def said(values, digits=2, sign="+"):
    """Return mean and half-width as text, such as "+0.32 ± 0.13"."""
    mean, half = interval(values)
    return f"{mean:{sign}.{digits}f} ± {half:.{digits}f}".replace("-", "−")


def judge(differences, margin=0.0):
    """Return the verdict on a claim that all these differences exceed the margin.

    "holds" if every 95 % interval lies above it, "holds weakly" if at least one does
    and none lies below it, else "does not hold".
    """
    ends = [(m - h, m + h) for m, h in map(interval, differences)]
    if all(low > margin for low, _ in ends):
        return "holds"
    weakly = any(low > margin for low, _ in ends) and all(up > margin for _, up in ends)
    return "holds weakly" if weakly else "does not hold"


def table(columns, rows):
    """Return a table of texts as `text_of` and the stored results take it."""
    return {"columns": list(columns), "rows": [[str(c) for c in row] for row in rows]}


def text_of(made):
    """Return a table as aligned text."""
    rows = [made["columns"], *made["rows"]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def check(differences, margins):
    """Return the checks as text; raise AssertionError for a mean below its margin."""
    lines = []
    for name, margin in margins.items():
        mean = float(np.mean(differences[name]))
        if not mean > margin:
            raise AssertionError(f"{name}: {mean:.3f} is not above {margin}")
        lines.append(f"{name}: {mean:.2f}, above {margin}")
    return "\n".join(lines)


if __name__ == "__main__":
    two_seeds = [0, 1]
    points = np.stack([rng.normal(size=(60, 2)) for rng in streams(two_seeds, DATA)])
    inside = (np.sum(points**2, axis=-1) < 1.4).astype(int)
    settings = {"sizes": [2, 16, 2], "steps": 200, "batch": 20, "rate": 0.1}
    nets = train(points, inside, two_seeds, keep=0.8, **settings)
    wrong = error(nets.forward(points)[0], inside)
    print("wrong on the training points:", " ".join(f"{w:.1f} %" for w in wrong))
