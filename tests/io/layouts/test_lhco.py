from __future__ import annotations

import h5py
import numpy as np
import pytest
from foreign import padded, write_lhco
from same_jets import JETS, LABEL

from darkclr.errors import InputError
from darkclr.io import ReadOptions, iterate_jets, read_jets
from darkclr.io.reading import recognise


@pytest.mark.parametrize("label", [None, [0, 1, 1]])
def test_lhco_events_are_clustered(tmp_path, label):
    """Two bunches of particles back to back are two jets of the event's label."""
    rng = np.random.default_rng(1)

    def bunch(pt, eta, phi):
        return np.stack([pt, eta + rng.normal(0, 0.1, 5), phi + rng.normal(0, 0.1, 5)], axis=1)

    hard, soft = np.linspace(100, 60, 5), np.linspace(50, 30, 5)
    events = [
        np.concatenate([bunch(hard, -1.0, 3.1), bunch(soft, 0.5, 0.0)]),
        bunch(soft, 1.0, -3.1),
        np.zeros((0, 3)),
    ]
    events[0][:, 2] = (events[0][:, 2] + np.pi) % (2 * np.pi) - np.pi
    path = write_lhco(tmp_path / "a.h5", events, label)
    assert recognise(path).layout.name == "lhco"
    jets = read_jets(path)
    assert jets.event.tolist() == [0, 0, 1]
    assert jets.rank.tolist() == [0, 1, 0]
    assert jets.label.tolist() == ([-1] * 3 if label is None else [0, 0, 1])
    assert jets.n_constituents.tolist() == [5, 5, 5]
    np.testing.assert_allclose(jets.constituents.pt, [*hard, *soft, *soft], rtol=1e-6)
    np.testing.assert_allclose(jets.eta, [-1, 0.5, 1], atol=0.1)
    assert abs(jets.phi[0]) == pytest.approx(3.1, abs=0.15)
    # Cuts act before the clustering; a huge radius makes one jet of the event.
    assert len(read_jets(path, options=ReadOptions(pt_min=250))) == 1
    assert read_jets(path, options=ReadOptions(constituent_pt_min=55)).n_constituents.tolist() == [
        5
    ]
    # constituents keep their event with every batch
    assert [b.event.tolist() for b in iterate_jets(path, batch_size=1)] == [[0, 0], [1]]


def plain_arrays(dtype=np.float64) -> tuple[np.ndarray, np.ndarray]:
    """(n, 700, 3), and labels (n,)."""
    return padded(JETS, 700, dtype), LABEL


def write_arrays(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name.replace("__", "/"), data=values)
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_an_array_without_names_of_columns_is_known_by_its_width(tmp_path, dtype, compression):
    """As people save the values of the data frame once more, with and without the label."""
    values, label = plain_arrays(dtype)
    wide = values.reshape(len(values), 2100)
    both = np.c_[wide, label].astype(dtype)
    for name, array, expected in (("a", both, label), ("b", wide, -1), ("c", values, -1)):
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("any/name", data=array, compression=compression)
        found = recognise(path)
        assert (found.layout.name, found.table.name) == ("lhco", "any/name")
        jets = read_jets(path, options=ReadOptions(pt_min=0.0))
        assert jets.label.tolist() == np.broadcast_to(expected, len(JETS)).tolist()
        np.testing.assert_allclose(jets.constituents.pt, np.concatenate(JETS)[:, 0], rtol=3e-6)
        np.testing.assert_allclose(jets.constituents.phi, np.concatenate(JETS)[:, 2], atol=1e-6)


def test_the_values_of_a_pandas_store_alone_are_an_array(tmp_path):
    values, label = plain_arrays()
    both = np.c_[values.reshape(len(values), -1), label]
    path = write_arrays(tmp_path / "a.h5", df__block0_values=both)
    assert read_jets(path, options=ReadOptions(pt_min=0.0)).label.tolist() == label.tolist()


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("name", ["label", "Labels", "is_signal", "y"])
def test_labels_may_lie_beside_the_array(tmp_path, name, shape):
    values, label = plain_arrays()
    path = write_arrays(tmp_path / "a.h5", X=values, mjj=np.ones(6), **{name: label.reshape(shape)})
    assert read_jets(path, options=ReadOptions(pt_min=0.0)).label.tolist() == label.tolist()


def test_arrays_that_may_mean_several_things_are_told_in_one_line(tmp_path):
    values, label = plain_arrays()
    two = write_arrays(tmp_path / "a.h5", train=values, test=values[:2])
    with pytest.raises(InputError, match=r"several tables of jets: test \(2 rows\), train"):
        read_jets(two)
    assert len(read_jets(two, options=ReadOptions(pt_min=0.0, table="test"))) == 2
    # Which of two is the label is not guessed.
    unclear = write_arrays(tmp_path / "b.h5", X=values, y=label, label=1 - label)
    assert read_jets(unclear, options=ReadOptions(pt_min=0.0)).label.tolist() == [-1] * 6
    last = np.c_[values.reshape(6, -1), np.linspace(0, 3, 6)]
    with pytest.raises(InputError, match=r"column '2100' has labels other than 0, 1 and -1"):
        read_jets(write_arrays(tmp_path / "c.h5", a=last))
    for other in (values[:, :699], values.reshape(6, 350, 6), values.reshape(6, -1)[:, :2000]):
        with pytest.raises(InputError, match=r"no known layout: it is .*a \(\d+,( \d+)?\)") as told:
            read_jets(write_arrays(tmp_path / "d.h5", a=other))
        assert "\n" not in str(told.value)
    forced = read_jets(
        write_arrays(tmp_path / "e.h5", a=values[:, :12]),
        layout="lhco",
        options=ReadOptions(pt_min=0.0),
    )
    assert forced.n_constituents.tolist() == [len(jet) for jet in JETS]


@pytest.mark.parametrize("row", [[1, 0.1, np.nan], [np.nan, 0, 0], [1, np.inf, 0]])
def test_particles_that_are_not_numbers_are_refused(tmp_path, row):
    path = write_lhco(tmp_path / "a.h5", [np.array([[50, 0, 0], row])], None)
    with pytest.raises(InputError, match="1 particles have NaN or infinite"):
        read_jets(path)
