import numpy as np

POINTS, STEPS, BATCH, UNITS, CLASSES = 120, 200, 40, 32, 6
RATES, SEEDS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0), range(800, 824)
CENTRES = np.random.default_rng(7).normal(size=(3 * CLASSES, 10))


def draw(seed, points):  # three clouds for each class
    rng = np.random.default_rng(seed)
    cloud = rng.integers(3 * CLASSES, size=points)
    x = CENTRES[cloud] + 0.7 * rng.normal(size=(points, 10))
    return x, np.eye(CLASSES)[cloud % CLASSES]


NEW, TRUE = draw(7, 600)


def train(depth, keep_prob, rate, seeds):  # masks without a scale
    x, y = map(np.stack, zip(*(draw([s, 0], POINTS) for s in seeds)))
    rngs = [np.random.default_rng([s, 1]) for s in seeds]
    net, sizes = [], [10] + [UNITS] * depth + [CLASSES]
    for n, m in zip(sizes, sizes[1:]):
        w = np.stack([rng.normal(size=(n, m)) for rng in rngs])
        net += [w * np.sqrt(2 / n), np.zeros((len(seeds), 1, m))]
    speed, masks = [0.0] * len(net), np.random.default_rng(2)
    for step in range(STEPS):
        at = masks.permutation(POINTS)[:BATCH]
        a, inputs = x[:, at], []
        for w, b in zip(net[:-2:2], net[1:-2:2]):
            inputs.append(a)
            a = np.maximum(a @ w + b, 0)
            a = a * (masks.random(a.shape) < keep_prob)
        inputs.append(a)
        z = a @ net[-2] + net[-1]
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        delta = (e / e.sum(axis=-1, keepdims=True) - y[:, at]) / BATCH
        for i in reversed(range(depth + 1)):
            a, w = inputs[i], net[2 * i]
            grads = a.swapaxes(1, 2) @ delta, delta.sum(axis=1, keepdims=True)
            delta = delta @ w.swapaxes(1, 2) * (a > 0)
            for j, grad in enumerate(grads, start=2 * i):
                speed[j] = 0.9 * speed[j] - rate * (1 - step / STEPS) * grad
                net[j] = net[j] + speed[j]
    return net


def evaluate(net, factor):  # loss and error in %, for each seed
    a = NEW
    for w, b in zip(net[:-2:2], net[1:-2:2]):
        a = factor * np.maximum(a @ w + b, 0)
    z = a @ net[-2] + net[-1]
    z = z - z.max(axis=-1, keepdims=True)
    loss = np.log(np.exp(z).sum(axis=-1)) - (z * TRUE).sum(axis=-1)
    wrong = z.argmax(axis=-1) != TRUE.argmax(axis=-1)
    return np.array([loss.mean(axis=-1), 100 * wrong.mean(axis=-1)])


def interval(differences):  # mean and half-width; 2.069: t, 23 d.f.
    error = differences.std(ddof=1) / np.sqrt(differences.size)
    return differences.mean(), 2.069 * error


def best_rate(tried, factor):  # the lowest mean loss with this factor
    best = np.argmin([evaluate(net, factor)[0].mean() for net in tried])
    assert 0 < best < len(RATES) - 1  # inside the grid
    return RATES[best]


print("24 seeds; differences from right with 95 % intervals, error in points")
for depth, keep_prob in ((1, 0.8), (1, 0.6), (3, 0.6)):
    tried = [train(depth, keep_prob, r, range(100, 106)) for r in RATES]
    rate, limits = best_rate(tried, keep_prob), {}
    same = train(depth, keep_prob, rate, SEEDS)
    right = evaluate(same, keep_prob)
    loss, error = right.mean(axis=1)
    layers = f"{depth} hidden layer" + "s" * (depth > 1)
    print(f"{layers}, keep_prob {keep_prob}, rate {rate}:", end=" ")
    print(f"loss {loss:.2f}, error {error:.0f} %")
    for bug, factor in (("no scale", 1.0), ("twice", keep_prob**2)):
        own = best_rate(tried, factor)
        other = same if own == rate else train(depth, keep_prob, own, SEEDS)
        for name, net in ((bug, same), (f"{bug}, own rate {own}", other)):
            differences = evaluate(net, factor) - right
            (a, da), (b, db) = map(interval, differences)
            print(f"  {name}: loss {a:+z.2f} ± {da:.2f}, error {b:+z.1f} ± {db:.1f}")
            limits[name[:12]] = a - da, b - db
    assert limits["no scale"][0] > 0, "no higher loss is shown without a scale"
for name in ("no scale, ow", "twice", "twice, own r"):
    assert limits[name][1] > 5, f"{name}: no more than 5 points are shown"
