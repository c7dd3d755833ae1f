"""ROOT layouts: Delphes, JetClass, CMS PFNano. Read with uproot in batches of entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import (
    FourVectors,
    Particles,
    assemble,
    cluster_events,
    mass_of,
    to_offsets,
    wrapped,
)
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
from darkclr.kinematics import ragged_arange, segment_ids

__all__ = ["ROOT_LAYOUTS"]

# An event of Delphes takes as much memory as this many jets.
_JETS_PER_EVENT = 5


# --- Delphes -------------------------------------------------------------------------------------

_EFLOW = {
    "EFlowTrack": ("PT", "Eta", "Phi", "Mass"),
    "EFlowPhoton": ("ET", "Eta", "Phi"),
    "EFlowNeutralHadron": ("ET", "Eta", "Phi"),
}
_CANDIDATES = {"ParticleFlowCandidate": ("PT", "Eta", "Phi", "Mass")}


def _recognise_delphes(path: Path) -> str | None:
    with opened(path) as file:
        if (tree := find_tree(file, "Delphes")) is None:
            return None
        for collections in (_CANDIDATES, _EFLOW):
            if all(has_branch(tree, f"{name}.Eta") for name in collections):
                return f"tree 'Delphes' has {', '.join(collections)}"
    return None


def _delphes(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """Jets of Delphes events: energy-flow objects clustered with anti-kT.

    Tree ``Delphes``: ``ParticleFlowCandidate.{PT, Eta, Phi, Mass}`` where a card writes it, else
    ``EFlowTrack.{PT, Eta, Phi, Mass}``, ``EFlowPhoton.{ET, Eta, Phi}``,
    ``EFlowNeutralHadron.{ET, Eta, Phi}``; towers are massless, so that ET is their pT [GeV].
    Tracks without ``Mass`` (before Delphes 3.5) are taken as massless. The jets that Delphes made
    itself are not read: their constituents are references to objects.

    Source: classes ``Track``, ``Tower`` and ``ParticleFlowCandidate`` of
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
        for start, arrays in entries(tree, present, max(batch // _JETS_PER_EVENT, 1), path):
            parts = []
            for name, fields in collections.items():
                names = [f"{name}.{x}" for x in fields if f"{name}.{x}" in arrays]
                lengths, (pt, eta, phi, *mass) = flat_lists(arrays, names, path)
                event = segment_ids(to_offsets(lengths))
                parts.append((event, pt, eta, phi, mass[0] if mass else np.zeros(len(pt))))
            event = np.concatenate([part[0] for part in parts])
            order = np.argsort(event, kind="stable")
            pt, eta, phi, masses = (
                np.concatenate([p[i] for p in parts])[order] for i in range(1, 5)
            )
            jets = cluster_events(
                Particles(np.bincount(event, minlength=len(lengths)), pt, eta, wrapped(phi)),
                masses,
                options=options,
                start=start,
                where=path,
                provenance={
                    "file": path.name,
                    "layout": "delphes",
                    "particles": ", ".join(collections),
                },
            )
            if jets is not None:
                yield jets


# --- JetClass ------------------------------------------------------------------------------------

_PARTS = ("part_energy", "part_px", "part_py", "part_pz")
_JET = ("jet_pt", "jet_eta", "jet_phi", "jet_energy")


def _recognise_jetclass(path: Path) -> str | None:
    with opened(path) as file:
        tree = find_tree(file, "tree")
        if tree is not None and any(has_branch(tree, name) for name in _PARTS):
            return "tree 'tree' has part_px, part_py, part_pz, part_energy"
    return None


def _jetclass(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
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
            particles = FourVectors(lengths, *four).particles(path)
            if own:
                pt, eta, phi, energy = (one_each(arrays, name, path) for name in own)
                jet = (pt, eta, wrapped(phi), mass_of(pt, eta, energy))
                particles = Particles(
                    particles.lengths, particles.pt, particles.eta, particles.phi, jet
                )
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


# --- CMS PFNano ----------------------------------------------------------------------------------

_FAT_JET = tuple(f"FatJet_{x}" for x in ("pt", "eta", "phi", "mass"))
_PF = tuple(f"PFCands_{x}" for x in ("pt", "eta", "phi"))
_LINKS = ("FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx")


def _recognise_pfnano(path: Path) -> str | None:
    with opened(path) as file:
        tree = find_tree(file, "Events")
        if tree is not None and has_branch(tree, "PFCands_pt") and has_branch(tree, "FatJet_pt"):
            return "tree 'Events' has FatJet_*, PFCands_* and FatJetPFCands_*"
    return None


def _pfnano(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """AK8 jets of CMS NanoAOD with particle-flow candidates (PFNano).

    Tree ``Events``, lists an event: jets ``FatJet_{pt, eta, phi, mass}`` [GeV, rad], candidates
    ``PFCands_{pt, eta, phi, mass, puppiWeight}``, and pairs ``FatJetPFCands_jetIdx``,
    ``FatJetPFCands_pFCandsIdx`` that tell which candidates a jet is made of. Indices of -1 are
    candidates that were not stored. AK8 jets are clustered from candidates scaled with their
    PUPPI weights, so candidates are scaled where ``PFCands_puppiWeight`` is there, and those of
    weight 0 belong to no jet. The kinematics of a jet are those of the file (calibrated).

    Source: ``nanoAOD_2016data.html`` and ``python/addPFCands_cff.py`` of
    https://github.com/cms-opendata-analyses/PFNanoProducerTool,
    https://opendata.cern.ch/record/12504; PUPPI: https://arxiv.org/abs/1407.6013.
    """
    with opened(path) as file:
        tree = need_tree(path, file, "Events", (*_FAT_JET, *_PF, *_LINKS))
        extra = [name for name in ("PFCands_puppiWeight", "event") if has_branch(tree, name)]
        size = max(batch // _JETS_PER_EVENT, 1)
        for start, arrays in entries(tree, [*_FAT_JET, *_PF, *_LINKS, *extra], size, path):
            n_jets, (pt, eta, phi, mass) = flat_lists(arrays, list(_FAT_JET), path)
            n_pairs, (jet_index, candidate_index) = flat_lists(arrays, list(_LINKS), path)
            weights = [name for name in extra if name.startswith("PFCands")]
            n_candidates, candidates = flat_lists(arrays, [*_PF, *weights], path)
            if n_jets.sum() == 0:
                continue
            rows, owner = _join(n_jets, n_candidates, n_pairs, jet_index, candidate_index, path)
            particle_pt, particle_eta, particle_phi, *weight = (x[rows] for x in candidates)
            if weight:
                particle_pt = particle_pt * weight[0]
            keep = particle_pt != 0  # NaN is not zero, and is refused later
            owner = owner[keep]
            event = segment_ids(to_offsets(n_jets))
            jets = assemble(
                Particles(
                    np.bincount(owner, minlength=len(pt)),
                    particle_pt[keep],
                    particle_eta[keep],
                    wrapped(particle_phi[keep]),
                    (pt, eta, wrapped(phi), mass),
                ),
                options=options,
                start=0,
                where=path,
                event=one_each(arrays, "event", path).astype(np.int64)[event]
                if "event" in extra
                else start + event,
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


ROOT_LAYOUTS = (
    Layout(
        "delphes",
        "Delphes ROOT",
        "root",
        (".root",),
        "a tree 'Delphes' with ParticleFlowCandidate, or EFlowTrack, EFlowPhoton and "
        "EFlowNeutralHadron",
        _recognise_delphes,
        _delphes,
        holds_events=True,
    ),
    Layout(
        "jetclass",
        "JetClass ROOT",
        "root",
        (".root",),
        "a tree 'tree' with part_px, part_py, part_pz, part_energy",
        _recognise_jetclass,
        _jetclass,
    ),
    Layout(
        "pfnano",
        "CMS PFNano ROOT",
        "root",
        (".root",),
        "a tree 'Events' with FatJet_*, PFCands_* and FatJetPFCands_*",
        _recognise_pfnano,
        _pfnano,
        numbers_events=True,
    ),
)
