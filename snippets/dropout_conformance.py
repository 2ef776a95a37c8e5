"""Is my dropout right? This file tests any dropout layer, and names the bug it finds.

    python dropout_conformance.py my_module.py:MyDropout

Exit status: 0 all properties hold, 1 one fails, 2 nothing could be tested.

A layer is a class made as MyDropout(keep_prob, rng); rng, a NumPy Generator, is the only
source of its masks. forward(x, training=True) returns x * mask, mask 0 or 1 / keep_prob;
forward(x, training=False) returns x; backward(grad) returns the gradient for the x of the
last forward call. What a layer may leave out or add:

    backward             without it, only forward is tested
    mask_shape(x_shape)  the shape of a mask that is shared along the axes of size 1
    activation(x)        a static method: what the layer applies before it drops

In pytest the properties become one test each:

    from dropout_conformance import as_tests
    from my_module import MyDropout
    test_my_dropout = as_tests(MyDropout)

Where chance plays a part, counts are compared with exact binomial tails. A right layer gets
a false alarm for fewer than one of a million seeds; --list prints the bound of each property
and the smallest defect that it finds with 99.9 % power. Needs NumPy only. Licence: MIT-0.
More than 40 lines: it is used whole, from one file. Source: Srivastava et al. 2014, JMLR 15.
"""

import argparse
import contextlib
import functools
import importlib.util
import inspect
import itertools
import json
import math
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np

ALARM = 4e-8  # bound on the false alarms of one property in one run
POWER = 0.999  # with which the defects of --list are found
KEEP_PROBS = (0.8, 0.3)  # not one half: there keep and drop are the same number
PAGES = "practice/pitfalls/"  # on the site that this file comes from
SEED, SECONDS = 0, 8.0
RARE = math.exp(-26)  # 5e-12, a chance that is taken, and counted
NUMPY = dict(vars(np))  # as it was before any layer was loaded


class FailedError(Exception):
    """A property that does not hold: what was measured, what was expected, which bug."""

    def __init__(self, measured, expected, page="", strength=math.inf):
        super().__init__(measured)
        self.measured, self.expected, self.page = measured, expected, page
        self.strength = strength  # see _strength; infinite where chance plays no part


class NotApplicableError(Exception):
    """A property that says nothing about this layer."""


class UnfitError(Exception):
    """A layer that does not offer the protocol, so that nothing can be tested."""


class Example:
    """The layer that is tested when none is named: inverted dropout, done right."""

    def __init__(self, keep_prob, rng):
        if not 0 < keep_prob <= 1:
            raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
        self.keep_prob, self.rng, self.mask = keep_prob, rng, None

    def forward(self, x, training=True):
        if x.dtype.kind != "f":
            raise TypeError(f"x must hold floats, got {x.dtype}")
        self.mask = np.ones_like(x)
        if training:
            kept = self.rng.random(x.shape) < self.keep_prob
            self.mask = np.where(kept, 1 / self.keep_prob, 0).astype(x.dtype)
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


# ---- exact binomial tails --------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def _binomial(n, q):
    """Return the first count and the probabilities of all that are not below 1e-40."""
    if q in (0, 1):  # also 1 - 1e-20
        return int(n * q), np.ones(1)
    reach = 15 * math.sqrt(n * q * (1 - q)) + 150
    first, last = max(0, int(n * q - reach)), min(n, int(n * q + reach) + 1)
    counts = np.arange(first, last)
    steps = np.log((n - counts) / (counts + 1)) + math.log(q) - math.log1p(-q)
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    return first, chances / chances.sum()


@functools.lru_cache(maxsize=4096)
def bounds(n, q, level):
    """Return the counts low, high that X ~ Binomial(n, q) leaves with chance <= level."""
    first, chances = _binomial(n, q)
    below = np.cumsum(chances)
    above = np.cumsum(chances[::-1])[::-1]
    low = np.searchsorted(below, level / 2, side="right")
    high = len(chances) - 1 - np.searchsorted(above[::-1], level / 2, side="right")
    return int(first + low), int(first + high)


def inside(n, q, low, high):
    """Return the probability that X ~ Binomial(n, q) lies in low..high."""
    first, chances = _binomial(n, q)
    return float(chances[max(low - first, 0) : max(high - first + 1, 0)].sum())


def outside(n, q, low, high):
    """Return the probability that X ~ Binomial(n, q) lies outside of low..high."""
    first, chances = _binomial(n, q)
    below, above = max(low - first, 0), max(high - first + 1, 0)
    return float(chances[:below].sum() + chances[above:].sum())


def smallest_shift(n, q, low, high):
    """Return how far q must move, either way, to leave low..high with the power POWER."""
    shifts = []
    for sign in (1, -1):
        near, far = 0.0, (1 - q if sign > 0 else q) * (1 - 1e-9)
        if inside(n, q + sign * far, low, high) > 1 - POWER:
            continue  # not to be seen on this side
        for _ in range(40):
            middle = (near + far) / 2
            missed = inside(n, q + sign * middle, low, high) > 1 - POWER
            near, far = (middle, far) if missed else (near, middle)
        shifts.append(far)
    return max(shifts, default=math.nan)


def _strength(rate, n, q):
    """Return how far a rate is off, as a part of how far it could be. Six standard
    deviations are taken off, so that at least so much is real."""
    off = max(abs(rate - q) - 6 * math.sqrt(q * (1 - q) / n), 0)
    return off / (1 - q if rate > q else q)


def _agreements(draws):
    """Return how often each pair of rows of draws, shape (things, observations), agrees."""
    ones = np.asarray(draws, np.float32)
    both = (ones @ ones.T).astype(np.int64)
    kept = np.diag(both)
    equal = ones.shape[1] - kept[:, None] - kept[None, :] + 2 * both
    return equal[np.triu_indices(len(kept), 1)]


# ---- a layer that nobody trusts --------------------------------------------------------


def _line(words, longest=160):
    """Return words in one line that any terminal can take."""
    words = " ".join(words.split())
    words = "".join(c if c.isprintable() else "?" for c in words)
    return words if len(words) < longest else words[: longest - 3] + "..."


def _text(error):
    """Return an error in one line, also if it cannot be printed."""
    try:
        return _line(f"{type(error).__name__}: {error}")
    except BaseException:
        return "an error that cannot be printed"


def _refused(error):
    """Return whether an error says clearly that the layer does not take an input."""
    with contextlib.suppress(Exception):
        clear = isinstance(error, ValueError | TypeError)
        clear |= type(error) in (RuntimeError, NotImplementedError)
        return clear and bool(str(error))
    return False


class RaisedError(Exception):
    """What the layer raised, kept apart from errors of this file."""

    def __init__(self, where, error):
        super().__init__(where)
        self.where, self.error = where, error


class Probe:
    """One layer class under test: makes layers, calls them, draws masks, counts."""

    def __init__(self, layer_class, keep_probs=KEEP_PROBS, seed=SEED):
        self.layer_class, self.keep_probs, self.seed = layer_class, keep_probs, seed
        self.ledger, self._samples, self._seeds = [], {}, itertools.count(1)
        self.rng = np.random.default_rng(seed)

    # -- calls

    def begin(self, name):
        """Start a property: its random numbers depend on the seed and its name alone."""
        self.rng = np.random.default_rng([self.seed, *name.encode()])
        self._seeds = itertools.count(1000 * NAMES.index(name))
        self.ledger = []

    def generator(self, number=None):
        number = next(self._seeds) if number is None else number
        return np.random.default_rng([self.seed, number])

    def layer(self, keep_prob, rng=None):
        rng = self.generator() if rng is None else rng
        try:
            return self.layer_class(keep_prob, rng)
        except BaseException as error:
            where = f"making it with keep_prob {keep_prob!r}"
            raise RaisedError(where, error) from None

    def raw(self, layer, x, training=True):
        """Return what forward returns, unchecked; x is handed over as it is."""
        mode = "training" if training else "evaluation"
        try:
            return layer.forward(x, training=training)
        except BaseException as error:
            where = f"forward in {mode} with {x.dtype} of shape {x.shape}"
            raise RaisedError(where, error) from None

    def forward(self, layer, x, training=True):
        """Return forward(a copy of x), which must have its shape and dtype."""
        return self.same_kind("forward", self.raw(layer, x.copy(), training), x)

    def drawn(self, layer, x):
        """Return which elements a training call keeps."""
        if not np.all(self.base(x)):
            raise NotApplicableError("the activation is 0 for some x from 1 to 2")
        return self.forward(layer, x) != 0

    def backward(self, layer, grad, copy=True):
        if not hasattr(layer, "backward"):
            raise NotApplicableError("without backward, only forward is tested")
        try:
            out = layer.backward(grad.copy() if copy else grad)
        except BaseException as error:
            raise RaisedError(f"backward with shape {grad.shape}", error) from None
        return self.same_kind("backward", out, grad)

    def same_kind(self, what, out, x):
        if not isinstance(out, np.ndarray | np.generic):
            found = type(out).__name__
            raise FailedError(f"{what} returns a {found:.40}", "a NumPy array", UNKNOWN)
        out = np.array(out, copy=True, subok=False)
        if (out.shape, out.dtype) != (x.shape, x.dtype):
            page = "float64-promotion" if out.shape == x.shape else UNKNOWN
            found = f"{what} returns {out.dtype} of shape {out.shape}"
            raise FailedError(found, f"{x.dtype} of shape {x.shape}", page)
        return out

    # -- what the layer declares

    @functools.cached_property
    def activated(self):
        return callable(getattr(self.layer_class, "activation", None))

    def base(self, x):
        """Return what evaluation must return: x, or the declared activation of it."""
        if not self.activated:
            return x
        try:
            return np.asarray(self.layer_class.activation(x.copy()))
        except BaseException as error:
            raise RaisedError(f"activation with shape {x.shape}", error) from None

    def mask_shape(self, shape):
        """Return the declared shape of the mask, or None where the layer refuses it."""
        layer = self.layer(self.keep_probs[0], self.generator(0))
        declared = getattr(layer, "mask_shape", None)
        if declared is None:
            return shape
        try:
            found = tuple(int(n) for n in declared(shape))
        except BaseException as error:
            if _refused(error):
                return None
            raise RaisedError(f"mask_shape({shape})", error) from None
        fits = len(found) == len(shape)
        if not fits or any(m not in (1, n) for m, n in zip(found, shape)):
            raise FailedError(f"mask_shape({shape}) is {found}", "sizes of x, or 1")
        return found

    def takes(self, shape):
        if self.activated and (len(shape) != 2 or 0 in shape):
            return False
        if hasattr(self.layer_class, "mask_shape") and not math.prod(shape or [0]):
            return False  # it need not think of empty arrays and single numbers
        return self.mask_shape(shape) is not None

    @functools.cached_property
    def shared(self):
        """Along which axes the mask is shared, for the fewest axes that it takes."""
        for shape in [(7, 6), (7, 6, 5), (7, 6, 5, 4), (7,)]:
            if self.takes(shape):
                return tuple(m == 1 for m in self.mask_shape(shape))
        raise FailedError("mask_shape refuses 1 to 4 axes", "one of them to be taken")

    # -- data and masks

    def data(self, shape, dtype=np.float64, signed=False):
        x = self.rng.uniform(1, 2, shape).astype(dtype)
        if signed and not self.activated:
            x *= np.where(self.rng.random(shape) < 0.4, -1, 1).astype(dtype)
        return x

    def shape(self, examples, units):
        """Return a shape with about that many mask cells; shared axes have size 2."""
        free = [not shared for shared in self.shared[1:]]
        side = math.ceil(units ** (1 / max(sum(free), 1)))
        return (2 if self.shared[0] else examples, *(side if f else 2 for f in free))

    def cells(self, kept):
        """Return one element of each mask cell, as (examples, units)."""
        if kept.ndim == len(self.shared):
            kept = kept[tuple(slice(1) if s else slice(None) for s in self.shared)]
        return kept.reshape(len(kept), -1)

    def sample(self, keep_prob, size):
        """Return the masks of many calls to one layer, shape (calls, examples, units)."""
        if (keep_prob, size) not in self._samples:
            sizes = {"large": (2048, 64, 16), "calls": (16, 32, 400)}
            examples, units, calls = sizes[size]
            layer = self.layer(keep_prob, self.generator(10**6 + examples))
            rng = np.random.default_rng([self.seed, examples])
            x = rng.uniform(1, 2, self.shape(examples, units))
            base, calls = self.base(x), 400 if self.shared[0] else calls
            self.drawn(self.layer(keep_prob, rng), x)  # or masks cannot be seen
            masks = [self.cells(self.forward(layer, x) / base) for _ in range(calls)]
            self._samples[keep_prob, size] = np.array(masks)
        return self._samples[keep_prob, size]

    def kept(self, keep_prob, size, several=""):
        kept = self.sample(keep_prob, size) != 0
        if several and kept.shape[1 + (several == "units")] == 1:
            raise NotApplicableError(f"the mask is shared by all {several}")
        if keep_prob**kept.size < RARE:
            self.coincidence(RARE)
            if kept.all():
                raise FailedError("no output is ever 0", "0 where dropped", UNKNOWN)
        return kept

    def large_call(self, keep_prob):
        """Return the kept cells of one large float32 array, or of many calls if shared."""
        dtype = "f8" if self.activated else "f4"  # f4: an activation can be 0 by chance
        x, layer = self.data(self.shape(8192, 64), dtype), self.layer(keep_prob)
        calls = 400 if self.shared[0] else 1
        return np.array([self.cells(self.drawn(layer, x)) for _ in range(calls)])

    def calls_needed(self, keep_prob, x):
        """Return how many calls it takes to be sure to see both values, and two masks."""
        rarest = max(keep_prob, 1 - keep_prob, _same(keep_prob))
        calls = math.log(RARE) / min(math.log(rarest), -1e-15) / self.cells(x).size
        return math.ceil(calls)

    # -- counting

    def count(self, say, observed, n, q, share=1.0, names=str, finds=None):
        """Return the count furthest off, in words; raise FailedError if bounds exclude it.

        observed: counts that are Binomial(n, q) for a right layer. share: their part of
        the property's false alarms. say: what was measured, {0} the names of the count,
        {1} its rate. finds: (text, unit), the defect that a shift of q by unit means.
        """
        observed = np.atleast_1d(np.asarray(observed))
        level = ALARM * share / len(self.keep_probs) / observed.size
        low, high = bounds(n, q, level)
        alarm = observed.size * outside(n, q, low, high)
        self.ledger.append((alarm, n, q, low, high, finds))
        worst = int(np.argmax(np.abs(observed - n * q)))
        measured = say.format(names(worst), observed[worst] / n)
        if not low <= observed[worst] <= high:
            strength = _strength(observed[worst] / n, n, q)
            expected = f"{low / n:.4f} to {high / n:.4f}"
            raise FailedError(measured, expected, strength=strength)
        return measured

    def coincidence(self, chance):
        """Count a chance by which a right layer could look wrong."""
        self.ledger.append((chance, 0, 0, 0, 0, None))

    def zero_or_scaled(self, x, out, keep_prob, both=True):
        """Raise FailedError unless out is 0 or base(x) / keep_prob, and both occur if they must."""
        base = self.base(x)
        tolerance = 4 * np.finfo(x.dtype).eps if not self.activated else 1e-6
        kept = out != 0
        ratio = out[kept].astype(float) / base[kept]
        off = np.abs(ratio * keep_prob - 1)
        if not (off <= tolerance).all():
            digits = 4 if not off.max() < 1e-3 else 12
            measured = f"kept elements are {_span(ratio, digits)} times the input"
            page = self._scale_bug(x, ratio, keep_prob)
            raise FailedError(measured, f"{1 / keep_prob:.{digits}f} times", page)
        if not both or not base.all() or self.calls_needed(keep_prob, x) > 1:
            return
        self.coincidence(2 * RARE)
        if kept.all():
            raise FailedError("nothing was dropped", "zeros, too", "never-drops")
        if not kept.any():
            raise FailedError("everything was dropped", "zeros and scaled values")

    def _scale_bug(self, x, ratio, keep_prob):
        """Return the page of the bug that such a factor points to."""
        if self.activated:
            whole = self.base(x)
            if not np.allclose(self.base(x[:2]), whole[:2]):
                return "before-batch-norm"
            if not np.allclose(self.base(x[:, :2]), whole[:, :2]):
                return "on-the-logits"
            return "before-a-curved-activation"
        rounding = 16 * np.finfo(x.dtype).eps
        factor, share = float(np.mean(ratio)), len(ratio) / x.size
        if not np.ptp(ratio) <= rounding * factor:  # a count gives a row or column one
            steps = np.round(ratio / abs(rounding * factor))
            few = ratio.min() > 0 and len(np.unique(steps)) <= 2 * max(x.shape)
            return "scaled-by-the-count" if few else UNKNOWN
        if abs(factor * share - 1) < rounding:
            return "scaled-by-the-count"
        page = _factor_bug(ratio, keep_prob, rounding)
        swapped = abs(share - keep_prob) > abs(share - 1 + keep_prob)
        return "keep-and-drop-swapped" if page == "divided-by-p" and swapped else page

    def moment(self, say, power, k, of, finds):
        """Return the mean of power(mask), in words; it is of(share kept), monotone, or
        FailedError is raised."""
        masks = self.sample(k, "large")
        n, found = masks.size, np.mean(power(masks))
        low, high = bounds(n, k, ALARM / len(self.keep_probs))
        self.ledger.append((outside(n, k, low, high), n, k, low, high, finds))
        ends, rounding = sorted((of(low / n), of(high / n))), 1e-6 * max(1, of(k))
        if not ends[0] - rounding <= found <= ends[1] + rounding:
            width = ends[1] - ends[0] + rounding
            strength = abs(found - of(k)) / width * (high - low) / n
            expected = f"{ends[0]:.4f} to {ends[1]:.4f}"
            page = _factor_bug(masks[masks != 0], k)
            raise FailedError(say.format(found), expected, page, strength)
        return say.format(found)

    def frozen_bug(self, keep_prob):
        """Return the page of the bug by which all calls have one mask."""
        x = self.data(self.shape(16, 32))
        pair = [self.forward(self.layer(keep_prob), x) for _ in range(2)]
        return "seed-in-the-function" if np.array_equal(*pair) else "mask-made-once"

    def check_derivative(self, x, mask, grad, got):
        """Raise FailedError unless got is the gradient of sum(grad * mask * base(x))."""
        step = 1e-7  # short: few elements come across a kink of the activation
        for _ in range(3):
            direction = self.rng.normal(size=x.shape)
            ends = [self.base(x + sign * step * direction) for sign in (1, -1)]
            want = np.sum(grad * mask * (ends[0] - ends[1])) / (2 * step)
            found = np.sum(got * direction)
            scale = np.sum(np.abs(got * direction)) + np.sum(np.abs(grad * mask))
            if not abs(found - want) <= 1e-7 * scale:
                measured = f"the derivative along a direction is {found:.6g}"
                raise FailedError(measured, f"{want:.6g}", "derivative-after-dropout")


# ---- the properties --------------------------------------------------------------------

PROPERTIES = {}  # name: (function, what is tested, page of the usual bug, smallest defect)

BUGS = {  # by the name of the page that explains them
    "no-scale": "kept values are not divided by keep_prob",
    "scaled-twice": "values are scaled at evaluation, too",
    "divided-by-p": "divided by the drop probability",
    "hard-coded-half": "a scale that was written down for another keep_prob",
    "scaled-by-the-count": "divided by the share that happens to be kept",
    "keep-and-drop-swapped": "keep and drop are swapped",
    "randn-for-rand": "normal numbers (randn) where uniform ones (rand) are meant",
    "one-mask-for-the-batch": "one mask, broadcast over the batch",
    "wrong-axis": "the mask is shared along the wrong axis",
    "exact-count": "an exact number of units is dropped",
    "mask-depends-on-data": "the mask depends on the values",
    "coarse-threshold": "keep_prob is rounded to a multiple of 1/256 or so",
    "seed-in-the-function": "the seed is set inside of the layer",
    "mask-made-once": "the mask is made once and kept",
    "one-key-for-all-layers": "each layer copies the generator or its seed",
    "same-mask-on-every-worker": "the layer seeds its own generator",
    "global-generator": "the global generator is used or seeded",
    "evaluation-draws": "evaluation uses up random numbers",
    "fresh-mask-in-backward": "backward draws a mask of its own",
    "no-mask-in-backward": "backward forgets the mask",
    "no-scale-in-backward": "backward forgets the factor 1 / keep_prob",
    "mask-from-zeros": "the mask is guessed from zeros",
    "derivative-after-dropout": "the derivative is taken from the dropped output",
    "in-place-masking": "the caller's array is overwritten",
    "masks-pile-up": "a call works on the result of an earlier one",
    "stale-mask-after-evaluation": "backward uses the mask of an earlier call",
    "drops-at-evaluation": "evaluation drops, too",
    "never-drops": "training does not drop",
    "mode-lost-after-validation": "evaluation mode is remembered",
    "where-with-division": "a division by keep_prob 0 behind a where",
    "keep-prob-zero": "a division by keep_prob 0",
    "unchecked-keep-prob": "keep_prob is not checked",
    "float64-promotion": "the mask is float64 and promotes the result",
    "half-precision-overflow": "float16 overflows before the mask is applied",
    "truncated-integers": "integers are rounded down",
    "infinities-become-nan": "inf times 0, with the warning switched off",
    "before-a-curved-activation": "dropped before the activation",
    "before-batch-norm": "dropped before the normalisation",
    "on-the-logits": "dropped before the softmax",
}
UNKNOWN = "unknown"  # no bug of the list does this


def prop(page, defect=""):
    """Return a decorator that lists a property, with the page of its usual bug."""

    def listed(function):
        name = function.__name__.replace("_", "-")
        PROPERTIES[name] = (function, function.__doc__, page, defect)
        return function

    return listed


ULPS = "a value off by more than 4 units in the last place"
RATE = ("keep probability off by {}", 1)


def _same(k):
    """Return the chance that two independent elements are both kept or both dropped."""
    return k**2 + (1 - k) ** 2


def _correlation(what, k):
    return f"{what} with correlation {{}}", 2 * k * (1 - k)


def _span(values, digits=4):
    """Return the smallest and the largest value in words, once if they agree."""
    ends = [f"{float(end):.{digits}f}" for end in (values.min(), values.max())]
    return " to ".join(dict.fromkeys(ends))


def _factor_bug(ratio, k, rounding=1e-6):
    """Return the page of the bug by which kept elements are ratio times the input."""
    if ratio.size == 0 or not np.ptp(ratio) <= rounding * np.mean(ratio):
        return UNKNOWN  # more than one factor
    factor = float(np.mean(ratio))
    known = {1 / k: UNKNOWN, 1.0: "no-scale", 1 / (1 - k): "divided-by-p"}
    pages = [page for of, page in known.items() if abs(factor / of - 1) < 1e-3]
    return pages[0] if pages else "hard-coded-half"


def _pair(things):
    """Return the names of the pairs that _agreements counts."""
    pairs = np.transpose(np.triu_indices(things, 1))
    return lambda index: "{} and {}".format(*pairs[index])


@prop("drops-at-evaluation", "any other value")
def evaluation_is_identity(probe, k):
    """In evaluation the output is the input, exactly, also for -0.0, inf and nan."""
    odd = np.array([[-0.0, 0.0, np.inf], [-np.inf, np.nan, 5e-324], [1e308, -1, 3]])
    for dtype in ("f8", "f4"):
        layer, inputs = probe.layer(k), [probe.data(probe.shape(16, 16), dtype, True)]
        if not probe.activated and len(probe.shared) == 2:
            inputs.append(odd)
        for x in inputs:
            out, want = probe.forward(layer, x, False), probe.base(x)
            if probe.activated:
                same = np.isclose(out, want, rtol=1e-6, atol=0)
            else:
                same = (out == want) & (np.signbit(out) == np.signbit(want))
                same |= np.isnan(out) & np.isnan(want)
            if not same.all():
                zeros = bool((out[~same] == 0).any())
                page = "drops-at-evaluation" if zeros else "scaled-twice"
                measured = f"{np.sum(~same)} of {same.size} values differ"
                raise FailedError(measured, "none", page)
    return "no value differs"


@prop("mode-lost-after-validation", "any call")
def mode_is_obeyed(probe, k):
    """Training drops and evaluation does not, whatever was called before."""
    layer, x = probe.layer(k), probe.data(probe.shape(64, 64))
    base, calls, trained = probe.base(x), probe.calls_needed(k, x), []
    if calls > 3000:
        raise NotApplicableError(f"it takes {calls} calls to see both modes")
    for training in (True, False, True, False, False, True, True, False, True):
        out = np.array([probe.forward(layer, x, training) for _ in range(calls)])
        changed = not np.allclose(out, base, rtol=1e-6, atol=0)
        if training and not changed:
            page = "mode-lost-after-validation" if trained else "never-drops"
            raise FailedError("a training call changes nothing", "dropout", page)
        if changed and not training:
            page = "drops-at-evaluation" if (out == 0).any() else "scaled-twice"
            raise FailedError("an evaluation call changes x", "x", page)
        trained += [out] if training else []
    if any(np.array_equal(a, b) for a, b in itertools.pairwise(trained)):
        page = probe.frozen_bug(k)
        raise FailedError("two training calls agree", "new masks", page)
    default = [layer.forward(x.copy()) for _ in range(calls)]
    default = [probe.same_kind("forward", out, x) for out in default]
    if np.allclose(default, base, rtol=1e-6, atol=0):
        measured = "forward(x) changes nothing"
        raise FailedError(measured, "training by default", "never-drops")
    probe.coincidence(10 * RARE)  # 6 look like evaluation, 4 pairs agree
    return "as asked in 9 calls"


@prop("float64-promotion", "any other dtype")
def shape_and_dtype(probe, k):
    """Outputs and gradients have the shape and float dtype of the input."""
    shapes, tried = [(7,), (5, 4), (3, 4, 5), (2, 3, 4, 5), (0, 4), ()], 0
    for shape, dtype in itertools.product(shapes, ("f4", "f8")):
        if not probe.takes(shape):
            continue
        x, layer = probe.data(shape, dtype), probe.layer(k)
        try:
            probe.forward(layer, x, False)
            probe.forward(layer, x, True)
            if hasattr(layer, "backward"):
                probe.backward(layer, x)
        except RaisedError as raised:
            if x.size and x.ndim:  # it need not take empty arrays and single numbers
                measured = f"{raised.where}: {_text(raised.error)}"
                raise FailedError(measured, "no error", UNKNOWN) from None
        tried += 1
    return f"kept in {tried} shapes and dtypes"


@prop("no-scale", ULPS)
def zero_or_scaled(probe, k):
    """In training each output is 0 or x / keep_prob, and both occur."""
    for dtype in ("f8", "f4"):
        x = probe.data(probe.shape(64, 64), dtype, True)
        probe.zero_or_scaled(x, probe.forward(probe.layer(k), x), k)
    return "0 or x / keep_prob"


@prop("masks-pile-up", ULPS)
def every_call_starts_anew(probe, k):
    """Each call depends on its own x; shapes may change; earlier outputs stay."""
    layer, big, small = probe.layer(k), probe.shape(16, 16), probe.shape(4, 16)
    arrays, given = [probe.data(big), probe.data(small), probe.data(big)], []
    values = [x.copy() for x in arrays]
    for number in range(24):
        which = (number // 3) % 3  # the same array several times
        out = probe.raw(layer, arrays[which])
        checked = probe.same_kind("forward", out, values[which])
        try:
            probe.zero_or_scaled(values[which], checked, k, both=False)
        except FailedError as failed:
            failed.page = "masks-pile-up" if number else failed.page
            raise
        given.append((out, np.array(out)))
    if not all(np.array_equal(now, then) for now, then in given):
        raise FailedError("an earlier output changed later", "outputs stay")
    return "24 calls, each from its own x"


@prop("mask-depends-on-data", "any other treatment")
def negative_like_positive(probe, k):
    """Negative inputs are kept and scaled like positive ones."""
    if probe.activated:
        raise NotApplicableError("the layer has an activation")
    x = probe.data(probe.shape(64, 64))
    layers = [probe.layer(k, probe.generator(1)) for _ in range(3)]
    first, again = (probe.forward(layer, x) for layer in layers[:2])
    negative = probe.forward(layers[2], -x)
    probe.zero_or_scaled(-x, negative, k)
    if np.array_equal(first, again) and not np.array_equal(negative, -first):
        raise FailedError("forward(-x) is not -forward(x)", "the same mask")
    return "the same mask"


@prop("in-place-masking", "any wrong value")
def memory_layouts(probe, k):
    """Transposed, strided, reversed, read-only and broadcast arrays are treated alike."""
    plain = probe.data(probe.shape(32, 32))
    frozen = plain.copy()
    frozen.flags.writeable = False
    views = {
        "plain": plain.copy(),
        "Fortran order": np.asfortranarray(plain),
        "strided": np.repeat(plain, 2, axis=-1)[..., ::2],
        "reversed": plain[::-1],
        "read-only": frozen,
    }
    if not probe.activated:  # it may normalise over the batch
        views["broadcast"] = np.broadcast_to(plain[:1], plain.shape)
    for name, x in views.items():
        layer, before = probe.layer(k), np.array(x)
        try:
            out = probe.same_kind("forward", probe.raw(layer, x), x)
            probe.zero_or_scaled(before, out, k)
            if hasattr(layer, "backward"):
                grads = [probe.backward(layer, g, False) for g in (x, before, before)]
                same = [np.allclose(g, grads[1], 1e-12, 0, True) for g in grads]
                if not same[0] and same[2]:
                    measured = "backward depends on the layout of grad"
                    raise FailedError(measured, "the same gradient", UNKNOWN)
        except FailedError as failed:
            failed.measured = f"{name}: {failed.measured}"
            failed.page = failed.page if name == "plain" else UNKNOWN
            raise
        except RaisedError as raised:
            raised.where = f"{raised.where} ({name})"
            raise
    return f"{len(views) - 1} layouts"


@prop("no-scale", "any other value")
def keep_all(probe, k):
    """With keep_prob = 1 training changes nothing, forward and backward."""
    for one in (1.0, 1):
        layer, x = probe.layer(one), probe.data(probe.shape(32, 32), signed=True)
        near = 1e-6 if probe.activated else 1e-15
        out = probe.forward(layer, x)
        if not np.allclose(out, probe.base(x), rtol=near, atol=0):
            ratio = out / probe.base(x)
            scaled = ratio.min() > 0 and np.ptp(ratio) < 1e-6
            page = "hard-coded-half" if scaled else UNKNOWN
            raise FailedError("the output is not the input", "the input", page)
        if probe.activated or not hasattr(layer, "backward"):
            continue
        if not np.allclose(probe.backward(layer, x), x, rtol=near, atol=0):
            raise FailedError("backward changes the gradient", "no change", UNKNOWN)
    return "nothing changes"


@prop("keep-prob-zero", "any value but 0")
def drop_all(probe, k):
    """keep_prob = 0 is refused (ValueError, TypeError), or gives zeros and zero gradients."""
    x = probe.data(probe.shape(32, 32))
    try:
        layer = probe.layer(0.0)
        out = probe.forward(layer, x)
    except RaisedError as raised:
        if isinstance(raised.error, ValueError | TypeError) and _refused(raised.error):
            return f"refused: {_text(raised.error)}"
        raise
    if not (out == 0).all():
        what = "nan" if np.isnan(out).any() else "values that are not 0"
        raise FailedError(f"the output has {what}", "zeros, or a ValueError")
    if hasattr(layer, "backward"):
        grad = probe.backward(layer, np.ones(x.shape))
        if not (grad == 0).all():
            what = "numbers" if np.isfinite(grad).all() else "nan or inf"
            measured, page = f"the gradient has {what}", "where-with-division"
            raise FailedError(measured, "zeros, or a ValueError", page)
    return "zeros, with zero gradients"


@prop("unchecked-keep-prob", "one value accepted")
def bad_keep_prob(probe, k):
    """A keep_prob that is no number from 0 to 1 is refused: ValueError or TypeError."""
    x = probe.data(probe.shape(4, 4))
    for bad in (-0.1, 1.2, math.nan, math.inf, -math.inf, 80, "0.8", None):
        try:
            probe.raw(probe.layer(bad), x)
        except RaisedError as raised:
            if _refused(raised.error):
                continue
            measured = f"{bad!r}: {_text(raised.error)}"
        else:
            measured = f"keep_prob {bad!r} is accepted"
        raise FailedError(measured, "a ValueError or TypeError with a message")
    return "8 bad values refused"


@prop("truncated-integers", "one value truncated")
def integer_input(probe, k):
    """Integers are refused with a clear error, or give floats that are 0 or x / keep_prob."""
    x = probe.rng.integers(1, 9, probe.shape(32, 32))
    try:
        out = np.asarray(probe.raw(probe.layer(k), x.copy()))
    except RaisedError as raised:
        if _refused(raised.error):
            return f"refused: {_text(raised.error)}"
        raise
    if out.dtype.kind != "f" or out.shape != x.shape:
        raise FailedError(f"{out.dtype} of shape {out.shape}", "floats, or a TypeError")
    try:
        probe.zero_or_scaled(x.astype(out.dtype), out, k)
    except FailedError as failed:
        failed.page = "truncated-integers"
        raise
    return f"{out.dtype}, 0 or x / keep_prob"


@prop("infinities-become-nan", "one element")
def inf_and_nan(probe, k):
    """A dropped inf gives 0, or nan with NumPy's warning, or an error; never nan silently."""
    if probe.activated:
        raise NotApplicableError("the layer has an activation")
    x = probe.data(probe.shape(64, 64))
    kinds = probe.rng.integers(0, 8, x.shape)
    x[kinds == 0], x[kinds == 1] = np.inf, np.nan
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            out = probe.forward(probe.layer(k), x)
    except RaisedError as raised:
        if _refused(raised.error) or isinstance(raised.error, ArithmeticError):
            return f"refused: {_text(raised.error)}"
        raise
    finite, infinite, nan = kinds > 1, out[kinds == 0], out[kinds == 1]
    probe.zero_or_scaled(x[finite], out[finite], k, both=False)
    # Some of them are kept, if they lie in enough cells of the mask.
    rare = [(1 - k) ** (y.size * probe.cells(x).size / x.size) for y in (infinite, nan)]
    lost = not np.isnan(nan).any() and rare[1] < RARE
    if lost or not (np.isnan(nan) | (nan == 0)).all():
        raise FailedError("a nan became a number", "nan where kept")
    created = np.isnan(infinite)
    if not (created | (infinite == 0) | (infinite == np.inf)).all():
        raise FailedError("an inf became another number", "inf where kept")
    if created.any() and not any(issubclass(w.category, RuntimeWarning) for w in said):
        measured = "a dropped inf becomes nan silently"
        raise FailedError(measured, "0, a warning or an error")
    probe.coincidence(2 * RARE)
    if created.all() and rare[0] < RARE:
        raise FailedError("no inf stays inf", "inf where kept")
    return "nan, with a warning" if created.any() else "0 where dropped"


@prop("half-precision-overflow", "one nan")
def half_precision(probe, k):
    """In float16 a large value that is dropped is 0, not nan; or float16 is refused."""
    if probe.activated:
        raise NotApplicableError("the layer has an activation")
    x = probe.data(probe.shape(64, 64), np.float16)
    with np.errstate(all="ignore"):
        try:
            out = probe.forward(probe.layer(k), x)
            large = probe.forward(probe.layer(k), np.full_like(x, 60000))
        except RaisedError as raised:
            if _refused(raised.error):
                return f"refused: {_text(raised.error)}"
            raise
        tiny = np.zeros_like(x)
        with contextlib.suppress(RaisedError):  # 1 / 1e-5 is more than float16 holds
            tiny = probe.forward(probe.layer(1e-5), np.full_like(x, 0.25))
    probe.zero_or_scaled(x, out, k)
    for name, out in {"x = 60000": large, "keep_prob 1e-5": tiny}.items():
        if np.isnan(out).any():
            measured = f"{name}: {np.isnan(out).sum()} of {out.size} are nan"
            raise FailedError(measured, "none")
    if not (large == 0).any() and probe.calls_needed(k, x) == 1:
        raise FailedError("of large values none is dropped", "zeros where dropped")
    probe.coincidence(RARE)
    return "no nan"


@prop("no-scale")
def mean_kept(probe, k):
    """The mean output is the input."""
    # A right mean is (number kept) / (n keep_prob): its bounds are those of the number.
    # 0.99: a wrong scale moves the mean as a wrong rate does, and spreads it a bit more.
    say, finds = "the mean is {:.4f} of the input", ("the mean off by {}%", 0.0099 * k)
    return probe.moment(say, lambda m: m, k, lambda q: q / k, finds)


@prop("no-scale")
def variance(probe, k):
    """The variance of the output is x^2 (1 - keep_prob) / keep_prob."""
    # Kept elements are 1 / keep_prob - 1 off and the others 1: again the number decides.
    say, slope = "the variance is {:.4f} x^2", (1 / k - 1) ** 2 - 1
    finds = ("the variance off by {}%", (1 - k) / k / max(abs(slope), 1e-3) / 100)
    return probe.moment(say, lambda m: (m - 1) ** 2, k, lambda q: 1 + slope * q, finds)


@prop("keep-and-drop-swapped")
def keep_rate(probe, k):
    """The share of kept elements is keep_prob."""
    kept = probe.kept(k, "large")
    try:
        say = "{1:.4f} are kept"
        count = probe.count(say, kept.sum(), kept.size, k, 1 / 2, finds=RATE)
        big, say = probe.large_call(k), "of a large array {1:.4f} are kept"
        probe.count(say, big.sum(), big.size, k, 1 / 4)
        for shape in [s for s in [(40, 16, 64), (20, 16, 8, 16)] if probe.takes(s)]:
            cells = tuple(slice(1 if m == 1 else None) for m in probe.mask_shape(shape))
            one = probe.drawn(probe.layer(k), probe.data(shape))[cells]
            probe.count(f"{shape}: {{1:.4f}} are kept", one.sum(), one.size, k, 1 / 8)
    except FailedError as failed:
        normal = (1 + math.erf(k / math.sqrt(2))) / 2  # P(randn < keep_prob)
        known = {1 - k: "keep-and-drop-swapped", normal: "randn-for-rand"}
        near = [page for q, page in known.items() if abs(kept.mean() - q) < 0.003]
        failed.page = near[0] if near else UNKNOWN
        raise
    return count


@prop("mask-made-once")
def unit_keep_rate(probe, k):
    """Each unit is kept at the rate keep_prob."""
    kept = probe.kept(k, "large", several="units")
    say, finds = "unit {0} is kept {1:.4f} of the time", ("one unit off by {}", 1)
    return probe.count(say, kept.sum(axis=(0, 1)), kept[..., 0].size, k, finds=finds)


@prop("one-mask-for-the-batch")
def example_keep_rate(probe, k):
    """Each example of the batch is kept at the rate keep_prob."""
    kept = probe.kept(k, "large", several="examples")
    say, n = "example {0} is kept {1:.4f} of the time", kept[:, 0].size
    finds = ("one example off by {}", 1)
    return probe.count(say, kept.sum(axis=(0, 2)), n, k, finds=finds)


@prop("exact-count")
def binomial_count(probe, k):
    """The number kept spreads as a binomial: per call, per unit and per example."""
    large, calls = probe.kept(k, "large"), probe.kept(k, "calls")
    counts = {
        "calls": (calls.sum(axis=(1, 2)), calls[0].size),
        "units": (large.sum(axis=1), large.shape[1]),
        "examples": (large.sum(axis=2), large.shape[2]),
    }
    found = "one number a call"
    for what, (kept, n) in counts.items():
        if n == 1:
            continue
        deviation = math.sqrt(n * k * (1 - k))
        low, high = math.ceil(n * k - deviation), math.floor(n * k + deviation)
        near = np.sum((kept >= low) & (kept <= high))
        say = f"{{1:.4f}} of the {what} keep a number within one deviation"
        # 0.47 < 2 phi(1): how that share moves with the logarithm of the deviation.
        finds = ("a deviation of the number kept off by {}%", 0.0047)
        finds = finds if what == "examples" else None
        usual = inside(n, k, low, high)
        try:
            found = probe.count(say, near, kept.size, usual, 1 / 3, finds=finds)
        except FailedError as failed:  # too few come from another rate, or from sharing
            failed.page = UNKNOWN if near < usual * kept.size else failed.page
            raise
    return found


@prop("wrong-axis")
def units_independent(probe, k):
    """No two units share or correlate their masks; nor do the units of one example."""
    kept = probe.kept(k, "large", several="units")
    calls, examples, units = kept.shape
    agree, n = _agreements(kept.reshape(-1, units).T), calls * examples
    finds, names = _correlation("two units", k), _pair(units)
    say = "units {0} agree {1:.4f} of the time"
    found = probe.count(say, agree, n, _same(k), 1 / 2, names, finds)
    pairs = kept[:, :, 0 : units - 1 : 2] == kept[:, :, 1::2]
    say, n = "in example {0} neighbouring units agree {1:.4f}", calls * pairs.shape[2]
    probe.count(say, pairs.sum(axis=(0, 2)), n, _same(k), share=1 / 4)
    say = "neighbouring units agree {1:.4f} of the time"
    probe.count(say, pairs.sum(), pairs.size, _same(k), share=1 / 4)
    return found


@prop("one-mask-for-the-batch")
def examples_independent(probe, k):
    """No two examples of a batch share or correlate their masks, in no unit."""
    kept = probe.kept(k, "large", several="examples")
    calls, examples, units = kept.shape
    half, big = examples // 2, probe.large_call(k)[0]
    say = "in unit {0} examples agree {1:.4f} of the time"
    for one, two in [(kept[:, ::2], kept[:, 1::2]), (kept[:, :half], kept[:, half:])]:
        agree = (one == two).sum(axis=(0, 1))
        probe.count(say, agree, calls * half, _same(k), share=1 / 8)
        every = "neighbouring or distant examples agree {1:.4f} of the time"
        probe.count(every, agree.sum(), calls * half * units, _same(k), share=1 / 12)
    say, agree = "examples 4096 apart agree {1:.4f}", big[:4096] == big[4096:]
    probe.count(say, agree.sum(), agree.size, _same(k), share=1 / 12)
    say = "examples {0} agree {1:.4f} of the time"
    agree = _agreements(kept.swapaxes(0, 1).reshape(examples, -1))
    finds, names = _correlation("two examples", k), _pair(examples)
    return probe.count(say, agree, calls * units, _same(k), 1 / 2, names, finds)


@prop("seed-in-the-function")
def fresh_mask(probe, k):
    """The masks of different calls are independent, and no element is frozen."""
    kept = probe.kept(k, "calls").reshape(400, -1)
    if len(np.unique(kept, axis=0)) < 4 and _same(k) ** kept.shape[1] < RARE:
        page = probe.frozen_bug(k)
        raise FailedError("all calls have the same mask", "a new one in each", page)
    same = _same(k)
    say = "element {0} is kept in {1:.4f} of the calls"
    probe.count(say, kept.sum(axis=0), 400, k, share=1 / 4)
    say = "element {0} repeats in {1:.4f} of the calls"
    for pairs in (kept[:398], kept[1:399]):
        repeats = np.sum(pairs[::2] == pairs[1::2], axis=0)
        probe.count(say, repeats, 199, same, share=1 / 8)
    say, agree = "the masks of calls {0} agree in {1:.4f}", _agreements(kept)
    probe.count(say, agree, kept.shape[1], same, share=1 / 4, names=_pair(400))
    finds, found = _correlation("calls", k), []
    for lag in range(1, 13):  # pairs that have no call in common
        blocks = kept[: 400 - 400 % (2 * lag)].reshape(-1, 2, lag, kept.shape[1])
        agree = blocks[:, 0] == blocks[:, 1]
        say = f"the masks of calls {lag} apart agree in {{1:.4f}}"
        found += [probe.count(say, agree.sum(), agree.size, same, 1 / 48, finds=finds)]
    return found[0]


@prop("wrong-axis")
def sharing_as_declared(probe, k):
    """In up to 4 axes elements are independent, or share as mask_shape declares, exactly."""
    shapes = [s for s in [(6, 8), (6, 5, 4), (4, 3, 2, 5)] if probe.takes(s)]
    found = ""
    for shape in shapes:
        layer, x, cells = probe.layer(k), probe.data(shape), probe.mask_shape(shape)
        kept = np.array([probe.drawn(layer, x) for _ in range(400)])
        one = kept[(slice(None), *(slice(1 if m == 1 else None) for m in cells))]
        if not (kept == one).all():
            measured = f"{shape}: the mask varies inside a cell"
            raise FailedError(measured, f"one value in each cell of {cells}")
        found = found or f"{shape}: one cell"
        if one[0].size > 1:
            say = f"{shape}: two cells agree {{1:.4f}}"
            agree = _agreements(one.reshape(400, -1).T)
            share, finds = 1 / len(shapes), _correlation("two elements", k)
            found = probe.count(say, agree, 400, _same(k), share, finds=finds)
    return found


@prop("mask-depends-on-data")
def mask_ignores_data(probe, k):
    """The mask does not depend on the values of x: not on size, sign or order."""
    x = probe.data(probe.shape(512, 64))
    other = np.exp(probe.rng.normal(0, 1 if probe.activated else 3, x.shape))
    if not probe.activated:
        other *= np.where(probe.rng.random(x.shape) < 0.4, -1, 1)
    sparse = np.where(probe.rng.random(x.shape) < 0.7, 0, x)
    layers = [probe.layer(k, probe.generator(1)) for _ in range(4)]
    first, again, third = map(probe.drawn, layers, (x, x, other))
    same = np.array_equal(first, third)
    if not probe.activated:
        last = probe.forward(layers[3], sparse) != 0
        same &= np.array_equal(first & (sparse != 0), last)
    if np.array_equal(first, again) and not same:
        raise FailedError("other values give another mask", "the same mask")
    third = probe.cells(third)
    if not any(probe.shared):  # else a cell has many values
        size = np.abs(other)
        large = probe.cells(size > np.median(size))
        for what, part in {"large": third[large], "small": third[~large]}.items():
            say = f"{what} inputs are kept at the rate {{1:.4f}}"
            finds = ("keep probability of the larger or the smaller half off by {}", 1)
            probe.count(say, part.sum(), part.size, k, share=1 / 2, finds=finds)
    return "the same mask for other values"


@prop("coarse-threshold")
def extreme_keep_probs(probe, k):
    """keep_prob = 0.001 and 0.999 have the right rate, too."""
    for extreme in (0.001, 0.999):
        layer, x = probe.layer(extreme), probe.data(probe.shape(2048, 64))
        calls = 400 if probe.shared[0] else 1
        kept = [probe.cells(probe.drawn(layer, x)) for _ in range(calls)]
        say, n = f"for {extreme}, {{1:.5f}} are kept", np.size(kept)
        found = probe.count(say, np.sum(kept), n, extreme, share=1 / 2, finds=RATE)
    return found


@prop("global-generator", "any difference")
def reproducible(probe, k):
    """Generators with equal seeds give equal outputs, call by call."""
    x, runs = probe.data(probe.shape(32, 32)), []
    for _ in range(2):
        layer = probe.layer(k, probe.generator(7))
        runs.append([probe.forward(layer, x) for _ in range(3)])
    if not np.array_equal(runs[0], runs[1]):
        raise FailedError("equal seeds give different outputs", "equal outputs")
    return "equal outputs"


@prop("same-mask-on-every-worker")
def generator_decides(probe, k):
    """Generators with different seeds give different masks, as on several workers."""
    x, masks = probe.data(probe.shape(32, 32)), []
    for seed in range(8):
        layer = probe.layer(k, probe.generator(100 + seed))
        masks.append(np.ravel([probe.cells(probe.drawn(layer, x)) for _ in range(4)]))
    say, agree = "the masks of generators {0} agree in {1:.4f}", _agreements(masks)
    n, finds = masks[0].size, _correlation("generators", k)
    return probe.count(say, agree, n, _same(k), names=_pair(8), finds=finds)


@prop("one-key-for-all-layers")
def layers_differ(probe, k):
    """Two layers that share one generator have different masks, in float32, too."""
    x, rng = probe.data(probe.shape(32, 32)), probe.generator()
    pair, inputs = [probe.layer(k, rng) for _ in range(2)], [x, x.astype("f4")] * 2
    calls = [[probe.drawn(one, v) for one in pair] for v in inputs]
    masks = [np.ravel(probe.cells(mask)) for both in calls for mask in both]
    say, agree = "masks of two layers agree in {1:.4f}", _agreements(masks)
    finds = _correlation("layers", k)
    return probe.count(say, agree, masks[0].size, _same(k), finds=finds)


@prop("global-generator", "one number drawn")
def global_state_untouched(probe, k):
    """The global states of np.random, random and NumPy's errors stay as they were."""
    changed = [n for n, value in NUMPY.items() if vars(np).get(n) is not value]
    if changed:
        raise FailedError(f"np.{changed[0]} was replaced", "NumPy as it is", UNKNOWN)

    def state():
        numpy_state = [np.asarray(part).tolist() for part in np.random.get_state()]
        python = {"random": random.getstate(), "errors": np.geterr()}
        return {"np.random": numpy_state, **python}

    saved = np.random.get_state(), random.getstate(), np.geterr()
    np.random.seed(20141)  # a state that no layer sets by chance
    random.seed(20141)
    try:
        before = state()
        layer, x = probe.layer(k), probe.data(probe.shape(16, 16))
        probe.forward(layer, x, False)
        probe.forward(layer, x)
        if hasattr(layer, "backward"):
            probe.backward(layer, x)
        after = state()
    finally:
        np.random.set_state(saved[0])
        random.setstate(saved[1])
        np.seterr(**saved[2])
    for name in before:
        if before[name] != after[name]:
            raise FailedError(f"the global state of {name} changed", "unchanged")
    return "unchanged"


@prop("evaluation-draws", "one number drawn")
def evaluation_draws_nothing(probe, k):
    """Evaluation leaves the generator as it was, so validating changes no training run."""
    rng = probe.generator()
    layer, x = probe.layer(k, rng), probe.data(probe.shape(16, 16))
    probe.forward(layer, x)
    before = str(rng.bit_generator.state)
    probe.forward(layer, x, False)
    if str(rng.bit_generator.state) != before:
        raise FailedError("an evaluation call draws numbers", "none")
    return "none drawn"


@prop("fresh-mask-in-backward", ULPS)
def backward_is_the_mask(probe, k):
    """backward(grad) is grad times the mask of the last training call; twice the same."""
    for dtype in ("f8", "f4"):
        layer, shape = probe.layer(k), probe.shape(64, 64)
        for x in (probe.data(shape, dtype, True), probe.data(shape, dtype, True)):
            out = probe.forward(layer, x)
        probe.forward(probe.layer(k), x)  # another layer must not matter
        grad = probe.data(shape, dtype, True)
        got, again = probe.backward(layer, grad), probe.backward(layer, grad)
        mask = np.where(out != 0, 1 / k, 0)
        if not np.array_equal(got, again, equal_nan=True):
            raise FailedError("a second backward gives another gradient", "the same")
        if probe.activated:
            if dtype == "f8":
                probe.check_derivative(x, mask, grad, got)
        elif not np.allclose(got, grad * mask, rtol=4 * np.finfo(dtype).eps, atol=0):
            measured, page = _gradient_bug(got / grad, out / x)
            expected = f"0 or {1 / k:.4f} times grad" + ", as forward did" * bool(page)
            page = page or probe._scale_bug(x, out[out != 0] / x[out != 0], k)
            raise FailedError(measured, expected, page)
    return "grad * mask"


def _gradient_bug(factor, forward):
    """Return measured and page for a gradient that is factor * grad; no page if it agrees
    with the factors of forward, so that forward is wrong."""
    kept = forward != 0
    if np.allclose(factor, forward, rtol=1e-6, atol=0):
        return f"as in forward, kept elements get {_span(factor[kept])} times grad", ""
    if np.allclose(factor, 1):
        return "backward returns grad as it is", "no-mask-in-backward"
    if np.array_equal(factor != 0, kept):
        page = "no-scale-in-backward" if np.allclose(factor[kept], 1) else UNKNOWN
        return f"kept elements get {_span(factor[kept])} times grad", page
    share = np.mean((factor != 0) == kept)
    measured = f"{share:.4f} of the elements have the mask of forward"
    return measured, "fresh-mask-in-backward"


@prop("mask-from-zeros")
def zeros_get_gradient(probe, k):
    """An input that is 0 and was kept gets the gradient grad / keep_prob."""
    if probe.activated:
        raise NotApplicableError("the layer has an activation")
    layer, x = probe.layer(k), np.zeros(probe.shape(512, 64))
    probe.forward(layer, x)
    kept = probe.cells(probe.backward(layer, np.ones(x.shape)) != 0)
    if kept.all() and k**kept.size < RARE:
        measured, page = "all of the zeros get one", "no-mask-in-backward"
        raise FailedError(measured, "the kept ones", page)
    say, finds = "{1:.4f} of the zeros get a gradient", ("{} of the zeros without", 1)
    return probe.count(say, kept.sum(), kept.size, k, finds=finds)


@prop("stale-mask-after-evaluation", ULPS)
def backward_after_evaluation(probe, k):
    """After an evaluation call, backward passes the gradient on, or refuses clearly."""
    layer, x = probe.layer(k), probe.data(probe.shape(32, 32))
    grad = probe.data(x.shape, signed=True)
    probe.forward(layer, x)
    probe.forward(layer, x, False)
    try:
        got = probe.backward(layer, grad)
    except RaisedError as raised:
        if _refused(raised.error):
            return f"refused: {_text(raised.error)}"
        raise
    if probe.activated:
        probe.check_derivative(x, np.ones(x.shape), grad, got)
    elif not np.allclose(got, grad, rtol=4 * np.finfo(float).eps, atol=0):
        share = np.mean(got == grad)
        raise FailedError(f"{share:.4f} of it passes unchanged", "all of it")
    return "unchanged"


@prop("in-place-masking", "one value changed")
def inputs_untouched(probe, k):
    """forward does not change x, backward does not change grad."""
    for training in (True, False):
        layer, x = probe.layer(k), probe.data(probe.shape(16, 16))
        grad = probe.data(x.shape)
        given, given_grad = x.copy(), grad.copy()
        probe.raw(layer, given, training)
        if not np.array_equal(given, x):
            raise FailedError("forward overwrites x", "x stays as it was")
        if hasattr(layer, "backward"):
            with contextlib.suppress(ValueError, TypeError, RuntimeError):
                layer.backward(given_grad)
        if not (np.array_equal(given_grad, grad) and np.array_equal(given, x)):
            raise FailedError("backward overwrites grad or x", "both stay as they were")
    return "unchanged"


NAMES = list(PROPERTIES)

# Of several failures, the first of these is the likeliest cause of the others. What chance
# shows comes after the faults of every call, and before what only odd inputs meet.
CAUSES = (
    *("mask-ignores-data", "sharing-as-declared", "evaluation-is-identity"),
    *("mode-is-obeyed", "shape-and-dtype", "inputs-untouched", "zero-or-scaled"),
    *("every-call-starts-anew", "fresh-mask", "negative-like-positive"),
    *("backward-is-the-mask", "zeros-get-gradient", "backward-after-evaluation"),
)
SHARED = (
    *("examples-independent", "units-independent", "fresh-mask", "sharing-as-declared"),
    *("layers-differ", "generator-decides"),
)
EDGES = (
    *("global-state-untouched", "reproducible", "evaluation-draws-nothing"),
    *("bad-keep-prob", "drop-all", "inf-and-nan", "half-precision", "integer-input"),
)
FOLLOWS = {
    "extreme-keep-probs": "keep-rate",
    "variance": "mean-kept",
    "mean-kept": "keep-rate",
}


def likeliest(found):
    """Return the verdict that most likely names the bug, or None if no known one does."""
    failed = {v["property"]: v for v in found if v["verdict"] == "fail"}
    by_chance = {name: v for name, v in failed.items() if not math.isinf(v["strength"])}
    causes = [failed[n] for n in CAUSES if n in failed and n not in by_chance]
    by_chance = {n: v for n, v in by_chance.items() if v["bug"] or n == "keep-rate"}
    shared = [by_chance[name] for name in SHARED if name in by_chance]
    shared = [verdict for verdict in shared if verdict["strength"] > 1 / 2]
    others = [v for name, v in by_chance.items() if FOLLOWS.get(name) not in failed]
    edges = [failed[n] for n in (*EDGES, *NAMES) if n in failed and failed[n]["bug"]]
    if not causes and failed.get("keep-rate", {}).get("bug"):
        causes = [failed["keep-rate"]]  # the rate of a known bug, to three digits
    elif not causes and (shared or others):
        causes = [max(shared or others, key=lambda verdict: verdict["strength"])]
    likely = next(iter(causes or edges), None)
    return likely if likely and likely["bug"] else None


def _bug(page):
    """Return what a report says about a bug of the list."""
    known = page in BUGS
    return {"bug": BUGS.get(page, ""), "page": f"{PAGES}{page}/" if known else ""}


# ---- running them ----------------------------------------------------------------------


def run_property(probe, name):
    """Return the verdict on one property: a dict, whatever the layer does."""
    function, _, page, _ = PROPERTIES[name]
    verdict, strength, failures = _verdict(name, "pass"), math.inf, []
    try:
        with warnings.catch_warnings(), np.errstate(all="warn"):
            warnings.simplefilter("ignore")
            probe.begin(name)
            for keep_prob in probe.keep_probs:
                try:
                    verdict["measured"] = function(probe, keep_prob)
                except FailedError as failed:
                    failures.append(failed)
                except NotApplicableError:
                    if not failures:
                        raise
            if failures:
                raise max(failures, key=lambda failed: failed.strength)
        return verdict
    except NotApplicableError as reason:
        return _verdict(name, "not applicable", str(reason))
    except FailedError as failed:
        page, strength = failed.page or page, float(failed.strength)
        measured, expected = failed.measured, failed.expected
    except RaisedError as raised:
        measured = f"{raised.where}: {_text(raised.error)}"
        expected = "no error"
    except BaseException as error:  # the layer's doing: its results broke the test
        measured, expected = _text(error), "results that can be tested"
    failed = _verdict(name, "fail", measured, expected)
    return {**failed, "strength": strength, **_bug(page)}


def _verdict(name, word, measured="", expected=""):
    verdict = {"property": name, "verdict": word}
    return {**verdict, "measured": measured, "expected": expected}


def check(layer_class, keep_probs=KEEP_PROBS, seed=SEED, names=None):
    """Return the verdicts on a layer class, a list of dicts; nothing is printed.

    keep_probs: numbers in (0, 1), not one half. names: the properties to test, all by
    default. Raises UnfitError if the class does not offer the protocol. A layer that hangs
    hangs this function; the command line and as_tests go on.
    """
    fit(layer_class)
    probe = Probe(layer_class, tuple(keep_probs), seed)
    return [run_property(probe, name) for name in names or NAMES]


def as_tests(layer_class, skip=(), seconds=SECONDS, **options):
    """Return a pytest test with one case for each property; check has more options.

    skip: properties that deliberately do not hold. seconds: after which a case fails.
    """
    import pytest

    @pytest.mark.parametrize("name", [name for name in NAMES if name not in skip])
    def test(name):
        found = []

        def run():
            try:
                found.extend(check(layer_class, names=[name], **options))
            except BaseException as error:
                found.append(_lost(name, _text(error)))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(seconds)
        (verdict,) = found or [_lost(name, f"no answer in {seconds:g} s")]
        if verdict["verdict"] == "not applicable":
            pytest.skip(verdict["measured"])
        if verdict["verdict"] == "fail":
            pytest.fail("\n".join(_lines(verdict)), pytrace=False)

    return test


def fit(layer_class):
    """Return nothing; raise UnfitError unless layer_class looks like a layer."""
    if not callable(layer_class):
        raise UnfitError(f"it is a {type(layer_class).__name__}, not a class")
    rng = np.random.default_rng([SEED])
    _binds(layer_class, "it is not made as Layer(keep_prob, rng)", 0.8, rng)
    made_from = layer_class
    if not callable(getattr(layer_class, "forward", None)):  # a function that makes one
        try:
            made_from = layer_class(0.8, rng)
            found = callable(made_from.forward)
        except BaseException as error:
            raise UnfitError(f"it has no forward method ({_text(error)})") from None
        if not found:
            raise UnfitError("its forward is not a method")
    arguments = [None] * (1 + inspect.isclass(made_from))
    message = "forward does not take (x, training)"
    _binds(made_from.forward, message, *arguments, training=True)


def _binds(function, message, *args, **kwargs):
    try:
        signature = inspect.signature(function)
    except BaseException:
        return  # it cannot be read, so it is tried
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise UnfitError(f"{message}: {error}") from None


def load(target):
    """Return the class that path/to/module.py:Name names; raise UnfitError with the reason."""
    if not target:
        return Example
    path, _, name = os.path.expanduser(target).rpartition(":")
    if not path.endswith(".py") or not name:
        raise UnfitError(f"{target!r} is not of the form my_module.py:MyDropout")
    if not Path(path).is_file():
        raise UnfitError(f"there is no file {path}")
    sys.path.insert(0, str(Path(path).resolve().parent))
    spec = importlib.util.spec_from_file_location("layer_under_test", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise UnfitError(f"{path} cannot be imported: {_text(error)}") from None
    if not hasattr(module, name):
        raise UnfitError(f"{path} has no {name}")
    return getattr(module, name)


def _worker(options, names):
    """Test in a process of its own, which a layer may hang or end; speak JSON lines."""
    channel, myself = os.fdopen(os.dup(1), "w"), os.getpid()
    os.dup2(2, 1)  # what the layer prints is not mistaken for a verdict

    def tell(kind, value=None):
        if os.getpid() != myself:
            os._exit(0)  # the layer has forked; one is enough
        channel.write(json.dumps([kind, value]) + "\n")
        channel.flush()

    try:
        layer_class = load(options.target)
        fit(layer_class)
    except BaseException as error:
        tell("unfit", str(error) if isinstance(error, UnfitError) else _text(error))
        return
    probe = Probe(layer_class, options.keep_prob, options.seed)
    tell("loaded")
    for name in names:
        tell("start", name)
        tell("done", run_property(probe, name))


def verdicts(options, names):
    """Return an iterator over verdicts, in order; raise UnfitError. A layer that hangs or ends
    its process fails the property in which it did, and a new process goes on."""
    deadline = time.monotonic() + options.timeout
    names, patience, loaded = list(names), options.timeout / 4, False
    while names:
        messages, process = _start(options, names)
        current, kind = None, ""
        try:
            while kind not in ("silent", "gone"):
                left = deadline - time.monotonic()
                wait = left if current is None else min(left, patience)
                try:
                    kind, value = messages.get(timeout=max(wait, 0.001))
                except queue.Empty:
                    kind = "silent"
                if left < 0:
                    kind = "silent"  # also if it talks without an end
                elif kind == "unfit":
                    raise UnfitError(value)
                elif kind == "loaded":
                    loaded = True
                elif kind == "start" and value in names:
                    current = value
                elif kind == "done" and value["property"] in names:
                    names.remove(value["property"])
                    yield value
                    current = None
                    if not names:
                        return
        finally:
            _kill(process)
        if not loaded:
            why = f"it did not load in {options.timeout:g} s; give --timeout more"
            ended = "it ended the process while it was loaded"
            raise UnfitError(why if kind == "silent" else ended)
        hung, ended = f"no answer in {wait:.1f} s", "the layer ended the process"
        why = hung if kind == "silent" else ended
        patience = options.timeout / 16  # the next one is given less time
        if current is not None:
            names.remove(current)
            yield _lost(current, why)
        if time.monotonic() > deadline - 0.1:
            for name in names:
                yield _lost(name, f"not reached in {options.timeout:g} s")
            return


def _kill(process):
    with contextlib.suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)  # not on Windows
    process.kill()
    process.wait()


def _lost(name, why):
    failed = _verdict(name, "fail", why, "an answer")
    return {**failed, "strength": math.inf, **_bug(UNKNOWN)}


def _start(options, names):
    """Return a queue of the messages of a new worker, and its process."""
    chosen = ["--only", ",".join(names), "--seed", str(options.seed)]
    chosen += ["--keep-prob", ",".join(map(repr, options.keep_prob)), "--worker"]
    target = [options.target] if options.target else []
    process = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), *target, *chosen],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that its own processes end with it
        text=True,
        errors="replace",
    )
    messages = queue.Queue()

    def read():
        with process.stdout:
            for line in iter(lambda: process.stdout.readline(100_000), ""):
                with contextlib.suppress(Exception):  # the layer found the pipe
                    kind, value = json.loads(line)
                    if kind == "done":
                        _lines(value), likeliest([value])
                    messages.put((kind, value))
        messages.put(("gone", None))

    threading.Thread(target=read, daemon=True).start()
    return messages, process


# ---- what a person sees ----------------------------------------------------------------


def _lines(verdict):
    """Return the lines of the report on one property."""
    word = {"pass": "pass", "fail": "FAIL"}.get(verdict["verdict"], "n/a ")
    lines = [f"{word}  {verdict['property']:<26}{_line(verdict['measured'])}"]
    if verdict["verdict"] == "fail":
        more = {"expected": verdict["expected"], "usually": verdict["bug"]}
        more["read"] = verdict["page"]
        lines += [f"      {what:<26}{words}" for what, words in more.items() if words]
    return lines


def _summary(found, options):
    """Return the last lines of the report."""
    failed = sum(v["verdict"] == "fail" for v in found)
    passed = sum(v["verdict"] == "pass" for v in found)
    rest = len(found) - failed - passed
    keep = " and ".join(map(str, options.keep_prob))
    words = f"{failed} failed, {passed} passed"
    words += f", {rest} not applicable" if rest else ""
    words += f" (keep_prob {keep}, seed {options.seed})"
    likely = likeliest(found) if failed > 1 else None
    if likely:
        words = f"most likely: {likely['bug']} ({likely['page']})\n{words}"
    return words


def _round_up(size):
    """Return two digits of a size, rounded up, so that what is listed is found."""
    digits = 1 - math.floor(math.log10(size))
    return f"{math.ceil(size * 10**digits) / 10**digits:.{max(digits, 0)}f}"


def listing(keep_probs=KEEP_PROBS, seed=SEED):
    """Return the properties with false-alarm bound and smallest defect, a list of dicts."""
    probe, rows = Probe(Example, keep_probs, seed), []
    for name, (_, meaning, page, defect) in PROPERTIES.items():
        run_property(probe, name)
        alarm = sum(entry[0] for entry in probe.ledger)
        sizes = [
            (smallest_shift(*numbers) / finds[1], finds[0])
            for _, *numbers, finds in probe.ledger
            if finds
        ]
        if sizes:  # of several, the largest: each keep_prob finds a defect of that size
            size, text = max(sizes)
            unseen = math.isnan(size) or ("correlation" in text and size > 1)
            size = "" if unseen else _round_up(size)
            defect = text.format(size) if size else "no such defect at this keep_prob"
        row = {"property": name, "meaning": meaning, "false_alarm": alarm}
        row |= {"smallest_defect": defect, **_bug(page)}
        rows.append(row)
    return rows


def _print_listing(options):
    rows = listing(options.keep_prob, options.seed)
    if options.json:
        print(json.dumps({"properties": rows}, indent=1))
        return
    for row in rows:
        alarm = row["false_alarm"]
        bound = f"false alarm {alarm:.1e}" if alarm > 1e-300 else "no chance involved"
        print(row["property"], f"  {row['meaning']}", sep="\n")
        print(f"  {bound}; finds {row['smallest_defect']}")
    total = sum(row["false_alarm"] for row in rows)
    print(f"{len(rows)} properties; false alarm of a whole run below {total:.1e}")


def _keep_probs(text):
    values = tuple(float(part) for part in text.split(","))
    if not all(1e-9 < value < 1 - 1e-9 for value in values):
        raise argparse.ArgumentTypeError(f"{text}: give numbers between 0 and 1")
    return values


def _names(text):
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in PROPERTIES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown property {unknown[0]!r}; see --list")
    return names


def _options(arguments):
    parser = argparse.ArgumentParser(
        description="Test a dropout layer; name the bug it has.",
        epilog=__doc__.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def add(option, metavar, read, default, words):
        more = {"metavar": metavar, "type": read, "default": default}
        parser.add_argument(option, help=words, **more)

    words = "file and class of your layer; without it, a right example is tested"
    parser.add_argument("target", nargs="?", metavar="FILE.py:CLASS", help=words)
    usual = ",".join(map(str, KEEP_PROBS))
    words = f"the keep_prob to test with, not one half (default: {usual})"
    add("--keep-prob", "NUMBER,...", _keep_probs, KEEP_PROBS, words)
    add("--seed", "NUMBER", int, SEED, f"of all random numbers (default: {SEED})")
    add("--only", "NAME,...", _names, NAMES, "test these properties")
    add("--skip", "NAME,...", _names, [], "leave these properties out")
    words = f"give up on a layer that takes longer (default: {SECONDS:g})"
    add("--timeout", "SECONDS", float, SECONDS, words)
    for option, words in {
        "--json": "print the verdicts, or the list, as JSON",
        "--list": "print each property, its false-alarm bound, the defect it finds",
        "--worker": argparse.SUPPRESS,
    }.items():
        parser.add_argument(option, action="store_true", help=words)
    options = parser.parse_args(arguments)
    options.only = [name for name in options.only if name not in options.skip]
    if not options.only:
        parser.error("no property is left to test")
    if options.seed < 0 or not 0 < options.timeout < 1e6:
        parser.error("give a seed that is not negative, and a number of seconds")
    return options


def main(arguments=None):
    """Return the exit status of the command line: 0, 1 or 2."""
    options = _options(arguments)
    if options.worker:
        _worker(options, options.only)
        return os._exit(0)  # threads of the layer do not keep it alive
    with contextlib.suppress(AttributeError):  # a terminal may lack letters
        sys.stdout.reconfigure(errors="backslashreplace")
    if options.list:
        _print_listing(options)
        return 0
    if not options.target and not options.json:
        print("No layer is named; testing the example in this file.")
    found = []
    try:
        for verdict in verdicts(options, options.only):
            found.append(verdict)
            if not options.json:
                print("\n".join(_lines(verdict)), flush=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 2
    except UnfitError as reason:
        why = f"{options.target} cannot be tested: {reason}"
        print(_line(why, 1000), file=sys.stderr)
        return 2
    failed = any(verdict["verdict"] == "fail" for verdict in found)
    if options.json:
        head = {"layer": options.target, "keep_prob": options.keep_prob}
        head |= {"seed": options.seed, "verdict": "fail" if failed else "pass"}
        head["likeliest"] = (likeliest(found) or {}).get("page", "")
        for verdict in found:
            verdict.pop("strength", None)
        print(json.dumps({**head, "properties": found}, indent=1))
    else:
        print(_summary(found, options))
    return int(failed)


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads the report to its end, as with | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 2
    sys.exit(status)
