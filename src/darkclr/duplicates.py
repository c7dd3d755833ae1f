"""The same jet twice: jets whose constituents are equal bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.jets import Jets
from darkclr.split import splitmix64

__all__ = ["FirstOccurrence", "constituent_hash", "deduplicate"]


def constituent_hash(jets: Jets) -> NDArray[np.uint64]:
    """A number of 64 bits for each jet that depends on its constituents alone, shape (n,).

    The order of the constituents does not matter, every bit of (pt, eta, phi) does. Among a
    million different jets, two share a number with a probability of 3e-8.
    """
    c = jets.constituents
    mixed = np.zeros(len(c.pt), dtype=np.uint64)
    for values in (c.pt, c.eta, c.phi):
        bits = (values + np.float32(0)).view(np.uint32)  # + 0: -0 is 0
        mixed = splitmix64(mixed ^ bits)
    # Differences of a running sum that wraps around: unlike reduceat, right for empty jets too.
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return splitmix64(np.diff(total[c.offsets]) + c.lengths.astype(np.uint64))


class FirstOccurrence:
    """Mask of the jets that were not there before, over any number of batches.

    Keeps 8 bytes a jet.
    """

    def __init__(self) -> None:
        self._seen = np.empty(0, dtype=np.uint64)

    def __call__(self, jets: Jets) -> NDArray[np.bool_]:
        """(n,) True where no jet of this or an earlier call has the same constituents."""
        hashes = constituent_hash(jets)
        unique, first = np.unique(hashes, return_index=True)
        mask = np.zeros(len(jets), dtype=bool)
        mask[first] = True
        mask &= ~np.isin(hashes, self._seen)
        self._seen = np.union1d(self._seen, unique)
        return mask


def deduplicate(jets: Jets) -> Jets:
    """Jets without those whose constituents are, bit for bit, those of an earlier jet."""
    return jets[FirstOccurrence()(jets)]
