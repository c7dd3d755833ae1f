from __future__ import annotations

import logging

import h5py
import numpy as np
import pandas as pd
import pytest
from foreign import (
    four_vectors,
    random_jets,
    write_aspen,
    write_jetnet,
    write_lhco,
    write_top_tagging,
)

from darkclr.errors import InputError
from darkclr.io import ReadOptions, iterate_jets, read_jets
from darkclr.io.reading import recognise
from darkclr.jets import Jets

N = 7


@pytest.fixture(scope="module")
def table():
    return random_jets(N)


def assert_constituents(jets: Jets, table, tolerance=2e-6):
    """Equal constituents, hardest first, in (pt, eta, phi)."""
    assert jets.n_constituents.tolist() == [len(row) for row in table]
    c, expected = jets.constituents, np.concatenate(table)
    np.testing.assert_allclose(c.pt, expected[:, 0], rtol=tolerance)
    np.testing.assert_allclose(c.eta, expected[:, 1], atol=tolerance)
    difference = (c.phi - expected[:, 2] + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(difference, 0, atol=tolerance)
    assert ((c.phi >= -np.pi) & (c.phi < np.pi)).all()


@pytest.mark.parametrize("by_component", [False, True])
@pytest.mark.parametrize(
    "hdf",
    [{}, {"format": "fixed"}, {"data_columns": True}, {"complib": "blosc", "complevel": 3}],
    ids=["table", "fixed", "data_columns", "blosc"],
)
def test_top_tagging(tmp_path, table, hdf, by_component):
    label = [0, 1, 1, 0, 1, 0, 0]
    path = write_top_tagging(tmp_path / "a.h5", table, label, by_component=by_component, **hdf)
    assert recognise(path).layout.name == "top_tagging"
    assert "E_i, PX_i, PY_i, PZ_i of 20 constituents" in recognise(path).why
    jets = read_jets(path)
    assert_constituents(jets, table)
    assert jets.label.tolist() == label
    assert jets.event.tolist() == list(range(N))
    assert jets.truth["truthE"].tolist() == list(range(N))
    assert jets.truth["ttv"].tolist() == [1] * N
    # The sign of eta is that of pz, jets across phi = pi are not torn apart.
    total = np.array([four_vectors(jet).sum(axis=0) for jet in table])
    assert (np.sign(jets.eta) == np.sign(total[:, 3])).all()
    np.testing.assert_allclose(jets.pt, np.hypot(total[:, 1], total[:, 2]), rtol=1e-5)
    np.testing.assert_allclose(np.cos(jets.phi), total[:, 1] / jets.pt, atol=1e-5)
    mass = np.sqrt(np.maximum(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(axis=1), 0))
    np.testing.assert_allclose(jets.mass, mass, atol=0.1)


def test_batches_make_no_difference(tmp_path, table):
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * N)
    batches = list(iterate_jets(path, batch_size=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert np.concatenate([batch.event for batch in batches]).tolist() == list(range(N))
    assert_constituents(Jets.concatenate(batches), table)


def test_nothing_is_unpickled(tmp_path, table):
    """Names of columns that are not a plain list of strings are refused, not executed."""
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * N)
    witness = tmp_path / "executed"
    with h5py.File(path, "a") as file:
        attack = b"cos\nsystem\n(S'touch %s'\ntR." % str(witness).encode()
        file["table/table"].attrs["values_block_0_kind"] = np.bytes_(attack)
    with pytest.raises(InputError, match="names of its columns are pickled objects"):
        read_jets(path)
    assert not witness.exists()


def test_names_of_old_pandas_are_read(tmp_path, table):
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * N, slots=12)
    names = [f"{k}_{i}" for i in range(12) for k in ("E", "PX", "PY", "PZ")] + ["truthE"]
    pickled = b"(lp1\n" + b"".join(b"S'%s'\np%d\na" % (n.encode(), i) for i, n in enumerate(names))
    with h5py.File(path, "a") as file:
        file["table/table"].attrs["values_block_0_kind"] = np.bytes_(pickled + b".")
    assert_constituents(read_jets(path), table)


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


def test_aspen_open_jets(tmp_path, table):
    """Constituents are scaled with their PUPPI weight; those of weight 0 are none."""
    puppi = [np.linspace(1, 0.5, len(jet)) for jet in table]
    puppi[1][0] = 0 if len(puppi[1]) > 1 else 1
    kinematics = np.array([[400 + i, jet[0, 1], jet[0, 2], 80] for i, jet in enumerate(table)])
    path = write_aspen(
        tmp_path / "a.h5", table, kinematics, puppi=puppi, event=[5, 5, 5, 8, 2**32, 2**32, 9]
    )
    assert recognise(path).layout.name == "aspen_open_jets"
    expected = []
    for jet, weight in zip(table, puppi, strict=True):
        scaled = (jet * np.stack([weight, np.ones_like(weight), np.ones_like(weight)], 1))[
            weight > 0
        ]
        expected.append(scaled[np.argsort(-scaled[:, 0])])
    for size in (2, 100):
        jets = Jets.concatenate(list(iterate_jets(path, batch_size=size)))
        assert_constituents(jets, expected, tolerance=1e-5)
        np.testing.assert_allclose(jets.pt, kinematics[:, 0])
        np.testing.assert_allclose(jets.eta, kinematics[:, 1], rtol=1e-6)
        assert jets.truth["softdrop_mass"].tolist() == [80] * N
        assert jets.event.tolist() == [5, 5, 5, 8, 2**32, 2**32, 9]
        assert jets.rank.tolist() == [0, 1, 2, 0, 0, 1, 0]


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


def column(name, value):
    def change(frame):
        frame.loc[2, name] = value
        return frame

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns=["PY_3"]), r"missing columns \['PY_3'\]"),
        (lambda f: f.drop(columns=["E_3", "PX_3", "PY_3", "PZ_3"]), r"missing columns \['E_3'\]"),
        (column("PX_0", np.nan), "1 particles have NaN or infinite px"),
        (column("PZ_19", np.inf), "1 particles have NaN or infinite pz"),
        (column("E_0", np.nan), "1 particles have NaN or infinite E"),
        (column("is_signal_new", 3), "labels other than 0, 1 and -1: 3"),
        (
            lambda f: f.rename(columns={"E_0": "PX_0", "PX_0": "E_0"}),
            "energy is below the momentum",
        ),
        (lambda f: f * 0, "7 of 7 jets have no constituents, the first of them in row 0"),
    ],
)
def test_bad_tables_are_refused_by_name(tmp_path, table, change, message):
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * N, change=change)
    with pytest.raises(InputError, match=message) as caught:
        read_jets(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_without_rows_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        columns = [(f"{name}_0", "f4") for name in ("E", "PX", "PY", "PZ")]
        file["table/table"] = np.zeros(0, columns)
    with pytest.raises(InputError, match="there are no jets"):
        read_jets(path)


def test_mev_is_refused_by_name(tmp_path, table):
    path = write_top_tagging(tmp_path / "a.h5", table, None, scale=1000)
    options = ReadOptions(pt_max=300)  # a cut must not hide it
    with pytest.raises(InputError, match="probably in MeV: divide by 1000"):
        read_jets(path, options=options)
    events = [np.array([[9e4, 0, 0], [5e4, 1, 1]])]
    with pytest.raises(InputError, match="probably in MeV: divide by 1000"):
        read_jets(write_lhco(tmp_path / "b.h5", events, None))


def test_jets_without_constituents_are_left_out_on_request(tmp_path, table, caplog):
    def empty(frame):
        momenta = [name for name in frame if name[-1].isdigit()]
        frame.loc[[1, 4], momenta] = 0
        return frame

    path = write_top_tagging(tmp_path / "a.h5", table, [0, 1] * 3 + [0], change=empty)
    with pytest.raises(InputError, match=r"2 of 7 jets have no constituents, the first .* row 1"):
        read_jets(path)
    with caplog.at_level(logging.WARNING):
        jets = read_jets(path, options=ReadOptions(drop_empty=True))
    assert "2 jets without constituents left out" in caplog.text
    assert jets.event.tolist() == [0, 2, 3, 5, 6]
    assert jets.label.tolist() == [0, 0, 1, 1, 0]
    assert_constituents(jets, [table[i] for i in (0, 2, 3, 5, 6)])
    np.testing.assert_array_equal(jets.pt, read_jets(path, options=ReadOptions(drop_empty=True)).pt)


@pytest.mark.parametrize("row", [[1, 0.1, np.nan], [np.nan, 0, 0], [1, np.inf, 0]])
def test_particles_that_are_not_numbers_are_refused(tmp_path, row):
    path = write_lhco(tmp_path / "a.h5", [np.array([[50, 0, 0], row])], None)
    with pytest.raises(InputError, match="1 particles have NaN or infinite"):
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
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * N, complevel=1)
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
