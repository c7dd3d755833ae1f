from __future__ import annotations

import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.simulation.sample import SampleConfig, plan


def test_plan_lists_the_shards_and_simulates_nothing():
    planned = plan(SampleConfig(n_jets=2500, shard_jets=1000))
    assert [s.n_jets for s in planned.shards] == [1000, 1000, 500]
    assert len({s.seeds()[0] for s in planned.shards}) == 3
    assert planned.seconds(2) < planned.seconds(1)
    assert planned.fingerprint == plan(SampleConfig(n_jets=1)).fingerprint
    others = (
        SampleConfig(seed=2),
        SampleConfig(early_veto=False),
        SampleConfig(early_veto="prescaled"),
        SampleConfig(bias=2),
    )
    assert len({planned.fingerprint, *(plan(other).fingerprint for other in others)}) == 5
