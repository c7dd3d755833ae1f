"""One calorimeter: towers, and the energy flow that combines them with tracks.

Follows the Delphes module ``SimpleCalorimeter``, which the ATLAS and CMS cards run twice, first as
electromagnetic, then as hadronic calorimeter; J. de Favereau et al., JHEP 02 (2014) 057.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from darkclr.simulation.detector.card import CalorimeterCard
from darkclr.simulation.detector.propagation import Propagated
from darkclr.simulation.detector.tracking import Tracks, log_normal
from darkclr.simulation.events.particles import take

__all__ = ["Neutrals", "measure"]

_MIN_FRACTION = 1e-9


@dataclass(frozen=True)
class Neutrals:
    """Energy without a track, one massless object a cell, sorted by event; every array is (n,)."""

    event: np.ndarray
    energy: np.ndarray
    eta: np.ndarray
    phi: np.ndarray


def measure(
    card: CalorimeterCard, particles: Propagated, tracks: Tracks, rng: np.random.Generator
) -> tuple[Tracks, Neutrals]:
    """Pass particles and tracks through a calorimeter.

    Args:
        card: Thresholds, cells, fractions and resolution.
        particles: All particles that reach the calorimeter, tracked or not.
        tracks: Tracks; those whose species leaves no energy here pass unchanged.
        rng: Source of the energy smearing and of the positions inside the cells.

    Returns:
        The tracks inside the grid, with pT rescaled where cell and tracks were averaged, in the
        order they came; and the neutral energy of each cell beyond that of its tracks.
    """
    grid = card.cells
    fraction = card.fractions(particles.pdg)
    depositing = fraction >= _MIN_FRACTION
    hits, deposit = take(particles, depositing), (fraction * particles.energy)[depositing]
    hit_cell = grid.cell(hits.impact_eta, hits.impact_phi)
    track_cell = grid.cell(tracks.impact_eta, tracks.impact_phi)
    tracks, track_cell = take(tracks, track_cell >= 0), track_cell[track_cell >= 0]
    track_fraction = card.fractions(tracks.pdg)
    absorbed = track_fraction >= _MIN_FRACTION

    # Towers: the cells with a hit, of all events at once.
    inside = hit_cell >= 0
    hit_key = hits.event[inside] * grid.n_cells + hit_cell[inside]
    track_key = tracks.event[absorbed] * grid.n_cells + track_cell[absorbed]
    key, tower = np.unique(np.concatenate([hit_key, track_key]), return_inverse=True)
    hit_tower, track_tower = tower[: len(hit_key)], tower[len(hit_key) :]
    event, cell = np.divmod(key, grid.n_cells)
    eta_low, eta_high, phi_low, phi_high = grid.bounds(cell)
    eta_centre = (eta_low + eta_high) / 2

    deposited = np.bincount(hit_tower, weights=deposit[inside], minlength=len(key))
    energy = log_normal(deposited, card.resolution(eta_centre, deposited), rng)
    # The resolution at the smeared energy outlives the cut: below threshold a tower weighs in with
    # energy zero and this resolution.
    sigma = card.resolution(eta_centre, energy)
    seen = (energy >= card.energy_min) & (energy >= card.significance_min * sigma)
    energy = np.where(seen, energy, 0.0)

    track_energy, track_variance = _track_sums(
        card, take(tracks, absorbed), track_fraction[absorbed], track_tower, eta_centre
    )
    excess = np.maximum(energy - track_energy, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # No excess and no resolution gives 0/0, which is not significant.
        significance = excess / np.sqrt(track_variance + sigma**2)
    neutral = (excess > card.energy_min) & (significance > card.significance_min)

    factor = np.where(neutral, 1.0, _average(track_energy, track_variance, energy, sigma))
    pt = tracks.pt.copy()
    pt[absorbed] *= factor[track_tower]

    n_neutral = int(np.count_nonzero(neutral))
    return replace(tracks, pt=pt), Neutrals(
        event=event[neutral],
        energy=excess[neutral],
        eta=_inside(eta_low[neutral], eta_high[neutral], rng.random(n_neutral)),
        phi=_inside(phi_low[neutral], phi_high[neutral], rng.random(n_neutral)),
    )


def _track_sums(
    card: CalorimeterCard,
    tracks: Tracks,
    fraction: np.ndarray,
    tower: np.ndarray,
    eta_centre: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Energy [GeV] of the tracks of each tower and its variance [GeV^2], (towers,) each."""
    energy = tracks.energy
    sigma = card.resolution(eta_centre[tower], energy)
    guess = np.where(sigma < tracks.resolution * energy, fraction * energy, energy)
    return (
        np.bincount(tower, weights=fraction * energy, minlength=len(eta_centre)),
        np.bincount(tower, weights=(tracks.resolution * guess) ** 2, minlength=len(eta_centre)),
    )


def _average(
    track_energy: np.ndarray, track_variance: np.ndarray, energy: np.ndarray, sigma: np.ndarray
) -> np.ndarray:
    """Weighted mean of track and tower energy over track energy, (towers,).

    A side without resolution has weight zero; towers without tracks (or without any weight) give 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        track_weight = np.where(track_variance > 0.0, 1.0 / track_variance, 0.0)
        tower_weight = np.where(sigma > 0.0, 1.0 / sigma**2, 0.0)
        total = track_weight + tower_weight
        best = (track_weight * track_energy + tower_weight * energy) / total
        return np.where((track_energy > 0.0) & (total > 0.0), best / track_energy, 1.0)


def _inside(low: np.ndarray, high: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    return low + (high - low) * uniform
