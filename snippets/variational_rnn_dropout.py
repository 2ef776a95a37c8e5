"""Variational RNN dropout: Gal & Ghahramani 2016, NeurIPS 29, section 4."""

import numpy as np


def locked_mask(batch: int, units: int, keep_prob, rng, dtype=float) -> np.ndarray:
    """Return a mask (1, batch, units) for all steps: 0 or 1 / keep_prob, of dtype.

    The gradient of x * mask is grad * mask. A wrong type is a TypeError, a keep_prob
    that is not in (0, 1], or too small for dtype, a ValueError.
    """
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a real number, got {keep_prob!r:.60}")
    if not 0 < keep_prob <= 1 or 1 / float(keep_prob) > float(np.finfo(dtype).max):
        raise ValueError(f"keep_prob must be in (0, 1] for {dtype}, got {keep_prob}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    kept = rng.random((1, batch, units)) < keep_prob
    return np.where(kept, 1 / float(keep_prob), 0).astype(dtype)


def rnn_forward(x, w, u, b, masks=(1.0, 1.0, 1.0)) -> tuple:
    """Return out and the states h of a tanh RNN, (steps, batch, units); h starts at 0.

    masks: on x (steps, batch, inputs), on the h that u reads, on out; 1.0 in evaluation.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.ndim != 3:
        raise TypeError(f"x must be floats (steps, batch, inputs), got {x!r:.60}")
    shapes = [(1, x.shape[1], size) for size in (len(w), len(u), len(u))]
    if any(np.shape(m) not in ((), s) for m, s in zip(masks, shapes, strict=True)):
        raise ValueError(f"masks must be {shapes}, got {[np.shape(m) for m in masks]}")
    h = np.zeros((len(x) + 1, x.shape[1], len(u)), x.dtype)
    for t, row in enumerate(x * masks[0]):
        h[t + 1] = np.tanh(row @ w + (h[[t]] * masks[1]) @ u + b)  # h itself goes on
    return np.multiply(h[1:], masks[2], dtype=x.dtype), h[1:]


if __name__ == "__main__":
    print(locked_mask(batch=2, units=4, keep_prob=0.8, rng=np.random.default_rng(0)))
