"""The folder of unfinished samples, which jobs of a cluster share."""

from __future__ import annotations

from dataclasses import replace

import pytest
from folders import names
from hostile import flip_bit
from toy import toy_jets

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.errors import InputError
from darkclr.io import write_jets
from darkclr.simulation.processes import get_process
from darkclr.simulation.sample.shard import Shard
from darkclr.simulation.sample.shard_folder import ShardFolder, record_digest


def test_a_question_leaves_nothing_and_takes_nothing_from_another_job(tmp_path):
    folder = ShardFolder(tmp_path / "qcd.parquet", "fingerprint")
    with folder.locked():
        assert names(tmp_path) == ["qcd.parquet.shards"]
    assert names(tmp_path) == []
    folder.make()  # by another job, which has written
    (tmp_path / "qcd.parquet.shards" / "shard-00000.parquet").write_text("")
    with folder.locked():
        pass
    assert names(tmp_path) == ["qcd.parquet.shards"]


def test_two_do_not_put_the_same_sample_together(tmp_path):
    folder = ShardFolder(tmp_path / "qcd.parquet", "fingerprint")
    other = ShardFolder(tmp_path / "qcd.parquet", "fingerprint")
    with (
        folder.locked(),
        pytest.raises(InputError, match=r"qcd\.parquet: is being made by another process; wait"),
        other.locked(),
    ):
        pass
    with other.locked():
        pass


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_shard_with_a_flipped_bit_is_simulated_again(tmp_path, share, caplog):
    shard = Shard(get_process("qcd"), (), seed=1, index=0, card="atlas", n_jets=20)
    folder = ShardFolder(tmp_path / "qcd.parquet", "fingerprint")
    jets = replace(toy_jets(20), provenance={"fingerprint": "fingerprint"})
    write_jets(jets, folder.path(shard))
    assert folder.n_jets(shard) == 20  # as earlier versions wrote it
    record_digest(folder.path(shard))
    assert folder.n_jets(shard) == 20
    flip_bit(folder.path(shard), share)
    assert folder.n_jets(shard) is None
    assert "is damaged and is simulated again" in caplog.text
