"""The numbers of the cards and the functions they stand for, against closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from detector_by_hand import ATLAS, CARDS, CMS

from darkclr.simulation.detector import Card
from darkclr.simulation.detector.card import CalorimeterCard, Grid


def test_cards_hold_their_tracking_volume() -> None:
    for card, numbers in ((ATLAS, (1.15, 3.51, 2.0)), (CMS, (1.29, 3.00, 3.8))):
        volume = card.propagation
        assert (volume.radius, volume.half_length, volume.magnetic_field) == numbers


@CARDS
@pytest.mark.parametrize(
    ("kind", "pt", "eta", "expected"),
    [
        ("charged_hadron", 0.1, 0.0, 0.0),  # lower edges are open, upper edges closed
        ("charged_hadron", 0.1001, 0.0, 0.70),
        ("charged_hadron", 1.0, -1.5, 0.70),
        ("charged_hadron", 1.0001, 1.5, 0.95),
        ("charged_hadron", 1.0, 1.5001, 0.60),
        ("charged_hadron", 1e4, -2.5, 0.85),
        ("charged_hadron", 1e4, 2.5001, 0.0),
        ("electron", 1.0, 0.0, 0.73),
        ("electron", 100.0, 0.0, 0.95),
        ("electron", 100.1, 0.0, 0.99),
        ("electron", 0.5, 2.0, 0.50),
        ("electron", 50.0, 2.0, 0.83),
        ("electron", 500.0, 2.0, 0.90),
        ("electron", 5.0, 3.0, 0.0),
        ("muon", 0.1, 0.0, 0.0),
        ("muon", 1.0, 0.0, 0.75),
        ("muon", 1000.0, 0.0, 0.99),
        ("muon", 0.5, 2.0, 0.70),
        ("muon", 5.0, -2.0, 0.98),
        ("muon", 5.0, -2.6, 0.0),
    ],
)
def test_efficiency_steps(card: Card, kind: str, pt: float, eta: float, expected: float) -> None:
    efficiency = getattr(card, kind).efficiency
    assert efficiency(np.array([pt]), np.array([eta]))[0] == expected


def test_only_cms_loses_muons_above_a_tev() -> None:
    pt, eta = np.array([1500.0, 4000.0]), np.array([0.0, 2.0])
    np.testing.assert_allclose(ATLAS.muon.efficiency(pt, eta), [0.99, 0.98])
    falloff = np.exp(0.5 - 5e-4 * pt)
    np.testing.assert_allclose(CMS.muon.efficiency(pt, eta), falloff * [0.99, 0.98])


@CARDS
@pytest.mark.parametrize(
    ("kind", "constant", "slope"),
    [
        ("charged_hadron", (0.06, 0.10, 0.25), (1.3e-3, 1.7e-3, 3.1e-3)),
        ("electron", (0.03, 0.05, 0.15), (1.3e-3, 1.7e-3, 3.1e-3)),
        ("muon", (0.01, 0.015, 0.025), (1.0e-4, 1.5e-4, 3.5e-4)),
    ],
)
def test_track_resolution(card: Card, kind: str, constant: tuple, slope: tuple) -> None:
    pt = np.array([3.0, 200.0, 80.0, 80.0, 1e5])
    eta, row = np.array([0.5, -0.51, 1.5, 2.5, 2.4]), [0, 1, 1, 2, 2]
    expected = np.sqrt(np.array(constant)[row] ** 2 + (np.array(slope)[row] * pt) ** 2)
    np.testing.assert_allclose(
        getattr(card, kind).resolution(pt, eta), np.minimum(expected, 1.0), rtol=1e-12
    )


def test_grids_have_the_strips_of_the_cards() -> None:
    for grid in (ATLAS.ecal.cells, CMS.ecal.cells):
        assert len(grid.eta_edges) == 363
        assert grid.n_cells == 340 * 360 + 22 * 36
    assert len(ATLAS.hcal.cells.eta_edges) == 77
    assert ATLAS.hcal.cells.n_cells == 54 * 36 + 22 * 18
    assert len(CMS.hcal.cells.eta_edges) == 81
    assert CMS.hcal.cells.n_cells == 38 * 72 + 38 * 36 + 4 * 18
    for card in (ATLAS, CMS):
        for grid in (card.ecal.cells, card.hcal.cells):
            np.testing.assert_allclose(grid.eta_edges, -grid.eta_edges[::-1], atol=1e-12)


@pytest.mark.parametrize(
    ("grid", "eta", "phi_bins"),
    [
        # Odd strips: the segmentation of a strip is the one listed with its upper edge.
        (ATLAS.hcal.cells, 3.25, 36),
        (ATLAS.hcal.cells, -3.25, 36),
        (ATLAS.hcal.cells, 2.7, 18),
        (ATLAS.hcal.cells, -2.7, 18),
        (ATLAS.hcal.cells, -2.6, 18),
        (ATLAS.hcal.cells, 2.6, 36),
        (ATLAS.hcal.cells, 3.4, 18),
        (CMS.hcal.cells, -1.6, 72),
        (CMS.hcal.cells, 1.7, 36),
        (CMS.hcal.cells, 4.6, 18),
        (CMS.hcal.cells, -4.5, 36),
        (ATLAS.ecal.cells, 2.95, 360),
        (ATLAS.ecal.cells, -2.958, 36),
        (ATLAS.ecal.cells, 2.97, 36),
    ],
)
def test_phi_segmentation_of_a_strip(grid: Grid, eta: float, phi_bins: int) -> None:
    strip = np.searchsorted(grid.eta_edges, eta, side="left") - 1
    assert grid.phi_bins[strip] == phi_bins
    phi = np.linspace(-np.pi, np.pi, 7201)[1:]
    assert len(np.unique(grid.cell(np.full(phi.shape, eta), phi))) == phi_bins


@CARDS
@pytest.mark.parametrize("which", ["ecal", "hcal"])
def test_cells_are_open_below_and_closed_above(card: Card, which: str) -> None:
    grid = getattr(card, which).cells
    rng = np.random.default_rng(4)
    eta, phi = rng.uniform(-4.9, 4.9, 20_000), rng.uniform(-np.pi, np.pi, 20_000)
    eta_low, eta_high, phi_low, phi_high = grid.bounds(grid.cell(eta, phi))
    assert ((eta_low < eta) & (eta <= eta_high) & (phi_low < phi) & (phi <= phi_high)).all()
    # Every cell's upper corner belongs to it.
    cells = np.arange(grid.n_cells)
    _, eta_high, _, phi_high = grid.bounds(cells)
    np.testing.assert_array_equal(grid.cell(eta_high, phi_high), cells)
    lowest, highest = grid.eta_edges[[0, -1]]
    outside = np.array([lowest, lowest - 1, highest + 1e-9, np.inf, -np.inf])
    np.testing.assert_array_equal(grid.cell(outside, np.zeros(5)), -1)


@CARDS
def test_energy_fractions(card: Card) -> None:
    pdg = np.array([11, -11, 22, 111, 12, -14, 16, 13, 310, 3122, -3122, 130, 211, 2112, 1000022])
    ecal = [1, 1, 1, 1, 0, 0, 0, 0, 0.3, 0.3, 0.3, 0, 0, 0, 0]
    hcal = [0, 0, 0, 0, 0, 0, 0, 0, 0.7, 0.7, 0.7, 1, 1, 1, 0]
    np.testing.assert_array_equal(card.ecal.fractions(pdg), ecal)
    np.testing.assert_array_equal(card.hcal.fractions(pdg), hcal)


@pytest.mark.parametrize(
    ("calorimeter", "eta", "closed_form"),
    [
        (ATLAS.ecal, 3.2, lambda e: np.sqrt(0.0017**2 * e**2 + 0.101**2 * e)),
        (ATLAS.ecal, -3.21, lambda e: np.sqrt(0.0350**2 * e**2 + 0.285**2 * e)),
        (ATLAS.ecal, 4.91, lambda e: 0 * e),
        (ATLAS.hcal, -1.7, lambda e: np.sqrt(0.0302**2 * e**2 + 0.5205**2 * e + 1.59**2)),
        (ATLAS.hcal, 1.71, lambda e: np.sqrt(0.0500**2 * e**2 + 0.706**2 * e)),
        (ATLAS.hcal, 4.8, lambda e: np.sqrt(0.09420**2 * e**2 + 1.00**2 * e)),
        (CMS.ecal, 1.5, lambda e: 2.44 * np.sqrt(0.008**2 * e**2 + 0.11**2 * e + 0.16)),
        (CMS.ecal, -2.5, lambda e: 3.56 * np.sqrt(0.008**2 * e**2 + 0.11**2 * e + 0.16)),
        (CMS.ecal, 2.51, lambda e: np.sqrt(0.107**2 * e**2 + 2.08**2 * e)),
        (CMS.hcal, 3.0, lambda e: np.sqrt(0.050**2 * e**2 + 1.50**2 * e)),
        (CMS.hcal, 3.1, lambda e: np.sqrt(0.130**2 * e**2 + 2.70**2 * e)),
    ],
)
def test_energy_resolution(calorimeter: CalorimeterCard, eta: float, closed_form: Any) -> None:
    energy = np.array([0.0, 0.5, 10.0, 1000.0])
    sigma = calorimeter.resolution(np.full(4, eta), energy)
    np.testing.assert_allclose(sigma, closed_form(energy), rtol=1e-12)


def test_thresholds() -> None:
    for card, significance in ((ATLAS, 2.0), (CMS, 1.0)):
        assert (card.ecal.energy_min, card.ecal.significance_min) == (0.5, 2.0)
        assert (card.hcal.energy_min, card.hcal.significance_min) == (1.0, significance)
