"""Residual dropout: Vaswani et al. 2017, arXiv:1706.03762, section 5.4."""

import numpy as np


def residual_forward(x, branch, keep_prob, rng) -> tuple:
    """Return out = x + branch * mask, and the mask: 0 or 1 / keep_prob.

    x is the stream, branch what the sub-layer makes of it: arrays of one shape
    and float dtype, which out and mask have, too. Each call draws x.size
    numbers. Evaluation is x + branch. TypeError: not two float arrays, or no
    number or generator. ValueError: the shapes differ, keep_prob is not in
    (0, 1], or 1 / keep_prob is more than the dtype can hold.
    """
    kinds = {getattr(array, "dtype", None) for array in (x, branch)}
    if len(kinds) > 1 or getattr(*kinds, "kind", "") != "f":
        raise TypeError(f"x and branch must be of one float type: {kinds}")
    if x.shape != branch.shape:
        raise ValueError(f"x has shape {x.shape}, the branch {branch.shape}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a number, got {keep_prob!r:.60}")
    if not 1 / float(np.finfo(x.dtype).max) <= keep_prob <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed), got {rng}")
    kept = rng.random(x.shape) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), 0).astype(x.dtype)
    return np.add(x, branch * mask, out=np.empty_like(mask)), mask


def residual_backward(grad, mask) -> tuple:
    """Return two gradients: for the stream (grad itself) and for the branch."""
    if np.shape(grad) != np.shape(mask):
        raise ValueError(f"grad {np.shape(grad)}, mask {np.shape(mask)}")
    return grad, np.multiply(grad, mask, out=np.empty_like(mask))


if __name__ == "__main__":
    x, rng = np.ones((2, 5)), np.random.default_rng(0)
    print(residual_forward(x, 0.1 * x, 0.8, rng)[0])
