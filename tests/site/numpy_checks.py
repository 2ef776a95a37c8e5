"""What of NumPy's behaviour the pages rely on; `report` must be the same in every Python."""

import numpy as np

lines = []


def say(name, value):
    """Note a result with all its digits."""
    lines.append(f"{name}: {np.array(value).tolist()!r}")


rng = np.random.default_rng(11)
say("uniform", rng.random(5))
say("uniform float32", rng.random(5, dtype=np.float32))
say("integers", rng.integers(0, 10, 8))
say("binomial", rng.binomial(20, 0.3, 5))
say("permutation", rng.permutation(8))
say("choice", rng.choice(5, 3, replace=False))
for bits in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
    say(bits.__name__, np.random.Generator(bits(3)).random(3))
say("legacy", np.random.RandomState(1).rand(3))
say("spawn", [g.random() for g in np.random.default_rng(5).spawn(2)])

a = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
say("solve", np.linalg.solve(a, [1, 2, 3]).round(12))
say("eigenvalues", np.linalg.eigvalsh(a).round(12))
say("singular values", np.linalg.svd(a)[1].round(12))
say("fft", np.abs(np.fft.fft([1.0, 2.0, 0.0, -1.0])).round(12))
say("sum", np.add.reduce(np.arange(1000) / 7))
say("where", np.where(np.array([True, False]), 1.25, 0))
say("broadcast", (np.ones((3, 1)) * np.arange(4)).sum(axis=0))
say("half", np.float16(60000) * np.float16(2) if False else np.float16(0.1))
say("einsum", np.einsum("ij,kj->ik", a, a).round(12))

for name, bad in {
    "shape": lambda: np.ones(3) + np.ones(4),
    "cast": lambda: np.add(np.ones(2), 0.5, out=np.ones(2, dtype=np.int64)),
    "probability": lambda: np.random.default_rng(0).binomial(1, 2.0),
}.items():
    try:
        bad()
        lines.append(f"{name}: no error")
    except (ValueError, TypeError, np.linalg.LinAlgError) as error:
        lines.append(f"{name}: {type(error).__name__}")

report = "\n".join(lines)
