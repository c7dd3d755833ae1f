"""The same jets in every layout and every container are the same jets."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from foreign import Columns, padded, write_columns
from same_jets import COLUMNS, JETS, LABEL, SLOTS

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets
from darkclr.io.reading import recognise

pytest.importorskip("fastjet")

CONTAINERS = ("a.parquet", "a.h5", "a.root", "a.rntuple.root")


def assert_same(path: Path, layout: str) -> None:
    assert recognise(path).layout.name == layout
    jets = read_jets(path, options=ReadOptions(pt_min=0.0))
    assert jets.n_constituents.tolist() == [len(jet) for jet in JETS]
    c, expected = jets.constituents, np.concatenate(JETS)
    np.testing.assert_allclose(c.pt, expected[:, 0], rtol=3e-6)
    np.testing.assert_allclose(c.eta, expected[:, 1], atol=1e-6)
    np.testing.assert_allclose(c.phi, expected[:, 2], atol=1e-6)
    if layout not in ("aspen_open_jets", "jetnet", "delphes", "pfnano"):
        assert jets.label.tolist() == LABEL.tolist()


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("layout", COLUMNS)
def test_a_layout_is_its_columns_and_not_its_container(tmp_path, layout, container):
    if layout == "lhco" and container.endswith("root"):
        pytest.skip("uproot takes a minute for 2101 branches")
    assert_same(write_columns(tmp_path / container, COLUMNS[layout]()), layout)


@pytest.mark.parametrize("container", ["a.parquet", "a.rntuple.root"])
@pytest.mark.parametrize("layout", ["delphes", "pfnano"])
def test_columns_may_be_fields_of_records(tmp_path, layout, container):
    """As Awkward writes collections to Parquet, and RNTuples hold them."""
    collections: dict[str, dict[str, list]] = {}
    flat: Columns = {}
    for name, column in COLUMNS[layout]().items():
        record, _, field = name.replace(".", "_").partition("_")
        if field:
            collections.setdefault(record, {})[field] = column
        else:
            flat[name] = column
    for record, fields in collections.items():
        rows = zip(*fields.values(), strict=True)
        flat[record] = [
            [dict(zip(fields, values, strict=True)) for values in zip(*row, strict=True)]
            for row in rows
        ]
    if container == "a.parquet":
        pq.write_table(pa.table(flat), tmp_path / container)
    else:
        with uproot.recreate(tmp_path / container) as file:
            file.mkrntuple("Events", {name: ak.Array(column) for name, column in flat.items()})
    assert_same(tmp_path / container, layout)


def test_constituents_may_be_padded_with_zeros_in_hdf5(tmp_path):
    columns = {
        name: padded([x[:, None] for x in values], SLOTS, np.float32)[..., 0]
        if isinstance(values, list)
        else values
        for name, values in COLUMNS["jetclass"]().items()
    }
    assert_same(write_columns(tmp_path / "a.h5", columns), "jetclass")


def test_single_constituents_along_the_beam_are_left_out_on_request(tmp_path):
    """With their jets; a column full of them is no pseudorapidity."""
    columns = COLUMNS["darkclr"]()
    eta = columns["constituent_eta"] = [x.copy() for x in columns["constituent_eta"]]
    eta[2][0] = eta[4][3] = -999.9
    path, skip = write_columns(tmp_path / "a.parquet", columns), ReadOptions(skip_invalid=True)
    told = r"\|eta\| = 999\.9, .* in 2 of 6 jets, the first of them in row 2\); --skip-invalid"
    with pytest.raises(InputError, match=told):
        read_jets(path)
    assert read_jets(path, options=skip).event.tolist() == [0, 1, 3, 5]
    for row in eta:
        row[0] = 999.9
    path = write_columns(tmp_path / "b.parquet", columns)
    with pytest.raises(InputError, match="the column is probably not the pseudorapidity"):
        read_jets(path, options=skip)


@pytest.mark.parametrize("number", [-999.0, -1.0])
@pytest.mark.parametrize("layout", ["darkclr", "delphes", "jetclass", "top_tagging", "lhco"])
def test_padding_may_be_another_number_than_zero(tmp_path, layout, number, caplog):
    """As of arrays that became tables: it is no particle, and its number is told."""
    columns = COLUMNS[layout]()
    n_filled = 0
    if isinstance(next(iter(columns.values())), list):
        for name, rows in columns.items():
            if isinstance(rows, list):
                longer = [np.append(row, np.full(SLOTS + 1 - len(row), number)) for row in rows]
                columns[name] = [row.astype(np.float32) for row in longer]
        n_filled = sum(SLOTS + 1 - len(jet) for jet in JETS)
    else:
        k = 4 if layout == "top_tagging" else 3
        names = list(columns)[:-1]
        for first in range(0, len(names), k):
            slot = names[first : first + k]
            empty = np.all([columns[name] == 0 for name in slot], axis=0)
            n_filled += empty.sum()
            columns |= {name: np.where(empty, number, columns[name]) for name in slot}
    assert_same(write_columns(tmp_path / "a.h5", columns), layout)
    assert f"{n_filled} " in caplog.text
    assert "one negative number in all columns" in caplog.text


@pytest.mark.parametrize("many", [1, 3])
def test_a_single_negative_energy_is_refused_or_left_out(tmp_path, many):
    """Although so few energies below their momenta are rounding."""
    columns = {
        name: rows * 20 if isinstance(rows, list) else np.tile(rows, 20)
        for name, rows in COLUMNS["jetclass"]().items()
    }
    energy = columns["part_energy"][2] = columns["part_energy"][2].copy()
    energy[:many] *= -1
    path = write_columns(tmp_path / "a.parquet", columns)
    with pytest.raises(InputError, match=rf"{many} of 840 constituents have negative energies"):
        read_jets(path)
    jets = read_jets(path, options=ReadOptions(skip_invalid=True))
    assert jets.event.tolist() == [0, 1, *range(3, 20 * len(JETS))]


@pytest.mark.parametrize(
    ("layout", "column", "place"),
    [
        ("darkclr", "constituent_eta", 0),
        ("jetclass", "part_energy", 1),
        ("top_tagging", "PX_1", ...),
        ("lhco", "2", ...),
        ("aspen_open_jets", "PFCands", (1, 3)),
        ("jetnet", "particle_features", (1, 0)),
        ("delphes", "ParticleFlowCandidate.Phi", 0),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_holds_no_number_is_left_out_on_request(tmp_path, layout, column, place, value):
    """In every layout alike, and only the jet that it is in."""
    columns = deepcopy(COLUMNS[layout]())
    if place is ...:
        columns[column][2] = value
    else:
        columns[column][2][place] = value
    path = write_columns(tmp_path / "a.parquet", columns)
    with pytest.raises(InputError, match="NaN or infinite"):
        read_jets(path, options=ReadOptions(pt_min=0.0))
    jets = read_jets(path, options=ReadOptions(pt_min=0.0, skip_invalid=True))
    assert jets.n_constituents.tolist() == [len(jet) for i, jet in enumerate(JETS) if i != 2]
    expected = np.concatenate([jet for i, jet in enumerate(JETS) if i != 2])
    np.testing.assert_allclose(jets.constituents.pt, expected[:, 0], rtol=3e-6)
