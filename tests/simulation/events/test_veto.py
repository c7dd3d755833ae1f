from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

import pythia8mc

from darkclr.simulation.events.pythia import Generator
from darkclr.simulation.events.veto import veto_hook
from darkclr.simulation.processes import PROCESSES, EarlyVeto, Prescale, get_process

GLUON, NEUTRINO = 21, 12
VETO = EarlyVeto(radius=1.0, pt_min=120.0, abs_eta_max=2.5)
QCD = get_process("qcd")
# The hard process and hard emissions alone.
BARE = ("PartonLevel:MPI = off", "HadronLevel:all = off")


def event_of(*particles: tuple[float, float, float], pdg: int = GLUON) -> pythia8mc.Event:
    """An event of partons of (pT, eta, phi)."""
    pythia = pythia8mc.Pythia("", False)
    event = pythia8mc.Event()
    event.init("", pythia.particleData)
    for pt, eta, phi in particles:
        momentum = pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)
        event.append(pdg, 23, 0, 0, *momentum, pt * math.cosh(eta), 0.0)
    return event


def is_vetoed(*particles: tuple[float, float, float], pdg: int = GLUON) -> bool:
    """Whether an event of (pT, eta, phi) is given up."""
    return veto_hook(VETO).doVetoPT(1, event_of(*particles, pdg=pdg))


def test_one_jet_inside_the_window_is_enough():
    assert not is_vetoed((121, 2.4, 0.0))
    assert not is_vetoed((200, 4.0, 0.0), (121, -2.4, 3.0))
    assert is_vetoed((119, 0.0, 0.0), (119, 0.0, 3.0))
    assert is_vetoed((200, 2.6, 0.0), (200, -2.6, 3.0))


def test_partons_within_the_radius_count_together():
    assert not is_vetoed((70, 0.0, 3.0), (70, 0.4, -3.0))
    assert is_vetoed((70, 0.0, 3.0), (70, 1.0, -3.0))


def test_invisible_particles_do_not_count():
    assert is_vetoed((300, 0.0, 0.0), pdg=NEUTRINO)


def test_vetoed_events_count_for_the_cross_section():
    with_veto = Generator((*QCD.all_settings, *BARE), 1, VETO)
    without = Generator((*QCD.all_settings, *BARE), 2)
    batch, all_events = with_veto.generate(150), without.generate(150)
    assert all_events.n_tried == all_events.n_events == 150
    assert batch.n_events == 150
    # A quarter to a third of the events pass.
    assert 2.5 * batch.n_events < batch.n_tried < 6 * batch.n_events
    assert with_veto.cross_section == pytest.approx(without.cross_section, rel=0.15)


def test_the_jets_of_every_kept_event_were_there_at_the_interruption():
    batch = Generator((*QCD.all_settings, *BARE), 1, VETO).generate(100)
    p = batch.particles
    scalar_sum = np.bincount(p.event, np.hypot(p.px, p.py), minlength=batch.n_events)
    assert scalar_sum.min() > VETO.pt_min  # and as much on the other side


def test_the_seed_determines_the_events_with_a_veto_too():
    settings = (*QCD.all_settings, *BARE)
    first, same = (Generator(settings, 5, VETO).generate(5) for _ in range(2))
    np.testing.assert_array_equal(first.particles.px, same.particles.px)
    assert first.n_tried == same.n_tried


def test_settings_without_hope_come_to_an_end(capfd):
    batch = Generator((*QCD.all_settings, *BARE), 1, EarlyVeto(pt_min=6000)).generate(1)
    assert batch.n_events == 1
    assert batch.n_tried > 500
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("process", [p for p in PROCESSES.values() if p.veto], ids=lambda p: p.name)
def test_margins_lie_outside_the_selection(process):
    assert process.veto.pt_min < process.selection.pt_min
    assert process.veto.abs_eta_max > process.selection.abs_eta_max
    assert process.veto.scale < process.selection.pt_min - process.veto.pt_min


PRESCALED = replace(VETO, prescale=Prescale(pt=160.0, factor=4))


def test_a_prescaled_event_is_kept_once_in_so_many_with_that_weight():
    hook, weights, event = veto_hook(PRESCALED, seed=3), [], event_of((140, 0.5, 0), (300, 3, 3))
    for _ in range(4000):
        hook.onBeginEvent()
        kept = not hook.doVetoPT(1, event)
        weights.append(hook.weights[-1] if kept else 0.0)
    assert {*weights} == {0.0, 4.0}
    assert np.mean(weights) == pytest.approx(1, abs=4 * np.sqrt(3 / 4000))


@pytest.mark.parametrize("pt", [119, 161])
def test_other_events_are_not_prescaled(pt):
    hook, event = veto_hook(PRESCALED), event_of((pt, 0.5, 0.0))
    for _ in range(20):
        hook.onBeginEvent()
        assert hook.doVetoPT(1, event) == (pt < VETO.pt_min)
    assert {*hook.weights} == {1.0}


def test_weights_make_up_for_the_prescale():
    settings, n = (*QCD.all_settings, *BARE), 300
    plain, thinned = (
        Generator(settings, seed, veto).generate(n) for seed, veto in ((1, VETO), (2, PRESCALED))
    )
    assert {*thinned.weight} == {1.0, 4.0}
    assert thinned.n_tried > 1.3 * plain.n_tried  # for as many events
    for power in (0, 1):  # events, and their pTHat
        sums = [(b.weight * b.pthat**power).sum() / b.n_tried for b in (plain, thinned)]
        errors = [
            np.sqrt(((b.weight * b.pthat**power) ** 2).sum()) / b.n_tried for b in (plain, thinned)
        ]
        assert abs(sums[0] - sums[1]) < 3 * np.hypot(*errors)


def test_the_seed_determines_prescaled_events():
    settings = (*QCD.all_settings, *BARE)
    first, same = (Generator(settings, 5, PRESCALED).generate(20) for _ in range(2))
    np.testing.assert_array_equal(first.particles.px, same.particles.px)
    np.testing.assert_array_equal(first.weight, same.weight)


def test_a_veto_without_prescale_is_recorded_as_before_there_was_one():
    assert EarlyVeto().to_dict().keys() == {"scale", "radius", "pt_min", "abs_eta_max"}
    assert EarlyVeto(prescale=Prescale(130.0, 5)).to_dict()["prescale"] == {"pt": 130, "factor": 5}
