from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from darkclr.clustering import ClusteredJets
from darkclr.simulation.events.batch import Partons
from darkclr.simulation.sample.truth import match_partons, tops_inside


def test_w_and_top_are_inside_only_as_a_whole():
    # t -> b (0.1) u (0.2) dbar (0.3) near phi = 0; tbar -> bbar at 3, e nu; all at eta = 0.
    pdg = np.array([5, 2, -1, -5, 11, -12])
    phi = np.array([0.1, 0.2, 0.3, 3.0, 2.9, 2.8])
    partons = Partons(np.zeros(6, dtype=np.int64), pdg, np.ones(6), np.zeros(6), phi)
    axes = np.array([0.2, 0.85, 1.05, -0.65, 3.0, -1.5])
    n = len(axes)
    event, zero = np.zeros(n, dtype=np.int64), np.zeros(n)
    jets = ClusteredJets(event, event, zero, zero, axes, zero, np.arange(n + 1), event)
    inside = tops_inside(jets, partons, 0.8)
    #                                       all  u dbar  dbar  b only  bbar  nothing
    assert inside["b_inside"].tolist() == [1, 1, 0, 1, 1, 0]
    assert inside["w_inside"].tolist() == [1, 1, 0, 0, 0, 0]
    assert inside["top_inside"].tolist() == [1, 1, 0, 0, 0, 0]


def test_quarks_of_both_tops_are_not_mixed():
    # One quark of each W, and the b of the other top: no W and no top.
    pdg = np.array([5, 2, -1, -5, 1, -2])
    phi = np.array([0.0, 0.1, 3.0, 3.1, 0.2, 2.9])
    partons = Partons(np.zeros(6, dtype=np.int64), pdg, np.ones(6), np.zeros(6), phi)
    one = np.zeros(1)
    event = np.zeros(1, dtype=np.int64)
    jets = ClusteredJets(event, event, one, one, one, one, np.arange(2), event)
    assert {k: v.item() for k, v in tops_inside(jets, partons, 0.8).items()} == {
        "b_inside": 1,
        "w_inside": 0,
        "top_inside": 0,
    }


def test_jets_are_matched_to_the_nearest_wanted_parton():
    event = np.array([0, 0, 2])
    ones = np.ones(3)
    jets = ClusteredJets(
        event, event, ones, np.zeros(3), np.array([0.0, 3.1, 0.0]), ones, np.arange(4), event
    )
    partons = Partons(
        event=np.array([0, 0, 0, 1, 2]),
        pdg=np.array([21, -2, 5, 1, 21]),
        pt=np.ones(5),
        eta=np.array([0.5, 0.3, 0.0, 0.0, 0.9]),
        phi=np.array([0.0, 0.0, -3.1, 0.0, 0.0]),
    )
    code, distance = match_partons(jets, partons, (), 0.8)
    assert code.tolist() == [-2, 5, 0]  # nearest; across +-pi; none within the radius
    np.testing.assert_allclose(distance, [0.3, 2 * np.pi - 6.2, -1.0])
    code, _ = match_partons(jets, partons, (21,), 0.8)
    assert code.tolist() == [21, 0, 0]
