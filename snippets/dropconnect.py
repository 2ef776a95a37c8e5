"""DropConnect, Wan et al. 2013, PMLR 28:1058-1066; here inverted: kept is divided by k."""

import numpy as np


def moments(x, weights, bias, keep_prob):
    """Return mean and variance of each output, (batch, outputs); the mean is evaluation."""
    if x.dtype.kind != "f" or {weights.dtype, bias.dtype} != {x.dtype}:
        raise TypeError(f"one float dtype: {x.dtype}, {weights.dtype}, {bias.dtype}")
    if (shape := x.shape[1:] + bias.shape) != weights.shape:
        raise ValueError(f"weights must be (inputs, outputs) {shape}: {weights.shape}")
    k, least = np.asarray(keep_prob), 1 / float(np.finfo(x.dtype).max)
    if k.ndim or k.dtype.kind not in "iuf" or not least <= k <= 1:
        raise ValueError(f"keep_prob must be a number in (0, 1], got {keep_prob!r:.60}")
    return x @ weights + bias, (1 / float(k) - 1) * (x**2 @ weights**2 + bias**2)


def dropconnect_forward(x, weights, bias, keep_prob, rng):
    """Return out, (batch, outputs), and a cache; x (batch, inputs), bias (outputs,)."""
    moments(x[:0], weights, bias, keep_prob)  # raises what it says; costs nothing
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    fed, rows = np.insert(x, x.shape[1], 1, axis=1), np.vstack([weights, bias])
    kept = rng.random((len(x), *rows.shape)) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), 0).astype(x.dtype)
    return (fed[..., None] * (mask * rows)).sum(axis=1), (fed, rows, mask)


def dropconnect_backward(grad, cache):
    """Return the gradients for x, weights and bias. ValueError: grad is not like out."""
    fed, rows, mask = cache
    if grad.shape != mask[:, 0].shape:
        raise ValueError(f"grad has shape {grad.shape}, out {mask[:, 0].shape}")
    dx, drows = grad[:, None] * mask * rows, grad[:, None] * mask * fed[..., None]
    return dx.sum(axis=2)[:, :-1], drows.sum(axis=0)[:-1], drows.sum(axis=0)[-1]


if __name__ == "__main__":
    rng, layer = np.random.default_rng(0), (np.eye(3), np.ones((3, 4)), np.zeros(4))
    print(dropconnect_forward(*layer, 0.8, rng)[0], *moments(*layer, 0.8), sep="\n")
