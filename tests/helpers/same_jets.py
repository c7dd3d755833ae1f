"""The same jets as columns of every layout."""

from __future__ import annotations

import numpy as np
from foreign import Columns, four_vectors, padded

__all__ = ["AXES", "COLUMNS", "JETS", "LABEL", "SLOTS"]

SLOTS = 12


def narrow_jets(n: int = 6) -> list[np.ndarray]:
    """Rows (pt, eta, phi) of jets that anti-kT finds as they are, hardest first, in float32."""
    rng = np.random.default_rng(4)
    jets = []
    for i in range(n):
        size = 2 + 2 * i
        pt = np.sort(rng.exponential(20, size) + 20)[::-1]
        eta = rng.uniform(-2, 2) + rng.normal(0, 0.05, size)
        phi = rng.uniform(-3, 3) + rng.normal(0, 0.05, size)
        jets.append(np.stack([pt, eta, phi], axis=1).astype(np.float32))
    return jets


JETS = narrow_jets()
LABEL = np.array([0, 1, 0, 1, 1, 0])
AXES = np.array([[jet[:, 0].sum(), jet[0, 1], jet[0, 2], 5] for jet in JETS], np.float32)


def lists(*names: str, columns: list[np.ndarray]) -> Columns:
    return {name: [column[:, i] for column in columns] for i, name in enumerate(names)}


def darkclr() -> Columns:
    names = ("constituent_pt", "constituent_eta", "constituent_phi")
    return lists(*names, columns=JETS) | {"label": LABEL}


def jetclass() -> Columns:
    names = ("part_energy", "part_px", "part_py", "part_pz")
    four = [four_vectors(jet.astype(float)).astype(np.float32) for jet in JETS]
    return lists(*names, columns=four) | {
        "label_QCD": (LABEL == 0).astype(np.int32),
        "label_Tbqq": (LABEL == 1).astype(np.int32),
    }


def top_tagging() -> Columns:
    values = padded([four_vectors(jet.astype(float)) for jet in JETS], SLOTS, np.float32)
    return {
        f"{name}_{i}": values[:, i, k]
        for i in range(SLOTS)
        for k, name in enumerate(("E", "PX", "PY", "PZ"))
    } | {"is_signal_new": LABEL}


def lhco() -> Columns:
    values = padded(JETS, 700, np.float64).reshape(len(JETS), -1)
    return {str(i): x for i, x in enumerate(values.T)} | {"2100": LABEL.astype(float)}


def aspen() -> Columns:
    rows = [four_vectors(jet.astype(float))[:, [1, 2, 3, 0]] for jet in JETS]
    rest = [np.c_[row, np.zeros((len(row), 6)), np.ones(len(row))] for row in rows]
    return {"PFCands": padded(rest, SLOTS, np.float32), "jet_kinematics": AXES}


def jetnet() -> Columns:
    pt, eta = AXES[:, 0], AXES[:, 1]
    rows = [
        np.stack([jet[:, 1] - e, jet[:, 2], jet[:, 0] / p, np.ones(len(jet))], axis=1)
        for jet, p, e in zip(JETS, pt, eta, strict=True)
    ]
    return {
        "particle_features": padded(rows, SLOTS, np.float32),
        "jet_features": AXES[:, [0, 1, 3]],
    }


def delphes() -> Columns:
    names = [f"ParticleFlowCandidate.{x}" for x in ("PT", "Eta", "Phi")]
    return lists(*names, columns=JETS)


def pfnano() -> Columns:
    """Two jets of an event each, whose candidates are shuffled."""
    columns: Columns = {
        f"FatJet_{name}": list(AXES[:, i].reshape(-1, 2))
        for i, name in enumerate(("pt", "eta", "phi", "mass"))
    }
    columns["event"] = np.arange(3, dtype=np.uint64)
    candidates, links = [], []
    for first in range(0, 6, 2):
        both = np.concatenate(JETS[first : first + 2])
        owner = np.repeat([0, 1], [len(jet) for jet in JETS[first : first + 2]])
        order = np.random.default_rng(first).permutation(len(both))
        candidates.append(both[order])
        links.append(np.stack([owner[order], np.arange(len(both))], axis=1).astype(np.int32))
    columns |= lists("PFCand_pt", "PFCand_eta", "PFCand_phi", columns=candidates)
    return columns | lists("FatJetPFCand_jetIdx", "FatJetPFCand_pfCandIdx", columns=links)


#: By layout.
COLUMNS = {
    "darkclr": darkclr,
    "jetclass": jetclass,
    "top_tagging": top_tagging,
    "lhco": lhco,
    "aspen_open_jets": aspen,
    "jetnet": jetnet,
    "delphes": delphes,
    "pfnano": pfnano,
}
