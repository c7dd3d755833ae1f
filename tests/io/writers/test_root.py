"""ROOT files of darkclr: the same jets come back, and other programs find what they look for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from darkclr.errors import InputError
from darkclr.io import read_jets, write_jets
from darkclr.io.convert import convert, converted_from
from darkclr.io.writers.root import RootTableWriter
from darkclr.jets import JET_COLUMNS

uproot = pytest.importorskip("uproot")


@pytest.mark.parametrize("to", ["root", "rntuple"])
def test_jets_come_back_bit_for_bit(jets, tmp_path, to):
    write_jets(jets, tmp_path / "jets.parquet")
    target = tmp_path / "jets.root"
    convert(tmp_path / "jets.parquet", target, to=to, batch_size=30)  # several batches
    back = read_jets(target)
    for name in JET_COLUMNS:
        np.testing.assert_array_equal(getattr(back, name), getattr(jets, name))
    for name in ("offsets", "pt", "eta", "phi"):
        np.testing.assert_array_equal(
            getattr(back.constituents, name), getattr(jets.constituents, name)
        )
    assert {n: v.tolist() for n, v in back.truth.items()} == {
        n: v.tolist() for n, v in jets.truth.items()
    }
    assert back.provenance["settings"] == ["a = b"]
    assert converted_from(target) == str(tmp_path / "jets.parquet")
    with pytest.raises(InputError, match="was not converted from the same source"):
        convert(target, target.with_suffix(".parquet"))
    with uproot.open(target) as file:
        kind = {"root": "TTree", "rntuple": "ROOT::RNTuple"}[to]
        assert file.classnames(cycle=False)["jets"] == kind
        lengths = file["jets"]["constituent_pt"].array().layout.to_ListOffsetArray64()
        assert np.diff(lengths.offsets).tolist() == jets.n_constituents.tolist()
        if to == "root":  # one counter for all lists
            assert [n for n in file["jets"].keys() if n.startswith("n")] == ["nconstituent"]  # noqa: SIM118


@pytest.mark.parametrize(("kind", "texts"), [("root", False), ("rntuple", True)])
def test_tables_of_scores_have_names_that_root_takes(tmp_path, kind, texts):
    table = pa.table(
        {
            "sample": ["qcd", "qcd", "aachen"],
            "event": pa.array([2**53 + 1, 2, 3], pa.int64()),
            "label": pa.array([0, 0, 1], pa.int8()),
            "in_domain": [True, False, True],
            "sklearn.ensemble.IsolationForest": [0.1, 1 / 3, 7e300],
            "passes_norm_0.01": [False, True, False],
        }
    )
    writer = RootTableWriter(tmp_path / "a.root", "scores", kind)
    writer.write(table[:2])
    writer.write(table[2:])
    with pytest.raises(ValueError, match="instead of"):
        writer.write(table.select(["event"]))
    writer.finish({"kind": "scores"})
    assert writer.n_rows == 3
    with uproot.open(tmp_path / "a.root") as file:
        assert str(file["darkclr"]) == '{"kind": "scores"}'
        found = file["scores"].arrays(library="ak")
    for name in table.column_names[1:]:
        branch = name.replace(".", "_")
        assert found[branch].to_list() == table[name].to_pylist()
    assert ("sample" in found.fields) == texts
