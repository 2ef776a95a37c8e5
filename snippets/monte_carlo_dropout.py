"""Monte-Carlo dropout: Gal and Ghahramani 2016, ICML, PMLR 48, 1050-1059."""

from collections.abc import Callable

import numpy as np


def mc_predict(forward: Callable, passes: int, rng: np.random.Generator) -> tuple:
    """Return mean and spread of the outputs of forward(rng), called passes times.

    forward runs the trained network on its inputs with dropout on, draws every mask
    from rng, and leaves the rest in evaluation mode. mean and spread have the shape and
    float dtype of its output. spread is the standard deviation (passes - 1) of a pass,
    not the error of the mean. TypeError: wrong types, also of what forward returns.
    ValueError: passes below 2, or outputs of different shapes.
    """
    if not isinstance(passes, int | np.integer) or isinstance(passes, bool):
        raise TypeError(f"passes must be an integer, got {passes!r:.60}")
    if passes < 2:
        raise ValueError(f"passes must be at least 2 for a spread, got {passes}")
    if not callable(forward) or not callable(getattr(rng, "random", None)):
        raise TypeError(f"give a function and a generator, got {forward!r:.60}, {rng}")
    mean = squares = 0.0
    for number in range(1, passes + 1):  # Welford's sums: no pass is stored
        out = forward(rng)
        if not isinstance(out, np.ndarray) or out.dtype.kind != "f":
            raise TypeError(f"forward must return an array of floats, got {out!r:.60}")
        if number > 1 and out.shape != np.shape(mean):
            raise ValueError(f"pass {number}: {out.shape}, before {np.shape(mean)}")
        off = out - np.asarray(mean, dtype=float)
        mean = mean + off / number
        squares = squares + off * (out - mean)
    spread = np.sqrt(squares / (passes - 1))
    return np.asarray(mean, dtype=out.dtype), np.asarray(spread, dtype=out.dtype)


if __name__ == "__main__":
    a, rng = np.array([[1.0, 2.0], [3.0, 0.0]]), np.random.default_rng(0)
    found = mc_predict(lambda r: a * (r.random((2, 2)) < 0.8) / 0.8, 1000, rng)
    print("mean", found[0].round(2), "spread", found[1].round(2), sep="\n")
