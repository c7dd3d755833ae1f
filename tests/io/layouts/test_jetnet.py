from __future__ import annotations

import h5py
import numpy as np
import pytest
from foreign import (
    write_jetnet,
)
from read_jets_check import assert_constituents

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets
from darkclr.io.reading import recognise


def test_jetnet(tmp_path):
    relative = [np.array([[0.1, -0.2, 0.6], [-0.3, 0.2, 0.3]]), np.array([[0.0, 0.1, 0.9]])]
    path = write_jetnet(
        tmp_path / "a.hdf5", relative, np.array([[1000, -1.5, 90, 2], [900, 1, 5, 1]])
    )
    assert recognise(path).layout.name == "jetnet"
    jets = read_jets(path, options=ReadOptions(label=0))
    table = [np.array([[600, -1.4, -0.2], [300, -1.8, 0.2]]), np.array([[810, 1.0, 0.1]])]
    assert_constituents(jets, table)
    assert jets.pt.tolist() == [1000, 900]
    assert jets.mass.tolist() == [90, 5]
    assert jets.label.tolist() == [0, 0]
    with h5py.File(path, "a") as file:
        file["particle_features"][0, 0, 3] = -0.5
    with pytest.raises(InputError, match="mask has values other than 0 and 1"):
        read_jets(path)


def test_masked_particles_are_none_whatever_stands_there(tmp_path):
    relative = [np.array([[0.1, -0.2, 0.6], [-0.3, 0.2, 0.3]]), np.array([[0.0, 0.1, 0.9]])]
    jet = np.array([[1000, -1.5, 90, 2], [900, 1, 5, 1]])
    path = write_jetnet(tmp_path / "a.hdf5", relative, jet)
    expected = read_jets(path).constituents
    with h5py.File(path, "a") as file:
        file["particle_features"][1, 1] = [0.2, 0.1, 0.5, 0.0]
    found = read_jets(path).constituents
    assert found.lengths.tolist() == expected.lengths.tolist() == [2, 1]
    assert np.array_equal(found.pt, expected.pt)


def test_a_particle_without_pt_is_left_out_and_counted(tmp_path, caplog):
    relative = [np.array([[0.1, -0.2, 0.6], [-0.3, 0.2, 0.0]])]
    path = write_jetnet(tmp_path / "a.hdf5", relative, np.array([[1000, -1.5, 90, 2]]))
    assert read_jets(path).n_constituents.tolist() == [1]
    assert "1 constituents without pT left out" in caplog.text
