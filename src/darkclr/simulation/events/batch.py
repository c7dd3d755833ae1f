"""A batch of events, wherever they come from: stable particles, hard partons, dark mesons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from darkclr.simulation.events.particles import GeneratedParticles

__all__ = [
    "HARD_PROCESS",
    "HIDDEN_VALLEY",
    "EventBatch",
    "EventSource",
    "Partons",
    "count_dark_mesons",
    "is_dark_meson",
]

#: \|status\| of the outgoing partons of the hardest process and its resonances.
HARD_PROCESS = 23
_DARK_MATTER = 51  # first code of the range 51..60 of invisible particles
#: PDG codes of Pythia's hidden valley begin here.
HIDDEN_VALLEY = 4_900_000


@dataclass(frozen=True)
class Partons:
    """Outgoing partons of the hard process before any shower, sorted by event; arrays are (n,).

    Args:
        event: index of the event in the batch, int64.
        pdg: PDG code, int64.
        pt: transverse momentum [GeV].
        eta: pseudorapidity.
        phi: azimuth [rad].
    """

    event: NDArray[np.int64]
    pdg: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]

    @staticmethod
    def from_momenta(
        event: NDArray[np.int64], pdg: NDArray, px: NDArray, py: NDArray, pz: NDArray
    ) -> Partons:
        """Partons from their momenta [GeV], each (n,)."""
        pt = np.hypot(px, py)
        return Partons(event, pdg.astype(np.int64), pt, np.arcsinh(pz / pt), np.arctan2(py, px))


@dataclass(frozen=True)
class EventBatch:
    """Events of one batch.

    Args:
        n_events: number of events, without those Pythia gave up on.
        n_tried: number of events with those that were vetoed or failed.
        particles: stable particles.
        partons: outgoing partons of the hard process.
        number: (n_events,) number of each event in its source, from 0.
        pthat: (n_events,) transverse momentum of the hard process [GeV], 0 for 2 -> 1.
        weight: (n_events,) event weights.
        n_dark_mesons: number of dark mesons in all events.
        n_invisible_dark_mesons: number of dark mesons that are stable or decay to invisible
            particles.
    """

    n_events: int
    n_tried: int
    particles: GeneratedParticles
    partons: Partons
    number: NDArray[np.int64]
    pthat: NDArray[np.float64]
    weight: NDArray[np.float64]
    n_dark_mesons: int
    n_invisible_dark_mesons: int


class EventSource(Protocol):
    """Where events come from."""

    def generate(self, n_events: int) -> EventBatch | None:
        """The next events, at most that many; None after the last."""

    @property
    def cross_section(self) -> float:
        """Cross section [pb]; 0 if it is not known."""

    @property
    def lost(self) -> int:
        """Number of events so far that the generator gave up on."""

    def complaints(self) -> dict[str, int]:
        """What the generator says of events that it gave up on, and how often."""


def is_dark_meson(pdg: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether PDG codes are pions or rhos of Pythia's hidden valley (4900ij1, 4900ij3).

    >>> is_dark_meson(np.array([4900111, -4900213, 4900101, 4900021, 211])).tolist()
    [True, True, False, False, False]
    """
    code = np.abs(pdg) - HIDDEN_VALLEY
    spin, flavours = code % 10, code // 10
    two_flavours = (flavours > 10) & (flavours < 100) & (flavours % 10 > 0)
    return two_flavours & ((spin == 1) | (spin == 3))


def count_dark_mesons(
    dark: NDArray[np.int64],
    pdg: NDArray,
    status: NDArray,
    daughter: NDArray,
    offsets: NDArray[np.int64],
    event: NDArray[np.int64],
) -> tuple[int, int]:
    """Number of dark mesons (last copies) and of those that no detector can see."""
    stable = status[dark] > 0
    first_daughter = np.abs(pdg[offsets[event[dark]] + daughter[dark]])
    copied = ~stable & is_dark_meson(first_daughter)
    neutrino = np.isin(first_daughter, (12, 14, 16))
    dark_matter = (first_daughter >= _DARK_MATTER) & (first_daughter < 61)
    hidden = neutrino | dark_matter | (first_daughter >= HIDDEN_VALLEY)
    invisible = stable | (~copied & hidden)
    return int((~copied).sum()), int(invisible.sum())
