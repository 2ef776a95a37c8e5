"""Inverted dropout: Srivastava et al. 2014, JMLR 15:1929-1958, sections 4 and 10."""

import numpy as np


def dropout_forward(x: np.ndarray, keep_prob: float, rng: np.random.Generator) -> tuple:
    """Return out and the scaled mask that made it: 0 or 1 / keep_prob, out = x * mask.

    Both, and the gradient, have the shape (any) and float dtype of x. Each call draws
    x.size numbers. A dropped inf or nan becomes nan (0 * inf). Evaluation uses x as it
    is. TypeError: not a float array, number or generator. ValueError: keep_prob is not
    in (0, 1], or 1 / keep_prob is more than the dtype of x can hold.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be a NumPy array of floats, got {x!r:.60}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a real number, got {keep_prob!r:.60}")
    if not 0 < keep_prob <= 1 or 1 / float(keep_prob) > float(np.finfo(x.dtype).max):
        raise ValueError(f"keep_prob must be in (0, 1] for {x.dtype}, got {keep_prob}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    kept = rng.random(x.shape) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), 0).astype(x.dtype)
    return np.multiply(x, mask, out=np.empty_like(mask)), mask  # 0-d stays an array


def dropout_backward(grad: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return grad * mask, the gradient for x. ValueError if the two shapes differ."""
    if not isinstance(grad, np.ndarray) or grad.dtype.kind != "f":
        raise TypeError(f"grad must be a NumPy array of floats, got {grad!r:.60}")
    if grad.shape != np.shape(mask):
        raise ValueError(f"grad has shape {grad.shape}, the mask {np.shape(mask)}")
    return np.multiply(grad, mask, out=np.empty_like(mask))


if __name__ == "__main__":
    x = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]])  # two equal examples
    out, mask = dropout_forward(x, keep_prob=0.8, rng=np.random.default_rng(0))
    print("output", out, sep="\n")
    print("gradient", dropout_backward(np.ones_like(x), mask), sep="\n")
