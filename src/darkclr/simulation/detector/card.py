"""Detector cards: the numbers of an energy-flow detector and the functions they stand for.

A card follows the Delphes card of the same experiment: J. de Favereau et al., JHEP 02 (2014) 057,
https://arxiv.org/abs/1307.6346. Lengths are in m, the magnetic field in T, energies in GeV.
All intervals of a card are open below and closed above.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np

from darkclr.parameters import AtLeast, Positive, check_parameters

__all__ = [
    "CalorimeterCard",
    "Card",
    "Efficiency",
    "EnergyFractions",
    "EnergyResolution",
    "Grid",
    "PropagationCard",
    "TrackResolution",
    "TrackingCard",
]


@dataclass(frozen=True)
class PropagationCard:
    """Tracking volume, a cylinder in a solenoidal field."""

    radius: Annotated[float, Positive()]
    """Radius [m]."""
    half_length: Annotated[float, Positive()]
    """Half of its length [m]."""
    magnetic_field: float
    """Magnetic field along z [T]."""

    def __post_init__(self) -> None:
        check_parameters(self, "propagation")


@dataclass(frozen=True)
class Efficiency:
    """Tracking efficiency as steps in ``|eta|`` and pT (Delphes module ``Efficiency``).

    Args:
        abs_eta_up_to: Upper ``|eta|`` edges, (R,); zero efficiency beyond the last.
        pt_above: Lower pT edges [GeV], (C,); zero efficiency at or below the first.
        values: Efficiencies, (R, C).
        falloff: ``(pt, constant, slope)``: above this pT multiply by ``exp(constant + slope pT)``.
    """

    abs_eta_up_to: np.ndarray
    pt_above: np.ndarray
    values: np.ndarray
    falloff: tuple[float, float, float] | None = None

    def __call__(self, pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Efficiency of tracks with true pT [GeV] and impact-point eta, both (n,)."""
        row = np.searchsorted(self.abs_eta_up_to, np.abs(eta), side="left")
        column = np.searchsorted(self.pt_above, pt, side="left")
        padded = np.pad(self.values, ((0, 1), (1, 0)))  # outside the table: zero
        efficiency = padded[row, column]
        if self.falloff is not None:
            threshold, constant, slope = self.falloff
            above = pt > threshold
            efficiency = np.where(
                above, efficiency * np.exp(np.where(above, constant + slope * pt, 0.0)), efficiency
            )
        return efficiency


@dataclass(frozen=True)
class TrackResolution:
    """Relative pT resolution ``min(sqrt(a^2 + (b pT)^2), 1)`` (module ``MomentumSmearing``).

    Args:
        abs_eta_up_to: Upper ``|eta|`` edges, (R,).
        constant: a of each ``|eta|`` interval, (R,).
        slope: b of each ``|eta|`` interval [1/GeV], (R,).
    """

    abs_eta_up_to: np.ndarray
    constant: np.ndarray
    slope: np.ndarray

    def __call__(self, pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Relative resolution at true pT [GeV] and impact-point eta, (n,); 0 beyond the table."""
        row = np.searchsorted(self.abs_eta_up_to, np.abs(eta), side="left")
        constant = np.append(self.constant, 0.0)[row]
        slope = np.append(self.slope, 0.0)[row]
        return np.minimum(np.hypot(constant, slope * pt), 1.0)


@dataclass(frozen=True)
class TrackingCard:
    """Efficiency and resolution of one species of track."""

    efficiency: Efficiency
    resolution: TrackResolution


@dataclass(frozen=True)
class Grid:
    """Calorimeter cells: strips in eta, each cut into equal cells in phi.

    The cell of strip i is ``(edge_i, edge_{i+1}]`` in eta and ``(-pi + (j-1) w, -pi + j w]`` in
    phi with ``w = 2 pi / phi_bins_i``.

    Args:
        eta_edges: Increasing edges of the strips, (S + 1,).
        phi_bins: Number of phi cells of each strip, (S,).
    """

    eta_edges: np.ndarray
    phi_bins: np.ndarray

    @cached_property
    def first_cell(self) -> np.ndarray:
        """Number of cells in the strips before strip i, (S + 1,); the last entry counts all."""
        return np.concatenate([[0], np.cumsum(self.phi_bins)])

    @property
    def n_cells(self) -> int:
        """Number of cells of the calorimeter."""
        return int(self.first_cell[-1])

    def cell(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Index of the cell that holds each direction, (n,) int64; -1 outside the grid."""
        strip = np.searchsorted(self.eta_edges, eta, side="left") - 1
        inside = (strip >= 0) & (strip < len(self.phi_bins))
        strip = np.where(inside, strip, 0)
        # Edges as Delphes writes them, k * pi / (bins / 2): a hit on an edge then falls below it.
        half = self.phi_bins[strip] / 2
        column = np.ceil(phi * half / np.pi)
        column -= phi <= (column - 1) * np.pi / half
        column += phi > column * np.pi / half
        column = np.clip(column + half, 1, 2 * half).astype(np.int64) - 1
        return np.where(inside, self.first_cell[strip] + column, -1)

    def bounds(self, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Lower eta, upper eta, lower phi, upper phi of cells, (n,) each."""
        strip = np.searchsorted(self.first_cell, cell, side="right") - 1
        half = self.phi_bins[strip] / 2
        column = cell - self.first_cell[strip] - half
        return (
            self.eta_edges[strip],
            self.eta_edges[strip + 1],
            column * np.pi / half,
            (column + 1) * np.pi / half,
        )


@dataclass(frozen=True)
class EnergyFractions:
    """Share of a particle's energy left in a calorimeter, by absolute PDG code.

    Args:
        codes: Listed codes, (K,) increasing.
        values: Their fractions, (K,).
        default: Fraction of every code that is not listed.
    """

    codes: np.ndarray
    values: np.ndarray
    default: float

    def __call__(self, pdg: np.ndarray) -> np.ndarray:
        """Fractions of particles with these (signed) PDG codes, (n,)."""
        code = np.abs(pdg)
        if len(code) and code.max() < len(self._of_small):
            return self._of_small.take(code)
        return self._of(code)

    def _of(self, code: np.ndarray) -> np.ndarray:
        place = np.minimum(np.searchsorted(self.codes, code), len(self.codes) - 1)
        return np.where(self.codes[place] == code, self.values[place], self.default)

    @cached_property
    def _of_small(self) -> np.ndarray:
        """Fractions of all codes below 10,000: most particles, looked up in one step."""
        return self._of(np.arange(10_000))


@dataclass(frozen=True)
class EnergyResolution:
    """Energy resolution in GeV, by interval of ``|eta|`` and zero beyond the last.

    ``f sqrt(c^2 E^2 + s^2 E + n^2)`` with ``f = offset + curvature (|eta| - centre)^2``.

    Args:
        abs_eta_up_to: Upper ``|eta|`` edges, (R,).
        stochastic: s [sqrt(GeV)], (R,).
        noise: n [GeV], (R,).
        constant: c, (R,).
        offset: Constant term of f, (R,).
        curvature: Quadratic term of f, (R,).
        centre: ``|eta|`` at which the quadratic term vanishes, (R,).
    """

    abs_eta_up_to: np.ndarray
    stochastic: np.ndarray
    noise: np.ndarray
    constant: np.ndarray
    offset: np.ndarray
    curvature: np.ndarray
    centre: np.ndarray

    def __call__(self, eta: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """Resolution [GeV] at cell centres ``eta`` and energies [GeV], (n,)."""
        abs_eta = np.abs(eta)
        row = np.searchsorted(self.abs_eta_up_to, abs_eta, side="left")
        inside = row < len(self.abs_eta_up_to)
        row = np.where(inside, row, 0)
        factor = self.offset[row] + self.curvature[row] * (abs_eta - self.centre[row]) ** 2
        variance = (
            (self.constant[row] * energy) ** 2
            + self.stochastic[row] ** 2 * energy
            + self.noise[row] ** 2
        )
        return np.where(inside, factor * np.sqrt(variance), 0.0)


@dataclass(frozen=True)
class CalorimeterCard:
    """One calorimeter (Delphes module ``SimpleCalorimeter``)."""

    energy_min: Annotated[float, AtLeast(0)]
    """Lowest energy of a tower, and of the excess over its tracks, that is seen [GeV]."""
    significance_min: Annotated[float, AtLeast(0)]
    """Lowest energy that is seen in units of its resolution."""
    cells: Grid
    """Cells, each of which is a tower."""
    fractions: EnergyFractions
    """Share of its energy that a particle leaves."""
    resolution: EnergyResolution
    """Energy resolution."""

    def __post_init__(self) -> None:
        check_parameters(self, "calorimeter")


@dataclass(frozen=True)
class Card:
    """All numbers of the energy-flow detector of one experiment."""

    name: str
    propagation: PropagationCard
    charged_hadron: TrackingCard
    electron: TrackingCard
    muon: TrackingCard
    ecal: CalorimeterCard
    hcal: CalorimeterCard
