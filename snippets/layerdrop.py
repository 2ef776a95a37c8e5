"""LayerDrop: Fan et al. 2020, arXiv:1909.11556; no factor, as in fairseq."""

import numpy as np


def layerdrop_forward(x, layers, keep_prob, rng) -> tuple:
    """Return out, and which layers were kept, (layers,), one for all of x.

    A layer, a whole residual block, gives layer(x) if kept, else x; no factor.
    Evaluation: keep_prob 1. TypeError, ValueError: an argument is bad.
    """
    kind, k = getattr(x, "dtype", np.dtype(int)).kind, np.asarray(keep_prob)
    if kind != "f" or not all(map(callable, layers)):
        raise TypeError(f"need floats, functions: {x!r:.60}, {layers!r:.60}")
    if k.ndim or k.dtype.kind not in "iuf" or not 0 < k <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob!r:.60}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed), got {rng}")
    draw = rng.random if keep_prob < 1 else np.zeros  # evaluation draws nothing
    kept = draw(len(layers)) < keep_prob
    for layer, keep in zip(layers, kept, strict=True):
        x = layer(x) if keep else x
    return x, kept


def layerdrop_backward(grad, backwards, kept) -> np.ndarray:
    """Return the gradient for x; backwards: of the layers, in their order."""
    for backward, keep in zip(reversed(backwards), kept[::-1], strict=True):
        grad = backward(grad) if keep else grad
    return grad


def every_other(layers, step) -> list:
    """Return what pruning leaves: depths, from 1, that int(step) divides go."""
    return [layer for depth, layer in enumerate(layers, 1) if depth % int(step)]


if __name__ == "__main__":
    layers = [lambda x, step=10.0**i: x + step for i in range(5)]
    print(layerdrop_forward(np.zeros(2), layers, 0.8, np.random.default_rng(3)))
