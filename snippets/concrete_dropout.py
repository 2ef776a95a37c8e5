"""Concrete dropout: Gal, Hron and Kendall 2017, arXiv:1705.07832, and their code."""

import numpy as np


def concrete_forward(x: np.ndarray, logit_p: float, temperature: float, rng) -> tuple:
    """Return x * a soft mask, shape and dtype of x, and a cache with a float64 slope.

    logit_p is log(1 / keep_prob - 1), not keep_prob; the authors' temperature is 0.1.
    TypeError: a wrong type. ValueError: temperature <= 0, or logit_p too large for x.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be a NumPy array of floats, got {x!r:.60}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    for value in (logit_p, temperature):
        if np.ndim(value) or np.asarray(value).dtype.kind not in "iuf":
            raise TypeError(f"logit_p and temperature are numbers, not {value!r:.60}")
    keep_prob, most = 1 / (1 + np.exp(min(float(logit_p), 700))), np.finfo(x.dtype).max
    if not (1 / keep_prob <= most and logit_p < 700 and 0 < temperature < np.inf):
        raise ValueError(f"logit_p {logit_p} or temperature {temperature} out of range")
    draws = np.maximum(rng.random(x.shape), 1e-300)  # 0 has no logarithm
    odds = (float(logit_p) + np.log(draws) - np.log1p(-draws)) / float(temperature)
    kept = np.exp(-np.logaddexp(0, odds))  # sigmoid(-odds), near 1 or 0
    mask = np.asarray(kept / keep_prob, dtype=x.dtype)
    slope = x * mask * (1 - keep_prob - (1 - kept) / temperature)  # d out / d logit_p
    return np.multiply(x, mask, out=np.empty_like(mask)), (mask, slope)


def concrete_backward(grad: np.ndarray, cache: tuple) -> tuple:
    """Return the gradients for x and for logit_p. ValueError if the shapes differ."""
    if np.shape(grad) != cache[0].shape:
        raise ValueError(f"grad has shape {np.shape(grad)}, the mask {cache[0].shape}")
    dx = np.multiply(grad, cache[0], out=np.empty_like(cache[0]))
    return dx, float(np.sum(grad * cache[1]))


if __name__ == "__main__":
    made = concrete_forward(np.ones((2, 4)), -1.386, 0.1, np.random.default_rng(0))
    print("output", made[0].round(2), "for logit_p", made[1][1].round(2), sep="\n")
