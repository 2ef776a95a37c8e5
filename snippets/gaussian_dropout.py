"""Gaussian dropout: Srivastava et al. 2014, JMLR 15:1929-1958, section 10."""

import numpy as np


def gaussian_forward(x: np.ndarray, keep_prob: float, rng) -> tuple:
    """Return out and the normal noise that made it: out = x * noise.

    The noise has mean 1 and the variance (1 - keep_prob) / keep_prob, like the
    mask of inverted dropout; nothing is dropped. Both have the shape (any) and
    float dtype of x; a call draws x.size numbers. Evaluation uses x as it is.
    TypeError: not a float array, number or generator. ValueError: keep_prob is
    not in (0, 1], or 100 deviations are more than the dtype of x can hold.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be an array of floats, got {x!r:.60}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a number, got {keep_prob!r:.60}")
    k, largest = float(keep_prob), float(np.finfo(x.dtype).max)
    deviation = np.sqrt((1 - k) / k) if 0 < k <= 1 else np.inf
    if deviation > largest / 100:
        raise ValueError(f"keep_prob is {keep_prob}, not in (0, 1] ({x.dtype})")
    if not callable(getattr(rng, "standard_normal", None)):
        raise TypeError(f"rng must be a NumPy Generator, got {rng!r:.60}")
    normal = rng.standard_normal(x.shape)
    noise = np.asarray(1 + deviation * normal, dtype=x.dtype)
    return np.multiply(x, noise, out=np.empty_like(noise)), noise


def gaussian_backward(grad: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return grad * noise, the gradient for x. ValueError if shapes differ."""
    shape = np.shape(grad)
    if shape != noise.shape:
        raise ValueError(f"grad has shape {shape}, noise {noise.shape}")
    return np.multiply(grad, noise, out=np.empty_like(noise))


if __name__ == "__main__":
    x = np.array([[-1.0, 2.0, 3.0, 4.0]] * 2)  # two equal examples
    print(gaussian_forward(x, 0.8, np.random.default_rng(0))[0].round(2))
