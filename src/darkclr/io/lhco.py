"""LHC Olympics events, pandas HDF5: particles that are clustered into jets here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from darkclr.io.assembly import Gathering, labels
from darkclr.io.events import cluster_events
from darkclr.io.frames import Frame, frames
from darkclr.io.hdf5_file import SUFFIXES, find_frame, opened, row_ranges
from darkclr.io.options import JETS_PER_EVENT, Layout, ReadOptions
from darkclr.io.padded import block_rows, row_blocks, unpadded
from darkclr.io.top_tagging import is_top_tagging
from darkclr.jets import Jets

__all__ = ["LHCO"]


def _width(frame: Frame) -> int:
    """Number of columns of one block, or of one block and a label beside it; else 0."""
    widths = sorted(len(names) for _, _, names in frame.blocks)
    return sum(widths) if len(widths) == 1 or (len(widths) == 2 and widths[0] == 1) else 0


def _recognise(path: Path) -> str | None:
    with opened(path) as file:
        for frame in frames(file, path):
            if _width(frame) in (2100, 2101) and not is_top_tagging(frame):
                more = " and a label" if _width(frame) == 2101 else ""
                return f"data frame {frame.name!r} has 2100 columns, 700 x (pT, eta, phi){more}"
    return None


def _fits(frame: Frame) -> bool:
    return _width(frame) >= 3 and _width(frame) % 3 < 2


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """Jets of LHC Olympics events: particles clustered with anti-kT.

    A data frame with one row an event: 700 massless particles (pT [GeV], eta, phi), one after
    the other, padded with zeros; 2100 columns, in the R&D data set one more, the label of the
    event (1 signal), which its jets get. Of another width: any multiple of three, or one more.

    Source: https://paperswithcode.com/dataset/lhc-olympics-2020,
    https://zenodo.org/record/4536377, https://arxiv.org/abs/2101.08320.
    """
    with opened(path) as file:
        frame = find_frame(
            path, file, _fits, "3 n columns (pT, eta, phi of n particles), or a label more"
        )
        n_particles = _width(frame) // 3
        size = block_rows(*frame.datasets)
        for start, stop in row_ranges(frame.n_rows, max(batch // JETS_PER_EVENT, 1), path):
            gathered, label = Gathering((stop - start) * n_particles), []
            for first, last in row_blocks(start, stop, size):
                *beside, values = sorted(frame.read(first, last), key=lambda block: block.shape[1])
                padded = values[:, : 3 * n_particles].reshape(len(values), n_particles, 3)
                lengths, rows = unpadded(padded)
                with np.errstate(over="ignore"):  # infinite values are refused later
                    gathered.room[:, : rows.shape[1]] = rows
                gathered.add(lengths)
                if beside or values.shape[1] % 3:
                    label.append((beside[0] if beside else values)[:, -1].copy())
            jets = cluster_events(
                gathered.particles(),
                0.0,
                options=options,
                start=start,
                where=path,
                label=labels(np.concatenate(label), path, "the last column") if label else None,
                provenance={"file": path.name, "layout": "lhco"},
            )
            if jets is not None:
                yield jets


LHCO = Layout(
    "lhco",
    "LHC Olympics HDF5",
    "hdf5",
    SUFFIXES,
    "a pandas data frame with 2100 or 2101 columns",
    _recognise,
    _batches,
    holds_events=True,
)
