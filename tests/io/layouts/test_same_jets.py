"""The same jets in every layout and every container are the same jets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foreign import Columns, padded, write_columns
from same_jets import COLUMNS, JETS, LABEL, SLOTS

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


@pytest.mark.parametrize("layout", ["delphes", "pfnano"])
def test_columns_may_be_fields_of_records(tmp_path, layout):
    """As Awkward writes collections to Parquet."""
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
    pq.write_table(pa.table(flat), tmp_path / "a.parquet")
    assert_same(tmp_path / "a.parquet", layout)


def test_constituents_may_be_padded_with_zeros_in_hdf5(tmp_path):
    columns = {
        name: padded([x[:, None] for x in values], SLOTS, np.float32)[..., 0]
        if isinstance(values, list)
        else values
        for name, values in COLUMNS["jetclass"]().items()
    }
    assert_same(write_columns(tmp_path / "a.h5", columns), "jetclass")
