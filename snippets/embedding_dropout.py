"""Embedding dropout, by word type: Gal & Ghahramani 2016, NeurIPS 29, section 4.2."""

import numpy as np


def embed_forward(tokens, table, keep_prob, rng) -> tuple:
    """Return the embedded tokens, (*tokens.shape, units), and the mask (vocabulary, 1).

    tokens: rows of table (vocabulary, units), whose float dtype both results have. The
    mask, 0 or 1 / keep_prob, has one draw for each word. Evaluation is table[tokens].
    TypeError: a wrong type. ValueError: a token not in table, keep_prob not in (0, 1].
    """
    for name, array, kinds in (("tokens", tokens, "iu"), ("table", table, "f")):
        if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
            raise TypeError(f"{name}: need an array, dtype {kinds}, got {array!r:.60}")
    if table.ndim != 2 or np.any((tokens < 0) | (tokens >= len(table))):
        raise ValueError(f"tokens {tokens} are not rows of a table {table.shape}")
    if np.ndim(keep_prob) or np.asarray(keep_prob).dtype.kind not in "iuf":
        raise TypeError(f"keep_prob must be a real number, got {keep_prob!r:.60}")
    if not 0 < keep_prob <= 1 or 1 / float(keep_prob) > np.finfo(table.dtype).max:
        raise ValueError(f"keep_prob must be in (0, 1] for the dtype, got {keep_prob}")
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng must be np.random.default_rng(seed) or alike, got {rng}")
    kept = rng.random((len(table), 1)) < keep_prob
    mask = np.where(kept, 1 / float(keep_prob), 0).astype(table.dtype)
    return table[tokens] * mask[tokens], mask


def embed_backward(grad: np.ndarray, tokens: np.ndarray, mask: np.ndarray):
    """Return the gradient for table: each word's, summed over its tokens, * mask."""
    if grad.shape[:-1] != tokens.shape:
        raise ValueError(f"grad has shape {grad.shape}, tokens {tokens.shape}")
    total = np.zeros((len(mask), grad.shape[-1]), mask.dtype)
    np.add.at(total, tokens, grad)
    return total * mask


if __name__ == "__main__":
    tokens, table = np.array([2, 0, 2, 1]), np.array([[1.0], [2.0], [3.0]])
    print(embed_forward(tokens, table, 0.8, np.random.default_rng(0))[0].T)
