"""Stand-ins for a generator, and all masks of a small shape with their probabilities."""

from itertools import product

import numpy as np

KEEP_PROBS = [0.2, 0.8, 0.95]


class ChosenDraws:
    """A generator whose draws lead to exactly the mask a test asks for."""

    def __init__(self, kept, keep_prob):
        self.draws = np.where(kept, np.nextafter(keep_prob, 0), keep_prob)

    def random(self, size):
        assert tuple(size) == self.draws.shape, "one draw for each element of the mask"
        return self.draws


class NoDraws:
    """A generator that must not be used."""

    def random(self, size):
        raise AssertionError("something was drawn before the arguments were checked")


def every_mask(shape, keep_prob):
    """Yield each 0/1 mask of a shape and its probability."""
    for bits in product([True, False], repeat=int(np.prod(shape))):
        kept = np.reshape(bits, shape)
        yield kept, np.prod(np.where(kept, keep_prob, 1 - keep_prob))
