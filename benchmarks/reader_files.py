"""Files of toy jets in every layout, as other programs write them, for `readers.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from darkclr.jets import Jets

SLOTS = 200


def make_jets(n: int) -> Jets:
    """Jets with 10 to 70 constituents around phi = 0, which JetNet does not store."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 70, n)
    total = lengths.sum()
    return Jets.from_constituents(
        np.concatenate([[0], np.cumsum(lengths)]),
        rng.exponential(6, total) + 0.3,
        np.repeat(rng.uniform(-2, 2, n), lengths) + rng.normal(0, 0.2, total),
        rng.normal(0, 0.2, total),
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


def write_lhco(jets: Jets, path: Path) -> None:
    """An event is a jet: what clustering makes of it does not matter here."""
    c = jets.constituents
    values = padded(jets, np.stack([c.pt, c.eta, c.phi], axis=1), 700).reshape(len(jets), -1)
    values = np.concatenate([values, jets.label[:, None]], axis=1).astype(np.float64)
    pd.DataFrame(values).to_hdf(path, key="df", mode="w", complevel=1)


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


def write_tree(path: Path, name: str, branches: dict[str, Any]) -> None:
    types = {k: getattr(v, "dtype", None) or ak.type(v).content for k, v in branches.items()}
    with uproot.recreate(path) as file:
        file.mktree(name, types).extend(branches)


def write_jetclass(jets: Jets, path: Path) -> None:
    write_tree(path, "tree", jetclass_columns(jets))


def write_jetclass_parquet(jets: Jets, path: Path) -> None:
    offsets = pa.array(jets.constituents.offsets.astype(np.int32))
    columns: dict[str, Any] = {
        name: pa.ListArray.from_arrays(offsets, pa.array(ak.to_numpy(ak.flatten(x))))
        if x.ndim == 2
        else x
        for name, x in jetclass_columns(jets).items()
    }
    pq.write_table(pa.table(columns), path)


def write_fixed_size(jets: Jets, path: Path) -> None:
    """Constituents in lists of one length, padded with zeros."""
    c = jets.constituents
    columns: dict[str, Any] = {}
    for name in ("pt", "eta", "phi"):
        flat = padded(jets, getattr(c, name)[:, None], SLOTS).ravel()
        columns[f"constituent_{name}"] = pa.FixedSizeListArray.from_arrays(pa.array(flat), SLOTS)
    pq.write_table(pa.table(columns), path)


def jetclass_columns(jets: Jets) -> dict[str, Any]:
    names = ("part_energy", "part_px", "part_py", "part_pz")
    branches: dict[str, Any] = {
        name: ak.unflatten(column, jets.n_constituents)
        for name, column in zip(names, four_vectors(jets).T, strict=True)
    }
    branches["label_QCD"] = (jets.label == 0).astype(np.int32)
    branches["label_Tbqq"] = (jets.label == 1).astype(np.int32)
    return branches


def write_delphes(jets: Jets, path: Path) -> None:
    """Three of five constituents are tracks, one a photon, one a hadron; a jet an event."""
    c = jets.constituents
    kind = np.arange(len(c.pt)) % 5
    branches: dict[str, Any] = {}
    for name, momentum, mask in (
        ("EFlowTrack", "PT", kind > 1),
        ("EFlowPhoton", "ET", kind == 0),
        ("EFlowNeutralHadron", "ET", kind == 1),
    ):
        part = c.keep(mask)
        fields = {momentum: part.pt, "Eta": part.eta, "Phi": part.phi}
        if name == "EFlowTrack":
            fields["Mass"] = np.zeros_like(part.pt)
        for field, values in fields.items():
            branches[f"{name}.{field}"] = ak.unflatten(values, part.lengths)
    write_tree(path, "Delphes", branches)


def write_pfnano(jets: Jets, path: Path) -> None:
    write_tree(path, "Events", pfnano_branches(jets))


def write_nanoaod(jets: Jets, path: Path, *, rntuple: bool = False) -> None:
    """NanoAOD v15, whose candidates are scaled already."""
    old = pfnano_branches(jets)
    links = old["FatJetPFCands"]
    branches = {
        "event": old["event"],
        "FatJet": old["FatJet"],
        "PFCand": old["PFCands"][["pt", "eta", "phi"]],
        "FatJetPFCand": ak.zip({"jetIdx": links.jetIdx, "pfCandIdx": links.pFCandsIdx}),
    }
    if not rntuple:
        write_tree(path, "Events", branches)
        return
    columns = {"event": branches.pop("event")}
    for record, values in branches.items():
        columns |= {f"{record}_{field}": values[field] for field in ak.fields(values)}
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", columns)


def pfnano_branches(jets: Jets) -> dict[str, Any]:
    """A jet an event, and as many candidates outside of it."""
    c = jets.constituents
    twice = 2 * c.lengths
    own = ak.local_index(ak.unflatten(np.zeros(twice.sum()), twice)) % 2 == 0
    flat = ak.to_numpy(ak.flatten(own))
    candidates = {}
    for name in ("pt", "eta", "phi"):
        values = np.ones(len(flat), np.float32)
        values[flat] = getattr(c, name)
        candidates[name] = ak.unflatten(values, twice)
    candidates["puppiWeight"] = ak.ones_like(candidates["pt"])
    index = ak.values_astype(ak.local_index(own)[own], np.int32)
    one = np.ones(len(jets), np.int64)
    fat = {x: ak.unflatten(getattr(jets, x), one) for x in ("pt", "eta", "phi", "mass")}
    return {
        "event": np.arange(len(jets), dtype=np.uint64),
        "FatJet": ak.zip(fat),
        "PFCands": ak.zip(candidates),
        "FatJetPFCands": ak.zip({"jetIdx": ak.zeros_like(index), "pFCandsIdx": index}),
    }
