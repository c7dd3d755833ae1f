"""HDF5 layouts: top tagging, LHC Olympics, Aspen Open Jets, JetNet.

Read with h5py alone, in batches of rows. Data sets that other filters than those of h5py have
compressed (blosc, which pandas offers) need the package hdf5plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import (
    FourVectors,
    Particles,
    assemble,
    cluster_events,
    count,
    labels,
    to_offsets,
    unpadded,
    wrapped,
)
from darkclr.io.frames import Frame, frames
from darkclr.io.hdf5_file import find_dataset, find_frame, opened, row_ranges, same_length
from darkclr.io.options import Layout, ReadOptions
from darkclr.jets import Jets
from darkclr.kinematics import segment_ids

__all__ = ["HDF5_LAYOUTS"]

# A padded event of 700 particles takes as much memory as this many jets.
_JETS_PER_EVENT = 5

_FOUR = ("E", "PX", "PY", "PZ")
_LABEL = "is_signal_new"
_TRUTH = ("truthE", "truthPX", "truthPY", "truthPZ", "ttv")
# What darkclr.io.writers adds, so that nothing is lost on the way to HDF5 and back.
_OWN_JET = ("jet_pt", "jet_eta", "jet_phi", "jet_mass")
_OWN = ("weight", "event", "rank")


# --- top tagging ---------------------------------------------------------------------------------


def _momentum_columns(frame: Frame) -> list[int]:
    """Numbers i for which any of E_i, PX_i, PY_i, PZ_i is there."""
    found = set()
    for column in frame.columns:
        name, _, number = column.partition("_")
        if name in _FOUR and number.isdigit():
            found.add(int(number))
    return sorted(found)


def _is_top_tagging(frame: Frame) -> bool:
    return len(_momentum_columns(frame)) > 0


def _recognise_top_tagging(path: Path) -> str | None:
    with opened(path) as file:
        for frame in frames(file, path):
            if numbers := _momentum_columns(frame):
                return (
                    f"data frame {frame.name!r} has columns E_i, PX_i, PY_i, PZ_i of "
                    f"{len(numbers)} constituents"
                )
    return None


def _top_tagging(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """Jets of the DarkCLR and top-tagging layout.

    A data frame (key ``table``) with one row a jet: four-momenta ``E_i PX_i PY_i PZ_i`` [GeV] of
    up to 200 constituents, sorted by pT and padded with zeros, truth four-momentum
    ``truthE, truthPX, truthPY, truthPZ``, ``ttv``, and the label ``is_signal_new``. The order of
    the columns differs between the two, so that they go by name. Files that darkclr wrote have
    ``jet_pt, jet_eta, jet_phi, jet_mass, weight, event, rank`` too.

    Source: data set card of https://zenodo.org/record/2603256 (G. Kasieczka et al.),
    https://huggingface.co/datasets/dl4phys/top_tagging; https://zenodo.org/records/12801842.
    """
    with opened(path) as file:
        frame = find_frame(path, file, _is_top_tagging, "columns E_i, PX_i, PY_i, PZ_i")
        columns, numbers = frame.columns, _momentum_columns(frame)
        missing = [f"{f}_{i}" for i in numbers for f in _FOUR if f"{f}_{i}" not in columns]
        if missing or numbers != list(range(len(numbers))):
            gaps = [f"E_{i}" for i in range(len(numbers)) if i not in numbers]
            raise InputError(f"missing columns {(missing + gaps)[:8]}", where=path)
        places = [[columns[f"{f}_{i}"] for i in numbers] for f in _FOUR]
        for start, stop in row_ranges(frame.n_rows, batch, path):
            blocks = frame.read(start, stop)
            truth = {
                name: blocks[columns[name][0]][:, columns[name][1]]
                for name in (_LABEL, *_TRUTH, *_OWN, *_OWN_JET)
                if name in columns
            }
            signal = truth.pop(_LABEL, None)
            own = {name: truth.pop(name) for name in _OWN if name in truth}
            jet = tuple(truth.pop(name, None) for name in _OWN_JET)
            particles = _four_vectors(blocks, places).particles(path)
            if all(x is not None for x in jet):
                particles = replace(particles, jet=jet)  # type: ignore[arg-type]
            jets = assemble(
                particles,
                options=options,
                start=start,
                where=path,
                label=None if signal is None else labels(signal, path, _LABEL),
                truth=truth,
                provenance={"file": path.name, "layout": "top_tagging"},
                **own,
            )
            if jets is not None:
                yield jets


def _four_vectors(blocks: list[NDArray], places: list[list[tuple[int, int]]]) -> FourVectors:
    """Constituents of columns that lie anywhere in the blocks of a data frame."""
    if len({block for four in places for block, _ in four}) == 1:
        values = blocks[places[0][0][0]]
        positions = np.array([[column for _, column in four] for four in places])
    else:
        values = np.stack([blocks[b][:, c] for four in places for b, c in four], axis=1)
        positions = np.arange(values.shape[1]).reshape(4, -1)
    slots = positions.shape[1]
    if (positions == np.arange(4)[:, None] + 4 * np.arange(slots) + positions[0, 0]).all():
        # E_0, PX_0, PY_0, PZ_0, E_1, ... as in the reference: no copy.
        first = positions[0, 0]
        padded = values[:, first : first + 4 * slots].reshape(len(values), slots, 4)
    else:
        padded = np.empty((len(values), slots, 4), values.dtype)
        for i, columns in enumerate(positions):
            padded[..., i] = values[:, _as_slice(columns)]
    lengths, rows = unpadded(padded)
    return FourVectors(lengths, *rows.T)


def _as_slice(columns: NDArray) -> slice | NDArray:
    """A slice for evenly spaced columns, which costs no copy."""
    steps = np.diff(columns)
    if len(columns) > 1 and steps[0] > 0 and (steps == steps[0]).all():
        return slice(int(columns[0]), int(columns[-1]) + 1, int(steps[0]))
    return columns


# --- LHC Olympics --------------------------------------------------------------------------------


def _is_lhco(frame: Frame) -> bool:
    return _lhco_width(frame) in (2100, 2101)


def _lhco_width(frame: Frame) -> int:
    widths = sorted(len(names) for _, _, names in frame.blocks)
    return sum(widths) if len(widths) == 1 or (len(widths) == 2 and widths[0] == 1) else 0


def _recognise_lhco(path: Path) -> str | None:
    with opened(path) as file:
        for frame in frames(file, path):
            if _is_lhco(frame) and not _is_top_tagging(frame):
                more = " and a label" if _lhco_width(frame) == 2101 else ""
                return f"data frame {frame.name!r} has 2100 columns, 700 x (pT, eta, phi){more}"
    return None


def _lhco(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """Jets of LHC Olympics events: particles clustered with anti-kT.

    A data frame with one row an event: 700 massless particles (pT [GeV], eta, phi), one after
    the other, padded with zeros; 2100 columns, in the R&D data set one more, the label of the
    event (1 signal), which its jets get. Of another width: any multiple of three, or one more.

    Source: https://paperswithcode.com/dataset/lhc-olympics-2020,
    https://zenodo.org/record/4536377, https://arxiv.org/abs/2101.08320.
    """
    with opened(path) as file:
        fits = lambda frame: _lhco_width(frame) >= 3 and _lhco_width(frame) % 3 < 2  # noqa: E731
        frame = find_frame(
            path, file, fits, "3 n columns (pT, eta, phi of n particles), or a label more"
        )
        n_particles = _lhco_width(frame) // 3
        for start, stop in row_ranges(frame.n_rows, max(batch // _JETS_PER_EVENT, 1), path):
            *label, values = sorted(frame.read(start, stop), key=lambda block: block.shape[1])
            if values.shape[1] % 3:
                label = [values[:, -1:]]
            lengths, rows = unpadded(
                values[:, : 3 * n_particles].reshape(len(values), n_particles, 3)
            )
            pt, eta, phi = rows.astype(np.float32).T
            jets = cluster_events(
                Particles(lengths, pt, eta, wrapped(phi)),
                0.0,
                options=options,
                start=start,
                where=path,
                label=labels(label[0][:, 0], path, "the last column") if label else None,
                provenance={"file": path.name, "layout": "lhco"},
            )
            if jets is not None:
                yield jets


# --- Aspen Open Jets -----------------------------------------------------------------------------


def _recognise_aspen(path: Path) -> str | None:
    with opened(path) as file:
        if "PFCands" in file and "jet_kinematics" in file:
            return f"data sets PFCands {file['PFCands'].shape} and jet_kinematics"
    return None


def _aspen(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """Aspen Open Jets: AK8 jets of CMS open data.

    ``PFCands`` (n, 150, 11), padded with zeros: px, py, pz, E [GeV], d0, d0Err, dz, dzErr, charge,
    PDG id, PUPPI weight; ``jet_kinematics`` (n, 4): pT, eta, phi, soft-drop mass; ``event_info``
    (n, 3): run, luminosity block, event number.

    AK8 jets are clustered from candidates scaled with their PUPPI weights, while ``PFCands`` holds
    the candidates as reconstructed: they are scaled here, and those of weight 0 belong to no jet.
    pT, eta and phi of the jet are those of the file (calibrated); its mass is that of the scaled
    constituents, and the soft-drop mass is kept as truth column.

    Source: https://doi.org/10.25592/uhhfdm.16505 (described at
    https://b2find.eudat.eu/dataset/5b551e2f-b60f-553e-ab5e-b5c027e52bb9),
    https://arxiv.org/abs/2412.10504; PUPPI: https://arxiv.org/abs/1407.6013.
    """
    with opened(path) as file:
        candidates = find_dataset(path, file, "PFCands", 3, 4)
        kinematics = find_dataset(path, file, "jet_kinematics", 2, 4)
        sets = {"PFCands": candidates, "jet_kinematics": kinematics}
        if "event_info" in file:
            sets["event_info"] = find_dataset(path, file, "event_info", 2, 3)
        n = same_length(path, **sets)
        for start, stop in row_ranges(n, batch, path):
            four = candidates[start:stop, :, :4]
            if candidates.shape[2] > 10:
                four = four * candidates[start:stop, :, 10:11]
            lengths, rows = unpadded(four)
            px, py, pz, energy = rows.T
            particles = FourVectors(lengths, energy, px, py, pz).particles(path)
            pt, eta, phi, soft_drop = kinematics[start:stop, :4].T
            mass = particles.jet[3] if particles.jet is not None else np.zeros(len(pt))
            columns = {}
            if "event_info" in sets:
                columns = _events(sets["event_info"], start, stop)
            jets = assemble(
                Particles(
                    particles.lengths,
                    particles.pt,
                    particles.eta,
                    particles.phi,
                    (pt, eta, wrapped(phi), mass),
                ),
                options=options,
                start=start,
                where=path,
                truth={"softdrop_mass": soft_drop},
                provenance={"file": path.name, "layout": "aspen_open_jets"},
                **columns,
            )
            if jets is not None:
                yield jets


def _events(info: Any, start: int, stop: int) -> dict[str, NDArray]:
    """Event number and rank of jets; those of an event are neighbours, hardest first."""
    before = max(start - np.iinfo(np.int8).max, 0)  # an event may begin in the batch before
    rows = info[before:stop]
    new = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    firsts = np.flatnonzero(new)
    rank = np.arange(len(rows)) - firsts[np.cumsum(new) - 1]
    rank = np.minimum(rank, np.iinfo(np.int8).max)
    return {"event": rows[start - before :, 2], "rank": rank[start - before :]}


# --- JetNet --------------------------------------------------------------------------------------


def _recognise_jetnet(path: Path) -> str | None:
    with opened(path) as file:
        if "particle_features" in file and "jet_features" in file:
            return f"data sets particle_features {file['particle_features'].shape} and jet_features"
    return None


def _jetnet(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """JetNet jets.

    ``particle_features`` (n, 30 or 150, 4): eta_rel = eta - eta_jet, phi_rel = phi - phi_jet,
    pT_rel = pT / pT_jet, mask (0 for padding); ``jet_features`` (n, 4): pT [GeV], eta, mass [GeV],
    number of particles. The azimuth of the jet is not stored and is taken as 0.

    Source: https://zenodo.org/record/6975118; section 2 of https://arxiv.org/abs/2106.11535.
    """
    with opened(path) as file:
        features = find_dataset(path, file, "particle_features", 3, 4)
        jet_features = find_dataset(path, file, "jet_features", 2, 3)
        n = same_length(path, particle_features=features, jet_features=jet_features)
        for start, stop in row_ranges(n, batch, path):
            values = features[start:stop]
            pt, eta, mass = jet_features[start:stop, :3].astype(np.float32).T
            lengths, rows = unpadded(values[..., :4])
            eta_rel, phi_rel, pt_rel, mask = rows.astype(np.float32).T
            if not ((mask == 0) | (mask == 1)).all():
                raise InputError("the mask has values other than 0 and 1", where=path)
            keep = (mask != 0) & (pt_rel != 0)
            lengths = count(keep, lengths)
            eta_rel, phi_rel, pt_rel = (x[keep] for x in (eta_rel, phi_rel, pt_rel))
            of_jet = segment_ids(to_offsets(lengths))
            jets = assemble(
                Particles(
                    lengths,
                    pt_rel * pt[of_jet],
                    eta_rel + eta[of_jet],
                    wrapped(phi_rel),
                    (pt, eta, np.zeros(len(pt)), mass),
                ),
                options=options,
                start=start,
                where=path,
                provenance={"file": path.name, "layout": "jetnet"},
            )
            if jets is not None:
                yield jets


_SUFFIXES = (".h5", ".hdf5", ".hdf")
HDF5_LAYOUTS = (
    Layout(
        "top_tagging",
        "DarkCLR and top-tagging HDF5",
        "hdf5",
        _SUFFIXES,
        "a pandas data frame with columns E_i, PX_i, PY_i, PZ_i",
        _recognise_top_tagging,
        _top_tagging,
    ),
    Layout(
        "lhco",
        "LHC Olympics HDF5",
        "hdf5",
        _SUFFIXES,
        "a pandas data frame with 2100 or 2101 columns",
        _recognise_lhco,
        _lhco,
        holds_events=True,
    ),
    Layout(
        "aspen_open_jets",
        "Aspen Open Jets HDF5",
        "hdf5",
        _SUFFIXES,
        "data sets PFCands and jet_kinematics",
        _recognise_aspen,
        _aspen,
        numbers_events=True,
    ),
    Layout(
        "jetnet",
        "JetNet HDF5",
        "hdf5",
        _SUFFIXES,
        "data sets particle_features and jet_features",
        _recognise_jetnet,
        _jetnet,
    ),
)
