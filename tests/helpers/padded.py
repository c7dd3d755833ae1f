"""Jets as other programs give them to an exported model: padded with zeros; and awkward ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from toy import toy_jets

from darkclr.jets import Jets

__all__ = ["AWKWARD", "padded"]


def padded(jets: Jets, extra: int = 0) -> NDArray[np.float32]:
    """(n_jets, n, 3) of pT, eta, phi; ``extra`` places more than the longest jet needs."""
    parts = jets.constituents
    result = np.zeros((len(jets), int(parts.lengths.max()) + extra, 3), dtype=np.float32)
    place = np.arange(len(parts.pt)) - parts.offsets[parts.jet_index]
    for i, values in enumerate((parts.pt, parts.eta, parts.phi)):
        result[parts.jet_index, place, i] = values
    return result


def _one(pt, eta, phi) -> Jets:
    return Jets.from_constituents([0, len(pt)], pt, eta, phi)


_EVEN = np.linspace(-0.4, 0.4, 60)

AWKWARD = {
    "one_constituent": toy_jets(20, seed=5, longest=1),
    "more_than_are_read": toy_jets(20, seed=6, mean=60, shortest=30, longest=90),
    "across_pi": _one([50.0, 40.0, 30.0], [0.1, 0.0, 0.2], [3.1, -3.1, 3.14159]),
    "at_minus_pi": _one([50.0, 40.0], [0.1, 0.0], [-np.pi, 3.0]),
    "forward": _one([5.0, 40.0, 30.0], [4.5, 4.4, 4.7], [0.1, 0.0, 0.2]),
    "equal_pt": _one(np.full(60, 5.0), _EVEN, _EVEN[::-1] ** 2),
    "soft_and_hard": _one([2000.0, 1e-3], [0.0, 0.3], [0.0, 0.3]),
}
