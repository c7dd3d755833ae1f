"""LHC Olympics events: particles side by side in columns, which are clustered into jets here."""

from __future__ import annotations

import numpy as np

from darkclr.io.containers import Rows, Table
from darkclr.io.containers.zero_padding import unpadded
from darkclr.io.layouts.layout import Layout
from darkclr.io.layouts.top_tagging import TopTagging
from darkclr.io.options import ReadOptions
from darkclr.io.raw_jets import RawJets

__all__ = ["LHCOlympics"]

_PARTICLES = 700


class LHCOlympics(Layout):
    """Jets of LHC Olympics events: particles clustered with anti-kT.

    One row an event: 700 massless particles (pT [GeV], eta, phi), one after the other, padded with
    zeros; 2100 columns, in the R&D data set one more, the label of the event (1 signal), which its
    jets get; or one array of that width, whatever it is called, or of shape (events, 700, 3). Of
    another width: any multiple of three, or one more.

    Source: https://paperswithcode.com/dataset/lhc-olympics-2020,
    https://zenodo.org/record/4536377, https://arxiv.org/abs/2101.08320.
    """

    name = "lhco"
    title = "LHC Olympics"
    holds_events = True
    jets_per_row = 5

    def __init__(self, table: Table, options: ReadOptions) -> None:
        super().__init__(table, options)
        columns = _columns(table)
        n = len(columns) // 3
        self._slots = tuple(columns[3 * i : 3 * i + 3] for i in range(n))
        self._label = columns[3 * n :]

    @classmethod
    def looks_for(cls) -> str:
        """By what the layout is recognised."""
        return f"{3 * _PARTICLES} or {3 * _PARTICLES + 1} columns of numbers"

    @classmethod
    def recognise(cls, table: Table) -> str | None:
        """The number of columns."""
        n = len(_columns(table))
        if n not in (3 * _PARTICLES, 3 * _PARTICLES + 1) or TopTagging.recognise(table):
            return None
        label = " and a label" if n % 3 else ""
        return f"it has {3 * _PARTICLES} columns, {_PARTICLES} x (pT, eta, phi){label}"

    @classmethod
    def missing(cls, table: Table) -> list[str]:
        """Nothing, if the number of columns is right."""
        n = len(_columns(table))
        return [] if n >= 3 and n % 3 < 2 else ["(pT, eta, phi) of n particles, or a label more"]

    def columns(self) -> list[str]:
        """All of them."""
        return [*(name for slot in self._slots for name in slot), *self._label]

    def read(self, rows: Rows) -> RawJets:
        """Events, one a row."""
        lengths, particles = unpadded(rows.slots(self._slots))
        out = self.room(particles.shape[1])
        with np.errstate(over="ignore"):  # infinite values are refused later
            out[:] = particles
        label = rows.labels(self._label[0]) if self._label else None
        return RawJets(lengths, out[0], out[1], out[2], label=label)


def _columns(table: Table) -> list[str]:
    """Names of the columns, in the order of their numbers where numbers are their names."""
    columns = [name for name in table.columns if not name.startswith("__index_level")]
    return sorted(columns, key=int) if all(map(str.isdecimal, columns)) else columns
