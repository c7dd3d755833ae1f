"""What of the hard process lies inside a jet: a parton, the decay products of top quarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.clustering import ClusteredJets
from darkclr.kinematics import delta_r
from darkclr.simulation.events.batch import Partons

__all__ = ["TOP_TRUTH", "match_partons", "tops_inside"]

#: Names of the truth columns.
TOP_TRUTH = ("b_inside", "w_inside", "top_inside")

# Quarks by the sign of their top, so that no ancestry is needed: t -> b (u or c) (dbar or sbar).
_BOTTOM, _W_QUARKS = (5,), (2, 4, -1, -3)


def match_partons(
    jets: ClusteredJets, partons: Partons, pdg: tuple[int, ...], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest parton of each jet within ``radius``: PDG code and distance, both (n_jets,).

    Args:
        jets: sorted by event.
        partons: sorted by event.
        pdg: absolute PDG codes of the partons that count; empty for all.
        radius: jets without a parton nearer than this get code 0 and distance -1.
    """
    wanted = np.isin(np.abs(partons.pdg), pdg) if pdg else np.ones(len(partons.pdg), dtype=bool)
    rows = np.flatnonzero(wanted)
    starts, ends = (np.searchsorted(partons.event[rows], jets.event, s) for s in ("left", "right"))
    code = np.zeros(len(jets), dtype=np.int64)
    distance = np.full(len(jets), -1.0)
    best = np.full(len(jets), radius)
    # The n-th parton of all events at once; hard processes have a handful.
    for n in range(int((ends - starts).max(initial=0))):
        having = np.flatnonzero(starts + n < ends)
        parton = rows[starts[having] + n]
        apart = delta_r(
            jets.eta[having], jets.phi[having], partons.eta[parton], partons.phi[parton]
        )
        nearer = apart < best[having]
        winners = having[nearer]
        best[winners] = distance[winners] = apart[nearer]
        code[winners] = partons.pdg[parton[nearer]]
    return code, distance


def tops_inside(
    jets: ClusteredJets, partons: Partons, radius: float
) -> dict[str, NDArray[np.int8]]:
    """Whether a b, a whole hadronic W, a whole hadronic top lie inside each jet: 0 or 1, (n_jets,).

    A W is inside if both of its quarks are, a top if its b is, too. The 0.3 % of tops that decay
    without a b or with another from the W are not counted as inside.

    Args:
        jets: sorted by event.
        partons: partons of pairs of a top and an antitop, sorted by event.
        radius: largest distance between parton and jet axis in eta-phi.
    """
    inside = {name: np.zeros(len(jets), dtype=bool) for name in TOP_TRUTH}
    for sign in (1, -1):
        bottoms, n_bottoms = _count(jets, partons, sign * np.array(_BOTTOM), radius)
        quarks, n_quarks = _count(jets, partons, sign * np.array(_W_QUARKS), radius)
        w = (n_quarks == 2) & (quarks == 2)
        inside["b_inside"] |= bottoms > 0
        inside["w_inside"] |= w
        inside["top_inside"] |= w & (n_bottoms == 1) & (bottoms == 1)
    return {name: values.astype(np.int8) for name, values in inside.items()}


def _count(
    jets: ClusteredJets, partons: Partons, pdg: NDArray[np.int64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Partons of these codes inside each jet, and in its event."""
    rows = np.flatnonzero(np.isin(partons.pdg, pdg))
    starts, ends = (np.searchsorted(partons.event[rows], jets.event, s) for s in ("left", "right"))
    inside = np.zeros(len(jets), dtype=np.int64)
    # The n-th parton of all events at once; there are two or three.
    for n in range(int((ends - starts).max(initial=0))):
        having = np.flatnonzero(starts + n < ends)
        parton = rows[starts[having] + n]
        inside[having] += (
            delta_r(jets.eta[having], jets.phi[having], partons.eta[parton], partons.phi[parton])
            < radius
        )
    return inside, ends - starts
