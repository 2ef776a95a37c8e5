"""Input dropout: Srivastava et al. 2014; unscaled: Vincent et al. 2008."""

import numpy as np


def input_forward(x: np.ndarray, keep_prob: float, rng, scaled: bool = True) -> tuple:
    """Return x * mask and the mask: 0 or 1 / keep_prob, or 0 or 1 if not scaled.

    Unscaled it is the corruption of a denoising autoencoder, whose target is x itself.
    Both have the shape (any) and float dtype of x. Each call draws x.size numbers.
    Evaluation uses x as it is. TypeError: a wrong type. ValueError: keep_prob is not
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
    mask = np.where(kept, 1 / float(keep_prob) if scaled else 1, 0).astype(x.dtype)
    return np.multiply(x, mask, out=np.empty_like(mask)), mask  # 0-d stays an array


def input_backward(grad: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return grad * mask, the gradient for x. ValueError if the two shapes differ."""
    if np.shape(grad) != np.shape(mask):
        raise ValueError(f"grad has shape {np.shape(grad)}, the mask {np.shape(mask)}")
    return np.multiply(grad, mask, out=np.empty_like(mask))


if __name__ == "__main__":
    x, rng = np.array([[1.0, 2.0, 3.0, 4.0]]), np.random.default_rng(1)
    print("first layer of a classifier", input_forward(x, 0.8, rng)[0])
    print("input of an autoencoder", input_forward(x, 0.8, rng, scaled=False)[0])
    print("its target", x)
