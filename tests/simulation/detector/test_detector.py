"""The whole detector."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from detector_by_hand import ATLAS, CARDS, particles, quiet

from darkclr.simulation.detector import Card, EnergyFlow, EnergyFlowDetector, Kind
from darkclr.simulation.events.particles import GeneratedParticles


def random_event(n: int, seed: int, n_events: int = 5) -> GeneratedParticles:
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
    flow = EnergyFlowDetector(quiet(card)).simulate(p, np.random.default_rng(0))
    true = np.bincount(p.event, weights=np.sqrt(p.px**2 + p.py**2 + p.pz**2))
    np.testing.assert_allclose(np.bincount(flow.event, weights=energies(flow)), true, rtol=1e-9)
    assert np.count_nonzero(flow.kind <= Kind.MUON) == np.count_nonzero(p.charge)


def test_kaons_and_lambdas_share_their_energy_between_the_calorimeters() -> None:
    for pdg in (310, 3122):
        flow = EnergyFlowDetector(quiet(ATLAS)).simulate(
            particles(pdg, 10.0, 0.33, 1.0), np.random.default_rng(0)
        )
        np.testing.assert_array_equal(flow.kind, [Kind.PHOTON, Kind.NEUTRAL_HADRON])
        np.testing.assert_allclose(energies(flow), np.array([0.3, 0.7]) * 10.0 * np.cosh(0.33))
        np.testing.assert_array_equal(flow.mass, 0.0)


@CARDS
def test_neutrinos_and_the_dark_sector_leave_nothing(card: Card) -> None:
    pdg = np.array([12, -14, 16, 4900111, -4900211, 4900113, 4900101, 1000022, 1000010020])
    p = particles(pdg, 500.0, 0.1, 0.2, charge=(np.arange(9) == 8).astype(float))
    assert len(EnergyFlowDetector(card).simulate(p, np.random.default_rng(0)).pt) == 0


def test_untracked_charged_particles_appear_as_neutrals_but_muons_vanish() -> None:
    p = particles([11, 211, 13], 60.0, 2.8, [0.0, 1.0, 2.0])  # beyond the tracker
    flow = EnergyFlowDetector(ATLAS).simulate(p, np.random.default_rng(0))
    np.testing.assert_array_equal(flow.kind, [Kind.PHOTON, Kind.NEUTRAL_HADRON])


def test_photon_response_and_resolution() -> None:
    n = 20_000
    rng = np.random.default_rng(6)
    phi = rng.uniform(-np.pi, np.pi, n)
    p = particles(22, 50.0, 0.0050, phi, event=np.arange(n))
    flow = EnergyFlowDetector(ATLAS).simulate(p, rng)
    expected = np.sqrt(0.0017**2 * 50.0**2 + 0.101**2 * 50.0)
    assert energies(flow).mean() == pytest.approx(50.0, abs=5 * expected / np.sqrt(n))
    assert energies(flow).std() == pytest.approx(expected, rel=0.03)
    assert ((flow.eta > 0) & (flow.eta <= 0.0174)).all()
    assert (np.ceil(flow.phi / np.pi * 180) == np.ceil(phi / np.pi * 180)).all()


@CARDS
def test_output_is_sorted_typed_and_reproducible(card: Card) -> None:
    p = random_event(3000, 7, n_events=20)
    first, again, other = (
        EnergyFlowDetector(card).simulate(p, np.random.default_rng(s)) for s in (1, 1, 2)
    )
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
    assert len(EnergyFlowDetector("cms").simulate(empty, np.random.default_rng(0)).pt) == 0


def test_particles_that_point_further_out_than_asked_are_not_followed() -> None:
    p = particles(22, 50.0, [-1.2, -1.09, 0.3, 1.09, 1.2], [0.0, 0.5, 1.0, 1.5, 2.0])
    flow = EnergyFlowDetector(quiet(ATLAS)).simulate(p, np.random.default_rng(0), abs_eta_max=1.1)
    np.testing.assert_allclose(np.sort(flow.eta), [-1.09, 0.3, 1.09], atol=0.06)
