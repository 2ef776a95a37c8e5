"""R-Drop: Liang et al. 2021. Evaluation is one pass that drops nothing."""

import numpy as np


def two_passes(x: np.ndarray, keep_prob: float, rng) -> tuple:
    """Return x * masks, and two masks; dx is (grad * masks).sum(axis=0)."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be an array of floats, got {x!r:.60}")
    ok = np.ndim(keep_prob) == 0 and np.asarray(keep_prob).dtype.kind in "iuf"
    if not ok or not callable(getattr(rng, "random", None)):
        raise TypeError(f"wrong keep_prob {keep_prob!r:.30} or rng {rng!r:.30}")
    if not 1 / float(np.finfo(x.dtype).max) <= keep_prob <= 1:
        raise ValueError(f"keep_prob is {keep_prob}, not in (0, 1] ({x.dtype})")
    masks = (rng.random((2, *x.shape)) < keep_prob) / float(keep_prob)
    return x * masks.astype(x.dtype), masks.astype(x.dtype)


def r_drop_loss(first: np.ndarray, second: np.ndarray, labels, alpha) -> tuple:
    """Return the mean loss of a batch and its gradients for first and second.

    An example's: both cross-entropies + alpha / 2 * (KL(p, q) + KL(q, p)).
    Logits of two passes: (batch, classes), finite. Labels: (batch,) integers.
    """
    logits, labels = np.stack([first, second]), np.asarray(labels)
    hit = np.arange(logits.shape[-1]) == labels[..., None]
    ok = labels.ndim == 1 and hit.shape == logits.shape[1:] and hit.any(1).all()
    if not (ok and np.isfinite(logits).all() and 0 <= alpha < np.inf):
        raise ValueError(f"labels {labels!r:.40}, alpha {alpha}, or logits")
    logs = logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)
    p, gap = np.exp(logs), logs - logs[::-1]
    kl = np.sum(p * gap, axis=2, keepdims=True)
    loss = float(alpha) / 2 * kl[..., 0] - logs[:, hit]
    grads = p - hit + float(alpha) / 2 * (p * (gap - kl) + p - p[::-1])
    return loss.sum(axis=0).mean(), *grads / len(hit)


if __name__ == "__main__":
    logits = two_passes(np.eye(3), 0.8, np.random.default_rng(0))[0]
    print(r_drop_loss(*logits, labels=[0, 1, 2], alpha=1)[0].round(3))
