"""Jets of files and the same jets in memory: the same bytes, whatever the batches."""

from __future__ import annotations

import pytest
from folders import names
from short_training import RESULTS, SHORT
from toy import toy_jets

from darkclr.augmentations import Augmentations, ConstituentDrop, PtReweighting
from darkclr.contrastive.files import encode_file, train_file
from darkclr.errors import InputError
from darkclr.io import write_jets
from darkclr.io.representations import read_representations


@pytest.fixture(scope="module")
def jets():
    return toy_jets(300, seed=1, mean=12, longest=20)


@pytest.fixture(scope="module")
def folder(jets, tmp_path_factory):
    """The jets in one file, and in shards whose borders are nobody's."""
    folder = tmp_path_factory.mktemp("jets")
    write_jets(jets, folder / "one.parquet")
    for i, start in enumerate(range(0, 300, 77)):
        write_jets(jets[start : start + 77], folder / "shards" / f"{i}.parquet")
    return folder


def test_files_and_memory_train_the_same_encoder(jets, folder, tiny, tmp_path):
    pytest.importorskip("lightning")
    results = []
    for i, source in enumerate((jets, folder / "one.parquet", folder / "shards")):
        output = tmp_path / str(i)
        train_file(source, output, encoder=tiny, training=SHORT)
        results.append({name: (output / name).read_bytes() for name in RESULTS})
    assert results[0] == results[1] == results[2]


def test_files_and_memory_are_encoded_alike(jets, folder, make_encoder, tmp_path):
    encoder = make_encoder().float()
    chains = {"drop": [ConstituentDrop(0.3)], "soft": [PtReweighting(2.0)]}
    contents = set()
    for source in (jets, folder / "one.parquet", folder / "shards"):
        output = tmp_path / "rows.parquet"
        n = encode_file(encoder, source, output, dropped=Augmentations(anomalous=chains), seed=5)
        assert n == len(jets)
        contents.add(output.read_bytes())
    assert len(contents) == 1
    rows = read_representations(output)
    assert rows.families == ("drop", "soft")
    assert len(rows) == 3 * len(jets)


def test_no_file_is_written_over_its_source(folder, make_encoder):
    before = names(folder)
    with pytest.raises(InputError, match="is part of the input"):
        encode_file(make_encoder().float(), folder / "one.parquet", folder / "one.parquet")
    assert names(folder) == before
