"""What constituents are: from the numbers of the Particle Data Group to a few kinds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.jets import KINDS

__all__ = ["kind", "kinds_of_pdg", "pdg_of_kinds"]

# CMS calls candidates of the forward calorimeter 1 (hadronic) and 2 (electromagnetic).
_KNOWN = {11: "electron", 13: "muon", 22: "photon", 1: "neutral hadron", 2: "photon"}
# As candidates of CMS are called, without their charge.
_WRITTEN = {"charged hadron": 211, "neutral hadron": 130, "photon": 22, "electron": 11, "muon": 13}


def kind(name: str) -> int:
    """The number of a kind of :data:`~darkclr.jets.KINDS`."""
    return KINDS.index(name)


def kinds_of_pdg(numbers: NDArray) -> NDArray[np.int8]:
    """The kind of each particle, (n,), by its number; a hadron's charge is that of its quarks.

    Source: numbering scheme of https://pdg.lbl.gov, ±n_q1 n_q2 n_q3 n_J.

    >>> [KINDS[i] for i in kinds_of_pdg(np.array([-211, 130, 22, 2112, 2212, 13, 12]))]
    ['charged hadron', 'neutral hadron', 'photon', 'neutral hadron', 'charged hadron', 'muon', \
'other']
    """
    number = np.abs(np.asarray(numbers).astype(np.int64))
    first, second, third = (number // 10**place % 10 for place in (3, 2, 1))
    # Quarks of even numbers have charge 2/3, the others -1/3.
    is_meson, is_hadron = first == 0, (second > 0) & (third > 0)
    unlike = (second + third) % 2 == 1
    one_even = sum(quark % 2 == 0 for quark in (first, second, third)) == 1
    charged = np.where(is_meson, unlike, ~one_even)
    found = np.where(charged, kind("charged hadron"), kind("neutral hadron"))
    found = np.where(is_hadron, found, kind("other"))
    for known, name in _KNOWN.items():
        found[number == known] = kind(name)
    return found.astype(np.int8)


def pdg_of_kinds(kinds: NDArray[np.int8]) -> NDArray[np.int16]:
    """A number for each constituent, (n,), of which :func:`kinds_of_pdg` makes its kind again.

    >>> pdg_of_kinds(np.array([1, 3, 0], dtype=np.int8)).tolist()
    [211, 22, 0]
    """
    return np.array([_WRITTEN.get(name, 0) for name in KINDS], dtype=np.int16)[kinds]
