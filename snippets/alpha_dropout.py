"""Alpha dropout: Klambauer et al. 2017, Self-Normalizing Neural Networks."""

import numpy as np

SATURATION = -1.7580993408473766  # SELU of -inf; what a dropped x becomes


def alpha_forward(x: np.ndarray, keep_prob: float, rng) -> tuple:
    """Return out = a * (x or SATURATION) + b, and its derivative: a or 0.

    a and b keep mean 0 and variance 1 of an x that has them. Both results have
    the shape (any) and float dtype of x. Evaluation uses x as it is. TypeError:
    no float array, number or generator. ValueError: keep_prob not in (0, 1].
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be an array of floats, got {x!r:.60}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a number, got {keep_prob!r:.60}")
    k, largest = float(keep_prob), float(np.finfo(x.dtype).max)
    square = k * (1 + (1 - k) * SATURATION**2)
    if not 0 < k <= 1 or square ** (-1 / 2) > largest:
        raise ValueError(f"keep_prob is {keep_prob}, not in (0, 1] ({x.dtype})")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be a NumPy Generator, got {rng!r:.60}")
    a, b = square ** (-1 / 2), -SATURATION * (1 - k) * square ** (-1 / 2)
    kept = rng.random(x.shape) < k
    out = np.where(kept, a * x + b, a * SATURATION + b)
    return out.astype(x.dtype), np.where(kept, a, 0).astype(x.dtype)


def alpha_backward(grad: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return grad * factor, the gradient for x. They are arrays of one shape."""
    if np.shape(grad) != factor.shape:
        raise ValueError(f"grad has shape {np.shape(grad)}, not {factor.shape}")
    return np.multiply(grad, factor, out=np.empty_like(factor))


if __name__ == "__main__":
    x = np.array([[-1.0, 1.0, -1.0, 1.0]] * 2)  # mean 0, variance 1
    print(alpha_forward(x, 0.8, np.random.default_rng(0))[0].round(3))
