"""DropBlock: Ghiasi et al. 2018, NeurIPS 31. Evaluation uses x as it is."""

import numpy as np


def gamma(keep_prob: float, block_size: int, h: int, w: int) -> float:
    """Return the probability of a seed in a map of h x w, as in the paper."""
    for given, kinds in (keep_prob, "iuf"), (block_size, "iu"):
        if np.ndim(given) or np.asarray(given).dtype.kind not in kinds:
            raise TypeError(f"keep_prob or block_size: wrong type {given!r:.30}")
    if not 0 < keep_prob <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
    if not 0 < (b := int(block_size)) <= min(h, w):
        raise ValueError(f"block_size {b} does not fit into {h} x {w}")
    return (1 - float(keep_prob)) * h * w / (b**2 * (h - b + 1) * (w - b + 1))


def dropblock_forward(x: np.ndarray, keep_prob, block_size: int, rng) -> tuple:
    """Return out = x * mask, and the mask; the gradient is grad * mask.

    x: floats (n, c, h, w). What is left of an example is times cells / left.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.ndim != 4:
        raise TypeError(f"x must be a 4-D array of floats, got {x!r:.60}")
    chance = gamma(keep_prob, block_size, *x.shape[2:])
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed), got {rng}")
    (n, c, h, w), b = x.shape, int(block_size)
    seeds = rng.random((n, c, h - b + 1, w - b + 1)) < chance  # upper left cell
    kept = np.ones(x.shape, dtype=bool)
    for i, j in np.ndindex(b, b):
        kept[:, :, i : i + h - b + 1, j : j + w - b + 1] &= ~seeds
    left = np.maximum(kept.sum(axis=(1, 2, 3), keepdims=True), 1)
    mask = (kept * (c * h * w / left)).astype(x.dtype)
    return np.multiply(x, mask, out=np.empty_like(mask)), mask


if __name__ == "__main__":
    x, rng = np.ones((1, 1, 5, 7)), np.random.default_rng(1)
    print(dropblock_forward(x, 0.8, 3, rng)[0].round(2))
