"""CMS NanoAOD ROOT files with particle-flow candidates (PFNano)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import Particles, assemble, weights
from darkclr.io.options import JETS_PER_EVENT, Layout, ReadOptions
from darkclr.io.root_file import (
    entries,
    find_tree,
    flat_lists,
    has_branch,
    need_tree,
    one_each,
    opened,
)
from darkclr.jets import Jets
from darkclr.ragged import ragged_arange, segment_ids, to_offsets

__all__ = ["PFNANO"]

_FAT_JET = tuple(f"FatJet_{x}" for x in ("pt", "eta", "phi", "mass"))
_PF = tuple(f"PFCands_{x}" for x in ("pt", "eta", "phi"))
_LINKS = ("FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx")


def _recognise(path: Path) -> str | None:
    with opened(path) as file:
        tree = find_tree(file, "Events")
        if tree is not None and has_branch(tree, "PFCands_pt") and has_branch(tree, "FatJet_pt"):
            return "tree 'Events' has FatJet_*, PFCands_* and FatJetPFCands_*"
    return None


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """AK8 jets of CMS NanoAOD with particle-flow candidates (PFNano).

    Tree ``Events``, lists an event: jets ``FatJet_{pt, eta, phi, mass}`` [GeV, rad], candidates
    ``PFCands_{pt, eta, phi, mass, puppiWeight}``, and pairs ``FatJetPFCands_jetIdx``,
    ``FatJetPFCands_pFCandsIdx`` that tell which candidates a jet is made of. Indices of -1 are
    candidates that were not stored. AK8 jets are clustered from candidates scaled with their
    PUPPI weights, so candidates are scaled where ``PFCands_puppiWeight`` is there, and those of
    weight 0 belong to no jet. The kinematics of a jet are those of the file (calibrated). Jets get
    the ``genWeight`` of their event where it is simulated.

    Source: ``nanoAOD_2016data.html`` and ``python/addPFCands_cff.py`` of
    https://github.com/cms-opendata-analyses/PFNanoProducerTool,
    https://opendata.cern.ch/record/12504; PUPPI: https://arxiv.org/abs/1407.6013; weight:
    https://cms-nanoaod-integration.web.cern.ch/autoDoc/.
    """
    with opened(path) as file:
        tree = need_tree(path, file, "Events", (*_FAT_JET, *_PF, *_LINKS))
        optional = ("PFCands_puppiWeight", "event", "genWeight")
        extra = [name for name in optional if has_branch(tree, name)]
        size = max(batch // JETS_PER_EVENT, 1)
        for start, arrays in entries(tree, [*_FAT_JET, *_PF, *_LINKS, *extra], size, path):
            n_jets, (pt, eta, phi, mass) = flat_lists(arrays, list(_FAT_JET), path)
            n_pairs, (jet_index, candidate_index) = flat_lists(arrays, list(_LINKS), path)
            puppi = [name for name in extra if name.startswith("PFCands")]
            n_candidates, candidates = flat_lists(arrays, [*_PF, *puppi], path)
            if n_jets.sum() == 0:
                continue
            rows, owner = _join(n_jets, n_candidates, n_pairs, jet_index, candidate_index, path)
            particle_pt, particle_eta, particle_phi, *scale = (x[rows] for x in candidates)
            if scale:
                particle_pt = particle_pt * scale[0]
            keep = particle_pt != 0  # NaN is not zero, and is refused later
            owner = owner[keep]
            event = segment_ids(to_offsets(n_jets))
            jets = assemble(
                Particles(
                    np.bincount(owner, minlength=len(pt)),
                    particle_pt[keep],
                    particle_eta[keep],
                    particle_phi[keep],
                    (pt, eta, phi, mass),
                ),
                options=options,
                start=0,
                where=path,
                event=one_each(arrays, "event", path).astype(np.int64)[event]
                if "event" in extra
                else start + event,
                weight=weights(one_each(arrays, "genWeight", path), path, "genWeight")[event]
                if "genWeight" in extra
                else 1.0,
                rank=np.minimum(ragged_arange(np.zeros_like(n_jets), n_jets), 127),
                provenance={"file": path.name, "layout": "pfnano"},
            )
            if jets is not None:
                yield jets


def _join(
    n_jets: NDArray,
    n_candidates: NDArray,
    n_pairs: NDArray,
    jet_index: NDArray,
    candidate_index: NDArray,
    path: Path,
) -> tuple[NDArray, NDArray]:
    """Rows of the candidates that are constituents, sorted by jet, and their jets."""
    event = segment_ids(to_offsets(n_pairs))
    jet, candidate = jet_index.astype(np.int64), candidate_index.astype(np.int64)
    if (jet >= n_jets[event]).any() or (candidate >= n_candidates[event]).any():
        raise InputError(
            "FatJetPFCands points at jets or candidates that are not there", where=path
        )
    stored = (jet >= 0) & (candidate >= 0)
    owner = (to_offsets(n_jets)[event] + jet)[stored]
    rows = (to_offsets(n_candidates)[event] + candidate)[stored]
    order = np.argsort(owner, kind="stable")
    return rows[order], owner[order]


PFNANO = Layout(
    "pfnano",
    "CMS PFNano ROOT",
    "root",
    (".root",),
    "a tree 'Events' with FatJet_*, PFCands_* and FatJetPFCands_*",
    _recognise,
    _batches,
    numbers_events=True,
)
