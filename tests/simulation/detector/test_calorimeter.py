"""Towers and energy flow against calculations by hand."""

from __future__ import annotations

import numpy as np
import pytest
from detector_by_hand import ATLAS, NoNoise, quiet, reached

from darkclr.simulation.detector import Kind
from darkclr.simulation.detector.calorimeter import measure
from darkclr.simulation.detector.propagation import Propagated
from darkclr.simulation.detector.tracking import Tracks

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


def test_a_tower_below_the_energy_threshold_counts_as_zero_however_significant() -> None:
    card, energy = ATLAS.ecal, 0.4
    electron = reached([11], [energy])
    deposit = np.array([energy])
    sigma = card.resolution(np.array([0.05]), deposit)
    read = energy / np.sqrt(1 + (sigma / energy) ** 2)
    assert read < card.energy_min
    assert read > 5 * sigma
    out, neutrals = measure(card, electron, tracks_of(electron, 0.3), NoNoise())
    track_weight = 1 / (0.3 * energy) ** 2
    tower_weight = 1 / card.resolution(np.array([0.05]), read) ** 2
    np.testing.assert_allclose(out.pt, electron.pt * track_weight / (track_weight + tower_weight))
    assert len(neutrals.energy) == 0


def test_an_excess_below_the_energy_threshold_is_no_neutral_however_significant() -> None:
    card = ATLAS.ecal
    everything = reached([11, 22], [0.5, 0.35])
    track = tracks_of(reached([11], [0.5]), 1e-3)
    energy = 0.85 / np.sqrt(1 + (card.resolution(np.array([0.05]), np.array([0.85])) / 0.85) ** 2)
    assert energy > card.energy_min
    assert energy - 0.5 < card.energy_min
    assert energy - 0.5 > 3 * card.resolution(np.array([0.05]), energy)
    assert len(measure(card, everything, track, NoNoise())[1].energy) == 0


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


def test_an_excess_within_the_resolution_of_its_tracks_is_no_neutral() -> None:
    """Over eight errors of the tower, but less than two of tower and track together."""
    everything = reached([211, 130], [20.0, 40.0])
    track = tracks_of(reached([211], [20.0]), 1.0)
    energy = read_out(60.0)
    assert energy - 20.0 > 5 * sigma_hcal(energy)
    assert energy - 20.0 < 2 * np.hypot(20.0, sigma_hcal(energy))
    assert len(measure(ATLAS.hcal, everything, track, NoNoise())[1].energy) == 0


def test_a_cell_reads_the_share_of_the_energy_that_is_left_in_it() -> None:
    kaon = reached([310], [100.0])
    for card, share in ((quiet(ATLAS).ecal, 0.3), (quiet(ATLAS).hcal, 0.7)):
        _, neutrals = measure(card, kaon, no_tracks(), NoNoise())
        np.testing.assert_allclose(neutrals.energy, [100 * share])
