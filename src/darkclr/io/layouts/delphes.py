"""Delphes files: energy-flow objects of events, clustered into jets here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.containers import Rows, Table
from darkclr.io.layouts.kinds import kind, kinds_of_pdg
from darkclr.io.layouts.layout import Layout
from darkclr.io.options import ReadOptions
from darkclr.io.raw_jets import RawJets
from darkclr.ragged import ragged_arange, segment_ids, to_offsets

__all__ = ["Delphes"]

_log = logging.getLogger(__name__)

# Objects that are read, the first of which all are there; before Delphes 3.2 towers were one.
_OBJECTS = (
    ("ParticleFlowCandidate",),
    ("EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron"),
    ("EFlowTrack", "EFlowTower"),
)
_KINDS = {
    "EFlowTrack": "charged hadron",
    "EFlowPhoton": "photon",
    "EFlowNeutralHadron": "neutral hadron",
}
# The first that is there.
_WEIGHTS = ("Event.Weight", "Weight.Weight")
# Numbers of the weights of Les Houches files, which are all that Delphes keeps of their names.
_WEIGHT_NUMBERS = ("WeightLHEF", "Weight")


class Delphes(Layout):
    """Jets of Delphes events: energy-flow objects clustered with anti-kT.

    ``ParticleFlowCandidate.{PT, Eta, Phi, Mass}`` where a card writes it, else
    ``EFlowTrack.{PT, Eta, Phi, Mass}``, ``EFlowPhoton.{ET, Eta, Phi}``,
    ``EFlowNeutralHadron.{ET, Eta, Phi}``; towers are massless, so that ET is their pT [GeV].
    Tracks without ``Mass`` (before Delphes 3.5) are taken as massless. The jets that Delphes made
    itself are not read: their constituents are references to objects. Jets get the weight of
    their event, ``Event.Weight``, or the first of ``Weight.Weight``: Delphes calls the first weight
    of the generator nominal, and does not keep the names of the weights. Of those of Les Houches
    files it keeps the numbers, ``WeightLHEF.ID``, by which the option ``weight`` finds them.

    Source: classes ``Track``, ``Tower``, ``ParticleFlowCandidate``, ``HepMCEvent``, ``Weight`` of
    https://github.com/delphes/delphes/blob/master/classes/DelphesClasses.h,
    https://cp3.irmp.ucl.ac.be/projects/delphes/wiki/WorkBook/RootTreeDescription.
    """

    name = "delphes"
    title = "Delphes"
    holds_events = True
    jets_per_row = 5
    remedy = (
        "the card of Delphes writes them with `add Branch HCal/eflowTracks EFlowTrack Track`, "
        "`ECal/eflowPhotons EFlowPhoton Tower`, `HCal/eflowNeutralHadrons EFlowNeutralHadron Tower`"
    )

    def __init__(self, table: Table, options: ReadOptions) -> None:
        numbered = (x for x in _WEIGHT_NUMBERS if f"{x}.ID" in table.columns)
        self._numbered = next(numbered, None) if (options.weight or "").isdecimal() else None
        self._number = options.weight
        column = (options.weight or "").partition("[")[0]
        if column and not self._numbered and column not in table.columns:
            raise InputError(
                f"has no weight {options.weight!r}: Delphes does not keep the names of weights",
                where=table.file,
                fix="name one of the list, as in Weight.Weight[5], or a number of WeightLHEF.ID",
            )
        if self._numbered:
            options = replace(options, weight=None)
        super().__init__(table, options)
        self._collections = _collections(table)
        self._several_weights = options.weight is None and "Weight.Weight" in table.columns

    @classmethod
    def looks_for(cls) -> str:
        """By what the layout is recognised."""
        return (
            "columns of ParticleFlowCandidate, or of EFlowTrack, EFlowPhoton and EFlowNeutralHadron"
        )

    @classmethod
    def recognise(cls, table: Table) -> str | None:
        """The objects, if all of one kind are there."""
        collections = _collections(table)
        if all(f"{name}.Eta" in table.columns for name in collections):
            return f"it has {', '.join(collections)}"
        return "it is called Delphes" if table.name == "Delphes" else None

    @classmethod
    def missing(cls, table: Table) -> list[str]:
        """Columns of the objects."""
        needed = [c for name, pt in _collections(table).items() for c in _columns(name, pt)]
        return [column for column in needed if column not in table.columns]

    def columns(self) -> list[str]:
        """Momenta of the objects, masses where there are some, and the weight."""
        columns = [c for name, pt in self._collections.items() for c in _columns(name, pt)]
        masses = [f"{name}.Mass" for name in self._collections]
        numbers = [f"{self._numbered}.{x}" for x in ("ID", "Weight")] if self._numbered else []
        numbers += [f"{name}.PID" for name in self._collections if self.kinds]
        return columns + [c for c in (*masses, *_WEIGHTS, *numbers) if c in self.table.columns]

    def provenance(self) -> Mapping[str, Any]:
        """Where the jets come from, and of which objects they are made."""
        return {**super().provenance(), "particles": ", ".join(self._collections)}

    def read(self, rows: Rows) -> RawJets:
        """Events, one a row."""
        parts = []
        for name, pt_name in self._collections.items():
            mass_name = f"{name}.Mass"
            masses = [mass_name] if mass_name in rows else []
            lengths, momenta = rows.lists(*_columns(name, pt_name), *masses)
            if not masses:
                momenta.append(np.zeros(len(momenta[0])))
            if self.kinds:
                momenta.append(_kinds(rows, name, len(momenta[0])))
            parts.append((lengths, momenta))
        lengths, (pt, eta, phi, mass, *kinds) = _by_event(parts)
        return RawJets(
            lengths,
            pt,
            eta,
            phi,
            kind=next(iter(kinds), None),
            mass=mass,
            weight=self._nominal(rows),
        )

    def _weight_by_number(self, rows: Rows) -> NDArray[np.float32]:
        """The weight whose number is asked for, in every event once."""
        lengths, (numbers, values) = rows.lists(f"{self._numbered}.ID", f"{self._numbered}.Weight")
        chosen = numbers == int(self._number or 0)
        found = np.bincount(segment_ids(to_offsets(lengths))[chosen], minlength=len(rows))
        if (found != 1).any():
            raise InputError(
                f"{np.count_nonzero(found != 1)} events do not have one weight of number "
                f"{self._number} in {self._numbered}.ID",
                where=rows.file,
                fix=f"it has {', '.join(map(str, np.unique(numbers)[:8]))}",
            )
        return values[chosen].astype(np.float32)

    def _nominal(self, rows: Rows) -> NDArray[np.float32] | None:
        if self._numbered:
            return self._weight_by_number(rows)
        if self._several_weights:
            self._several_weights = False
            lengths, _ = rows.lists("Weight.Weight")
            if len(lengths) and lengths[0] > 1:
                _log.warning(
                    "%s: events have %d weights, of which the first is taken; another one is named "
                    "by the option weight, as in Weight.Weight[1]",
                    rows.file,
                    lengths[0],
                )
        return self.weights(rows, *_WEIGHTS)


def _kinds(rows: Rows, name: str, n: int) -> NDArray[np.int8]:
    """What the n objects of a collection are: by their numbers, or as the collection says."""
    if (column := f"{name}.PID") in rows:
        return kinds_of_pdg(rows.lists(column)[1][0])
    return np.full(n, kind(_KINDS.get(name, "other")), dtype=np.int8)


def _columns(name: str, pt: str) -> tuple[str, str, str]:
    """Columns of the momenta of some objects."""
    return f"{name}.{pt}", f"{name}.Eta", f"{name}.Phi"


def _collections(table: Table) -> Mapping[str, str]:
    """Which objects are read, and what their pT is called: towers have ET, the others PT."""
    there = (x for x in _OBJECTS if all(f"{name}.Eta" in table.columns for name in x))
    towers = ("EFlowPhoton", "EFlowNeutralHadron", "EFlowTower")
    return {
        name: "ET" if name in towers and f"{name}.PT" not in table.columns else "PT"
        for name in next(there, _OBJECTS[1])
    }


def _by_event(
    parts: Sequence[tuple[NDArray[np.int64], list[NDArray]]],
) -> tuple[NDArray[np.int64], list[NDArray]]:
    """The particles of all collections, event by event: lengths (n,) and columns."""
    if len(parts) == 1:
        return parts[0]
    total = np.sum([lengths for lengths, _ in parts], axis=0)
    columns = [np.empty(total.sum(), x[0].dtype) for x in zip(*(c for _, c in parts), strict=True)]
    begin = to_offsets(total)[:-1]
    for lengths, values in parts:
        place = ragged_arange(begin, lengths)
        for column, x in zip(columns, values, strict=True):
            column[place] = x
        begin = begin + lengths
    return total, columns
