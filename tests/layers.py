"""Layers for the tests of the conformance suite: right ones, and broken ones with what names them.

`python -m tests.layers` prints the matrix: every broken layer against every property.
"""

import copy
import random

import numpy as np

from snippets import dropout_conformance as suite
from snippets.inverted_dropout import dropout_backward, dropout_forward
from snippets.mask_shapes import shared_mask

# ---- right layers ----------------------------------------------------------------------


class Right:
    """Inverted dropout in parts, so that a broken layer changes one of them."""

    def __init__(self, keep_prob, rng):
        if not 0 < keep_prob <= 1:
            raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
        self.keep_prob, self.rng, self.mask, self.calls = keep_prob, rng, None, 0

    def draw(self, x):
        return self.rng.random(x.shape) < self.keep_prob

    def scale(self, kept):
        return 1 / self.keep_prob

    def forward(self, x, training=True):
        if x.dtype.kind != "f":
            raise TypeError(f"x must hold floats, got {x.dtype}")
        self.mask = np.ones_like(x)
        if training:
            kept = self.draw(x)
            self.calls += 1
            self.mask = np.where(kept, self.scale(kept), 0).astype(x.dtype)
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


class Snippet:
    """The two functions of snippets/inverted_dropout.py."""

    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        if not training:
            self.mask = np.ones_like(x)
            return x
        out, self.mask = dropout_forward(x, self.keep_prob, self.rng)
        return out

    def backward(self, grad):
        return dropout_backward(grad, self.mask)


class Selecting(Right):
    """Selects instead of multiplying, takes integers and keep_prob 0."""

    def __init__(self, keep_prob, rng):
        if not 0 <= keep_prob <= 1:
            raise ValueError(f"keep_prob must be in [0, 1], got {keep_prob}")
        self.keep_prob, self.rng = keep_prob, rng

    def forward(self, x, training=True):
        x = x if x.dtype.kind == "f" else x.astype(float)
        self.kept = self.draw(x) if training else np.ones(x.shape, bool)
        self.factor = x.dtype.type(
            1 / self.keep_prob if training and self.keep_prob else 1
        )
        return np.where(self.kept, x * self.factor, x.dtype.type(0))

    def backward(self, grad):
        return np.where(self.kept, grad * self.factor, grad.dtype.type(0))


class Thresholds(Right):
    """Compares whole numbers with a threshold."""

    def draw(self, x):
        limit = round(self.keep_prob * 2**53)
        return self.rng.integers(2**53, size=x.shape) < limit


class Binomial(Right):
    def draw(self, x):
        return self.rng.binomial(1, self.keep_prob, x.shape) == 1


class SinglePrecision(Right):
    def draw(self, x):
        return self.rng.random(x.shape, dtype=np.float32) < np.float32(self.keep_prob)


class Spawning(Right):
    """A child of the generator for each call."""

    def draw(self, x):
        (child,) = self.rng.spawn(1)
        return child.random(x.shape) < self.keep_prob


class Recomputing(Right):
    """Stores the state of the generator instead of the mask."""

    def draw(self, x):
        self.state = copy.deepcopy(self.rng.bit_generator)
        return super().draw(x)

    def forward(self, x, training=True):
        out = super().forward(x, training)
        self.mask, self.trained = None, training
        return out

    def backward(self, grad):
        if not self.trained:
            return grad
        kept = np.random.Generator(copy.deepcopy(self.state)).random(grad.shape)
        kept = kept < self.keep_prob
        return np.where(kept, grad * grad.dtype.type(1 / self.keep_prob), 0).astype(
            grad.dtype
        )


class ForwardOnly:
    def __init__(self, keep_prob, rng):
        self.layer = Right(keep_prob, rng)

    def forward(self, x, training=True):
        return self.layer.forward(x, training)


class SharedByExamples(Right):
    """One mask for the batch, and it says so."""

    axes = (0,)

    def mask_shape(self, shape):
        axes = [axis % len(shape) for axis in self.axes]
        if len(set(axes)) < len(self.axes):
            raise ValueError(f"{len(shape)} axes are too few")
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape))

    def forward(self, x, training=True):
        if x.dtype.kind != "f":
            raise TypeError(f"x must hold floats, got {x.dtype}")
        self.mask = np.ones_like(x)
        if training:
            self.mask = self.shared(x)
        return x * self.mask

    def shared(self, x):
        self.mask_shape(x.shape)
        return shared_mask(x.shape, self.axes, self.keep_prob, self.rng, x.dtype)

    def backward(self, grad):
        return grad * self.mask


class SharedByUnits(SharedByExamples):
    axes = (-1,)


class Locked(SharedByExamples):
    """One mask for all times of (batch, time, units)."""

    axes = (1,)

    def mask_shape(self, shape):
        if len(shape) != 3:
            raise ValueError("three axes are needed")
        return super().mask_shape(shape)


class Channels(SharedByExamples):
    """One decision for each channel of (batch, channels, height, width)."""

    axes = (2, 3)

    def mask_shape(self, shape):
        if len(shape) != 4:
            raise ValueError("four axes are needed")
        return super().mask_shape(shape)


class WholeCall(SharedByExamples):
    """One decision for a call."""

    def mask_shape(self, shape):
        return (1,) * len(shape)

    def shared(self, x):
        every = tuple(range(x.ndim))
        return shared_mask(x.shape, every, self.keep_prob, self.rng, x.dtype)


class AfterTanh(Right):
    activation = staticmethod(np.tanh)

    def forward(self, x, training=True):
        self.a = np.tanh(x)
        return super().forward(self.a, training)

    def backward(self, grad):
        return grad * self.mask * (1 - self.a**2)


class AfterRelu(Right):
    @staticmethod
    def activation(x):
        return np.maximum(x, 0)

    def forward(self, x, training=True):
        self.open = x > 0
        return super().forward(np.maximum(x, 0), training)

    def backward(self, grad):
        return grad * self.mask * self.open


class AfterBatchNorm(Right):
    """Normalises over the batch, cuts at zero, drops: zeros of its own hide the mask."""

    @staticmethod
    def activation(x):
        return np.maximum((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5), 0)

    def forward(self, x, training=True):
        self.deviation = np.sqrt(x.var(axis=0) + 1e-5)
        self.normal = (x - x.mean(axis=0)) / self.deviation
        return super().forward(np.maximum(self.normal, 0), training)

    def backward(self, grad):
        grad = grad * self.mask * (self.normal > 0)
        mean, slope = grad.mean(axis=0), (grad * self.normal).mean(axis=0)
        return (grad - mean - self.normal * slope) / self.deviation


RIGHT = [
    *(suite.Example, Right, Snippet, Selecting, Thresholds, Binomial, SinglePrecision),
    *(Spawning, Recomputing, ForwardOnly, SharedByExamples, SharedByUnits, Locked),
    *(Channels, WholeCall, AfterTanh, AfterRelu, AfterBatchNorm),
]

# ---- broken layers ---------------------------------------------------------------------

BROKEN = {}  # class: the property that names the bug


def broken(name):
    """Return a decorator that lists a broken layer with the property that names its bug."""

    def listed(layer):
        BROKEN[layer] = name
        return layer

    return listed


@broken("mean-kept")
class NoScale(Right):
    def scale(self, kept):
        return 1.0


@broken("zero-or-scaled")
class ScaleOffByThreePercent(Right):
    def scale(self, kept):
        return 1.03 / self.keep_prob


@broken("mean-kept")
class MeanOffByThreePercent(Right):
    def scale(self, kept):
        return 1.03 / self.keep_prob


@broken("zero-or-scaled")
class ScaleOffInTheTenthDigit(Right):
    def scale(self, kept):
        return (1 + 1e-10) / self.keep_prob


@broken("mean-kept")
class DividedByDrop(Right):
    def scale(self, kept):
        return 1 / (1 - self.keep_prob) if self.keep_prob < 1 else 1.0


@broken("zero-or-scaled")
class HardCodedHalf(Right):
    def scale(self, kept):
        return 2.0


@broken("zero-or-scaled")
class ScaledByTheCount(Right):
    def scale(self, kept):
        return kept.size / max(kept.sum(), 1)


@broken("evaluation-is-identity")
class ScaledTwice(Right):
    def forward(self, x, training=True):
        return super().forward(x, training) * x.dtype.type(
            1 if training else self.keep_prob
        )


@broken("evaluation-is-identity")
class EvaluationLosesTheSignOfZero(Right):
    def forward(self, x, training=True):
        return super().forward(x, training) + x.dtype.type(0)


@broken("variance")
class UniformNoise(Right):
    """Mean right, variance wrong."""

    def forward(self, x, training=True):
        self.mask = self.rng.uniform(0, 2, x.shape).astype(x.dtype) if training else 1
        return x * self.mask


@broken("zero-or-scaled")
class GaussianNoise(Right):
    """Mean and variance right, but not dropout."""

    def forward(self, x, training=True):
        deviation = np.sqrt((1 - self.keep_prob) / self.keep_prob)
        self.mask = (
            self.rng.normal(1, deviation, x.shape).astype(x.dtype) if training else 1
        )
        return x * self.mask


@broken("keep-rate")
class KeepOffByOneHundredth(Right):
    def draw(self, x):
        return self.rng.random(x.shape) < self.keep_prob + 0.01


@broken("keep-rate")
class Swapped(Right):
    def draw(self, x):
        return self.rng.random(x.shape) > self.keep_prob


@broken("keep-rate")
class NormalNumbers(Right):
    def draw(self, x):
        return self.rng.normal(size=x.shape) < self.keep_prob


@broken("unit-keep-rate")
class UnitNeverDropped(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept[..., 3 % max(x.shape[-1], 1)] = True
        return kept


@broken("unit-keep-rate")
class UnitDroppedLessOften(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept[..., :1] |= self.rng.random(kept[..., :1].shape) < 0.2
        return kept


@broken("example-keep-rate")
class ExampleNeverDropped(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept[:1] = True
        return kept


@broken("examples-independent")
class TwoExamplesShare(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept[1:2] = kept[:1] if len(kept) > 1 else kept[1:2]
        return kept


@broken("examples-independent")
class FarExamplesShare(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept[1024:] = (
            kept[: max(len(kept) - 1024, 0)] if len(kept) > 1024 else kept[1024:]
        )
        return kept


@broken("examples-independent")
class OneMaskForTheBatch(Right):
    def draw(self, x):
        return np.broadcast_to(self.rng.random(x.shape[1:]) < self.keep_prob, x.shape)


@broken("examples-independent")
class OneUnitSharedByTheBatch(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept[..., :1] = kept[:1, ..., :1]
        return kept


@broken("units-independent")
class NeighboursCorrelate(Right):
    """A fifth of the units copies its neighbour."""

    def draw(self, x):
        kept = super().draw(x)
        copied = self.rng.random(kept[..., 1:].shape) < 0.2
        kept[..., 1:] = np.where(copied, kept[..., :-1], kept[..., 1:])
        return kept


@broken("units-independent")
class TwoUnitsShare(Right):
    def draw(self, x):
        kept = super().draw(x)
        if x.shape[-1] > 9:
            kept[..., 9] = kept[..., 2]
        return kept


@broken("units-independent")
class AllUnitsShare(Right):
    def draw(self, x):
        return np.broadcast_to(super().draw(x[..., :1]), x.shape)


@broken("units-independent")
class UnitsOfOneExampleShare(Right):
    def draw(self, x):
        kept = super().draw(x)
        if len(kept) > 4:
            kept[4] = kept[4, ..., :1]
        return kept


@broken("binomial-count")
class ExactCountPerExample(Right):
    def draw(self, x):
        order = self.rng.random(x.shape).argsort(axis=-1)
        return order < round(self.keep_prob * x.shape[-1])


@broken("binomial-count")
class ExactCountPerUnit(Right):
    def draw(self, x):
        order = self.rng.random(x.shape).argsort(axis=0)
        return order < round(self.keep_prob * len(x))


@broken("binomial-count")
class ExactCountPerCall(Right):
    def draw(self, x):
        kept = np.arange(x.size) < round(self.keep_prob * x.size)
        return self.rng.permutation(kept).reshape(x.shape)


@broken("binomial-count")
class RateVariesByExample(Right):
    def draw(self, x):
        spread = 0.15 * min(self.keep_prob, 1 - self.keep_prob)
        rates = (
            self.keep_prob + self.rng.uniform(-spread, spread, (*x.shape[:-1], 1)) * 3
        )
        return self.rng.random(x.shape) < rates


@broken("fresh-mask")
class MaskMadeOnce(Right):
    masks = None

    def draw(self, x):
        self.masks = self.masks or {}
        if x.shape not in self.masks:
            self.masks[x.shape] = super().draw(x)
        return self.masks[x.shape]


@broken("fresh-mask")
class SeedInside(Right):
    def draw(self, x):
        return np.random.default_rng(1).random(x.shape) < self.keep_prob


@broken("fresh-mask")
class CycleOfThreeMasks(Right):
    def draw(self, x):
        return np.random.default_rng(self.calls % 3).random(x.shape) < self.keep_prob


@broken("fresh-mask")
class TenPercentReused(Right):
    last = None

    def draw(self, x):
        kept = super().draw(x)
        if self.last is not None and self.last.shape == x.shape:
            kept = np.where(self.rng.random(x.shape) < 0.1, self.last, kept)
        self.last = kept
        return kept


@broken("fresh-mask")
class OneElementFrozen(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept.flat[:1] = True
        return kept


@broken("fresh-mask")
class OneElementDrawnEverySecondCall(Right):
    first = True

    def draw(self, x):
        kept = super().draw(x)
        if self.calls % 2 and kept.size:
            kept.flat[0] = self.first
        elif kept.size:
            self.first = kept.flat[0]
        return kept


@broken("sharing-as-declared")
class TimesShare(Right):
    def draw(self, x):
        if x.ndim < 3:
            return super().draw(x)
        return np.broadcast_to(super().draw(x[:, :1]), x.shape)


@broken("sharing-as-declared")
class PixelsShare(Right):
    def draw(self, x):
        if x.ndim < 4:
            return super().draw(x)
        return np.broadcast_to(super().draw(x[:, :, :1, :1]), x.shape)


@broken("sharing-as-declared")
class DeclaresButDoesNotShare(Right):
    def mask_shape(self, shape):
        return (1, *shape[1:])


@broken("mask-ignores-data")
class SmallValuesDropped(Right):
    def draw(self, x):
        order = np.abs(x).ravel().argsort().argsort().reshape(x.shape)
        limit = (order / max(x.size - 1, 1) - 1 / 3) * 0.1 + self.keep_prob
        return self.rng.random(x.shape) < limit


@broken("mask-ignores-data")
class LargestNeverDropped(Right):
    def draw(self, x):
        kept = super().draw(x)
        if x.size:
            kept.flat[np.abs(x).argmax()] = True
        return kept


@broken("mask-ignores-data")
class ActiveUnitsOnly(Right):
    def draw(self, x):
        active = np.mean(x != 0) if x.size else 1
        return self.rng.random(x.shape) < min(self.keep_prob / max(active, 1e-9), 1)


@broken("extreme-keep-probs")
class EightBits(Right):
    def draw(self, x):
        limit = round(256 * self.keep_prob)
        return self.rng.integers(256, size=x.shape) < limit


@broken("extreme-keep-probs")
class ClippedRate(Right):
    def draw(self, x):
        return self.rng.random(x.shape) < np.clip(self.keep_prob, 0.01, 0.995)


@broken("generator-decides")
class SeedsItsOwnGenerator(Right):
    def __init__(self, keep_prob, rng):
        super().__init__(keep_prob, np.random.default_rng(3))


@broken("layers-differ")
class CopiesTheGenerator(Right):
    def __init__(self, keep_prob, rng):
        super().__init__(keep_prob, copy.deepcopy(rng))


@broken("reproducible")
class FreshEntropy(Right):
    def draw(self, x):
        return np.random.default_rng().random(x.shape) < self.keep_prob


@broken("global-state-untouched")
class GlobalGenerator(Right):
    def draw(self, x):
        return np.random.random(x.shape) < self.keep_prob


@broken("global-state-untouched")
class SeedsTheGlobalGenerator(Right):
    def draw(self, x):
        np.random.seed(0)
        return super().draw(x)


@broken("global-state-untouched")
class DrawsFromRandom(Right):
    def draw(self, x):
        random.random()
        return super().draw(x)


@broken("global-state-untouched")
class SilencesErrors(Right):
    def forward(self, x, training=True):
        np.seterr(all="ignore")
        return super().forward(x, training)


@broken("evaluation-draws-nothing")
class EvaluationDraws(Right):
    def forward(self, x, training=True):
        kept = self.draw(x)
        self.mask = np.where(kept, 1 / self.keep_prob, 0).astype(x.dtype)
        if not training:
            self.mask = np.ones_like(x)
        return x * self.mask


@broken("backward-is-the-mask")
class FreshMaskInBackward(Right):
    def backward(self, grad):
        return np.where(self.draw(grad), grad / self.keep_prob, 0).astype(grad.dtype)


@broken("backward-is-the-mask")
class NoMaskInBackward(Right):
    def backward(self, grad):
        return grad.copy()


@broken("backward-is-the-mask")
class NoScaleInBackward(Right):
    def backward(self, grad):
        return grad * (self.mask != 0)


@broken("backward-is-the-mask")
class GradientOffByOnePercent(Right):
    def backward(self, grad):
        return super().backward(grad) * grad.dtype.type(1.01)


@broken("backward-is-the-mask")
class MaskOfTheFirstCall(Right):
    """Keeps the mask of the first training call for backward."""

    first = None

    def forward(self, x, training=True):
        out = super().forward(x, training)
        if self.first is None or self.first.shape != x.shape:
            self.first = self.mask
        return out

    def backward(self, grad):
        return grad * self.first


@broken("backward-is-the-mask")
class GradientsPileUp(Right):
    def backward(self, grad):
        self.mask = self.mask * self.mask
        return grad * np.sqrt(self.mask)


@broken("zeros-get-gradient")
class MaskGuessedFromZeros(Right):
    def forward(self, x, training=True):
        self.out = super().forward(x, training)
        return self.out

    def backward(self, grad):
        return grad * self.mask * (self.out != 0)


@broken("backward-after-evaluation")
class StaleMask(Right):
    def forward(self, x, training=True):
        return super().forward(x, training) if training else x


@broken("inputs-untouched")
class OverwritesX(Right):
    def forward(self, x, training=True):
        super().forward(x, training)
        x *= self.mask
        return x


@broken("inputs-untouched")
class OverwritesGrad(Right):
    def backward(self, grad):
        grad *= self.mask
        return grad


@broken("every-call-starts-anew")
class ReusesItsBuffer(Right):
    buffer = None

    def forward(self, x, training=True):
        out = super().forward(x, training)
        if self.buffer is None or (self.buffer.shape, self.buffer.dtype) != (
            x.shape,
            x.dtype,
        ):
            self.buffer = np.empty_like(out)
        self.buffer[...] = out
        return self.buffer


@broken("every-call-starts-anew")
class MasksPileUp(Right):
    piled = None

    def draw(self, x):
        kept = super().draw(x)
        if self.piled is None or self.piled.shape != x.shape:
            self.piled = np.ones(x.shape)
        self.piled = self.piled * kept / self.keep_prob
        return kept

    def forward(self, x, training=True):
        out = super().forward(x, training)
        return (x * self.piled).astype(x.dtype) if training else out


@broken("every-call-starts-anew")
class KeepsTheFirstShape(Right):
    def draw(self, x):
        self.shape = getattr(self, "shape", x.shape)
        return self.rng.random(self.shape) < self.keep_prob


@broken("mode-is-obeyed")
class StaysInEvaluation(Right):
    evaluated = False

    def forward(self, x, training=True):
        self.evaluated |= not training
        return super().forward(x, not self.evaluated)


@broken("mode-is-obeyed")
class NeverDrops(Right):
    def forward(self, x, training=True):
        return super().forward(x, False)


@broken("mode-is-obeyed")
class EvaluatesByDefault(Right):
    def forward(self, x, training=False):
        return super().forward(x, training)


@broken("evaluation-is-identity")
class DropsAtEvaluation(Right):
    def forward(self, x, training=True):
        return super().forward(x, True)


@broken("shape-and-dtype")
class Promotes(Right):
    def forward(self, x, training=True):
        return super().forward(x, training) * np.ones(x.shape)


@broken("shape-and-dtype")
class Flattens(Right):
    def forward(self, x, training=True):
        out = super().forward(x, training)
        return out.reshape(len(out), -1) if x.ndim else out


@broken("drop-all")
class DividesByZero(Right):
    def __init__(self, keep_prob, rng):
        super().__init__(keep_prob or 1, rng)
        self.keep_prob = keep_prob

    def scale(self, kept):
        return np.float64(1) / self.keep_prob

    def forward(self, x, training=True):
        out = super().forward(x, training)
        return out if self.keep_prob else x * (x * 0) / self.keep_prob


@broken("drop-all")
class DividesByZeroBehindWhere(Right):
    def __init__(self, keep_prob, rng):
        super().__init__(keep_prob or 1, rng)
        self.keep_prob = keep_prob

    def forward(self, x, training=True):
        self.kept = self.draw(x) if training else np.ones(x.shape, bool)
        self.factor = x.dtype.type(np.float64(1) / self.keep_prob if training else 1)
        return np.where(self.kept, x * self.factor, x.dtype.type(0))

    def backward(self, grad):
        return grad * self.kept * self.factor


@broken("bad-keep-prob")
class Unchecked(Right):
    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng, self.calls = keep_prob, rng, 0


@broken("bad-keep-prob")
class Clips(Right):
    def __init__(self, keep_prob, rng):
        super().__init__(np.clip(keep_prob, 0.01, 1), rng)


@broken("integer-input")
class TruncatesIntegers(Right):
    def forward(self, x, training=True):
        out = super().forward(x.astype(float), training)
        return out.astype(x.dtype)


@broken("inf-and-nan")
class SilentNan(Right):
    def forward(self, x, training=True):
        with np.errstate(all="ignore"):
            return super().forward(x, training)


@broken("inf-and-nan")
class ReplacesInf(Right):
    def forward(self, x, training=True):
        return super().forward(np.nan_to_num(x) if training else x, training)


@broken("half-precision")
class OverflowsFirst(Right):
    def forward(self, x, training=True):
        super().forward(x, training)
        return x * self.mask.max(initial=1) * (self.mask != 0)


@broken("negative-like-positive")
class LosesTheSign(Right):
    def forward(self, x, training=True):
        return super().forward(np.abs(x) if training else x, training)


@broken("negative-like-positive")
class TakesZerosForNegative(Right):
    def forward(self, x, training=True):
        return super().forward(np.maximum(x, 0) if training else x, training)


@broken("memory-layouts")
class ReadsMemoryInOrder(Right):
    def forward(self, x, training=True):
        flat = np.frombuffer(x.tobytes("A"), x.dtype).reshape(x.shape)
        return super().forward(flat, training)


@broken("memory-layouts")
class NeedsWriteableInput(Right):
    def forward(self, x, training=True):
        out = super().forward(x, training)
        x[...] = x
        return out


@broken("keep-all")
class DropsOneOfAThousandAnyway(Right):
    def draw(self, x):
        return self.rng.random(x.shape) < min(self.keep_prob, 0.97)


@broken("backward-is-the-mask")
class DerivativeAfterDropout(AfterTanh):
    def forward(self, x, training=True):
        self.out = super().forward(x, training)
        return self.out

    def backward(self, grad):
        return grad * self.mask * (1 - self.out**2)


@broken("zero-or-scaled")
class BeforeSigmoid(Right):
    @staticmethod
    def activation(x):
        return 1 / (1 + np.exp(-x))

    def forward(self, x, training=True):
        return self.activation(super().forward(x, training))


@broken("zero-or-scaled")
class BeforeBatchNorm(Right):
    @staticmethod
    def activation(x):
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)

    def forward(self, x, training=True):
        return self.activation(super().forward(x, training))


@broken("zero-or-scaled")
class OnTheLogits(Right):
    @staticmethod
    def activation(x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def forward(self, x, training=True):
        return self.activation(super().forward(x, training))


@broken("fresh-mask")
class TenPercentOfTheCallBeforeLast(Right):
    """Calls two apart depend on each other, successive ones do not."""

    def draw(self, x):
        kept, self.last = super().draw(x), getattr(self, "last", [])
        if len(self.last) == 2 and self.last[0].shape == x.shape:
            kept = np.where(self.rng.random(x.shape) < 0.1, self.last[0], kept)
        self.last = [*self.last[-1:], kept]
        return kept


@broken("keep-rate")
class WrongRateInSinglePrecision(Right):
    def draw(self, x):
        off = 0.01 * (x.dtype == np.float32)
        return self.rng.random(x.shape) < self.keep_prob - off


@broken("keep-rate")
class WrongRateInLargeArrays(Right):
    def draw(self, x):
        return self.rng.random(x.shape) < self.keep_prob - 0.01 * (x.size > 300_000)


@broken("keep-rate")
class WrongRateInFourAxes(Right):
    def draw(self, x):
        return self.rng.random(x.shape) < self.keep_prob - 0.05 * (x.ndim == 4)


@broken("examples-independent")
class MaskRepeatsAfter4096Examples(Right):
    def draw(self, x):
        kept = super().draw(x)
        kept[4096:8192] = kept[: max(len(kept) - 4096, 0)][:4096]
        return kept


@broken("units-independent")
class NeighboursCorrelateALittle(Right):
    """One of thirty units copies its neighbour."""

    def draw(self, x):
        kept = super().draw(x)
        copied = self.rng.random(kept[..., 1:].shape) < 1 / 30
        kept[..., 1:] = np.where(copied, kept[..., :-1], kept[..., 1:])
        return kept


@broken("layers-differ")
class OneMaskForBothPrecisions(Right):
    """A copy of the generator draws for float32, so that both dtypes have one mask."""

    def draw(self, x):
        self.single = getattr(self, "single", None) or copy.deepcopy(self.rng)
        rng = self.single if x.dtype == np.float32 else self.rng
        return rng.random(x.shape) < self.keep_prob


@broken("backward-is-the-mask")
class MaskBelongsToTheClass(Right):
    def forward(self, x, training=True):
        out = super().forward(x, training)
        type(self).shared = self.mask
        return out

    def backward(self, grad):
        return grad * type(self).shared


@broken("backward-is-the-mask")
class BackwardRightForTenElements(Right):
    def backward(self, grad):
        got = grad.copy()
        got.flat[:10] = (grad * self.mask).flat[:10]
        return got


@broken("memory-layouts")
class ReadsGradientsInOrder(Right):
    def backward(self, grad):
        return (
            np.frombuffer(grad.tobytes("A"), grad.dtype).reshape(grad.shape) * self.mask
        )


# ---- the matrix ------------------------------------------------------------------------


def matrix(layers):
    """Return for each layer the verdicts by property."""
    return {
        layer: {v["property"]: v["verdict"] for v in suite.check(layer)}
        for layer in layers
    }


def main():
    marks = {"pass": ".", "fail": "F", "not applicable": "-"}
    for number, name in enumerate(suite.NAMES):
        print(f"{'| ' * number}{name}")
    named = 0
    for layer, verdicts in matrix([*RIGHT, *BROKEN]).items():
        row = " ".join(marks[verdicts[name]] for name in suite.NAMES)
        wanted = BROKEN.get(layer, "")
        named += bool(wanted) and verdicts[wanted] == "fail"
        print(f"{row}  {layer.__name__}  {wanted}", flush=True)
    print(f"{named} of {len(BROKEN)} broken layers fail the property that names them")


if __name__ == "__main__":
    main()
