"""The folder of unfinished samples, which jobs of a cluster share."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from folders import names
from hostile import flip_bit
from toy import toy_jets

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.errors import InputError
from darkclr.io import read_jets, write_jets
from darkclr.jets import KINDS
from darkclr.simulation.processes import get_process
from darkclr.simulation.sample.shard import Counts, Shard
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


@pytest.mark.parametrize("earlier", [0, 1])
def test_shards_of_an_earlier_version_have_no_kinds_of_constituents(tmp_path, earlier):
    """A sample that it began can be finished: the first shard decides."""
    shards = [Shard(get_process("qcd"), (), 1, i, "atlas", n_jets=20) for i in range(2)]
    folder = ShardFolder(tmp_path / "qcd.parquet", "fingerprint")
    for shard in shards:
        jets = toy_jets(20, seed=shard.index)
        if shard.index != earlier:
            kind = np.arange(len(jets.constituents.pt), dtype=np.int8) % len(KINDS)
            jets = replace(jets, constituents=replace(jets.constituents, kind=kind))
        made = {"fingerprint": "fingerprint", "counts": asdict(Counts())}
        write_jets(replace(jets, provenance=made), folder.path(shard))
    output = tmp_path / "qcd.parquet"
    folder.merge(shards, 40, output, provenance=lambda _: {}, mean_weight=None)
    assert len(read_jets(output)) == 40
    assert ("constituent_pdg_id" in pq.read_schema(output).names) == (earlier == 1)
