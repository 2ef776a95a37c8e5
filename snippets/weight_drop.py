"""Weight drop: Merity et al. 2018, arXiv:1708.02182, DropConnect of recurrent weights."""

import numpy as np


def drop_weights(weights, keep_prob, rng):
    """Return dropped weights and their mask of 0 and 1 / keep_prob, both like weights.

    Call it once for each batch and use `dropped` at all steps, for all examples. Keep and
    update `weights`, which are not changed; evaluation uses them as they are. TypeError:
    no float array, number or generator. ValueError: keep_prob is not in (0, 1], or
    1 / keep_prob is more than the dtype of weights can hold.
    """
    if not isinstance(weights, np.ndarray) or weights.dtype.kind != "f":
        raise TypeError(f"weights must be an array of floats, got {weights!r:.60}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a real number, got {keep_prob!r:.60}")
    largest = float(np.finfo(weights.dtype).max)
    if not 0 < keep_prob <= 1 or 1 / float(keep_prob) > largest:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    kept = rng.random(weights.shape) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), 0).astype(weights.dtype)
    return np.multiply(weights, mask, out=np.empty_like(mask)), mask


def weight_gradient(grad, mask):
    """Return the gradient for weights, from grad: that for dropped, summed over steps."""
    if np.shape(grad) != np.shape(mask):
        raise ValueError(f"grad has shape {np.shape(grad)}, the mask {np.shape(mask)}")
    return grad * mask


if __name__ == "__main__":
    dropped, mask = drop_weights(np.ones((3, 6)), 0.8, np.random.default_rng(0))
    print("dropped", dropped, sep="\n")
    print("gradient", weight_gradient(np.ones((3, 6)), mask), sep="\n")
