"""Mask shapes: an axis of size 1 shares its draws, because the mask broadcasts."""

import numpy as np
from numpy.random import Generator


def shared_mask(
    shape: tuple, shared_axes: tuple, keep_prob: float, rng: Generator, dtype=float
) -> np.ndarray:
    """Return a scaled mask, 0 or 1 / keep_prob, of size 1 along the shared axes.

    x * mask has the given shape; () shares nothing, negative axes count from the end.
    TypeError: a wrong type. ValueError: a size below 0, an axis that is not there or
    comes twice, keep_prob not in (0, 1]. Source: a mask for each example in Srivastava
    et al. 2014, JMLR 15, section 5.1; for each channel in Tompson et al. 2015, CVPR.
    """
    if not isinstance(shape, tuple) or not isinstance(shared_axes, tuple):
        raise TypeError(f"shape {shape!r}, shared_axes {shared_axes!r}: give tuples")
    dtype, axes = np.dtype(dtype), range(-len(shape), len(shape))
    if dtype.kind != "f":
        raise TypeError(f"dtype must be a float type, got {dtype}")
    shared = {axis % len(shape) for axis in shared_axes if axis in axes}
    if len(shared) < len(shared_axes) or min(shape, default=0) < 0:
        raise ValueError(f"shape {shape} cannot have shared_axes {shared_axes}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a real number, got {keep_prob!r:.60}")
    if not 0 < keep_prob <= 1 or 1 / float(keep_prob) > float(np.finfo(dtype).max):
        raise ValueError(f"keep_prob must be in (0, 1] for {dtype}, got {keep_prob}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    draws = rng.random([1 if i in shared else n for i, n in enumerate(shape)])
    return np.where(draws < keep_prob, 1 / float(keep_prob), 0).astype(dtype)


if __name__ == "__main__":
    rng, shape = np.random.default_rng(0), (2, 4)  # (batch, units)
    print("for each element", shared_mask(shape, (), 0.8, rng), sep="\n")
    print("for each unit", shared_mask(shape, (0,), 0.8, rng), sep="\n")
    print("for each example", shared_mask(shape, (1,), 0.8, rng), sep="\n")
