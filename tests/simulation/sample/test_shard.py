"""What is left out for speed: objects and particles that are no part of a wanted jet."""

from __future__ import annotations

import numpy as np
import pytest

from darkclr.jets import KINDS
from darkclr.simulation.detector import EnergyFlowDetector, Kind
from darkclr.simulation.detector.propagation import propagate
from darkclr.simulation.events.batch import EventBatch
from darkclr.simulation.events.particles import is_detectable, take
from darkclr.simulation.events.pythia import Generator
from darkclr.simulation.processes import get_process
from darkclr.simulation.sample import shard
from darkclr.simulation.sample.shard import Shard, cluster, simulate_shard

pytest.importorskip("fastjet")

PROCESS = get_process("aachen")
RADIUS, ETA = PROCESS.selection.radius, PROCESS.selection.abs_eta_max
REACH = ETA + shard._REACH * RADIUS


@pytest.fixture(scope="module")
def batch() -> EventBatch:
    return Generator(PROCESS.all_settings, seed=7).generate(200)


def test_objects_far_outside_change_no_bit_of_a_wanted_jet(batch):
    flow = EnergyFlowDetector(PROCESS.card).simulate(batch.particles, np.random.default_rng(1))

    def wanted(objects):
        jets = cluster(objects, batch.n_events, radius=RADIUS, pt_min=150.0)
        return jets[np.abs(jets.eta) < ETA]

    inside = np.abs(flow.eta) < REACH
    assert 0.5 < inside.mean() < 0.9
    part = take(flow, inside)
    near, everything = wanted(part), wanted(flow)
    assert len(near) > 50
    for name in ("event", "rank", "pt", "eta", "phi", "mass", "offsets"):
        np.testing.assert_array_equal(getattr(near, name), getattr(everything, name))
    for name in ("pt", "eta", "phi"):
        np.testing.assert_array_equal(
            getattr(part, name)[near.index], getattr(flow, name)[everything.index]
        )


def test_particles_that_are_not_followed_leave_nothing_in_a_wanted_jet(batch):
    """They would have to be born far from the beam and to be deflected inwards by 0.8 in eta."""
    particles = take(batch.particles, is_detectable(batch.particles.pdg))
    reached = propagate(EnergyFlowDetector(PROCESS.card).card.propagation, particles)
    left_out = np.abs(reached.eta) > REACH
    in_jets = np.abs(reached.impact_eta) < ETA + RADIUS
    assert 0.2 < left_out.mean() < 0.5
    assert reached.energy[left_out & in_jets].sum() < 1e-4 * reached.energy[in_jets].sum()


def test_the_detector_follows_what_it_is_asked_to(batch):
    detector = EnergyFlowDetector(PROCESS.card)
    p = batch.particles
    inside = np.abs(np.arcsinh(p.pz / np.hypot(p.px, p.py))) <= REACH
    near = detector.simulate(take(p, inside), np.random.default_rng(1))
    asked = detector.simulate(p, np.random.default_rng(1), REACH)
    for name in ("event", "pt", "eta", "phi", "mass", "kind"):
        np.testing.assert_array_equal(getattr(asked, name), getattr(near, name))


def test_constituents_are_what_the_detector_saw(monkeypatch):
    seen = {}
    simulate = EnergyFlowDetector.simulate

    def noted(self, *arguments):
        flow = simulate(self, *arguments)
        places = zip(*(x.astype(np.float32) for x in (flow.pt, flow.eta, flow.phi)), strict=True)
        seen.update(zip(places, flow.kind, strict=True))
        return flow

    monkeypatch.setattr(EnergyFlowDetector, "simulate", noted)
    settings = (*PROCESS.all_settings, "PartonLevel:MPI = off")
    jets, _ = simulate_shard(Shard(PROCESS, settings, 1, 0, PROCESS.card, n_jets=40))
    c = jets.constituents
    names = {
        Kind.CHARGED_HADRON: "charged hadron",
        Kind.ELECTRON: "electron",
        Kind.MUON: "muon",
        Kind.PHOTON: "photon",
        Kind.NEUTRAL_HADRON: "neutral hadron",
    }
    expected = [names[seen[place]] for place in zip(c.pt, c.eta, c.phi, strict=True)]
    assert [KINDS[kind] for kind in c.kind] == expected
    assert {"charged hadron", "photon", "neutral hadron"} <= set(expected)
