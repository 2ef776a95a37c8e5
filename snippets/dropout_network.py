"""A network with L2 and inverted dropout: ReLU layers, logistic outputs, full batches.

More than 40 lines and three functions, because no part of a network is of use alone.
Arrays: (batch, units), weights (in, out), biases (1, out); equal axes in front stack
networks. float32 stays so with Python numbers. What is bad is a ValueError or TypeError.
Srivastava et al. 2014, JMLR 15, sections 5.1 and 10; He et al. 2015, arXiv:1502.01852.
"""

import numpy as np


def first_params(sizes: tuple, rng: np.random.Generator) -> list:
    """Return (weights, biases) of each layer: normal with variance 2 / in, and zeros."""
    _need(len(sizes) > 1 and min(sizes) > 0, "need two or more sizes, got {}", sizes)
    _need(hasattr(rng, "normal"), "rng must be a Generator: {!r}", rng, error=TypeError)
    pairs = [sizes[i : i + 2] for i in range(len(sizes) - 1)]
    return [(rng.normal(0, np.sqrt(2 / p[0]), p), np.zeros((1, p[1]))) for p in pairs]


def draw_masks(params: list, x: np.ndarray, keep_probs: tuple, rng) -> list:
    """Return a new scaled mask, 0 or 1 / keep_prob, (batch, units) for each hidden layer."""
    shapes, given = _mask_shapes(params, x), np.asarray(keep_probs)
    good = given.shape == (len(shapes),) and given.dtype.kind in "iuf"
    good = good and all(0 < k <= 1 for k in keep_probs)
    _need(good, "need {} keep_probs in (0, 1], got {}", len(shapes), keep_probs)
    _need(hasattr(rng, "random"), "rng must be a Generator: {!r}", rng, error=TypeError)
    return [(rng.random(shape) < k) / k for shape, k in zip(shapes, keep_probs)]


def forward(params: list, x: np.ndarray, masks: list | None = None) -> tuple:
    """Return logits, and inputs and gates for backward; masks=None is evaluation."""
    shapes = _mask_shapes(params, x)
    good = masks is None or [np.shape(mask) for mask in masks] == shapes
    _need(good, "masks must have shapes {}, got {!r:.60}", shapes, masks)
    inputs, gates = [np.asarray(x)], []
    for layer, (w, b) in enumerate(params[:-1]):
        z = inputs[-1] @ w + b
        gate = (z > 0) * (1.0 if masks is None else masks[layer])
        gates.append(gate.astype(z.dtype))  # the slope of ReLU and dropout together
        inputs.append(z * gates[-1])
    return inputs[-1] @ params[-1][0] + params[-1][1], (inputs, gates)


def loss(params: list, logits: np.ndarray, y: np.ndarray, l2=0.0) -> np.ndarray:
    """Return the mean cross-entropy, plus l2 / 2 times all squared weights, no biases."""
    _need(np.shape(y) == logits.shape, "y {} does not fit", np.shape(y))
    penalty = sum(np.sum(l2 * w**2, axis=(-2, -1)) for w, _ in params) / 2
    return (np.logaddexp(0, logits) - y * logits).sum(-1).mean(-1) + penalty


def backward(params: list, logits: np.ndarray, y: np.ndarray, saved, l2=0.0) -> list:
    """Return the gradient of loss, shaped like params; saved comes from forward."""
    _need(np.shape(y) == logits.shape, "y {} does not fit", np.shape(y))
    (inputs, gates), grads, y = saved, [], np.asarray(y, logits.dtype)
    delta = (np.exp(-np.logaddexp(0, -logits)) - y) / logits.shape[-2]
    for i in reversed(range(len(params))):
        dw = inputs[i].swapaxes(-1, -2) @ delta + l2 * params[i][0]
        grads.insert(0, (dw, delta.sum(axis=-2, keepdims=True)))
        if i > 0:
            delta = delta @ params[i][0].swapaxes(-1, -2) * gates[i - 1]
    return grads


def train(params, x, y, steps, rate, l2=0.0, keep_probs=None, rng=None) -> list:
    """Return new params after gradient descent; bad values are refused before a draw."""
    good = np.array([steps, rate, l2]).dtype.kind in "iuf" and 0 < rate < np.inf > l2
    _need(good and steps > 0 <= l2, "bad steps {}, rate {}, l2 {}", steps, rate, l2)
    _need(np.isfinite(forward(params, x)[0]).all(), "x and params must be finite")
    loss(params, forward(params, x)[0], y)  # do the shapes fit?
    _need(np.min(y) >= 0 and np.max(y) <= 1, "y must be 0 to 1, got {!r:.60}", y)
    for _ in range(steps):
        masks = None if keep_probs is None else draw_masks(params, x, keep_probs, rng)
        logits, saved = forward(params, x, masks)
        pairs = zip(params, backward(params, logits, y, saved, l2))
        params = [(w - rate * dw, b - rate * db) for (w, b), (dw, db) in pairs]
    return params


def _mask_shapes(params: list, x: np.ndarray) -> list:
    shape, outs = np.shape(x), [w.shape[-1] for w, _ in params]
    ins = [*shape[-1:], *outs]
    fit = [((*shape[:-2], i, o), (*shape[:-2], 1, o)) for i, o in zip(ins, outs)]
    good = len(shape) > 1 and fit == [(w.shape, b.shape) for w, b in params]
    _need(good and all(shape), "x {} does not fit params: shapes {}", shape, fit)
    return [(*shape[:-1], out) for out in outs[:-1]]


def _need(good: bool, message: str, *values: object, error=ValueError) -> None:
    if not good:
        raise error(message.format(*values))


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    y = 1.0 * (x[:, :1] * x[:, 1:] > 0)  # each class in two opposite quarters
    for arm in ({}, {"l2": 0.01}, {"keep_probs": (0.9, 0.8), "rng": rng}):
        params = train(first_params((2, 16, 8, 1), rng), x, y, 200, 0.3, **arm)
        print(*arm or ["none"], f"loss {loss(params, forward(params, x)[0], y):.3f}")
