from __future__ import annotations

import numpy as np
import pytest

from darkclr.simulation import shard
from darkclr.simulation.detector import Detector
from darkclr.simulation.processes import get_process
from darkclr.simulation.pythia import Generator

pytest.importorskip("fastjet")


def test_objects_far_outside_change_no_bit_of_a_wanted_jet(monkeypatch):
    process = get_process("aachen")
    batch = Generator(process.all_settings, seed=7).generate(200)
    detector = Detector(process.card)

    def chosen(reach: float) -> shard.ClusteredJets:
        monkeypatch.setattr(shard, "_REACH", reach)
        return shard._select(batch, detector, process, np.random.default_rng(1))[0]

    near, everything = chosen(2.0), chosen(np.inf)
    assert len(near) > 50
    for name in ("event", "rank", "pt", "eta", "phi", "mass", "offsets"):
        np.testing.assert_array_equal(getattr(near, name), getattr(everything, name))
    for name in ("pt", "eta", "phi"):
        np.testing.assert_array_equal(
            getattr(near.constituents, name), getattr(everything.constituents, name)
        )
