"""CMS NanoAOD with particle-flow candidates (PFNano)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.containers import Rows, Table
from darkclr.io.layouts.layout import Layout
from darkclr.io.raw_jets import RawJets
from darkclr.ragged import ragged_arange, segment_ids, to_offsets

__all__ = ["PFNano"]

_FAT_JET = tuple(f"FatJet_{x}" for x in ("pt", "eta", "phi", "mass"))
_PF = tuple(f"PFCands_{x}" for x in ("pt", "eta", "phi"))
_LINKS = ("FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx")
_PUPPI = "PFCands_puppiWeight"


class PFNano(Layout):
    """AK8 jets of CMS NanoAOD with particle-flow candidates (PFNano).

    Lists an event: jets ``FatJet_{pt, eta, phi, mass}`` [GeV, rad], candidates
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

    name = "pfnano"
    title = "CMS PFNano"
    required = (*_FAT_JET, *_PF, *_LINKS)
    optional = (_PUPPI, "event", "genWeight")
    numbers_events = True
    jets_per_row = 5

    @classmethod
    def looks_for(cls) -> str:
        """By what the layout is recognised."""
        return "columns FatJet_*, PFCands_* and FatJetPFCands_*"

    @classmethod
    def recognise(cls, table: Table) -> str | None:
        """Jets and candidates."""
        there = "PFCands_pt" in table.columns and "FatJet_pt" in table.columns
        return "it has the columns FatJet_*, PFCands_* and FatJetPFCands_*" if there else None

    def read(self, rows: Rows) -> RawJets:
        """Jets, several a row."""
        n_jets, (pt, eta, phi, mass) = rows.lists(*_FAT_JET)
        n_pairs, (jet_index, candidate_index) = rows.lists(*_LINKS)
        n_candidates, candidates = rows.lists(*_PF, *([_PUPPI] if _PUPPI in rows else []))
        chosen, owner = _join(rows, n_jets, n_candidates, n_pairs, jet_index, candidate_index)
        particle_pt, particle_eta, particle_phi, *scale = (x[chosen] for x in candidates)
        if scale:
            particle_pt = particle_pt * scale[0]
        keep = particle_pt != 0  # NaN is not zero, and is refused later
        event = segment_ids(to_offsets(n_jets))
        number = rows.start + np.arange(len(rows))
        weight = None
        if "event" in rows:
            number = rows.numbers("event").astype(np.int64)
        if "genWeight" in rows:
            weight = self.weights(rows.numbers("genWeight"), "genWeight")[event]
        return RawJets(
            np.bincount(owner[keep], minlength=len(pt)),
            particle_pt[keep],
            particle_eta[keep],
            particle_phi[keep],
            jet=(pt, eta, phi, mass),
            event=number[event],
            weight=weight,
            rank=ragged_arange(np.zeros_like(n_jets), n_jets),
        )


def _join(
    rows: Rows,
    n_jets: NDArray,
    n_candidates: NDArray,
    n_pairs: NDArray,
    jet_index: NDArray,
    candidate_index: NDArray,
) -> tuple[NDArray, NDArray]:
    """Numbers of the candidates that are constituents, sorted by jet, and their jets."""
    event = segment_ids(to_offsets(n_pairs))
    jet, candidate = jet_index.astype(np.int64), candidate_index.astype(np.int64)
    if (jet >= n_jets[event]).any() or (candidate >= n_candidates[event]).any():
        raise InputError(
            "FatJetPFCands points at jets or candidates that are not there", where=rows.file
        )
    stored = (jet >= 0) & (candidate >= 0)
    owner = (to_offsets(n_jets)[event] + jet)[stored]
    chosen = (to_offsets(n_candidates)[event] + candidate)[stored]
    order = np.argsort(owner, kind="stable")
    return chosen[order], owner[order]
