"""Tracks: which charged particles get one, and with which transverse momentum.

Follows the Delphes modules ``Efficiency`` and ``MomentumSmearing``; J. de Favereau et al.,
JHEP 02 (2014) 057.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkclr.simulation.detector.card import Card
from darkclr.simulation.detector.energy_flow import Kind
from darkclr.simulation.detector.propagation import Propagated
from darkclr.simulation.events.particles import take

__all__ = ["Tracks", "log_normal", "reconstruct_tracks"]

_MIN_CHARGE = 1e-9


@dataclass(frozen=True)
class Tracks:
    """Reconstructed tracks, sorted by event; every array is (n,).

    Args:
        event: Index of the event in the batch.
        pdg: PDG code of the particle.
        kind: :class:`Kind` of the particle: charged hadron, electron or muon.
        pt: Measured transverse momentum [GeV].
        eta: Pseudorapidity of the momentum.
        phi: Azimuth of the momentum at closest approach to the z axis.
        mass: Mass of the particle [GeV].
        resolution: Relative pT resolution.
        impact_eta: Pseudorapidity of the impact point on the calorimeter, seen from the origin.
        impact_phi: Azimuth of the impact point.
    """

    event: np.ndarray
    pdg: np.ndarray
    kind: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    mass: np.ndarray
    resolution: np.ndarray
    impact_eta: np.ndarray
    impact_phi: np.ndarray

    @property
    def energy(self) -> np.ndarray:
        """Energy from the measured momentum and the true mass, (n,) [GeV]."""
        return np.hypot(self.pt * np.cosh(self.eta), self.mass)


def log_normal(mean: np.ndarray, sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Log-normal numbers of exactly this mean and standard deviation; zero where ``mean <= 0``.

    ``exp(a + b N(0, 1))`` with ``b^2 = ln(1 + sigma^2 / mean^2)`` and ``a = ln(mean) - b^2 / 2``.
    """
    positive = mean > 0.0
    safe = np.where(positive, mean, 1.0)
    b2 = np.log1p((sigma / safe) ** 2)
    normal = rng.standard_normal(mean.shape)
    return np.where(positive, safe * np.exp(np.sqrt(b2) * normal - b2 / 2), 0.0)


def reconstruct_tracks(card: Card, particles: Propagated, rng: np.random.Generator) -> Tracks:
    """Tracks of the charged particles: efficiency first, then the smearing of pT.

    Both read the true pT and the pseudorapidity of the impact point, not that of the momentum.
    Direction and mass of a track are those of the particle.
    """
    charged = take(particles, np.abs(particles.charge) >= _MIN_CHARGE)
    kind = np.full(charged.pdg.shape, Kind.CHARGED_HADRON, dtype=np.int8)
    kind[np.abs(charged.pdg) == 11] = Kind.ELECTRON
    kind[np.abs(charged.pdg) == 13] = Kind.MUON

    efficiency = np.empty_like(charged.pt)
    resolution = np.empty_like(charged.pt)
    for species, numbers in (
        (Kind.CHARGED_HADRON, card.charged_hadron),
        (Kind.ELECTRON, card.electron),
        (Kind.MUON, card.muon),
    ):
        same = kind == species
        pt, impact_eta = charged.pt[same], charged.impact_eta[same]
        efficiency[same] = numbers.efficiency(pt, impact_eta)
        resolution[same] = numbers.resolution(pt, impact_eta)

    # rng.random() may be exactly 0 but never 1, so "<" keeps nothing at efficiency 0, all at 1.
    found = rng.random(efficiency.shape) < efficiency
    charged, kind, resolution = take(charged, found), kind[found], resolution[found]
    return Tracks(
        event=charged.event,
        pdg=charged.pdg,
        kind=kind,
        pt=log_normal(charged.pt, resolution * charged.pt, rng),
        eta=charged.eta,
        phi=charged.phi,
        mass=charged.mass,
        resolution=resolution,
        impact_eta=charged.impact_eta,
        impact_phi=charged.impact_phi,
    )
