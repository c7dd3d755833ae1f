"""Arrays of .npy and .npz files are what they would be in HDF5, and are never unpickled."""

from __future__ import annotations

import numpy as np
import pytest
from foreign import padded
from same_jets import COLUMNS, JETS, LABEL, SLOTS

pytest.importorskip("fastjet")

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets
from darkclr.io.containers import numpy_arrays
from darkclr.io.reading import recognise

ALL = ReadOptions(pt_min=0.0)


def assert_same(path, layout):
    found = recognise(path)
    assert (found.layout.name, found.container.name) == (layout, "NumPy")
    jets = read_jets(path, options=ALL)
    assert jets.n_constituents.tolist() == [len(jet) for jet in JETS]
    c, expected = jets.constituents, np.concatenate(JETS)
    np.testing.assert_allclose(c.pt, expected[:, 0], rtol=3e-6)
    np.testing.assert_allclose(c.eta, expected[:, 1], atol=1e-6)
    np.testing.assert_allclose(c.phi, expected[:, 2], atol=1e-6)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("layout", ["darkclr", "jetclass", "jetnet", "aspen_open_jets"])
def test_an_archive_is_a_table_of_its_arrays(tmp_path, layout, save):
    columns = {
        name: padded([row[:, None] for row in values], SLOTS, np.float32)[..., 0]
        if isinstance(values, list)
        else values
        for name, values in COLUMNS[layout]().items()
    }
    save(tmp_path / "a.npz", **columns)
    assert_same(tmp_path / "a.npz", layout)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_events_of_the_lhc_olympics_are_one_array(tmp_path, dtype, order):
    values = padded(JETS, 700, dtype)
    np.savez(tmp_path / "a.npz", events=values, label=LABEL)
    np.save(tmp_path / "b.npy", np.asarray(values.reshape(len(values), -1), order=order))
    for name in ("a.npz", "b.npy"):
        assert_same(tmp_path / name, "lhco")
    assert read_jets(tmp_path / "a.npz", options=ALL).label.tolist() == LABEL.tolist()


@pytest.mark.parametrize("save", [np.savez, np.save])
def test_objects_are_not_unpickled(tmp_path, save):
    save(path := tmp_path / f"a.np{'yz'[save is np.savez]}", np.array([{}], dtype=object))
    with pytest.raises(InputError, match="cannot be read as NumPy"):
        read_jets(path)


def test_what_does_not_fit_in_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_arrays, "_MOST", 1 << 20)
    np.savez_compressed(path := tmp_path / "a.npz", events=np.zeros((200, 2100)))
    assert path.stat().st_size < 1 << 17
    with pytest.raises(InputError, match="holds 3 MB of arrays, more than 1; write them to HDF5"):
        read_jets(path)


def test_a_file_that_breaks_off_is_told(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((50, 2100)))
    np.savez(tmp_path / "a.npz", events=np.ones((50, 2100)))
    for path in (tmp_path / "a.npy", tmp_path / "a.npz"):
        path.write_bytes(path.read_bytes()[:-5000])
        with pytest.raises(InputError, match=r"cannot be read as NumPy .*get it again"):
            read_jets(path)
