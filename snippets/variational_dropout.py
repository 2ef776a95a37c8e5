"""Variational dropout with local noise: Kingma et al. 2015, arXiv:1506.02557."""

import numpy as np


def variational_forward(x, weights, log_alpha, rng):
    """Return out ~ N(x @ W, x^2 @ (alpha W^2)), (batch, outputs), and a cache.

    x (batch, inputs), weights (inputs, outputs), log_alpha like weights or 1 along axes
    that share it: one float dtype. Draws one number an output. Evaluation: x @ weights.
    """
    given = x, weights, log_alpha = [np.copy(a) for a in (x, weights, log_alpha)]
    if x.dtype.kind != "f" or len({a.dtype for a in given}) > 1:
        raise TypeError(f"need one float dtype, got {[a.dtype for a in given]}")
    largest = np.log(np.finfo(x.dtype).max)
    if {a.ndim for a in given} != {2} or not np.all(log_alpha < largest):
        raise ValueError(f"need 2-D {x.shape}, log_alpha < {largest:.0f}: {log_alpha}")
    if not callable(getattr(rng, "standard_normal", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    variance = np.broadcast_to(np.exp(log_alpha), weights.shape) * weights**2
    mean, deviation = x @ weights, np.sqrt(x**2 @ variance)
    noise = rng.standard_normal(mean.shape).astype(x.dtype)
    return mean + deviation * noise, (*given, variance, deviation, noise)


def variational_backward(grad, cache):
    """Return the gradients for x, weights and log_alpha. ValueError: grad is not like out."""
    x, weights, log_alpha, variance, deviation, noise = cache
    if grad.shape != noise.shape:
        raise ValueError(f"grad has shape {grad.shape}, out {noise.shape}")
    ratio = grad * noise / np.where(deviation > 0, deviation, np.inf)  # no slope at 0
    slope, shared = x.T**2 @ ratio, [i for i in (0, 1) if log_alpha.shape[i] == 1]
    dlog_alpha = np.sum(variance * slope / 2, axis=tuple(shared), keepdims=True)
    dweights = x.T @ grad + np.exp(log_alpha) * weights * slope
    return grad @ weights.T + x * (ratio @ variance.T), dweights, dlog_alpha


if __name__ == "__main__":
    layer = np.ones((2, 3)), np.ones((3, 4)), np.log([[0.25]])  # one alpha for all
    print(variational_forward(*layer, np.random.default_rng(0))[0])
