"""Delphes ROOT files: energy-flow objects of events, clustered into jets here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import Particles, weights
from darkclr.io.events import cluster_events
from darkclr.io.options import JETS_PER_EVENT, Layout, ReadOptions
from darkclr.io.root_file import (
    entries,
    find_tree,
    flat_lists,
    has_branch,
    need_tree,
    opened,
)
from darkclr.jets import Jets
from darkclr.ragged import ragged_arange, to_offsets

__all__ = ["DELPHES"]

_EFLOW = {
    "EFlowTrack": ("PT", "Eta", "Phi", "Mass"),
    "EFlowPhoton": ("ET", "Eta", "Phi"),
    "EFlowNeutralHadron": ("ET", "Eta", "Phi"),
}
# The first that is there.
_WEIGHTS = ("Event.Weight", "Weight.Weight")
_CANDIDATES = {"ParticleFlowCandidate": ("PT", "Eta", "Phi", "Mass")}


def _recognise(path: Path) -> str | None:
    with opened(path) as file:
        if (tree := find_tree(file, "Delphes")) is None:
            return None
        for collections in (_CANDIDATES, _EFLOW):
            if all(has_branch(tree, f"{name}.Eta") for name in collections):
                return f"tree 'Delphes' has {', '.join(collections)}"
    return None


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """Jets of Delphes events: energy-flow objects clustered with anti-kT.

    Tree ``Delphes``: ``ParticleFlowCandidate.{PT, Eta, Phi, Mass}`` where a card writes it, else
    ``EFlowTrack.{PT, Eta, Phi, Mass}``, ``EFlowPhoton.{ET, Eta, Phi}``,
    ``EFlowNeutralHadron.{ET, Eta, Phi}``; towers are massless, so that ET is their pT [GeV].
    Tracks without ``Mass`` (before Delphes 3.5) are taken as massless. The jets that Delphes made
    itself are not read: their constituents are references to objects. Jets get the weight of
    their event, ``Event.Weight``, or the first of ``Weight.Weight``, which is the nominal one.

    Source: classes ``Track``, ``Tower``, ``ParticleFlowCandidate``, ``HepMCEvent``, ``Weight`` of
    https://github.com/delphes/delphes/blob/master/classes/DelphesClasses.h,
    https://cp3.irmp.ucl.ac.be/projects/delphes/wiki/WorkBook/RootTreeDescription.
    """
    with opened(path) as file:
        tree = need_tree(path, file, "Delphes", ())
        has_candidates = has_branch(tree, "ParticleFlowCandidate.Eta")
        collections = _CANDIDATES if has_candidates else _EFLOW
        wanted = [f"{name}.{x}" for name, fields in collections.items() for x in fields]
        present = [b for b in wanted if not b.endswith(".Mass") or has_branch(tree, b)]
        tree = need_tree(path, file, "Delphes", tuple(present))
        weight = [name for name in _WEIGHTS if has_branch(tree, name)][:1]
        size = max(batch // JETS_PER_EVENT, 1)
        for start, arrays in entries(tree, [*present, *weight], size, path):
            parts = []
            for name, fields in collections.items():
                names = [f"{name}.{x}" for x in fields if f"{name}.{x}" in arrays]
                lengths, (pt, eta, phi, *mass) = flat_lists(arrays, names, path)
                parts.append((lengths, (pt, eta, phi, mass[0] if mass else np.zeros(len(pt)))))
            lengths, (pt, eta, phi, masses) = _by_event(parts)
            jets = cluster_events(
                Particles(lengths, pt, eta, phi),
                masses,
                options=options,
                start=start,
                where=path,
                weight=_first_weight(arrays, weight[0], path) if weight else 1.0,
                provenance={
                    "file": path.name,
                    "layout": "delphes",
                    "particles": ", ".join(collections),
                },
            )
            if jets is not None:
                yield jets


def _by_event(
    parts: Sequence[tuple[NDArray[np.int64], tuple[NDArray, ...]]],
) -> tuple[NDArray[np.int64], list[NDArray]]:
    """The particles of all collections, event by event: lengths (n,) and columns."""
    if len(parts) == 1:
        return parts[0][0], list(parts[0][1])
    total = np.sum([lengths for lengths, _ in parts], axis=0)
    columns = [np.empty(total.sum(), x[0].dtype) for x in zip(*(c for _, c in parts), strict=True)]
    begin = to_offsets(total)[:-1]
    for lengths, values in parts:
        place = ragged_arange(begin, lengths)
        for column, x in zip(columns, values, strict=True):
            column[place] = x
        begin = begin + lengths
    return total, columns


def _first_weight(arrays: dict[str, Any], name: str, path: Path) -> NDArray[np.float32]:
    """The first weight of each event, (n,)."""
    lengths, (values,) = flat_lists(arrays, [name], path)
    if (lengths == 0).any():
        raise InputError(
            f"{np.count_nonzero(lengths == 0)} events have no weight in {name!r}", where=path
        )
    return weights(values[to_offsets(lengths)[:-1]], path, name)


DELPHES = Layout(
    "delphes",
    "Delphes ROOT",
    "root",
    (".root",),
    "a tree 'Delphes' with ParticleFlowCandidate, or EFlowTrack, EFlowPhoton and "
    "EFlowNeutralHadron",
    _recognise,
    _batches,
    holds_events=True,
)
