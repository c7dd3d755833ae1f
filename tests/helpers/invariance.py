"""What every encoder and every augmentation must satisfy, whatever is inside.

``encode``: Constituents -> (n, d).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkclr.augmentations import Augmentation, PtReweighting
from darkclr.jets import Constituents
from darkclr.kinematics import centroid
from darkclr.ragged import segment_sum

__all__ = [
    "check_augmentation",
    "check_infrared_safety",
    "check_invariance",
    "check_padding_invariance",
    "check_permutation_invariance",
    "cosine_similarity",
    "with_soft_constituent",
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


def check_augmentation(
    augmentation: Augmentation, constituents: Constituents, *, anomalous: bool, seed: int = 1
) -> None:
    """What every augmentation must satisfy: jets in, jets out, and nothing that tells the view.

    It depends on its generator alone and alters nothing in place; no jet is empty; the summed pT
    is kept; hardest constituent first; an ``anomalous`` one leaves the jet recentred.
    """
    names = ("pt", "eta", "phi")
    before = [getattr(constituents, name).copy() for name in names]
    one, two, other = (
        augmentation(constituents, constituents, np.random.default_rng(s))
        for s in (seed, seed, seed + 1)
    )
    for name, old in zip(names, before, strict=True):
        np.testing.assert_array_equal(getattr(constituents, name), old)
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert getattr(one, name).dtype == np.float32
        assert np.isfinite(getattr(one, name)).all()
    assert one.offsets[0] == 0
    assert one.offsets[-1] == len(one.pt)
    if not is_deterministic(augmentation):
        assert len(one.eta) != len(other.eta) or not np.array_equal(one.eta, other.eta)
    assert len(one) == len(constituents)
    assert one.lengths.min() >= 1
    assert one.pt.min() > 0
    np.testing.assert_allclose(
        segment_sum(one.pt, one.offsets),
        segment_sum(constituents.pt, constituents.offsets),
        rtol=1e-6,
    )
    falling = np.diff(one.pt) <= 0
    falling[one.offsets[1:-1] - 1] = True  # from one jet to the next
    assert falling.all()
    if anomalous:
        for coordinate in centroid(one.pt, one.eta, one.phi, one.offsets):
            np.testing.assert_allclose(coordinate, 0, atol=1e-6)


def is_deterministic(augmentation: Augmentation) -> bool:
    """Whether the augmentation draws no random numbers."""
    return isinstance(augmentation, PtReweighting)


def check_infrared_safety(
    encode: Encode, constituents: Constituents, power: float, seed: int = 0
) -> None:
    """A further constituent changes the representation by nothing as its pT goes to zero.

    And does so as pT^power: a factor of 10^-4 in pT is one of 10^(-4 power) in the difference.
    """
    expected = encode(constituents)
    changes = [
        np.abs(encode(with_soft_constituent(constituents, pt, seed)) - expected).max()
        for pt in (1e-4, 1e-8, 1e-12)
    ]
    assert changes[0] > 0
    for softer, harder in zip(changes[1:], changes, strict=False):
        np.testing.assert_allclose(softer / harder, 10 ** (-4 * power), rtol=0.2)


def with_soft_constituent(constituents: Constituents, pt: float, seed: int = 0) -> Constituents:
    """Every jet with one constituent of this pT [GeV] more, somewhere within it."""
    rng = np.random.default_rng(seed)
    after = constituents.offsets[1:]
    n = len(constituents)
    return Constituents(
        constituents.offsets + np.arange(n + 1),
        np.insert(constituents.pt, after, np.float32(pt)),
        np.insert(constituents.eta, after, rng.uniform(-0.5, 0.5, n).astype(np.float32)),
        np.insert(constituents.phi, after, rng.uniform(-0.5, 0.5, n).astype(np.float32)),
    )
