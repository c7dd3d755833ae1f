from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from darkclr.errors import SimulationError
from darkclr.simulation.events.batch import is_dark_meson
from darkclr.simulation.events.pythia import Generator
from darkclr.simulation.processes import get_process

NO_MPI = "PartonLevel:MPI = off"
BEAM_MOMENTUM = 6500.0


@pytest.fixture(scope="module")
def qcd():
    return Generator((*get_process("qcd").all_settings, NO_MPI), seed=3).generate(30)


@pytest.fixture(scope="module")
def aachen():
    return Generator((*get_process("aachen").all_settings, NO_MPI), seed=3).generate(60)


def test_particles_are_sorted_by_event_and_all_events_are_there(qcd):
    assert np.array_equal(np.unique(qcd.particles.event), np.arange(qcd.n_events))
    assert (np.diff(qcd.particles.event) >= 0).all()


@pytest.mark.parametrize("name", ["qcd", "aachen"])
def test_momentum_and_charge_are_conserved(name, request):
    batch = request.getfixturevalue(name)
    p = batch.particles

    def total(values):
        return np.bincount(p.event, weights=values, minlength=batch.n_events)

    energy = np.sqrt(p.px**2 + p.py**2 + p.pz**2 + p.mass**2)
    for momentum in (p.px, p.py, p.pz):
        assert np.abs(total(momentum)).max() < 0.01
    np.testing.assert_allclose(total(energy), 2 * BEAM_MOMENTUM, rtol=1e-4)
    np.testing.assert_allclose(total(p.charge), 2.0, atol=1e-9)  # two protons came in


def test_vertices_are_those_of_decays_within_the_lifetime_limit(qcd):
    p = qcd.particles
    distance = np.sqrt(p.x**2 + p.y**2 + p.z**2)
    assert (distance == 0).any()  # prompt
    assert (distance > 0).any()  # from weak decays
    # c tau below 10 mm: K0S, Lambda and longer-lived particles stay whole.
    assert {211, 22, 130} <= set(np.abs(p.pdg).tolist())
    assert 111 not in p.pdg


def test_two_partons_balance_in_transverse_momentum_and_have_pthat(qcd):
    partons = qcd.partons
    assert np.array_equal(partons.event, np.repeat(np.arange(qcd.n_events), 2))
    np.testing.assert_allclose(partons.pt, np.repeat(qcd.pthat, 2), rtol=1e-6)
    assert set(np.abs(partons.pdg).tolist()) <= {1, 2, 3, 4, 5, 21}
    assert qcd.pthat.min() >= 75
    np.testing.assert_array_equal(qcd.weight, 1.0)
    assert qcd.n_dark_mesons == 0


def test_the_mediator_decays_to_dark_quarks_only(aachen):
    assert set(np.abs(aachen.partons.pdg).tolist()) == {4900101}
    assert len(aachen.partons.pdg) == 2 * aachen.n_events


def test_stable_mesons_are_the_invisible_ones_of_the_benchmark(aachen):
    assert is_dark_meson(aachen.particles.pdg).sum() == aachen.n_invisible_dark_mesons


@pytest.mark.parametrize(
    ("name", "parameters", "r_inv"),
    [
        ("aachen", {}, 0.75),
        ("rinv05", {}, 0.5),
        ("rinv02", {}, 0.2),
        ("m10", {}, 0.75),
        ("m20", {}, 0.75),
        ("svj_t", {}, 0.3),
        ("svj_t", {"m_phi": 1000, "r_inv": 0.6}, 0.6),
        ("dark_shower", {"m_z_prime": 3000, "m_pi": 8, "m_rho": 10, "r_inv": 0.4}, 0.4),
        ("dark_shower", {"n_flavours": 4, "vector_share": 0.75}, 1 - 0.75 / 4),
    ],
)
def test_r_inv_in_the_event_record_is_the_requested_one(name, parameters, r_inv):
    process = get_process(name, parameters)
    # Radiation of the incoming quarks takes time and no part in the dark shower.
    generator = Generator((*process.all_settings, NO_MPI, "PartonLevel:ISR = off"), seed=5)
    batch = generator.generate(700 if name == "m20" else 400)
    measured = batch.n_invisible_dark_mesons / batch.n_dark_mesons
    error = np.sqrt(r_inv * (1 - r_inv) / batch.n_dark_mesons)
    assert error < 0.007  # 0.02 are then three standard deviations
    assert abs(measured - r_inv) < 0.02


def test_mesons_that_decay_by_chance_all_decay():
    batch = Generator((*get_process("rinv05").all_settings, NO_MPI), seed=5).generate(20)
    assert not is_dark_meson(batch.particles.pdg).any()


def test_bifundamentals_decay_to_a_quark_and_a_dark_quark_each():
    settings = get_process("svj_t", {"m_phi": 800}).all_settings
    batch = Generator((*settings, NO_MPI), seed=1).generate(30)
    dark = np.abs(batch.partons.pdg) == 4900101
    assert np.array_equal(batch.partons.event[dark], np.repeat(np.arange(batch.n_events), 2))
    assert batch.partons.pdg[dark].sum() == 0


def test_the_seed_determines_the_events():
    settings = (*get_process("qcd").all_settings, NO_MPI)
    first, same, other = (Generator(settings, seed).generate(3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.particles.px, same.particles.px)
    assert not np.array_equal(first.pthat, other.pthat)


def test_refused_settings_are_told_in_pythias_words():
    with pytest.raises(SimulationError, match=r"HardQCD:most.*not found"):
        Generator(("HardQCD:most = on",), seed=1)


def test_a_run_without_a_process_is_refused():
    with pytest.raises(SimulationError, match="no process is left"):
        Generator(("HardQCD:all = on", "processlevel:all off"), seed=1)


def test_impossible_processes_are_told_in_pythias_words():
    with pytest.raises(SimulationError, match="vanishing cross sections"):
        Generator(("HardQCD:all = on", "PhaseSpace:pTHatMin = 8000"), seed=1)


def test_nothing_is_printed(capfd):
    Generator(("HardQCD:all = on", "PhaseSpace:pTHatMin = 75", NO_MPI), seed=1).generate(1)
    assert capfd.readouterr().out == ""
