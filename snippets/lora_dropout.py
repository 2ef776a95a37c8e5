"""LoRA dropout: in loralib, the code of Hu et al. 2022, arXiv:2106.09685."""

import numpy as np


def lora_forward(x, weights, a, b, scale, keep_prob, rng) -> tuple:
    """Return out = x @ weights.T + scale * (x * mask) @ a.T @ b.T, and a cache.

    x (..., inputs), weights (outputs, inputs), a (rank, inputs), b (outputs,
    rank) of one float dtype; mask, 0 or 1 / keep_prob, like x. Evaluation has
    one matrix: weights + scale * b @ a. TypeError, ValueError: bad arguments.
    """
    kinds = {getattr(array, "dtype", None) for array in (x, weights, a, b)}
    if len(kinds) > 1 or getattr(*kinds, "kind", "") != "f":
        raise TypeError(f"x, weights, a, b must be of one float type: {kinds}")
    n, least, scale = x.shape[-1:], 1 / np.finfo(x.dtype).max, float(scale)
    if b.shape[:1] + n != weights.shape or b.shape[1:] + n != a.shape:
        raise ValueError(f"{x.shape}, {weights.shape}, {a.shape}, {b.shape}")
    k = np.asarray(keep_prob)
    if k.ndim or k.dtype.kind not in "iuf" or not least <= k <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob!r:.60}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed), got {rng}")
    mask = np.where(rng.random(x.shape) < k, 1 / float(k), 0).astype(x.dtype)
    out = x @ weights.T + scale * (x * mask @ a.T @ b.T)
    return out, (x * mask, mask, weights, a, b, scale)


def lora_backward(grad, cache) -> tuple:
    """Return the gradients for x, a and b; the weights are frozen."""
    dropped, mask, weights, a, b, scale = cache
    grad_low, low = scale * (grad @ b), dropped @ a.T  # (..., rank)
    da = grad_low.reshape(-1, len(a)).T @ dropped.reshape(-1, mask.shape[-1])
    db = scale * grad.reshape(-1, len(b)).T @ low.reshape(-1, len(a))
    return grad @ weights + grad_low @ a * mask, da, db


if __name__ == "__main__":
    x, eye, rng = np.ones((3, 4)), np.eye(4), np.random.default_rng(0)
    print(lora_forward(x, eye, eye[:2], eye[:, :2], 0.1, 0.8, rng)[0])
