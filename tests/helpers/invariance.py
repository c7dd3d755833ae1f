"""What every encoder must satisfy, whatever is inside. ``encode``: Constituents -> (n, d)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkclr.augmentations import Augmentation
from darkclr.jets import Constituents

__all__ = [
    "check_invariance",
    "check_padding_invariance",
    "check_permutation_invariance",
    "cosine_similarity",
]

Encode = Callable[[Constituents], NDArray]


def check_permutation_invariance(
    encode: Encode, constituents: Constituents, rtol: float = 1e-10, seed: int = 0
) -> None:
    """The order of the constituents of a jet does not matter."""
    random = np.random.default_rng(seed).random(len(constituents.pt))
    order = np.lexsort((random, constituents.jet_index))
    assert (order != np.arange(len(order))).any()
    shuffled = replace(
        constituents,
        **{name: getattr(constituents, name)[order] for name in ("pt", "eta", "phi")},
    )
    expected = encode(constituents)
    np.testing.assert_allclose(
        encode(shuffled), expected, rtol=0, atol=rtol * np.abs(expected).max()
    )


def check_padding_invariance(
    encode: Encode, constituents: Constituents, rtol: float = 1e-10, seed: int = 0
) -> None:
    """A jet does not see its neighbours: neither their lengths, nor their number or order."""
    expected = encode(constituents)
    tolerance = {"rtol": 0, "atol": rtol * np.abs(expected).max()}
    lengths = constituents.lengths
    assert lengths.min() < lengths.max()
    for i in {int(lengths.argmin()), int(lengths.argmax())}:
        np.testing.assert_allclose(encode(constituents[[i]]), expected[[i]], **tolerance)
        alike = np.flatnonzero(lengths == lengths[i])
        np.testing.assert_allclose(encode(constituents[alike]), expected[alike], **tolerance)
    rows = np.random.default_rng(seed).permutation(len(constituents))[: len(constituents) // 2]
    np.testing.assert_allclose(encode(constituents[rows]), expected[rows], **tolerance)


def check_invariance(
    encode: Encode,
    constituents: Constituents,
    augmentation: Augmentation,
    minimum: float = 0.9,
    seed: int = 0,
) -> None:
    """Jets and their augmented copies point the same way, and different jets do not.

    Without the second condition a collapsed encoder would be the best of all.
    """
    altered = augmentation(constituents, constituents, np.random.default_rng(seed))
    z = encode(constituents)
    similarity = cosine_similarity(z, encode(altered)).mean()
    assert similarity >= minimum, f"similarity {similarity:.3f} < {minimum}"
    different = cosine_similarity(z, np.roll(z, 1, axis=0))
    assert different.mean() < similarity - 0.05, f"different jets: {different.mean():.3f}"
    assert different.std() > 0.05, f"spread of different jets: {different.std():.3f}"


def cosine_similarity(a: NDArray, b: NDArray) -> NDArray:
    """Row by row, (n,)."""
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
