"""Files as other communities write them: with pandas, h5py and uproot, from plain numbers.

Layouts are taken from the documentation of the data sets (addresses in each function), not from
the readers of darkclr.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

__all__ = [
    "Table",
    "four_vectors",
    "random_jets",
    "write_aspen",
    "write_columns",
    "write_delphes",
    "write_jetclass",
    "write_jetnet",
    "write_lhco",
    "write_pfnano",
    "write_top_tagging",
]

#: (pt, eta, phi) of the constituents of each jet, hardest first: rows of shape (n_i, 3).
Table = Sequence[np.ndarray]


def random_jets(n: int, seed: int = 0, longest: int = 12) -> list[np.ndarray]:
    """Jets on both sides of eta = 0 and across phi = pi, in float64."""
    rng = np.random.default_rng(seed)
    jets = []
    for i in range(n):
        size = int(rng.integers(1, longest + 1))
        pt = np.sort(rng.exponential(20, size) + 0.5)[::-1]
        eta = (-1) ** i * rng.uniform(0.5, 2) + rng.normal(0, 0.2, size)
        axis = np.pi if i % 3 == 0 else rng.uniform(-3, 3)
        phi = axis + rng.normal(0, 0.2, size)
        phi = np.arctan2(np.sin(phi), np.cos(phi))
        jets.append(np.stack([pt, eta, phi], axis=1))
    return jets


def four_vectors(jet: np.ndarray) -> np.ndarray:
    """Massless (E, px, py, pz) of rows (pt, eta, phi)."""
    pt, eta, phi = jet.T
    return np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], 1)


def padded(rows: Sequence[np.ndarray], slots: int, dtype: Any) -> np.ndarray:
    out = np.zeros((len(rows), slots, rows[0].shape[1]), dtype)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def write_top_tagging(
    path: Path,
    jets: Table,
    label: Sequence[int] | None,
    *,
    slots: int = 20,
    by_component: bool = False,
    scale: float = 1.0,
    change: Any = None,
    **hdf: Any,
) -> Path:
    """https://huggingface.co/datasets/dl4phys/top_tagging, https://zenodo.org/record/2603256.

    ``by_component``: E_0, E_1, ..., PX_0, ...; else E_0, PX_0, PY_0, PZ_0, E_1, ...
    """
    values = padded([four_vectors(jet) for jet in jets], slots, np.float32) * np.float32(scale)
    columns = {
        f"{name}_{i}": values[:, i, k]
        for i in range(slots)
        for k, name in enumerate(("E", "PX", "PY", "PZ"))
    }
    if by_component:
        columns = dict(sorted(columns.items()))
    columns["truthE"] = np.arange(len(jets), dtype=np.float32)
    columns["ttv"] = np.ones(len(jets), dtype=np.int64)
    if label is not None:
        columns["is_signal_new"] = np.asarray(label)
    frame = pd.DataFrame(columns)
    if change is not None:
        frame = change(frame)
    frame.to_hdf(path, **{"key": "table", "mode": "w", "format": "table"} | hdf)
    return path


def write_lhco(
    path: Path, events: Table, label: Sequence[float] | None, *, slots: int = 700, **hdf: Any
) -> Path:
    """https://paperswithcode.com/dataset/lhc-olympics-2020: (pT, eta, phi) x 700, label."""
    values = padded(events, slots, np.float64).reshape(len(events), 3 * slots)
    if label is not None:
        values = np.concatenate([values, np.asarray(label, dtype=float)[:, None]], axis=1)
    pd.DataFrame(values).to_hdf(path, **{"key": "df", "mode": "w", "complevel": 1} | hdf)
    return path


def write_aspen(
    path: Path,
    jets: Table,
    kinematics: np.ndarray,
    *,
    puppi: Sequence[np.ndarray],
    event: Sequence[int],
    slots: int = 30,
) -> Path:
    """https://b2find.eudat.eu/dataset/5b551e2f-b60f-553e-ab5e-b5c027e52bb9."""
    candidates = np.zeros((len(jets), slots, 11), np.float32)
    for i, (jet, weight) in enumerate(zip(jets, puppi, strict=True)):
        energy, px, py, pz = four_vectors(jet).T
        candidates[i, : len(jet), :4] = np.stack([px, py, pz, energy], axis=1)
        candidates[i, : len(jet), 4:8] = 0.01
        candidates[i, : len(jet), 8:10] = (1, 211)
        candidates[i, : len(jet), 10] = weight
    info = np.stack([np.full(len(jets), 278820), np.ones(len(jets)), event], axis=1)
    with h5py.File(path, "w") as file:
        options = {"chunks": True, "compression": "gzip"}
        file.create_dataset("event_info", data=info.astype(np.int64))
        file.create_dataset("jet_kinematics", data=np.float32(kinematics), **options)
        file.create_dataset("PFCands", data=candidates, **options)
    return path


def write_jetnet(path: Path, relative: Table, features: np.ndarray, *, slots: int = 30) -> Path:
    """https://zenodo.org/record/6975118: rows (eta_rel, phi_rel, pt_rel); (pt, eta, mass, n)."""
    values = padded([np.c_[row, np.ones(len(row))] for row in relative], slots, np.float32)
    with h5py.File(path, "w") as file:
        file.create_dataset("particle_features", data=values)
        file.create_dataset("jet_features", data=np.float32(features))
    return path


def write_jetclass(path: Path, jets: Table, classes: Sequence[str], **change: Any) -> Path:
    """dataloader.py of https://github.com/jet-universe/particle_transformer."""
    four = [np.float32(four_vectors(jet)) for jet in jets]
    total = np.array([four_vectors(jet).sum(axis=0) for jet in jets])
    pt = np.hypot(total[:, 1], total[:, 2])
    branches: dict[str, Any] = {
        f"part_{name}": ak.Array([list(f[:, k]) for f in four])
        for k, name in enumerate(("energy", "px", "py", "pz"))
    }
    branches |= {
        "jet_pt": np.float32(pt),
        "jet_eta": np.float32(np.arcsinh(total[:, 3] / pt)),
        "jet_phi": np.float32(np.arctan2(total[:, 2], total[:, 1])),
        "jet_energy": np.float32(total[:, 0]),
    }
    for name in ("QCD", "Hbb", "Tbqq"):
        branches[f"label_{name}"] = np.array([name == c for c in classes], dtype=np.int32)
    return _write_tree(path, "tree", branches | change)


def write_delphes(path: Path, collections: dict[str, dict[str, list[list[float]]]]) -> Path:
    """https://github.com/delphes/delphes/blob/master/classes/DelphesClasses.h."""
    branches = {
        f"{name}.{field}": ak.values_astype(ak.Array(values), np.float32)
        for name, fields in collections.items()
        for field, values in fields.items()
    }
    return _write_tree(path, "Delphes", branches)


def write_pfnano(path: Path, events: list[dict[str, Any]], **change: Any) -> Path:
    """nanoAOD_2016data.html of https://github.com/cms-opendata-analyses/PFNanoProducerTool.

    Each event: "jets" rows (pt, eta, phi, mass), "candidates" rows (pt, eta, phi, puppiWeight),
    "pairs" rows (jetIdx, pFCandsIdx), "event" number.
    """

    def collection(key: str, fields: Sequence[str], dtype: Any) -> ak.Array:
        columns = {
            field: ak.values_astype(
                ak.Array([[row[k] for row in event[key]] for event in events]), dtype
            )
            for k, field in enumerate(fields)
        }
        return ak.zip(columns)

    branches = {
        "event": np.array([event["event"] for event in events], dtype=np.uint64),
        "FatJet": collection("jets", ("pt", "eta", "phi", "mass"), np.float32),
        "PFCands": collection("candidates", ("pt", "eta", "phi", "puppiWeight"), np.float32),
        "FatJetPFCands": collection("pairs", ("jetIdx", "pFCandsIdx"), np.int32),
    }
    return _write_tree(path, "Events", branches | change)


def _write_tree(path: Path, name: str, branches: dict[str, Any]) -> Path:
    branches = {key: value for key, value in branches.items() if value is not None}
    with uproot.recreate(path) as file:
        # Assigning would write an RNTuple, which these data sets are older than.
        types = {k: getattr(v, "dtype", None) or ak.type(v).content for k, v in branches.items()}
        file.mktree(name, types).extend(branches)
    return path


#: Columns by name: lists of arrays for ragged ones, arrays else.
Columns = dict[str, Any]


def write_columns(path: Path, columns: Columns) -> Path:
    """The same columns in the container that the name says; ``.rntuple.root`` is an RNTuple."""
    path.parent.mkdir(exist_ok=True)
    write = {".parquet": _parquet, ".h5": _hdf5, ".root": _root, ".npz": _numpy}[path.suffix]
    write(path, columns)
    return path


def _parquet(path: Path, columns: Columns) -> None:
    lists = {k: [*map(np.ndarray.tolist, v)] for k, v in columns.items() if not _is_flat(v)}
    pq.write_table(pa.table(columns | lists), path)


def _root(path: Path, columns: Columns) -> None:
    arrays = {k: v if isinstance(v, np.ndarray) else ak.Array(v) for k, v in columns.items()}
    with uproot.recreate(path) as file:
        if ".rntuple" in path.name:
            file["events"] = arrays
        else:
            types = {
                k: np.dtype((v.dtype, v.shape[1:]))
                if isinstance(v, np.ndarray)
                else ak.type(v).content
                for k, v in arrays.items()
            }
            file.mktree("events", types).extend(arrays)


def _numpy(path: Path, columns: Columns) -> None:
    """Columns that are arrays; those of varying length have no place in an archive of NumPy."""
    np.savez(path, **columns)  # type: ignore[arg-type]


def _hdf5(path: Path, columns: Columns) -> None:
    """Ragged columns are data sets of variable length; columns of numbers a data frame."""
    if all(map(_is_flat, columns.values())):
        pd.DataFrame(columns).to_hdf(path, key="jets", mode="w", format="fixed")
        return
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            if isinstance(values, np.ndarray):
                file[name] = values
                continue
            column = file.create_dataset(name, len(values), h5py.vlen_dtype(values[0].dtype))
            for i, row in enumerate(values):
                column[i] = row


def _is_array(column: Any) -> bool:
    return isinstance(column, np.ndarray)


def _is_flat(column: Any) -> bool:
    return _is_array(column) and column.ndim == 1
