"""Speed of the readers against plain reading of the same file with PyArrow, h5py or uproot.

    python benchmarks/readers.py [number of jets]

"Plain" loads the arrays that the reader needs into memory and does nothing with them. CPU
seconds of the process, best of three, so that other programs on the machine do not count.
First the jets are compared with those that were written.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import uproot

from darkclr.io import write_jets
from darkclr.io.layouts import LAYOUTS, ReadOptions
from darkclr.jets import Jets

BATCH = 10_000
SLOTS = 200


def make_jets(n: int) -> Jets:
    """Jets with 10 to 70 constituents."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 70, n)
    total = lengths.sum()
    return Jets.from_constituents(
        np.concatenate([[0], np.cumsum(lengths)]),
        rng.exponential(6, total) + 0.3,
        np.repeat(rng.uniform(-2, 2, n), lengths) + rng.normal(0, 0.3, total),
        rng.uniform(-3, 3, total),
        label=rng.integers(0, 2, n),
    )


def four_vectors(jets: Jets) -> np.ndarray:
    """(n_constituents, 4): E, px, py, pz."""
    pt, eta, phi = (getattr(jets.constituents, x).astype(np.float64) for x in ("pt", "eta", "phi"))
    four = (pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    return np.stack(four, axis=1).astype(np.float32)


def padded(jets: Jets, values: np.ndarray, slots: int) -> np.ndarray:
    c = jets.constituents
    out = np.zeros((len(jets), slots, values.shape[1]), np.float32)
    out[c.jet_index, np.arange(len(c.pt)) - c.offsets[c.jet_index]] = values
    return out


def write_top_tagging(jets: Jets, path: Path, **hdf: object) -> None:
    names = [f"{name}_{i}" for i in range(SLOTS) for name in ("E", "PX", "PY", "PZ")]
    values = padded(jets, four_vectors(jets), SLOTS).reshape(len(jets), -1)
    frame = pd.DataFrame(values, columns=names)
    frame["is_signal_new"] = jets.label.astype(np.int64)
    frame.to_hdf(path, key="table", format="table", mode="w", **hdf)


def write_aspen(jets: Jets, path: Path) -> None:
    energy, px, py, pz = four_vectors(jets).T
    rest = np.ones((len(px), 7), np.float32)
    values = np.concatenate([np.stack([px, py, pz, energy], 1), rest], axis=1)
    kinematics = np.stack([jets.pt, jets.eta, jets.phi, jets.mass], axis=1)
    with h5py.File(path, "w") as file:
        options = {"chunks": True, "compression": "gzip"}
        file.create_dataset("PFCands", data=padded(jets, values, 150), **options)
        file.create_dataset("jet_kinematics", data=kinematics, **options)


def write_jetnet(jets: Jets, path: Path) -> None:
    c = jets.constituents
    i = c.jet_index
    values = (c.eta - jets.eta[i], c.phi, c.pt / jets.pt[i], np.ones(len(c.pt)))
    with h5py.File(path, "w") as file:
        file["particle_features"] = padded(jets, np.stack(values, axis=1), 150)
        file["jet_features"] = np.stack([jets.pt, jets.eta, jets.mass, c.lengths], axis=1)


def write_jetclass(jets: Jets, path: Path) -> None:
    names = ("part_energy", "part_px", "part_py", "part_pz")
    branches = {
        name: ak.unflatten(column, jets.n_constituents)
        for name, column in zip(names, four_vectors(jets).T, strict=True)
    }
    branches["label_QCD"] = (jets.label == 0).astype(np.int32)
    branches["label_Tbqq"] = (jets.label == 1).astype(np.int32)
    types = {k: getattr(v, "dtype", None) or ak.type(v).content for k, v in branches.items()}
    with uproot.recreate(path) as file:
        file.mktree("tree", types).extend(branches)


def plain_parquet(path: Path) -> None:
    with pq.ParquetFile(path) as file:
        for _ in file.iter_batches(BATCH):
            pass


def plain_hdf5(*names: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        with h5py.File(path) as file:
            for name in names:
                for start in range(0, len(file[name]), BATCH):
                    file[name][start : start + BATCH]

    return read


def plain_aspen(path: Path) -> None:
    with h5py.File(path) as file:
        for start in range(0, len(file["PFCands"]), BATCH):
            rows = slice(start, start + BATCH)
            file["PFCands"][rows, :, :4]
            file["PFCands"][rows, :, 10]
            file["jet_kinematics"][rows]


def plain_root(path: Path) -> None:
    with uproot.open(path) as file:
        names = "/part_(energy|p[xyz])|label_.*/"
        for _ in file["tree"].iterate(filter_name=names, step_size=BATCH):
            pass


CASES = {
    "parquet": ("parquet", "jets.parquet", write_jets, plain_parquet),
    "top tagging, zlib": (
        "top_tagging",
        "zlib.h5",
        lambda jets, path: write_top_tagging(jets, path, complevel=1),
        plain_hdf5("table/table"),
    ),
    "top tagging, blosc": (
        "top_tagging",
        "blosc.h5",
        lambda jets, path: write_top_tagging(jets, path, complevel=5, complib="blosc"),
        plain_hdf5("table/table"),
    ),
    "top tagging, raw": ("top_tagging", "raw.h5", write_top_tagging, plain_hdf5("table/table")),
    "Aspen Open Jets, gzip": (
        "aspen_open_jets",
        "aspen.h5",
        write_aspen,
        plain_aspen,
    ),
    "JetNet, raw": (
        "jetnet",
        "jetnet.h5",
        write_jetnet,
        plain_hdf5("particle_features", "jet_features"),
    ),
    "JetClass": ("jetclass", "jetclass.root", write_jetclass, plain_root),
}


def seconds(function: Callable[[], object]) -> float:
    """CPU seconds, best of three after one to warm up."""
    function()
    times = []
    for _ in range(3):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def main(n: int) -> None:
    jets = make_jets(n)
    print(f"{n} jets, {len(jets.constituents.pt)} constituents")
    with tempfile.TemporaryDirectory() as folder:
        for title, (layout, name, write, plain) in CASES.items():
            path = Path(folder) / name
            write(jets, path)

            def read(path: Path = path, layout: str = layout) -> list[Jets]:
                return list(LAYOUTS[layout].batches(path, ReadOptions(), BATCH))

            again = Jets.concatenate(read())
            assert again.n_constituents.tolist() == jets.n_constituents.tolist()
            for column in ("pt", "eta", "phi"):
                values = [getattr(x.constituents, column) for x in (again, jets)]
                np.testing.assert_allclose(*values, rtol=1e-5, atol=1e-5)
            ours = seconds(read)
            bare = seconds(lambda path=path, plain=plain: plain(path))
            print(
                f"{title:24s} plain {bare:6.3f} s   darkclr {ours:6.3f} s   "
                f"ratio {ours / bare:4.2f}   {n / ours:9.0f} jets/s",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
