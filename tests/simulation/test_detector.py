"""The energy-flow detector against closed forms and hand calculations, module by module."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from darkclr.errors import InputError
from darkclr.simulation.calorimeter import measure
from darkclr.simulation.card import (
    CalorimeterCard,
    Card,
    Efficiency,
    EnergyResolution,
    Grid,
    TrackingCard,
    TrackResolution,
)
from darkclr.simulation.detector import (
    Detector,
    EnergyFlow,
    Kind,
    Particles,
    charge_of,
    load_card,
)
from darkclr.simulation.particles import is_detectable
from darkclr.simulation.propagation import Propagated, propagate
from darkclr.simulation.tracking import Tracks, log_normal, reconstruct_tracks

ATLAS, CMS = load_card("atlas"), load_card("cms")
CARDS = pytest.mark.parametrize("card", [ATLAS, CMS], ids=lambda card: card.name)
PION = 0.13957


class NoNoise:
    """A generator whose Gaussian draws are zero and whose uniform draws are one half."""

    def standard_normal(self, shape: Any) -> np.ndarray:
        return np.zeros(shape)

    def random(self, shape: Any) -> np.ndarray:
        return np.full(shape, 0.5)


def particles(pdg: Any, pt: Any, eta: Any, phi: Any, **more: Any) -> Particles:
    pdg, pt, eta, phi = np.broadcast_arrays(*(np.atleast_1d(a) for a in (pdg, pt, eta, phi)))
    zero = np.zeros(pdg.shape)
    columns = {"event": np.zeros(pdg.shape, dtype=np.int64), "mass": zero}
    columns |= {"x": zero, "y": zero, "z": zero, "charge": charge_of(pdg)}
    columns |= {key: np.broadcast_to(value, pdg.shape) for key, value in more.items()}
    return Particles(
        pdg=pdg, px=pt * np.cos(phi), py=pt * np.sin(phi), pz=pt * np.sinh(eta), **columns
    )


# --- particle codes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "charge"),
    [
        ((211, 321, 411, 431, 521, 541, 2212, 3222, 4122, -3112, -11, -13, -3312), 1.0),
        ((111, 130, 310, 311, 421, 511, 531, 2112, 3122, 3212, 3322, 22, 12, 14, 16), 0.0),
        ((-211, -321, 3112, 3312, 3334, 11, 13, 15, -2212, -3222), -1.0),
        ((4222, 2224), 2.0),
        ((4900111, 4900113, 1000022, 1000010020), 0.0),
    ],
)
def test_charges_follow_the_pdg_numbering_scheme(codes: tuple[int, ...], charge: float) -> None:
    np.testing.assert_array_equal(charge_of(np.array(codes)), charge)


def test_dark_exotic_and_partonic_codes_are_unknown_to_the_detector() -> None:
    unknown = [4900111, -4900211, 4900113, 4900101, 1000022, 1000010020, 21, 1, -6, 2101, 82, 990]
    assert not is_detectable(np.array(unknown)).any()
    known = [11, -13, 16, 22, 111, 211, -321, 130, 310, 2112, -2212, 3122, 3334, 411, 5122]
    assert is_detectable(np.array(known)).all()


# --- propagation ------------------------------------------------------------------------------


def integrate(card: Card, p: Particles) -> tuple[np.ndarray, float]:
    """Impact point [m] and azimuth at closest approach, from the equation of motion."""
    start = np.array([p.x[0], p.y[0], p.z[0]]) * 1e-3
    momentum = np.array([p.px[0], p.py[0], p.pz[0]])
    force = 0.299792458 * p.charge[0] * card.propagation.magnetic_field

    def motion(_: float, state: np.ndarray) -> list[float]:  # by path length
        direction = state[3:] / np.linalg.norm(momentum)
        return [*direction, force * direction[1], -force * direction[0], 0.0]

    def barrel(_: float, state: np.ndarray) -> float:
        return np.hypot(state[0], state[1]) - card.propagation.radius

    def end(_: float, state: np.ndarray) -> float:
        return abs(state[2]) - card.propagation.half_length

    barrel.terminal = end.terminal = True  # type: ignore[attr-defined]
    tight = {"rtol": 1e-10, "atol": 1e-12, "method": "DOP853"}
    state = np.concatenate([start, momentum])
    out = solve_ivp(motion, (0, 1e3), state, events=(barrel, end), **tight)
    quarter_turn = 0.5 * np.pi * np.linalg.norm(momentum) / abs(force)
    nearest = (np.inf, 0.0)
    for way in (-1, 1):
        path = solve_ivp(
            motion,
            (0, way * quarter_turn),
            state,
            t_eval=way * np.linspace(0, quarter_turn, 4001),
            **tight,
        ).y
        k = np.argmin(np.hypot(path[0], path[1]))
        nearest = min(nearest, (np.hypot(path[0], path[1])[k], np.arctan2(path[4], path[3])[k]))
    return out.y[:3, -1], nearest[1]


@CARDS
@pytest.mark.parametrize("pdg", [211, -211])
@pytest.mark.parametrize(
    ("pt", "eta", "phi", "vertex"),
    [
        (5.0, 0.3, 1.0, (0, 0, 0)),
        (0.9, -1.2, -3.0, (0, 0, 0)),
        (2.0, 2.4, 0.5, (0, 0, 0)),  # leaves by the end plane
        (0.25, 0.6, 2.0, (0, 0, 0)),  # looper
        (0.12, -0.2, -1.0, (0, 0, 30.0)),  # looper with many turns
        (1.5, 0.8, 2.8, (12.0, -7.0, 40.0)),
        (0.9, 0.1, -2.0, (-30.0, 25.0, -100.0)),
        (0.3, -0.9, 0.4, (20.0, 35.0, 10.0)),  # displaced looper
        (800.0, 0.5, 0.1, (300.0, 10.0, 0.0)),
    ],
)
def test_helix_solves_the_equation_of_motion(
    card: Card, pdg: int, pt: float, eta: float, phi: float, vertex: tuple[float, float, float]
) -> None:
    x, y, z = vertex
    p = particles(pdg, pt, eta, phi, mass=PION, x=x, y=y, z=z)
    reached = propagate(card.propagation, p)
    impact, phi_nearest = integrate(card, p)
    assert reached.impact_eta[0] == pytest.approx(
        np.arcsinh(impact[2] / np.hypot(*impact[:2])), abs=1e-6
    )
    assert np.cos(reached.impact_phi[0] - np.arctan2(impact[1], impact[0])) == pytest.approx(
        1, abs=1e-9
    )
    assert np.cos(reached.phi[0] - phi_nearest) == pytest.approx(1, abs=1e-6)
    assert (reached.pt[0], reached.eta[0]) == pytest.approx((pt, eta))
    assert reached.energy[0] == pytest.approx(np.hypot(pt * np.cosh(eta), PION))


def test_prompt_tracks_keep_their_direction_and_reach_the_barrel_above_the_known_pt() -> None:
    card = ATLAS.propagation
    threshold = 0.299792458 * card.magnetic_field * card.radius / 2
    assert threshold == pytest.approx(0.345, abs=5e-4)
    reached = propagate(card, particles(211, threshold * np.array([0.999, 1.001]), 0.2, 0.7))
    # The slower one winds on to the end plane, near the axis: large |eta|.
    assert reached.impact_eta[0] > 2.0 > 1.0 > reached.impact_eta[1]
    np.testing.assert_allclose(reached.phi, 0.7)


def test_neutral_particles_fly_straight() -> None:
    rng = np.random.default_rng(1)
    n, card = 500, CMS.propagation
    p = particles(
        22, rng.uniform(0.1, 9, n), rng.uniform(-4, 4, n), rng.uniform(-np.pi, np.pi, n),
        x=rng.uniform(-500, 500, n), y=rng.uniform(-500, 500, n), z=rng.uniform(-900, 900, n),
    )  # fmt: skip
    reached = propagate(card, p)
    # The impact point, put back on the surface, must lie on the line of flight.
    on_barrel = np.abs(np.sinh(reached.impact_eta)) * card.radius < card.half_length
    rho = np.where(on_barrel, card.radius, card.half_length / np.abs(np.sinh(reached.impact_eta)))
    phi = reached.impact_phi
    impact = rho * np.stack([np.cos(phi), np.sin(phi), np.sinh(reached.impact_eta)])
    flight = impact - np.stack([p.x, p.y, p.z]) * 1e-3
    momentum = np.stack([p.px, p.py, p.pz])
    np.testing.assert_allclose(np.cross(flight.T, momentum.T), 0.0, atol=1e-9)
    assert (np.sum(flight * momentum, axis=0) > 0).all()
    assert 50 < on_barrel.sum() < 450
    np.testing.assert_array_equal(reached.phi, np.arctan2(p.py, p.px))


def test_transverse_neutral_hits_the_barrel() -> None:
    reached = propagate(ATLAS.propagation, particles(22, 1.0, [0.0, -0.0], 1.0, z=115.0))
    np.testing.assert_allclose(np.sinh(reached.impact_eta), 0.1)


def test_particles_born_outside_or_without_pt_are_skipped() -> None:
    card = ATLAS.propagation
    p = particles(22, [1, 1, 1, 1e-5], 0.0, 0.0, x=[1151.0, 0, 1149.0, 0], z=[0, 3511.0, 3509.0, 0])
    assert len(propagate(card, p).pt) == 1


# --- tracks -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("mean", "sigma"), [(10.0, 1.0), (0.5, 0.5), (200.0, 3.0)])
def test_log_normal_has_exactly_this_mean_and_deviation(mean: float, sigma: float) -> None:
    n = 400_000
    values = log_normal(np.full(n, mean), np.full(n, sigma), np.random.default_rng(2))
    assert values.mean() == pytest.approx(mean, abs=5 * sigma / np.sqrt(n))
    assert values.std() == pytest.approx(sigma, rel=0.02)
    assert (values > 0).all()
    variance = np.log1p((sigma / mean) ** 2)
    assert np.log(values).mean() == pytest.approx(np.log(mean) - variance / 2, abs=5e-3)


def test_log_normal_of_nothing_is_nothing() -> None:
    out = log_normal(
        np.array([0.0, -1.0, 3.0]), np.array([1.0, 1.0, 0.0]), np.random.default_rng(0)
    )
    np.testing.assert_allclose(out, [0.0, 0.0, 3.0])


def reached(pdg: Any, energy: Any, eta: Any = 0.05, phi: Any = 0.05, event: Any = 0) -> Propagated:
    """Massless particles that arrive where they point to."""
    pdg, energy, eta, phi, event = np.broadcast_arrays(
        *map(np.atleast_1d, (pdg, energy, eta, phi, event))
    )
    return Propagated(
        event=event, pdg=pdg, charge=charge_of(pdg), pt=energy / np.cosh(eta), eta=eta, phi=phi,
        mass=np.zeros(pdg.shape), energy=energy.astype(float), impact_eta=eta, impact_phi=phi,
    )  # fmt: skip


def test_tracks_are_found_and_smeared_by_the_position_of_impact() -> None:
    n = 200_000
    p = replace(reached(np.full(n, 211), 10.0, eta=0.1), impact_eta=np.full(n, 2.0))
    tracks = reconstruct_tracks(ATLAS, p, np.random.default_rng(3))
    assert len(tracks.pt) / n == pytest.approx(0.85, abs=0.004)
    resolution = np.hypot(0.25, 3.1e-3 * p.pt[0])
    assert tracks.pt.std() / p.pt[0] == pytest.approx(resolution, rel=0.02)
    np.testing.assert_allclose(tracks.resolution, resolution)
    np.testing.assert_array_equal(tracks.eta, 0.1)
    kinds = reconstruct_tracks(ATLAS, reached([11, -13, 3112, 22], 50.0), NoNoise()).kind
    np.testing.assert_array_equal(kinds, [Kind.ELECTRON, Kind.MUON, Kind.CHARGED_HADRON])


# --- calorimeter cells ------------------------------------------------------------------------


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


# --- tower logic, by hand ---------------------------------------------------------------------
# Without noise a deposit E0 is read as its median E = E0 / sqrt(1 + sigma(E0)^2 / E0^2).


def sigma_hcal(energy: float) -> float:
    return np.sqrt(0.0302**2 * energy**2 + 0.5205**2 * energy + 1.59**2)


def read_out(deposit: float) -> float:
    return deposit / np.sqrt(1 + (sigma_hcal(deposit) / deposit) ** 2)


def tracks_of(p: Propagated, resolution: float) -> Tracks:
    kind = np.full(p.pdg.shape, Kind.CHARGED_HADRON, dtype=np.int8)
    kind[np.abs(p.pdg) == 11], kind[np.abs(p.pdg) == 13] = Kind.ELECTRON, Kind.MUON
    return Tracks(
        p.event, p.pdg, kind, p.pt, p.eta, p.phi, p.mass,
        np.full(p.pt.shape, resolution), p.impact_eta, p.impact_phi,
    )  # fmt: skip


def no_tracks() -> Tracks:
    return tracks_of(reached(np.zeros(0, int), np.zeros(0)), 0.1)


def test_excess_becomes_a_neutral_and_leaves_the_tracks_alone() -> None:
    everything = reached([211, 130], [20.0, 40.0])
    track = tracks_of(reached([211], [20.0]), 0.05)
    out, neutrals = measure(ATLAS.hcal, everything, track, NoNoise())
    energy = read_out(60.0)
    significance = (energy - 20.0) / np.hypot(0.05 * 20.0, sigma_hcal(energy))
    assert significance > 2.0
    np.testing.assert_allclose(neutrals.energy, energy - 20.0)
    np.testing.assert_allclose((neutrals.eta[0], neutrals.phi[0]), (0.05, np.pi / 36))
    np.testing.assert_array_equal(out.pt, track.pt)


def test_insignificant_excess_is_averaged_into_the_tracks() -> None:
    pions = reached([211, -211], [30.0, 10.0])
    tracks = tracks_of(pions, 0.06)
    out, neutrals = measure(
        ATLAS.hcal, reached([211, -211, 130], [30.0, 10.0, 5.0]), tracks, NoNoise()
    )
    energy = read_out(45.0)
    track_weight = 1 / (0.06**2 * (30.0**2 + 10.0**2))
    tower_weight = 1 / sigma_hcal(energy) ** 2
    best = (track_weight * 40.0 + tower_weight * energy) / (track_weight + tower_weight)
    assert len(neutrals.energy) == 0
    assert 40.0 < best < energy
    np.testing.assert_allclose(out.pt, tracks.pt * best / 40.0)


def test_tracks_of_a_suppressed_tower_are_pulled_down() -> None:
    pion = reached([211], [2.0])
    out, neutrals = measure(ATLAS.hcal, pion, tracks_of(pion, 0.3), NoNoise())
    energy = read_out(2.0)
    assert energy < 2 * sigma_hcal(energy)  # so the tower counts as zero, with this resolution
    track_weight, tower_weight = 1 / (0.3 * 2.0) ** 2, 1 / sigma_hcal(energy) ** 2
    np.testing.assert_allclose(out.pt, pion.pt * track_weight / (track_weight + tower_weight))
    assert len(neutrals.energy) == 0


def test_track_without_a_deposit_feels_only_the_noise_term() -> None:
    nothing = reached(np.zeros(0, int), np.zeros(0))
    barrel = tracks_of(reached([211], [2.0]), 0.3)
    out, _ = measure(ATLAS.hcal, nothing, barrel, NoNoise())
    track_weight, tower_weight = 1 / 0.6**2, 1 / 1.59**2
    np.testing.assert_allclose(out.pt, barrel.pt * track_weight / (track_weight + tower_weight))
    endcap = tracks_of(reached([211], [2.0], eta=2.2), 0.3)  # no noise term: weight zero
    np.testing.assert_array_equal(measure(ATLAS.hcal, nothing, endcap, NoNoise())[0].pt, endcap.pt)


def test_faint_tower_without_tracks_gives_nothing() -> None:
    for energy in (0.9, 3.0):  # below the energy threshold, below the significance threshold
        _, neutrals = measure(ATLAS.hcal, reached([130], [energy]), no_tracks(), NoNoise())
        assert len(neutrals.energy) == 0


def test_tracks_that_leave_no_energy_pass_unchanged_and_uncounted() -> None:
    muon_and_pion = tracks_of(reached([13, 211], [50.0, 30.0]), 0.05)
    out, neutrals = measure(
        ATLAS.ecal, reached([13, 211, 22], [50.0, 30.0, 8.0]), muon_and_pion, NoNoise()
    )
    np.testing.assert_array_equal(out.pt, muon_and_pion.pt)
    assert len(neutrals.energy) == 1
    assert neutrals.energy[0] == pytest.approx(8.0, rel=0.01)
    outside = tracks_of(reached([13], [50.0], eta=5.1), 0.05)
    assert len(measure(ATLAS.ecal, reached([13], [50.0]), outside, NoNoise())[0].pt) == 0


def test_cells_and_events_do_not_mix() -> None:
    photons = reached(
        [22] * 4, [5.0, 6.0, 7.0, 8.0], phi=[0.001, 0.1, 0.001, 0.002], event=[0, 0, 1, 1]
    )
    track = tracks_of(reached([11], [1.0], phi=0.001, event=0), 1e-3)
    out, neutrals = measure(quiet(ATLAS).ecal, photons, track, np.random.default_rng(0))
    np.testing.assert_allclose(neutrals.energy, [4.0, 6.0, 15.0])
    np.testing.assert_array_equal(neutrals.event, [0, 0, 1])
    np.testing.assert_array_equal(out.pt, track.pt)


# --- the whole detector -----------------------------------------------------------------------


def quiet(card: Card) -> Card:
    """The same detector with every particle tracked, nothing smeared and no thresholds."""
    one, far = np.ones(1), np.array([100.0])
    none = EnergyResolution(far, *(np.zeros(1),) * 3, one, *(np.zeros(1),) * 2)
    tracking = TrackingCard(
        Efficiency(far, np.zeros(1), np.ones((1, 1))),
        TrackResolution(far, np.zeros(1), np.zeros(1)),
    )
    silence = {"energy_min": 1e-6, "significance_min": 0.0, "resolution": none}
    return replace(
        card,
        charged_hadron=tracking, electron=tracking, muon=tracking,
        ecal=replace(card.ecal, **silence), hcal=replace(card.hcal, **silence),
    )  # fmt: skip


def random_event(n: int, seed: int, n_events: int = 5) -> Particles:
    rng = np.random.default_rng(seed)
    pdg = rng.choice([22, 211, -211, 11, -11, 130, 310, 2212, 3122, 13], n)
    return particles(
        pdg, rng.exponential(5.0, n) + 0.8, rng.uniform(-2, 2, n), rng.uniform(-np.pi, np.pi, n),
        event=np.sort(rng.integers(0, n_events, n)),
    )  # fmt: skip


def energies(flow: EnergyFlow) -> np.ndarray:
    return np.hypot(flow.pt * np.cosh(flow.eta), flow.mass)


@CARDS
def test_energy_is_conserved_by_a_perfect_detector(card: Card) -> None:
    p = random_event(2000, 5)
    flow = Detector(quiet(card)).simulate(p, np.random.default_rng(0))
    true = np.bincount(p.event, weights=np.sqrt(p.px**2 + p.py**2 + p.pz**2))
    np.testing.assert_allclose(np.bincount(flow.event, weights=energies(flow)), true, rtol=1e-9)
    assert np.count_nonzero(flow.kind <= Kind.MUON) == np.count_nonzero(p.charge)


def test_kaons_and_lambdas_share_their_energy_between_the_calorimeters() -> None:
    for pdg in (310, 3122):
        flow = Detector(quiet(ATLAS)).simulate(
            particles(pdg, 10.0, 0.33, 1.0), np.random.default_rng(0)
        )
        np.testing.assert_array_equal(flow.kind, [Kind.PHOTON, Kind.NEUTRAL_HADRON])
        np.testing.assert_allclose(energies(flow), np.array([0.3, 0.7]) * 10.0 * np.cosh(0.33))
        np.testing.assert_array_equal(flow.mass, 0.0)


@CARDS
def test_neutrinos_and_the_dark_sector_leave_nothing(card: Card) -> None:
    pdg = np.array([12, -14, 16, 4900111, -4900211, 4900113, 4900101, 1000022, 1000010020])
    p = particles(pdg, 500.0, 0.1, 0.2, charge=(np.arange(9) == 8).astype(float))
    assert len(Detector(card).simulate(p, np.random.default_rng(0)).pt) == 0


def test_untracked_charged_particles_appear_as_neutrals_but_muons_vanish() -> None:
    p = particles([11, 211, 13], 60.0, 2.8, [0.0, 1.0, 2.0])  # beyond the tracker
    flow = Detector(ATLAS).simulate(p, np.random.default_rng(0))
    np.testing.assert_array_equal(flow.kind, [Kind.PHOTON, Kind.NEUTRAL_HADRON])


def test_photon_response_and_resolution() -> None:
    n = 20_000
    rng = np.random.default_rng(6)
    phi = rng.uniform(-np.pi, np.pi, n)
    p = particles(22, 50.0, 0.0050, phi, event=np.arange(n))
    flow = Detector(ATLAS).simulate(p, rng)
    expected = np.sqrt(0.0017**2 * 50.0**2 + 0.101**2 * 50.0)
    assert energies(flow).mean() == pytest.approx(50.0, abs=5 * expected / np.sqrt(n))
    assert energies(flow).std() == pytest.approx(expected, rel=0.03)
    assert ((flow.eta > 0) & (flow.eta <= 0.0174)).all()
    assert (np.ceil(flow.phi / np.pi * 180) == np.ceil(phi / np.pi * 180)).all()


@CARDS
def test_output_is_sorted_typed_and_reproducible(card: Card) -> None:
    p = random_event(3000, 7, n_events=20)
    first, again, other = (Detector(card).simulate(p, np.random.default_rng(s)) for s in (1, 1, 2))
    for field in fields(EnergyFlow):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(again, field.name))
    assert len(first.pt) != len(other.pt) or not np.array_equal(first.pt, other.pt)
    assert (np.diff(first.event) >= 0).all()
    assert first.event.dtype == np.int64
    assert first.kind.dtype == np.int8
    assert (first.pt > 0).all()
    assert (np.abs(first.phi) <= np.pi).all()
    assert (first.mass[first.kind >= Kind.PHOTON] == 0).all()


def test_no_particles_give_no_objects() -> None:
    empty = particles(np.zeros(0, int), np.zeros(0), np.zeros(0), np.zeros(0))
    assert len(Detector("cms").simulate(empty, np.random.default_rng(0)).pt) == 0


# --- cards ------------------------------------------------------------------------------------


def test_cards_hold_their_tracking_volume() -> None:
    for card, numbers in ((ATLAS, (1.15, 3.51, 2.0)), (CMS, (1.29, 3.00, 3.8))):
        volume = card.propagation
        assert (volume.radius, volume.half_length, volume.magnetic_field) == numbers


@pytest.mark.parametrize("name", ["lhcb", "no/such/file.yaml", ""])
def test_unknown_cards_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="atlas, cms"):
        Detector(name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("energy_min: 0.5", "energy_minimum: 0.5"),
        ("radius: 1.15", "radios: 1.15"),
        ("abs_eta_up_to: [1.5, 2.5]", "abs_eta_up_to: [2.5, 1.5]"),
        ("values: [[0.70, 0.95], [0.60, 0.85]]", "values: [[0.70, 0.95]]"),
        ("{eta: [2.6, 2.8, 3.0, 3.2], phi_bins: 18}", "{eta: [2.7, 2.8, 3.0, 3.2], phi_bins: 18}"),
        ("default: 1.0", "default: one"),
        ("muon:", "muons:"),
        ("name: atlas", "name: [atlas"),
    ],
)
def test_broken_cards_are_refused(tmp_path: Path, old: str, new: str) -> None:
    shipped = Path(__file__).parents[2] / "src/darkclr/simulation/cards/atlas.yaml"
    text = shipped.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_card(path).name == "atlas"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match="not a detector card"):
        load_card(path)
