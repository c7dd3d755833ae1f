"""The layout of the top-tagging reference and of the DarkCLR data: four-momenta in columns."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from darkclr.io.containers import Rows, Table
from darkclr.io.containers.zero_padding import unpadded
from darkclr.io.layouts.four_vectors import from_four_vectors
from darkclr.io.layouts.layout import Layout
from darkclr.io.options import ReadOptions
from darkclr.io.raw_jets import RawJets

__all__ = ["TopTagging"]

_FOUR = ("E", "PX", "PY", "PZ")
_MOMENTUM = re.compile(r"(?:E|PX|PY|PZ)_(\d+)", re.ASCII)
_LABEL = "is_signal_new"
_TRUTH = ("truthE", "truthPX", "truthPY", "truthPZ", "ttv")
# What darkclr.io.writers adds, so that nothing is lost on the way to HDF5 and back.
_OWN_JET = ("jet_pt", "jet_eta", "jet_phi", "jet_mass")
_OWN = ("event", "rank")


class TopTagging(Layout):
    """Jets of the DarkCLR and top-tagging layout, mostly pandas HDF5.

    One row a jet: four-momenta ``E_i PX_i PY_i PZ_i`` [GeV] of up to 200 constituents, sorted by pT
    and padded with zeros, truth four-momentum ``truthE, truthPX, truthPY, truthPZ``, ``ttv``, and
    the label ``is_signal_new``. The order of the columns differs between the two, so that they go
    by name. Files that darkclr wrote have ``jet_pt, jet_eta, jet_phi, jet_mass, weight, event,
    rank`` too.

    Source: data set card of https://zenodo.org/record/2603256 (G. Kasieczka et al.),
    https://huggingface.co/datasets/dl4phys/top_tagging; https://zenodo.org/records/12801842.
    """

    name = "top_tagging"
    title = "DarkCLR and top-tagging"
    optional = (_LABEL, *_TRUTH, "weight", *_OWN, *_OWN_JET)

    def __init__(self, table: Table, options: ReadOptions) -> None:
        super().__init__(table, options)
        self._slots = _slots(table)

    @classmethod
    def looks_for(cls) -> str:
        """By what the layout is recognised."""
        return "columns E_i, PX_i, PY_i, PZ_i"

    @classmethod
    def recognise(cls, table: Table) -> str | None:
        """The four-momenta, if there are any."""
        n = len(_slots(table))
        return f"it has the columns E_i, PX_i, PY_i, PZ_i of {n} constituents" if n else None

    @classmethod
    def missing(cls, table: Table) -> list[str]:
        """Columns of four-momenta without which the others make no list of constituents."""
        slots, there = _slots(table), set(table.columns)
        missing = [name for slot in slots for name in slot if name not in there]
        gaps = (f"E_{i}" for i in range(max(len(slots), 1)))
        return missing + [name for name in gaps if name not in there and name not in missing]

    def columns(self) -> list[str]:
        """The four-momenta and what else there is."""
        return [name for slot in self._slots for name in slot] + super().columns()

    def read(self, rows: Rows) -> RawJets:
        """Jets, one a row."""
        stored = all(name in rows for name in _OWN_JET)
        lengths, four = unpadded(rows.slots(self._slots))
        jets = from_four_vectors(
            lengths,
            *four,
            where=rows.file,
            sums=not stored,
            room=self.room,
            skip_invalid=self.options.skip_invalid,
        )
        if stored:
            jets = replace(jets, jet=[rows.numbers(name) for name in _OWN_JET])
        own: dict[str, Any] = {name: rows.numbers(name) for name in _OWN if name in rows}
        return replace(
            jets,
            label=rows.labels(_LABEL) if _LABEL in rows else None,
            weight=self.weights(rows, "weight"),
            **own,
            truth={name: rows.numbers(name) for name in _TRUTH if name in rows},
        )


def _slots(table: Table) -> tuple[tuple[str, ...], ...]:
    """The columns of each constituent of which there are any."""
    return _slots_of(tuple(table.columns))


@lru_cache(maxsize=4)
def _slots_of(columns: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    found = map(_MOMENTUM.fullmatch, columns)
    return tuple(map(_slot, sorted({int(match[1]) for match in found if match})))


def _slot(i: int) -> tuple[str, ...]:
    return tuple(f"{name}_{i}" for name in _FOUR)
