from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
from foreign import (
    write_top_tagging,
)

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets


def test_tables_without_rows_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        columns = [(f"{name}_0", "f4") for name in ("E", "PX", "PY", "PZ")]
        file["table/table"] = np.zeros(0, columns)
    with pytest.raises(InputError, match="there are no jets"):
        read_jets(path)


def test_mixed_lengths_and_wrong_shapes_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["particle_features"] = np.ones((3, 4, 4))
        file["jet_features"] = np.ones((2, 4))
    with pytest.raises(InputError, match=r"different numbers of jets: .*3.*2"):
        read_jets(path)
    with h5py.File(path, "w") as file:
        file["PFCands"] = np.ones((3, 4))
        file["jet_kinematics"] = np.ones((3, 4))
    with pytest.raises(InputError, match=r"'PFCands' is float64 of shape \(3, 4\), not"):
        read_jets(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused(tmp_path, table, share):
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * len(table), complevel=1)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"cannot be read as HDF5 .* truncated or damaged"):
        read_jets(path)


def test_objects_as_columns_are_met_with_a_description(tmp_path):
    path = tmp_path / "a.h5"
    pd.DataFrame({"mass": [1.0, 2.0]}).to_hdf(path, key="results", mode="w")
    with pytest.raises(InputError, match="has no known layout") as caught:
        read_jets(path)
    for part in ("results (2 rows: mass)", "E_i, PX_i, PY_i, PZ_i (top_tagging)", "(jetnet)"):
        assert part in str(caught.value)
    with pytest.raises(InputError, match="has no table with columns E_i"):
        read_jets(path, layout="top_tagging")


@pytest.mark.parametrize("keys", [("train", "val"), ("train/table", "val/table")])
def test_of_several_tables_one_is_named(tmp_path, table, keys):
    """Two keys of a pandas store; the longer one is not the first in the alphabet."""
    path = tmp_path / "a.h5"
    write_top_tagging(path, table[:2], [0, 1], key=keys[0])
    write_top_tagging(path, table, [0] * len(table), key=keys[1], mode="a")
    message = rf"several tables of jets: {keys[0]} \(2 rows\), {keys[1]} \(7 rows\); name one"
    with pytest.raises(InputError, match=message):
        read_jets(path)
    for key, n in zip(keys, (2, 7), strict=True):
        for name in (key, f"/{key}", key.partition("/")[0]):
            assert len(read_jets(path, options=ReadOptions(table=name))) == n
    with pytest.raises(InputError, match="has no table 'test'; it has train"):
        read_jets(path, options=ReadOptions(table="test"))


def test_of_several_groups_one_is_named(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name, n in (("val", 2), ("train", 3)):
            file[f"{name}/particle_features"] = np.full((n, 4, 4), 1.0)
            file[f"{name}/jet_features"] = np.full((n, 4), 1.0)
        file["empty/particle_features"] = np.ones((0, 4, 4))
        file["empty/jet_features"] = np.ones((0, 4))
    with pytest.raises(InputError, match=r"several tables of jets: train \(3 rows\), val \(2 rows"):
        read_jets(path)
    assert len(read_jets(path, options=ReadOptions(table="val"))) == 2


BLOSC = """
import sys
from darkclr.io import ReadOptions, read_jets
print(len(read_jets(sys.argv[1])))
"""


@pytest.mark.parametrize("format_", ["fixed", "table"])
def test_compression_is_known_without_any_import_before(tmp_path, table, format_):
    """Even the names of the columns are compressed in the fixed format."""
    pytest.importorskip("hdf5plugin")
    path = tmp_path / "a.h5"
    write_top_tagging(
        path, table, [0] * len(table), slots=100, format=format_, complib="blosc:lz4", complevel=9
    )
    done = subprocess.run(
        [sys.executable, "-c", BLOSC, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_fields_of_a_compound_data_set_are_columns(tmp_path):
    names = [f"{name}_0" for name in ("E", "PX", "PY", "PZ")]
    rows = np.rec.fromarrays(np.array([[50.0, 30.0, 40.0, 0.0]] * 3).T, names=names)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data/jets"] = rows
    assert read_jets(tmp_path / "a.h5").pt.tolist() == [50] * 3


@pytest.mark.parametrize("options", [{}, {"chunks": (1000, 4), "compression": "gzip"}], ids=str)
def test_rows_that_were_never_written_are_refused(tmp_path, options):
    """Some kilobytes would be read for hours, all of it zeros."""
    path = tmp_path / "jets.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("jet_features", (10**9, 4), "f4", **options)
        file.create_dataset("particle_features", (10**9, 30, 4), "f4", chunks=(100, 30, 4))
    with pytest.raises(InputError, match=r"_features' has 1000000000 rows, of which 0 bytes are"):
        read_jets(path, options=ReadOptions(drop_empty=True))
