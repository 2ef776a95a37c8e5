"""Early and late dropout: Liu et al. 2023, Dropout Reduces Underfitting."""

from numbers import Integral, Real


def keep_prob_at(step: int, steps: int, keep_prob: float, kind: str, switch: int):
    """Return the keep probability, a float, of a step from 0 to steps - 1.

    "early": rises in a line from keep_prob to 1 at the step switch, then stays.
    "late": 1 before the step switch, keep_prob from it on. Set it before the
    step; inverted dropout does the rest. Evaluation never drops, at no step.
    TypeError: steps are not integers, keep_prob is no number. ValueError: they
    are not in 0 <= step < steps, 0 < switch < steps, (0, 1]; another kind.
    """
    for name, given in {"step": step, "steps": steps, "switch": switch}.items():
        if not isinstance(given, Integral) or isinstance(given, bool):
            raise TypeError(f"{name} must be an integer, got {given!r:.60}")
    if not isinstance(keep_prob, Real) or isinstance(keep_prob, bool):
        raise TypeError(f"keep_prob must be a number, got {keep_prob!r:.60}")
    if not 0 <= step < steps or not 0 < switch < steps:
        raise ValueError(f"{steps} steps do not fit step {step}, switch {switch}")
    if not 0 < keep_prob <= 1:
        raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
    if kind not in ("early", "late"):
        raise ValueError(f"kind must be 'early' or 'late', got {kind!r:.60}")
    late = kind == "late"
    off = float(step < switch) if late else min(step / switch, 1.0)
    return float(keep_prob + off * (1 - keep_prob))  # off: share of the rate


if __name__ == "__main__":
    for kind in ("early", "late"):
        values = [keep_prob_at(step, 10, 0.8, kind, 4) for step in range(10)]
        print(f"{kind:>5}", *(f"{value:.2f}" for value in values))
