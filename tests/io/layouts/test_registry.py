from __future__ import annotations

import numpy as np
import pytest
from foreign import (
    write_lhco,
)

import darkclr
from darkclr.errors import ConfigError, InputError
from darkclr.io import read_jets
from darkclr.io.layouts import LAYOUTS
from darkclr.io.reading import recognise


def test_all_layouts_are_there():
    names = "darkclr top_tagging delphes jetclass lhco aspen_open_jets jetnet pfnano"
    assert set(LAYOUTS) == set(names.split())
    assert [name for name, x in LAYOUTS.items() if x.holds_events] == ["lhco", "delphes"]
    assert all(name == layout.name for name, layout in LAYOUTS.items())
    assert darkclr.read_jets is read_jets


def test_content_counts_not_the_name(tmp_path, parquet, hdf5):
    for file, name in ((parquet, "darkclr"), (hdf5, "top_tagging")):
        copy = file.rename(tmp_path / "jets.root")
        assert recognise(copy).layout.name == name
        assert len(read_jets(copy)) == {"darkclr": 20, "top_tagging": 5}[name]


def test_a_layout_can_be_forced(tmp_path, hdf5):
    events = [np.array([[50.0, 0.1, 0.2], [30.0, 0.2, 0.1], [0, 0, 0]])]
    path = write_lhco(tmp_path / "short.h5", events, [1], slots=3)  # not the 700 of the challenge
    with pytest.raises(InputError, match="has no known layout"):
        read_jets(path)
    assert recognise(path, "lhco").why == "it was asked for"
    assert read_jets(path, layout="lhco").label.tolist() == [1]
    with pytest.raises(
        InputError,
        match=r"no table with columns of ParticleFlow.*; it is an HDF5 file with table \(5",
    ):
        read_jets(hdf5, layout="delphes")
    with pytest.raises(
        InputError, match="has no table with columns particle_features, jet_features; it is an HDF5"
    ):
        read_jets(hdf5, layout="jetnet")
    with pytest.raises(ConfigError, match="unknown layout 'hepmc'; choose of darkclr, top_tagging"):
        read_jets(hdf5, layout="hepmc")
