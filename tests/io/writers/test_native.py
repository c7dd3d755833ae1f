from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pyarrow.parquet as pq
import pytest
from folders import names

from darkclr.io import read_jets, write_jets
from darkclr.io.parquet import TableWriter
from darkclr.io.writers import JetsWriter
from darkclr.jets import JET_COLUMNS


@pytest.fixture
def file(jets, tmp_path):
    write_jets(jets, tmp_path / "jets.parquet")
    return tmp_path / "jets.parquet"


def test_round_trip_is_exact(jets, file):
    again = read_jets(file)
    for name in ("offsets", "pt", "eta", "phi"):
        old, new = (getattr(x.constituents, name) for x in (jets, again))
        assert old.dtype == new.dtype
        assert old.tobytes() == new.tobytes()
    for name in JET_COLUMNS:
        old, new = getattr(jets, name), getattr(again, name)
        assert old.dtype == new.dtype
        assert old.tobytes() == new.tobytes()
    assert again.truth.keys() == jets.truth.keys()
    for name, values in jets.truth.items():
        assert again.truth[name].dtype == values.dtype
        assert again.truth[name].tobytes() == values.tobytes()
    assert again.provenance == jets.provenance


def test_the_same_jets_give_the_same_bytes(jets, file, tmp_path):
    write_jets(jets, tmp_path / "other.parquet")
    assert (tmp_path / "other.parquet").read_bytes() == file.read_bytes()
    assert names(tmp_path) == ["jets.parquet", "other.parquet"]


def test_other_programs_read_the_file(jets, file):
    table = pq.read_table(file)
    assert table["constituent_pt"].to_pylist()[3] == pytest.approx(jets[3].constituents.pt.tolist())
    assert table["label"].to_pylist() == jets.label.tolist()
    assert table.schema.field("pt").metadata == {b"units": b"GeV"}
    assert table.schema.field("constituent_phi").metadata == {b"units": b"rad"}
    assert json.loads(table.schema.metadata[b"darkclr"])["provenance"]["process"] == "toy"


def test_awkward_reads_the_file(jets, file):
    ak = pytest.importorskip("awkward")
    array = ak.from_parquet(file)
    assert ak.num(array.constituent_eta).tolist() == jets.n_constituents.tolist()
    np.testing.assert_array_equal(ak.flatten(array.constituent_eta), jets.constituents.eta)


def test_a_file_that_is_written_in_a_stream_has_its_provenance(jets, tmp_path):
    path = tmp_path / "stream.parquet"
    with closing(JetsWriter(TableWriter(path), path)) as writer:
        writer.write(jets)
        writer.finish({"process": "toy"})
    assert read_jets(path).provenance["process"] == "toy"
