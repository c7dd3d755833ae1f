"""Whatever is in a file: one clear line or checked jets, never a traceback, never wrong jets."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foreign import (
    padded,
    random_jets,
    write_aspen,
    write_columns,
    write_delphes,
    write_jetclass,
    write_jetnet,
    write_lhco,
    write_pfnano,
    write_top_tagging,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from same_jets import COLUMNS
from toy import toy_jets

from darkclr.errors import DarkclrError
from darkclr.io import read_jets, write_jets
from darkclr.jets import Jets

TABLE = random_jets(4, longest=5)
EVENTS = {"PT": [[60.0, 30.0], [40.0]], "Eta": [[-1.0, 1.0], [0.5]], "Phi": [[3.1, 0.0], [1.0]]}
NANO = [
    {
        "event": 7,
        "jets": [(300, 1, 0, 9)],
        "candidates": [(300, 1, 0, 1), (20, 1, 1, 1)],
        "pairs": [(0, 0), (0, 1)],
    }
]


def write_fixed_size(path: Path) -> None:
    """Lists of one length by their type, and a label of truth values."""
    values = pa.FixedSizeListArray.from_arrays(pa.array(np.linspace(0.1, 3, 12)), 3)
    columns = dict.fromkeys(("constituent_pt", "constituent_eta", "constituent_phi"), values)
    pq.write_table(pa.table(columns | {"label": [True, False, True, False]}), path)


WRITERS = {
    "jets.parquet": lambda path: write_jets(toy_jets(4, longest=5), path),
    "top_tagging.h5": lambda path: write_top_tagging(path, TABLE, [0, 1, 0, 1], slots=5),
    "fixed.h5": lambda path: write_top_tagging(path, TABLE, [0] * 4, slots=5, format="fixed"),
    "lhco.h5": lambda path: write_lhco(path, TABLE, [0] * 4),
    "aspen.h5": lambda path: write_aspen(
        path, TABLE, np.ones((4, 4)), puppi=[np.ones(len(x)) for x in TABLE], event=[1, 1, 2, 3]
    ),
    "jetnet.h5": lambda path: write_jetnet(
        path, [x[:, [1, 2, 0]] / 100 for x in TABLE], np.full((4, 4), 2.0)
    ),
    "jetclass.root": lambda path: write_jetclass(path, TABLE, ["QCD"] * 4),
    "delphes.root": lambda path: write_delphes(
        path, {"ParticleFlowCandidate": EVENTS | {"Mass": [[0.0, 0.0], [0.1]]}}
    ),
    "pfnano.root": lambda path: write_pfnano(path, NANO),
    "jetclass.parquet": lambda path: write_columns(path, COLUMNS["jetclass"]()),
    "top_tagging.parquet": lambda path: write_columns(path, COLUMNS["top_tagging"]()),
    "jetnet.parquet": lambda path: write_columns(path, COLUMNS["jetnet"]()),
    "pfnano.rntuple.root": lambda path: write_columns(path, COLUMNS["pfnano"]()),
    "jetclass.h5": lambda path: write_columns(path, COLUMNS["jetclass"]()),
    "native.rntuple.root": lambda path: write_columns(path, COLUMNS["darkclr"]()),
    "delphes.parquet": lambda path: write_columns(path, COLUMNS["delphes"]()),
    "fixed_size.parquet": write_fixed_size,
    "jetnet.npz": lambda path: np.savez(path, **COLUMNS["jetnet"]()),
    "packed.npz": lambda path: np.savez_compressed(path, **COLUMNS["aspen_open_jets"]()),
    "lhco.npy": lambda path: np.save(path, padded(TABLE, 700, np.float32)),
    "plain.h5": lambda path: write_columns(path, {"events": padded(TABLE, 700, np.float32)}),
}


@functools.cache
def content(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        WRITERS[name](Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def read_bytes(name: str, data: bytes) -> Jets | None:
    """Jets that are physical, or None after one clear line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            jets = read_jets(path)
        except DarkclrError as error:
            return one_line(str(error))
    check(jets)
    return jets


def one_line(message: str) -> None:
    assert message
    assert "\n" not in message


def check(jets: Jets) -> None:
    c = jets.constituents
    assert len(jets) > 0
    assert (c.lengths > 0).all()
    assert c.offsets[-1] == len(c.pt) == len(c.eta) == len(c.phi)
    for values in (c.pt, c.eta, c.phi, jets.pt, jets.eta, jets.phi, jets.mass, jets.weight):
        assert np.isfinite(values).all()
    assert (jets.pt > 0).all()
    assert ((c.pt > 0) & (c.pt <= 7000)).all()
    inside = c.jet_index[1:] == c.jet_index[:-1]
    assert (c.pt[1:] <= c.pt[:-1])[inside].all()
    assert np.isin(jets.label, (-1, 0, 1)).all()


@pytest.mark.parametrize("name", WRITERS)
def test_undamaged_files_are_read(name):
    assert read_bytes(name, content(name)) is not None


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=12)
@given(data=st.data())
def test_truncated_files(name, data):
    whole = content(name)
    cut = data.draw(st.integers(0, len(whole) - 1))
    # All files end with something that is needed, or with nothing but padding.
    jets = read_bytes(name, whole[:cut])
    if jets is not None:
        assert jets.pt.tobytes() == read_bytes(name, whole).pt.tobytes()


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25)
@given(data=st.data())
def test_damaged_files(name, data):
    damaged = bytearray(content(name))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        patch = data.draw(st.binary(min_size=1, max_size=8))
        damaged[start : start + len(patch)] = patch
    read_bytes(name, bytes(damaged))


@settings(max_examples=25)
@given(st.sampled_from([b"PAR1", b"\x89HDF\r\n\x1a\n", b"root"]), st.binary(max_size=300))
def test_noise_behind_a_good_beginning(magic, noise):
    read_bytes("noise.h5", magic + noise)


numbers = arrays.from_dtype(np.dtype(np.float32)) | st.floats(-100, 100, width=32) | st.just(0.0)


@given(arrays.arrays(np.float32, (3, 8), elements=numbers, fill=st.just(0.0)))
def test_any_numbers_in_a_table(values):
    """Jets come out exactly when every row has constituents that are possible."""
    names = [f"{name}_{i}" for i in range(2) for name in ("E", "PX", "PY", "PZ")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        with h5py.File(path, "w") as file:
            rows = np.rec.fromarrays(values.T, names=names)
            file.create_group("table").create_dataset("table", data=rows)
        try:
            jets = read_jets(path)
        except DarkclrError:
            return
    check(jets)
    four = values.reshape(3, 2, 4).astype(np.float64)
    real = np.hypot(four[..., 1], four[..., 2]) > 0
    pt = [sorted(np.hypot(f[r, 1], f[r, 2]), reverse=True) for f, r in zip(four, real, strict=True)]
    assert jets.n_constituents.tolist() == [len(row) for row in pt]
    np.testing.assert_allclose(jets.constituents.pt, np.concatenate(pt), rtol=1e-6, atol=1e-37)


@given(
    arrays.arrays(np.float32, 6, elements=numbers),
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
)
def test_any_numbers_in_a_native_file(values, cuts):
    offsets = pa.array(sorted([0, *cuts, 6]), pa.int32())
    column = pa.ListArray.from_arrays(offsets, pa.array(values))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        names = ("constituent_pt", "constituent_eta", "constituent_phi")
        pq.write_table(pa.table(dict.fromkeys(names, column)), path)
        try:
            jets = read_jets(path)
        except DarkclrError:
            return
    check(jets)
    assert sorted(jets.constituents.pt) == sorted(values[values != 0])
