"""JetClass ROOT files: one entry a jet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import FourVectors, assemble, mass_of
from darkclr.io.options import Layout, ReadOptions
from darkclr.io.root_file import (
    entries,
    find_tree,
    flat_lists,
    has_branch,
    need_tree,
    one_each,
    opened,
)
from darkclr.jets import BACKGROUND, SIGNAL, UNKNOWN, Jets

__all__ = ["JETCLASS"]

_PARTS = ("part_energy", "part_px", "part_py", "part_pz")
_JET = ("jet_pt", "jet_eta", "jet_phi", "jet_energy")


def _recognise(path: Path) -> str | None:
    with opened(path) as file:
        tree = find_tree(file, "tree")
        if tree is not None and any(has_branch(tree, name) for name in _PARTS):
            return "tree 'tree' has part_px, part_py, part_pz, part_energy"
    return None


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """JetClass jets: one entry a jet.

    Tree ``tree``: ``part_px, part_py, part_pz, part_energy`` [GeV], lists an entry; ``jet_pt,
    jet_eta, jet_phi, jet_energy``; one-hot labels ``label_QCD, label_Hbb, ...``: QCD is background,
    every other class signal. Without the ``jet_*`` branches jets are summed.

    Source: ``dataloader.py`` of https://github.com/jet-universe/particle_transformer,
    https://zenodo.org/records/6619768, https://arxiv.org/abs/2202.03772.
    """
    with opened(path) as file:
        tree = need_tree(path, file, "tree", _PARTS)
        classes = [name for name in tree.keys() if name.startswith("label_")]  # noqa: SIM118
        own = list(_JET) if all(has_branch(tree, name) for name in _JET) else []
        for start, arrays in entries(tree, [*_PARTS, *own, *classes], batch, path):
            lengths, four = flat_lists(arrays, list(_PARTS), path)
            particles = FourVectors(lengths, *four).particles(path, sums=not own)
            if own:
                pt, eta, phi, energy = (one_each(arrays, name, path) for name in own)
                particles = replace(particles, jet=(pt, eta, phi, mass_of(pt, eta, energy)))
            jets = assemble(
                particles,
                options=options,
                start=start,
                where=path,
                label=_one_hot(arrays, classes, path) if classes else None,
                provenance={"file": path.name, "layout": "jetclass"},
            )
            if jets is not None:
                yield jets


def _one_hot(arrays: dict[str, Any], classes: list[str], path: Path) -> NDArray[np.int8]:
    """Signal where a class other than QCD is set, background where QCD is, else unknown."""
    chosen = {name: one_each(arrays, name, path) != 0 for name in classes}
    count = sum(x.astype(int) for x in chosen.values())
    if (count > 1).any():
        raise InputError(f"jets have more than one of the labels {classes}", where=path)
    background = chosen.get("label_QCD", np.zeros(len(count), dtype=bool))
    return np.where(background, BACKGROUND, np.where(count > 0, SIGNAL, UNKNOWN)).astype(np.int8)


JETCLASS = Layout(
    "jetclass",
    "JetClass ROOT",
    "root",
    (".root",),
    "a tree 'tree' with part_px, part_py, part_pz, part_energy",
    _recognise,
    _batches,
)
