"""Zoneout: Krueger et al. 2017, ICLR, arXiv:1606.01305."""

import numpy as np


def zoneout_forward(old, new, zone_prob, rng=None, training=True) -> tuple:
    """Return the next state, share * old + (1 - share) * new, and the share.

    old, new: float arrays of one shape and dtype, which both results have. zone_prob is
    the chance to KEEP THE OLD value, 1 - keep_prob. In training share is 0 or 1, drawn
    for each element; in evaluation it is zone_prob. TypeError: a wrong type. ValueError:
    shapes or dtypes that differ, zone_prob not in [0, 1).
    """
    if not all(isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in (old, new)):
        raise TypeError(f"old, new must be float arrays: {old!r:.40}, {new!r:.40}")
    if (old.shape, old.dtype) != (new.shape, new.dtype):
        raise ValueError(f"old is {old.dtype}{old.shape}, new {new.dtype}{new.shape}")
    if np.ndim(zone_prob) or np.asarray(zone_prob).dtype.kind not in "iuf":
        raise TypeError(f"zone_prob must be a real number, got {zone_prob!r:.60}")
    if not 0 <= zone_prob < 1:
        raise ValueError(f"zone_prob must be in [0, 1), got {zone_prob}")
    if training and not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    if training:
        held = rng.random(old.shape) < zone_prob
        return np.where(held, old, new), held.astype(old.dtype)
    share = np.full_like(old, zone_prob)
    return share * old + (1 - share) * new, share


def zoneout_backward(grad: np.ndarray, share: np.ndarray) -> tuple:
    """Return the gradients for old and for new: grad * share and grad * (1 - share)."""
    if np.shape(grad) != np.shape(share):
        raise ValueError(f"grad has shape {np.shape(grad)}, share {np.shape(share)}")
    return grad * share, grad * (1 - share)


if __name__ == "__main__":
    old, new = np.array([7.0, 7.0, 7.0]), np.array([1.0, 2.0, 3.0])
    print(zoneout_forward(old, new, zone_prob=0.2, rng=np.random.default_rng(0))[0])
