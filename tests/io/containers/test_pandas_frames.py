from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from foreign import (
    write_top_tagging,
)
from read_jets_check import assert_constituents

from darkclr.errors import InputError
from darkclr.io import read_jets


def test_nothing_is_unpickled(tmp_path, table):
    """Names of columns that are not a plain list of strings are refused, not executed."""
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * len(table))
    witness = tmp_path / "executed"
    with h5py.File(path, "a") as file:
        attack = b"cos\nsystem\n(S'touch %s'\ntR." % str(witness).encode()
        file["table/table"].attrs["values_block_0_kind"] = np.bytes_(attack)
    with pytest.raises(InputError, match="names of its columns are pickled objects"):
        read_jets(path)
    assert not witness.exists()


def test_names_of_old_pandas_are_read(tmp_path, table):
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * len(table), slots=12)
    names = [f"{k}_{i}" for i in range(12) for k in ("E", "PX", "PY", "PZ")] + ["truthE"]
    pickled = b"(lp1\n" + b"".join(b"S'%s'\np%d\na" % (n.encode(), i) for i, n in enumerate(names))
    with h5py.File(path, "a") as file:
        file["table/table"].attrs["values_block_0_kind"] = np.bytes_(pickled + b".")
    assert_constituents(read_jets(path), table)


@pytest.mark.parametrize("label", ["text", "category"])
@pytest.mark.parametrize("format_", ["fixed", "table"])
def test_labels_that_are_no_numbers_are_refused_and_not_lost(tmp_path, format_, label):
    """Of a category pandas stores the place in the order of its texts: H would be background."""
    if (format_, label) == ("fixed", "category"):
        pytest.skip("pandas has none")
    frame = pd.DataFrame({f"{name}_0": [5.0, 6.0] for name in ("PX", "PY", "PZ")})
    frame.insert(0, "E_0", [9.0, 11.0])
    frame["is_signal_new"] = ["QCD", "H"]
    if label == "category":
        frame["is_signal_new"] = frame["is_signal_new"].astype("category")
    frame.to_hdf(tmp_path / "a.h5", key="jets", format=format_)
    with pytest.raises(InputError, match=r"'is_signal_new' is .*write it as numbers"):
        read_jets(tmp_path / "a.h5")
    frame["is_signal_new"] = [0, 1]
    frame["generator"] = "Pythia"  # of which nothing is read
    frame.to_hdf(tmp_path / "a.h5", key="jets", format=format_, mode="w")
    assert read_jets(tmp_path / "a.h5").label.tolist() == [0, 1]
