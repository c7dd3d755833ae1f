"""Speed of the readers against plain reading of the same file with PyArrow, h5py or uproot.

    python benchmarks/readers.py [number of jets] [part of a title]

``plain`` loads the arrays that the reader needs into memory, in batches, and does nothing with
them. ``converted`` goes on, in the plainest NumPy or awkward, to what darkclr hands over: flat
(pt, eta, phi) of the particles without padding and, where jets are the sums of their constituents,
their kinematics; it checks and sorts nothing. ``darkclr`` is `iterate_jets` with all its checks;
the clustering of events is timed apart and subtracted.

CPU seconds of the process, medians over turns; the three take turns, and a ratio is the median of
those of the turns, since other programs slow down neighbours in time alike. Before that, what was
read is compared with what was written.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pyarrow.parquet as pq
import uproot
from reader_files import (
    SLOTS,
    make_jets,
    write_aspen,
    write_delphes,
    write_fixed_size,
    write_jetclass,
    write_jetclass_parquet,
    write_jetnet,
    write_lhco,
    write_nanoaod,
    write_pfnano,
    write_top_tagging,
)

from darkclr.io import iterate_jets, raw_jets, write_jets
from darkclr.jets import Jets

BATCH = 10_000
EVENT_BATCH = BATCH // 5  # events that darkclr reads at a time
TURNS = 15


# --- plain reading: generators of batches --------------------------------------------------------

Batches = Iterator[Any]


def read_parquet(path: Path) -> Batches:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(BATCH)


def read_hdf5(*names: str, batch: int = BATCH) -> Callable[[Path], Batches]:
    def read(path: Path) -> Batches:
        with h5py.File(path) as file:
            for start in range(0, len(file[names[0]]), batch):
                yield [file[name][start : start + batch] for name in names]

    return read


def read_aspen(path: Path) -> Batches:
    with h5py.File(path) as file:
        for start in range(0, len(file["PFCands"]), BATCH):
            rows = slice(start, start + BATCH)
            candidates = file["PFCands"]
            yield candidates[rows, :, :4], candidates[rows, :, 10], file["jet_kinematics"][rows]


def read_root(tree: str, names: str, batch: int = BATCH) -> Callable[[Path], Batches]:
    def read(path: Path) -> Batches:
        with uproot.open(path) as file:
            yield from file[tree].iterate(filter_name=names, step_size=batch)

    return read


# --- plain conversion of a batch -----------------------------------------------------------------


def convert_parquet(rows: Any) -> Any:
    lists = [rows.column(f"constituent_{x}") for x in ("pt", "eta", "phi")]
    return [x.flatten().to_numpy() for x in lists]


def convert_fixed_size(rows: Any) -> Any:
    pt, eta, phi = (x.to_numpy() for x in (y.flatten() for y in rows.columns))
    return pt[pt > 0], eta[pt > 0], phi[pt > 0]


def angles(px: Any, py: Any, pz: Any) -> Any:
    pt = np.hypot(px, py)
    return pt, np.arcsinh(pz / pt), np.arctan2(py, px)


def convert_four(four: np.ndarray) -> Any:
    """Padded (n, slots, 4): E, px, py, pz."""
    energy, px, py, pz = four[four[..., 0] > 0].T
    sums = four.sum(axis=1, dtype=np.float64).T
    mass = np.sqrt(np.maximum(sums[0] ** 2 - (sums[1:] ** 2).sum(axis=0), 0))
    return angles(px, py, pz), angles(*sums[1:]), mass, energy


def convert_top_tagging(batch: Any) -> Any:
    values = batch[0]["values_block_0"][:, : 4 * SLOTS]
    return convert_four(values.reshape(len(values), SLOTS, 4))


def convert_aspen(batch: Any) -> Any:
    candidates, puppi, _ = batch
    return convert_four((candidates * puppi[..., None])[..., [3, 0, 1, 2]])


def convert_lhco(batch: Any) -> Any:
    values = batch[0][:, :2100].reshape(-1, 700, 3)
    return values[values[..., 0] > 0].astype(np.float32).T


def convert_jetnet(batch: Any) -> Any:
    particles, jet = batch
    mask = particles[..., 3] > 0
    eta, phi, pt, _ = particles[mask].T
    jet = np.repeat(jet, mask.sum(axis=1), axis=0)
    return pt * jet[:, 0], eta + jet[:, 1], phi


def convert_jetclass(batch: Any) -> Any:
    names = ("part_energy", "part_px", "part_py", "part_pz")
    energy, *p = (ak.to_numpy(ak.flatten(batch[name])) for name in names)
    sums = [ak.to_numpy(ak.sum(batch[name], axis=1)).astype(float) for name in names]
    mass = np.sqrt(np.maximum(sums[0] ** 2 - sum(x**2 for x in sums[1:]), 0))
    return angles(*p), angles(*sums[1:]), mass, energy


def convert_jetclass_parquet(rows: Any) -> Any:
    return convert_jetclass({name: ak.from_arrow(rows.column(name)) for name in rows.schema.names})


def convert_delphes(batch: Any) -> Any:
    parts = {"EFlowTrack": "PT", "EFlowPhoton": "ET", "EFlowNeutralHadron": "ET"}
    columns = [[batch[f"{n}.{x}"] for n, x in parts.items()]]
    columns += [[batch[f"{n}.{x}"] for n in parts] for x in ("Eta", "Phi")]
    return [ak.to_numpy(ak.flatten(ak.concatenate(x, axis=1))) for x in columns]


def convert_pfnano(batch: Any) -> Any:
    """Of files with one jet an event, which spares the plain way the search for the jet."""
    index = batch["FatJetPFCands_pFCandsIdx"]
    chosen = {x: batch[f"PFCands_{x}"][index] for x in ("pt", "eta", "phi", "puppiWeight")}
    pt, eta, phi, weight = (ak.to_numpy(ak.flatten(x)) for x in chosen.values())
    return pt * weight, eta, phi


def convert_nanoaod(batch: Any) -> Any:
    index = batch["FatJetPFCand_pfCandIdx"]
    return [ak.to_numpy(ak.flatten(batch[f"PFCand_{x}"][index])) for x in ("pt", "eta", "phi")]


# --- comparison ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    layout: str
    name: str
    write: Callable[[Jets, Path], None]
    read: Callable[[Path], Batches]
    convert: Callable[[Any], Any]


_TABLE = (read_hdf5("table/table"), convert_top_tagging)
_NANOAOD = (
    read_root(
        "Events",
        "/event|FatJet_(pt|eta|phi|mass)|PFCand_(pt|eta|phi)|FatJetPFCand_.*Idx/",
        EVENT_BATCH,
    ),
    convert_nanoaod,
)
CASES = {
    "Parquet": Case("darkclr", "a.parquet", write_jets, read_parquet, convert_parquet),
    "top tagging, zlib": Case(
        "top_tagging", "zlib.h5", lambda j, p: write_top_tagging(j, p, complevel=1), *_TABLE
    ),
    "top tagging, blosc": Case(
        "top_tagging",
        "blosc.h5",
        lambda j, p: write_top_tagging(j, p, complevel=5, complib="blosc"),
        *_TABLE,
    ),
    "top tagging, uncompressed": Case("top_tagging", "raw.h5", write_top_tagging, *_TABLE),
    "LHC Olympics, zlib": Case(
        "lhco",
        "lhco.h5",
        write_lhco,
        read_hdf5("df/block0_values", batch=EVENT_BATCH),
        convert_lhco,
    ),
    "Aspen Open Jets, gzip": Case(
        "aspen_open_jets", "aspen.h5", write_aspen, read_aspen, convert_aspen
    ),
    "JetNet, uncompressed": Case(
        "jetnet",
        "jetnet.h5",
        write_jetnet,
        read_hdf5("particle_features", "jet_features"),
        convert_jetnet,
    ),
    "Delphes": Case(
        "delphes",
        "delphes.root",
        write_delphes,
        read_root("Delphes", r"/EFlow\w+\.(PT|ET|Eta|Phi|Mass)/", EVENT_BATCH),
        convert_delphes,
    ),
    "JetClass": Case(
        "jetclass",
        "jetclass.root",
        write_jetclass,
        read_root("tree", "/part_(energy|p[xyz])|label_.*/"),
        convert_jetclass,
    ),
    "PFNano": Case(
        "pfnano",
        "pfnano.root",
        write_pfnano,
        read_root(
            "Events",
            "/event|FatJet_(pt|eta|phi|mass)|PFCands_(pt|eta|phi|puppiWeight)|FatJetPFCands_.*Idx/",
            EVENT_BATCH,
        ),
        convert_pfnano,
    ),
    "NanoAOD v15": Case("pfnano", "nano.root", write_nanoaod, *_NANOAOD),
    "NanoAOD v15, RNTuple": Case(
        "pfnano", "rntuple.root", lambda j, p: write_nanoaod(j, p, rntuple=True), *_NANOAOD
    ),
    "JetClass in Parquet": Case(
        "jetclass",
        "jetclass.parquet",
        write_jetclass_parquet,
        read_parquet,
        convert_jetclass_parquet,
    ),
    "fixed-size lists": Case(
        "darkclr", "fixed.parquet", write_fixed_size, read_parquet, convert_fixed_size
    ),
}


@contextmanager
def clustering_watched(seen: list | None = None) -> Iterator[list[float]]:
    """CPU seconds of the calls of FastJet, one entry each.

    pt, eta and phi of the particles that it clusters are appended to ``seen``.
    """
    original, times = raw_jets.anti_kt, []

    def anti_kt(offsets: Any, *particles: Any, **options: Any) -> Any:
        if seen is not None:
            seen.append(particles[:3])
        start = time.process_time()
        try:
            return original(offsets, *particles, **options)
        finally:
            times.append(time.process_time() - start)

    raw_jets.anti_kt = anti_kt
    try:
        yield times
    finally:
        raw_jets.anti_kt = original


def check(jets: Jets, path: Path, layout: str) -> None:
    """The particles that are read are those that were written."""
    seen: list = []
    with clustering_watched(seen):
        again = Jets.concatenate(list(iterate_jets(path, layout=layout, batch_size=BATCH)))
    c = jets.constituents
    expected = [c.pt, c.eta, c.phi]
    if seen:
        found = [np.concatenate(column) for column in zip(*seen, strict=True)]
        arrays = [np.array(x, np.float64) for x in (expected, found)]
        expected, found = ([*x[:, np.lexsort(x)]] for x in arrays)
    else:
        assert again.n_constituents.tolist() == jets.n_constituents.tolist()
        c = again.constituents
        found = [c.pt, c.eta, c.phi]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def measure(case: Case, path: Path) -> np.ndarray:
    """CPU seconds of plain reading, of that with conversion, and of darkclr; (turns, 3)."""

    def plain() -> float:
        for _ in case.read(path):
            pass
        return 0.0

    def converted() -> float:
        for batch in case.read(path):
            case.convert(batch)
        return 0.0

    def darkclr() -> float:
        with clustering_watched() as clustered:
            for _ in iterate_jets(path, layout=case.layout, batch_size=BATCH):
                pass
        return sum(clustered)

    times = []
    for _ in range(TURNS + 1):
        turn = []
        for function in (plain, converted, darkclr):
            start = time.process_time()
            apart = function()
            turn.append(time.process_time() - start - apart)
        times.append(turn)
    return np.array(times[1:])  # the first one pays for what is loaded on demand


def main(n: int, chosen: str) -> None:
    jets = make_jets(n)
    print(f"{n} jets, {len(jets.constituents.pt)} constituents\n")
    print(
        f"{'':26s} {'plain':>8s} {'converted':>10s} {'darkclr':>8s}   darkclr / plain, / converted"
    )
    for title, case in CASES.items():
        if chosen not in title:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / case.name
            case.write(jets, path)
            check(jets, path, case.layout)
            times = measure(case, path)
        plain, converted, ours = np.median(times, axis=0)
        to_plain, to_converted, _ = np.median(times[:, 2:] / times, axis=0)
        print(
            f"{title:26s} {plain:6.3f} s {converted:8.3f} s {ours:6.3f} s   {to_plain:5.2f}  "
            f"{to_converted:5.2f}   {n / ours:10.0f} jets/s",
            flush=True,
        )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, sys.argv[2] if len(sys.argv) > 2 else ""
    )
