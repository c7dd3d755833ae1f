from __future__ import annotations

import numpy as np
import pytest
from toy import toy_jets

from darkclr.errors import ConfigError
from darkclr.jets import Jets
from darkclr.selection import cut_constituents, recompute_kinematics, select_jets


@pytest.fixture(scope="module")
def jets() -> Jets:
    return toy_jets(400, seed=3)


def test_constituent_cut_removes_the_soft_and_the_jets_left_empty(jets):
    pt_min = float(np.quantile(jets.constituents.pt, 0.9))
    cut = cut_constituents(jets, pt_min=pt_min)
    assert cut.constituents.pt.min() >= pt_min
    hardest = jets.constituents.pt[jets.constituents.offsets[:-1]]
    assert cut.event.tolist() == jets.event[hardest >= pt_min].tolist()
    assert len(cut.constituents.pt) == np.count_nonzero(jets.constituents.pt >= pt_min)
    assert len(cut_constituents(jets, pt_min=1e4)) == 0


def test_the_hardest_constituents_stay(jets):
    cut = cut_constituents(jets, n_hardest=5)
    assert cut.n_constituents.tolist() == np.minimum(jets.n_constituents, 5).tolist()
    for i in (0, 17, 399):
        start = jets.constituents.offsets[i]
        expected = np.sort(jets.constituents.pt[start : jets.constituents.offsets[i + 1]])[::-1][:5]
        mine = cut.constituents[i].pt
        assert mine.tolist() == expected.tolist()
    with pytest.raises(ConfigError, match="0 constituents"):
        cut_constituents(jets, n_hardest=0)


def test_no_cut_is_no_copy(jets):
    assert cut_constituents(jets) is jets
    assert select_jets(jets) is jets


def test_jet_selection_is_half_open(jets):
    low, high = (float(x) for x in np.sort(jets.pt)[[100, 300]])
    chosen = select_jets(jets, pt_min=low, pt_max=high, abs_eta_max=1.5)
    mask = (jets.pt >= low) & (jets.pt < high) & (np.abs(jets.eta) < 1.5)
    assert 0 < len(chosen) < 200
    assert chosen.event.tolist() == jets.event[mask].tolist()
    assert len(select_jets(jets, pt_min=1e4)) == 0


def test_recomputed_kinematics_are_those_of_the_constituents(jets):
    cut = cut_constituents(jets, n_hardest=3)
    assert (cut.pt == jets.pt).all()
    again = recompute_kinematics(cut)
    c = cut.constituents
    x = np.bincount(c.jet_index, c.pt * np.cos(c.phi))
    y = np.bincount(c.jet_index, c.pt * np.sin(c.phi))
    np.testing.assert_allclose(again.pt, np.hypot(x, y), rtol=1e-5)
    assert recompute_kinematics(jets).mass == pytest.approx(jets.mass, abs=1e-3)


def test_cuts_keep_what_is_exactly_on_the_lower_edge():
    jets = Jets.from_constituents([0, 2, 3], [3.0, 1.0, 2.0], [0.0] * 3, [0.0] * 3)
    assert cut_constituents(jets, pt_min=2.0).constituents.pt.tolist() == [3, 2]
    assert cut_constituents(jets, pt_min=3.0).n_constituents.tolist() == [1]
    low, high = sorted(jets.pt.tolist())
    assert select_jets(jets, pt_min=low, pt_max=high).pt.tolist() == [low]
    assert select_jets(jets, pt_min=high).pt.tolist() == [high]
