"""What leaves the detector: arrays over the energy-flow objects of a batch of events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

__all__ = ["EnergyFlow", "Kind"]


class Kind(IntEnum):
    """Kind of an energy-flow object."""

    CHARGED_HADRON = 0
    ELECTRON = 1
    MUON = 2
    PHOTON = 3
    NEUTRAL_HADRON = 4


@dataclass(frozen=True)
class EnergyFlow:
    """Energy-flow objects of a batch of events, flat and sorted by event; every array is (n,).

    Args:
        event: Index of the event in the batch, int64, non-decreasing.
        pt: Transverse momentum [GeV].
        eta: Pseudorapidity; of the momentum for tracks, seen from the origin for neutrals.
        phi: Azimuth in [-pi, pi].
        mass: Mass [GeV]; that of the particle for tracks, zero for neutrals.
        kind: A :class:`Kind`, int8.
    """

    event: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    mass: np.ndarray
    kind: np.ndarray
