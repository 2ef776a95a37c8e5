"""Original dropout: Srivastava et al. 2014, JMLR 15:1929-1958, sections 4 and 5."""

import numpy as np


def dropout_train(x: np.ndarray, keep_prob: float, rng: np.random.Generator) -> tuple:
    """Return out and the 0/1 mask that made it: out = x * mask, nothing is scaled.

    Both have the shape and dtype of x; every call draws x.size numbers. The gradient
    for x is grad * mask. A wrong type is a TypeError, a bad keep_prob a ValueError.
    """
    _check(x, keep_prob)
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    mask = np.asarray(rng.random(x.shape) < keep_prob, dtype=x.dtype)
    return np.multiply(x, mask, out=np.empty_like(mask)), mask  # 0-d stays an array


def dropout_evaluate(x: np.ndarray, keep_prob: float) -> np.ndarray:
    """Return x * keep_prob, the mean over all masks; dtype and errors as in training.

    It is the same as multiplying the weights of the next layer by keep_prob.
    """
    _check(x, keep_prob)
    return np.asarray(np.multiply(x, float(keep_prob)), dtype=x.dtype)


def _check(x: np.ndarray, keep_prob: float) -> None:
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be a NumPy array of floats, got {x!r:.60}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a real number, got {keep_prob!r:.60}")
    if not 0 < keep_prob <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")


if __name__ == "__main__":
    x = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]])  # two equal examples
    print("training", dropout_train(x, 0.8, np.random.default_rng(0))[0], sep="\n")
    print("evaluation", dropout_evaluate(x, 0.8), sep="\n")
