from __future__ import annotations

import logging

import numpy as np
import pytest
from foreign import (
    four_vectors,
    write_lhco,
    write_top_tagging,
)
from read_jets_check import assert_constituents

from darkclr.errors import InputError
from darkclr.io import ReadOptions, iterate_jets, read_jets
from darkclr.io.reading import recognise
from darkclr.jets import Jets


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
    assert jets.event.tolist() == list(range(len(table)))
    assert jets.truth["truthE"].tolist() == list(range(len(table)))
    assert jets.truth["ttv"].tolist() == [1] * len(table)
    # The sign of eta is that of pz, jets across phi = pi are not torn apart.
    total = np.array([four_vectors(jet).sum(axis=0) for jet in table])
    assert (np.sign(jets.eta) == np.sign(total[:, 3])).all()
    np.testing.assert_allclose(jets.pt, np.hypot(total[:, 1], total[:, 2]), rtol=1e-5)
    np.testing.assert_allclose(np.cos(jets.phi), total[:, 1] / jets.pt, atol=1e-5)
    mass = np.sqrt(np.maximum(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(axis=1), 0))
    np.testing.assert_allclose(jets.mass, mass, atol=0.1)


def test_batches_make_no_difference(tmp_path, table):
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * len(table))
    batches = list(iterate_jets(path, batch_size=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert np.concatenate([batch.event for batch in batches]).tolist() == list(range(len(table)))
    assert_constituents(Jets.concatenate(batches), table)


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
    path = write_top_tagging(tmp_path / "a.h5", table, [0] * len(table), change=change)
    with pytest.raises(InputError, match=message) as caught:
        read_jets(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


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
