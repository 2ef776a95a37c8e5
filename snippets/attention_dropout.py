"""Attention dropout: in the code of Vaswani et al. 2017, not in the paper."""

import numpy as np


def attention_forward(q, k, v, keep_prob, rng, visible=True) -> tuple:
    """Return out = (weights * mask) @ v and a cache: q, k, v, weights, mask.

    q (..., Q, n), k (..., K, n), v (..., K, m): floats. visible, bool: keys a query sees,
    as np.tri(Q) > 0; nan if none. keep_prob 1 is evaluation and draws nothing.
    """
    if any(getattr(x, "dtype", np.dtype(int)).kind != "f" for x in (q, k, v)):
        raise TypeError(f"q, k and v must be float arrays, got {q!r:.60}, ...")
    if q.shape[:-2] != k.shape[:-2] or k.shape[:-1] != v.shape[:-1]:
        raise ValueError(f"shapes {q.shape}, {k.shape}, {v.shape} do not fit")
    if np.asarray(visible).dtype != bool or isinstance(keep_prob, bool):
        raise TypeError(f"visible {visible!r:.30} or keep_prob {keep_prob}: wrong type")
    if np.ndim(keep_prob) or not np.finfo(q.dtype).tiny <= keep_prob <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed), got {rng}")
    scores = np.where(visible, q @ k.mT / float(np.sqrt(q.shape[-1])), -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    kept = keep_prob == 1 or rng.random(weights.shape) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), np.zeros_like(weights))
    return (weights * mask) @ v, (q, k, v, weights, mask)


def attention_backward(grad, cache) -> tuple:
    """Return the gradients for q, k and v; grad has the shape of out."""
    q, k, v, a, mask = cache
    da = grad @ v.mT * mask
    ds = a * (da - np.vecdot(a, da)[..., None]) / float(np.sqrt(q.shape[-1]))
    return ds @ k, ds.mT @ q, (a * mask).mT @ grad


if __name__ == "__main__":
    x, rng = np.eye(4), np.random.default_rng(0)
    print(attention_forward(x, x, x, 0.8, rng, np.tri(4) > 0)[0].round(3))
