"""DropPath: stochastic depth (Huang et al. 2016, ECCV), for each example."""

import numpy as np


def drop_path_forward(branch: np.ndarray, keep_prob, rng) -> tuple:
    """Return out = branch * mask, and the mask: 0 or 1 / keep_prob per example.

    Add out to the skip connection; evaluation adds the branch as it is. Axis 0
    holds the examples, the mask has size 1 on all others; both results have
    the branch's float dtype. The branch's gradient is grad * mask. TypeError:
    no float array, number or generator. ValueError: keep_prob is not in
    (0, 1], the dtype cannot hold 1 / keep_prob, the branch has no axis.
    """
    if not isinstance(branch, np.ndarray) or branch.dtype.kind != "f":
        raise TypeError(f"branch must be a float array, got {branch!r:.60}")
    if branch.ndim == 0:
        raise ValueError(f"branch needs an axis of examples, got {branch!r}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a number, got {keep_prob!r:.60}")
    if not 1 / float(np.finfo(branch.dtype).max) <= keep_prob <= 1:
        raise ValueError(f"keep_prob {keep_prob} not in (0, 1], {branch.dtype}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed), got {rng}")
    kept = rng.random((len(branch), *[1] * (branch.ndim - 1))) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), 0).astype(branch.dtype)
    return np.multiply(branch, mask, out=np.empty_like(branch)), mask


def depth_keep_probs(layers: int, last_keep_prob: float) -> np.ndarray:
    """Return 1 - l / layers * (1 - last_keep_prob) for l = 1 to layers."""
    if layers < 1 or layers % 1 or not 0 < last_keep_prob <= 1:
        raise ValueError(f"layers {layers}, last_keep_prob {last_keep_prob}")
    return 1 - np.arange(1, layers + 1) / layers * (1 - last_keep_prob)


if __name__ == "__main__":
    print(drop_path_forward(np.ones((4, 3)), 0.8, np.random.default_rng(3))[0])
    print("keep_prob of 4 layers", depth_keep_probs(4, 0.8))
