"""Aspen Open Jets: jets of CMS open data in HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.io.assembly import FourVectors, Gathering, assemble
from darkclr.io.hdf5_file import SUFFIXES, find_dataset, opened, row_ranges, same_length
from darkclr.io.options import Layout, ReadOptions
from darkclr.io.padded import block_rows, row_blocks, unpadded
from darkclr.jets import Jets

__all__ = ["ASPEN"]


def _recognise(path: Path) -> str | None:
    with opened(path) as file:
        if "PFCands" in file and "jet_kinematics" in file:
            return f"data sets PFCands {file['PFCands'].shape} and jet_kinematics"
    return None


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
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
        rows = block_rows(candidates)
        for start, stop in row_ranges(n, batch, path):
            gathered = Gathering((stop - start) * candidates.shape[1])
            for first, last in row_blocks(start, stop, rows):
                four = candidates[first:last, :, :4]
                if candidates.shape[2] > 10:
                    four = four * candidates[first:last, :, 10:11]
                lengths, (px, py, pz, energy) = unpadded(four)
                vectors = FourVectors(lengths, energy, px, py, pz)
                part = vectors.particles(path, out=gathered.room)
                gathered.add(part.lengths, part.jet)
            particles = gathered.particles()
            assert particles.jet is not None
            pt, eta, phi, soft_drop = kinematics[start:stop, :4].T
            columns = {}
            if "event_info" in sets:
                columns = _events(sets["event_info"], start, stop)
            jets = assemble(
                replace(particles, jet=(pt, eta, phi, particles.jet[3])),
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


ASPEN = Layout(
    "aspen_open_jets",
    "Aspen Open Jets HDF5",
    "hdf5",
    SUFFIXES,
    "data sets PFCands and jet_kinematics",
    _recognise,
    _batches,
    numbers_events=True,
)
