"""Gradient check by central differences, for a loss whose mask is frozen."""

from collections.abc import Callable

import numpy as np


def gradient_check(
    loss: Callable, x: np.ndarray, grad: np.ndarray, step: float = 1e-5
) -> float:
    """Return ||grad - numeric|| / (||grad|| + ||numeric||), or 0 where both are zero.

    loss maps an array like x to a number, always with the same mask. x and grad are
    float64 arrays of one shape. A nan anywhere returns nan. TypeError: no function, no
    float64 array. ValueError: shapes differ, loss returns an array, step is 0, negative
    or infinite. Source: Stanford's CS231n, "Neural Networks Part 3: Gradient Checks".
    """
    for name, array in (("x", x), ("grad", grad)):
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(f"{name} must be a float64 array, got {array!r:.60}")
    if x.shape != grad.shape or not 0 < step < np.inf:
        raise ValueError(f"shapes {x.shape}, {grad.shape} differ or bad step {step!r}")
    if np.ndim(loss(x.copy())):
        raise ValueError("loss must return a number, not an array")
    numeric = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        for sign in (1, -1):
            point = x.copy()  # a new one each time: loss may change its argument
            point[index] += sign * step
            numeric[index] += sign * loss(point) / (2 * step)
    size = np.linalg.norm(grad) + np.linalg.norm(numeric)
    return float(np.linalg.norm(grad - numeric) / size) if size else 0.0


if __name__ == "__main__":
    rng, x = np.random.default_rng(1), np.array([1.0, -2.0, 3.0, 4.0])
    mask = (rng.random(4) < 0.8) / 0.8
    good = gradient_check(lambda v: v**2 @ mask, x, 2 * x * mask)
    bad = gradient_check(lambda v: v**2 @ (rng.random(4) < 0.8) / 0.8, x, 2 * x * mask)
    print(f"relative error: {good:.3f} with a frozen mask, {bad:.3f} with fresh ones")
