"""The layout of the top-tagging reference and of the DarkCLR data: pandas HDF5.

Read with h5py alone, in batches of rows. Data sets that other filters than those of h5py have
compressed (blosc, which pandas offers) need the package hdf5plugin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import FourVectors, Gathering, assemble, labels
from darkclr.io.frames import Frame, frames
from darkclr.io.hdf5_file import SUFFIXES, find_frame, opened, row_ranges
from darkclr.io.options import Layout, ReadOptions
from darkclr.io.padded import block_rows, row_blocks, unpadded
from darkclr.jets import Jets

__all__ = ["TOP_TAGGING", "is_top_tagging"]

_FOUR = ("E", "PX", "PY", "PZ")
_MOMENTUM = re.compile(r"(?:E|PX|PY|PZ)_(\d+)", re.ASCII)
_LABEL = "is_signal_new"
_TRUTH = ("truthE", "truthPX", "truthPY", "truthPZ", "ttv")
# What darkclr.io.writers adds, so that nothing is lost on the way to HDF5 and back.
_OWN_JET = ("jet_pt", "jet_eta", "jet_phi", "jet_mass")
_OWN = ("weight", "event", "rank")


def is_top_tagging(frame: Frame) -> bool:
    """Whether any of E_i, PX_i, PY_i, PZ_i is there, so that missing ones can be named."""
    return any(map(_MOMENTUM.fullmatch, frame.columns))


def _momentum_columns(frame: Frame) -> list[int]:
    """Numbers i for which any of E_i, PX_i, PY_i, PZ_i is there."""
    found = (_MOMENTUM.fullmatch(column) for column in frame.columns)
    return sorted({int(match[1]) for match in found if match})


def _recognise(path: Path) -> str | None:
    with opened(path) as file:
        for frame in frames(file, path):
            if numbers := _momentum_columns(frame):
                return (
                    f"data frame {frame.name!r} has columns E_i, PX_i, PY_i, PZ_i of "
                    f"{len(numbers)} constituents"
                )
    return None


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
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
        frame = find_frame(path, file, is_top_tagging, "columns E_i, PX_i, PY_i, PZ_i")
        columns, numbers = frame.columns, _momentum_columns(frame)
        missing = [f"{f}_{i}" for i in numbers for f in _FOUR if f"{f}_{i}" not in columns]
        if missing or numbers != list(range(len(numbers))):
            gaps = [f"E_{i}" for i in range(len(numbers)) if i not in numbers]
            raise InputError(f"missing columns {(missing + gaps)[:8]}", where=path)
        slots = _Slots([[columns[f"{f}_{i}"] for i in numbers] for f in _FOUR])
        names = [name for name in (_LABEL, *_TRUTH, *_OWN, *_OWN_JET) if name in columns]
        stored = all(name in names for name in _OWN_JET)
        rows = block_rows(*frame.datasets)
        for start, stop in row_ranges(frame.n_rows, batch, path):
            gathered, others = Gathering((stop - start) * len(numbers)), []
            for first, last in row_blocks(start, stop, rows):
                blocks = frame.read(first, last)
                lengths, four = unpadded(slots.padded(blocks))
                part = FourVectors(lengths, *four).particles(
                    path, sums=not stored, out=gathered.room
                )
                gathered.add(part.lengths, part.jet)
                others.append([blocks[columns[n][0]][:, columns[n][1]].copy() for n in names])
            truth = {
                name: np.concatenate(column)
                for name, column in zip(names, zip(*others, strict=True), strict=True)
            }
            signal = truth.pop(_LABEL, None)
            own = {name: truth.pop(name) for name in _OWN if name in truth}
            jet = tuple(truth.pop(name, None) for name in _OWN_JET)
            particles = gathered.particles()
            if stored:
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


class _Slots:
    """Where the four-momenta are in the blocks of a data frame.

    Args:
        places: (block, column) of each slot for each of E, px, py, pz.
    """

    def __init__(self, places: list[list[tuple[int, int]]]) -> None:
        self._places = places
        self._n = len(places[0])
        columns = np.array([[column for _, column in four] for four in places])
        one_block = len({block for four in places for block, _ in four}) == 1
        # E_0, PX_0, PY_0, PZ_0, E_1, ... as in the reference: no copy.
        in_order = np.arange(4)[:, None] + 4 * np.arange(self._n) + columns[0, 0]
        self._in_order = one_block and bool((columns == in_order).all())
        # E_0, E_1, ..., PX_0, ...: four slices.
        steps = np.diff(columns, axis=1)
        self._slices = (
            one_block and self._n > 1 and steps[0, 0] > 0 and (steps == steps[0, 0]).all()
        )

    def padded(self, blocks: list[NDArray]) -> NDArray:
        """(rows, slots, 4): E, px, py, pz."""
        values = blocks[self._places[0][0][0]]
        if self._in_order:
            first = self._places[0][0][1]
            return values[:, first : first + 4 * self._n].reshape(len(values), self._n, 4)
        out = np.empty((len(values), self._n, 4), values.dtype)
        for i, places in enumerate(self._places):
            if self._slices:
                (_, first), (_, second), (_, last) = places[0], places[1], places[-1]
                out[..., i] = values[:, first : last + 1 : second - first]
            else:
                for slot, (block, column) in enumerate(places):
                    out[:, slot, i] = blocks[block][:, column]
        return out


TOP_TAGGING = Layout(
    "top_tagging",
    "DarkCLR and top-tagging HDF5",
    "hdf5",
    SUFFIXES,
    "a pandas data frame with columns E_i, PX_i, PY_i, PZ_i",
    _recognise,
    _batches,
)
