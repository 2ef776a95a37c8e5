"""Spatial dropout: Tompson et al. 2015, CVPR; here scaled in training."""

import numpy as np


def channel_forward(x: np.ndarray, keep_prob, rng, channel_axis=1) -> tuple:
    """Return out = x * mask, and the mask: 0 or 1 / keep_prob per channel.

    Axis 0 holds the examples. The mask has size 1 on all axes but 0 and
    channel_axis; both results have the float dtype of x. Evaluation uses x as
    it is. TypeError: no float array, number or generator. ValueError: no such
    axis, keep_prob is not in (0, 1], or the dtype cannot hold 1 / keep_prob.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be a NumPy array of floats, got {x!r:.60}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a number, got {keep_prob!r:.60}")
    if not 1 / float(np.finfo(x.dtype).max) <= keep_prob <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
    if channel_axis not in range(-x.ndim, x.ndim) or channel_axis % x.ndim == 0:
        raise ValueError(f"no channel_axis {channel_axis!r} in {x.shape}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed), got {rng}")
    own = (0, channel_axis % x.ndim)  # axes along which decisions differ
    shape = [n if axis in own else 1 for axis, n in enumerate(x.shape)]
    kept = rng.random(shape) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), 0).astype(x.dtype)
    return np.multiply(x, mask, out=np.empty_like(x)), mask


def channel_backward(grad: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return grad * mask, the gradient for x. ValueError: they do not fit."""
    if np.ndim(grad) != mask.ndim or len(grad) != len(mask):
        raise ValueError(f"grad {np.shape(grad)} and mask {mask.shape} differ")
    return np.multiply(grad, mask, out=np.empty(np.shape(grad), mask.dtype))


if __name__ == "__main__":
    x = np.ones((2, 3, 2, 4))  # (examples, channels, height, width)
    print(channel_forward(x, 0.8, np.random.default_rng(3))[0])
