"""JetNet jets in HDF5: constituents relative to their jet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import Gathering, assemble, keep_only, single
from darkclr.io.hdf5_file import SUFFIXES, find_dataset, opened, row_ranges, same_length
from darkclr.io.options import Layout, ReadOptions
from darkclr.io.padded import BlockReader, block_rows, row_blocks, unpadded
from darkclr.jets import Jets

__all__ = ["JETNET"]


def _recognise(path: Path) -> str | None:
    with opened(path) as file:
        if "particle_features" in file and "jet_features" in file:
            return f"data sets particle_features {file['particle_features'].shape} and jet_features"
    return None


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
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
        rows, read = block_rows(features), BlockReader(features, columns=4)
        for start, stop in row_ranges(n, batch, path):
            pt, eta, mass = single(jet_features[start:stop, :3].T)
            gathered = Gathering((stop - start) * features.shape[1])
            for first, last in row_blocks(start, stop, rows):
                gathered.add(_relative(read(first, last), path, gathered.room))
            particles = gathered.particles()
            with np.errstate(over="ignore", invalid="ignore"):  # the border looks for both
                np.multiply(particles.pt, np.repeat(pt, particles.lengths), out=particles.pt)
                np.add(particles.eta, np.repeat(eta, particles.lengths), out=particles.eta)
            jets = assemble(
                replace(particles, jet=(pt, eta, np.zeros(len(pt)), mass)),
                options=options,
                start=start,
                where=path,
                provenance={"file": path.name, "layout": "jetnet"},
            )
            if jets is not None:
                yield jets


def _relative(padded: NDArray, path: Path, out: NDArray[np.float32]) -> NDArray[np.int64]:
    """Numbers of particles of jets, (n,), from their features (n, slots, 4).

    Their pT_rel, eta_rel and phi_rel are written to the first elements of ``out``, (3, n * slots).
    """
    lengths, (eta, phi, pt, mask) = unpadded(padded)
    # Masked slots are zeros in most files, and no particle is without pT.
    if not ((mask == 1).all() and pt.all()):
        if not ((mask == 1) | (mask == 0)).all():
            raise InputError("the mask has values other than 0 and 1", where=path)
        lengths, (eta, phi, pt) = keep_only((mask != 0) & (pt != 0), lengths, (eta, phi, pt))
    with np.errstate(over="ignore"):  # the border looks for infinite values
        for column, values in zip(out, (pt, eta, phi), strict=True):
            column[: len(values)] = values
    return lengths


JETNET = Layout(
    "jetnet",
    "JetNet HDF5",
    "hdf5",
    SUFFIXES,
    "data sets particle_features and jet_features",
    _recognise,
    _batches,
)
