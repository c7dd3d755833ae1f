"""The folder of unfinished samples, which jobs of a cluster share."""

from __future__ import annotations

import pytest
from folders import names

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.simulation.sample.shard_folder import ShardFolder


def test_a_question_leaves_nothing_and_takes_nothing_from_another_job(tmp_path):
    folder = ShardFolder(tmp_path / "qcd.parquet", "fingerprint")
    folder.check_writable()
    assert names(tmp_path) == []
    folder.make()  # by another job, which has not written yet
    folder.check_writable()
    assert names(tmp_path) == ["qcd.parquet.shards"]
