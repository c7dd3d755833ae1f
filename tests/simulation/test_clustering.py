from __future__ import annotations

from importlib import metadata

import numpy as np
import pytest

pytest.importorskip("fastjet")

from darkclr.errors import SimulationError
from darkclr.kinematics import delta_r
from darkclr.ragged import segment_sum
from darkclr.simulation import clustering
from darkclr.simulation.clustering import cluster
from darkclr.simulation.particles import EnergyFlow

RADIUS = 0.8


@pytest.fixture
def flow() -> EnergyFlow:
    """Seven events of 200 objects, of which event 2 and the last are empty."""
    rng = np.random.default_rng(0)
    n = 1000
    return EnergyFlow(
        event=np.repeat([0, 1, 3, 4, 5], 200),
        pt=rng.exponential(3.0, n) + 0.1,
        eta=rng.normal(0, 1.5, n),
        phi=rng.uniform(-np.pi, np.pi, n),
        mass=rng.choice([0.0, 0.14, 0.94], n),
        kind=rng.integers(0, 5, n).astype(np.int8),
    )


def momenta(flow: EnergyFlow) -> np.ndarray:
    px, py = flow.pt * np.cos(flow.phi), flow.pt * np.sin(flow.phi)
    pz = flow.pt * np.sinh(flow.eta)
    return np.array([px, py, pz, np.sqrt(px**2 + py**2 + pz**2 + flow.mass**2)])


def jet_momenta(jets) -> np.ndarray:
    return momenta(EnergyFlow(jets.event, jets.pt, jets.eta, jets.phi, jets.mass, jets.rank))


def assert_consistent(jets, flow):
    """Constituents add up to their jet and belong to its event."""
    own = momenta(jets.constituents)
    total = np.array([segment_sum(component, jets.offsets) for component in own])
    np.testing.assert_allclose(total, jet_momenta(jets), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(
        jets.constituents.event, np.repeat(jets.event, np.diff(jets.offsets))
    )
    np.testing.assert_array_equal(jets.constituents.kind, flow.kind[jets.index])
    np.testing.assert_array_equal(jets.constituents.pt, flow.pt[jets.index])


def test_constituents_add_up_to_their_jet_in_all_orders(flow):
    jets = cluster(flow, 7, radius=RADIUS, pt_min=5.0)
    assert_consistent(jets, flow)
    assert_consistent(jets[::-1], flow)
    assert_consistent(jets[jets.pt > np.median(jets.pt)], flow)
    assert_consistent(jets[np.random.default_rng(1).permutation(len(jets))], flow)


def test_constituents_add_up_for_a_sliced_and_reordered_input(flow):
    """fastjet before 3.5.2 returned the constituents of another event here."""
    from darkclr.simulation.particles import take

    part = take(flow, np.flatnonzero(flow.event != 1))
    jets = cluster(part, 7, radius=RADIUS, pt_min=5.0)
    assert_consistent(jets, part)
    rng = np.random.default_rng(2)
    shuffled = take(flow, np.lexsort((rng.random(len(flow.pt)), flow.event)))
    again = cluster(shuffled, 7, radius=RADIUS, pt_min=5.0)
    assert_consistent(again, shuffled)
    np.testing.assert_allclose(again.pt, cluster(flow, 7, radius=RADIUS, pt_min=5.0).pt)


def test_every_object_is_in_exactly_one_jet(flow):
    jets = cluster(flow, 7, radius=RADIUS, pt_min=0.0)
    assert np.array_equal(np.sort(jets.index), np.arange(len(flow.pt)))


def test_jets_agree_with_the_definition_of_anti_kt(flow):
    """A plain implementation of the pairwise recombination."""
    event = 3
    jets = cluster(flow, 7, radius=RADIUS, pt_min=5.0)
    rows = np.flatnonzero(flow.event == event)
    vectors = list(momenta(flow)[:, rows].T)
    expected = []
    while vectors:
        v = np.array(vectors)
        kt = v[:, 0] ** 2 + v[:, 1] ** 2
        rapidity = 0.5 * np.log((v[:, 3] + v[:, 2]) / (v[:, 3] - v[:, 2]))
        phi = np.arctan2(v[:, 1], v[:, 0])
        apart = delta_r(rapidity[:, None], phi[:, None], rapidity, phi) ** 2
        pairs = np.minimum(1 / kt[:, None], 1 / kt) * apart / RADIUS**2
        np.fill_diagonal(pairs, 1 / kt)
        i, j = np.unravel_index(pairs.argmin(), pairs.shape)
        if i == j:
            expected.append(np.sqrt(kt[i]))
            del vectors[i]
        else:
            vectors[i] = vectors[i] + vectors[j]
            del vectors[j]
    expected = np.sort([pt for pt in expected if pt > 5.0])[::-1]
    np.testing.assert_allclose(jets.pt[jets.event == event], expected)


def test_rank_counts_harder_jets_of_the_event(flow):
    jets = cluster(flow, 7, radius=RADIUS, pt_min=5.0)
    for event in (0, 1, 3, 4, 5):
        own = jets.event == event
        assert np.array_equal(jets.rank[own], np.arange(own.sum()))
        assert (np.diff(jets.pt[own]) <= 0).all()


def test_empty_batches_and_empty_results(flow):
    assert len(cluster(flow, 7, radius=RADIUS, pt_min=1e6)) == 0
    nothing = EnergyFlow(*(np.zeros(0, dtype=t) for t in (np.int64, *["f8"] * 4, np.int8)))
    assert len(cluster(nothing, 3, radius=RADIUS, pt_min=5.0)) == 0


def test_old_fastjet_is_refused(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda _: "3.5.1.2")
    clustering._backend.cache_clear()
    with pytest.raises(SimulationError, match="wrong constituents"):
        clustering._backend()
