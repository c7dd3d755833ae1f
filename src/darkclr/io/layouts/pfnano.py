"""CMS NanoAOD with particle-flow candidates (PFNano)."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.containers import Rows, Table
from darkclr.io.layouts.kinds import kinds_of_pdg
from darkclr.io.layouts.layout import Layout
from darkclr.io.options import ReadOptions
from darkclr.io.raw_jets import RawJets
from darkclr.plausibility import exact_integers
from darkclr.ragged import ragged_arange, segment_ids, to_offsets

__all__ = ["PFNano"]

_FAT_JET = tuple(f"FatJet_{x}" for x in ("pt", "eta", "phi", "mass"))
# Links to candidates and the index in them: FatJetPFCands_pFCandsIdx of PFNano,
# FatJetPFCand_pfCandIdx of NanoAOD since version 15, and what came in between.
_LINKS = re.compile(r"(FatJetPFCands?)_(pfcands?idx)", re.IGNORECASE)
_WEIGHT = "genWeight"
_RATIOS = re.compile(r"(LHE(Scale|Pdf|Reweighting)|PS)Weight\b")
# NanoAOD keeps candidates of jets up to a pseudorapidity of 2.5, which is rounded in the file.
_MAX_ABS_ETA = 2.5 * (1 - 2**-11)


class PFNano(Layout):
    """AK8 jets of CMS NanoAOD with particle-flow candidates: PFNano, or NanoAOD since version 15.

    Lists an event: jets ``FatJet_{pt, eta, phi, mass}`` [GeV, rad], candidates
    ``PFCands_{pt, eta, phi, mass, puppiWeight}``, and pairs ``FatJetPFCands_jetIdx``,
    ``FatJetPFCands_pFCandsIdx`` that tell which candidates a jet is made of; in NanoAOD they are
    ``PFCand_*``, ``FatJetPFCand_jetIdx`` and ``FatJetPFCand_pfCandIdx``. Indices of -1 are
    candidates that were not stored. AK8 jets are clustered from candidates scaled with their PUPPI
    weights. Candidates are scaled where ``puppiWeight`` is there; without it, as in NanoAOD, they
    are scaled already. Those of weight 0 belong to no jet. The kinematics of a jet are those of the
    file (calibrated). Jets get the ``genWeight`` of their event where it is simulated; the weights
    of ``LHEScaleWeight`` and the like are ratios to it and are multiplied by it. Jets beyond
    abs(eta) = 2.5, of which no candidates are stored, are left out.

    Source: ``nanoAOD_2016data.html`` and ``python/addPFCands_cff.py`` of
    https://github.com/cms-opendata-analyses/PFNanoProducerTool,
    https://opendata.cern.ch/record/12504; ``PhysicsTools/NanoAOD/python/jetConstituents_cff.py`` of
    https://github.com/cms-sw/cmssw; PUPPI: https://arxiv.org/abs/1407.6013; weight:
    https://cms-nanoaod-integration.web.cern.ch/autoDoc/.
    """

    name = "pfnano"
    title = "CMS NanoAOD with candidates"
    numbers_events = True
    jets_per_row = 5
    remedy = "NanoAOD holds candidates since version 15, before that only as PFNano"

    def __init__(self, table: Table, options: ReadOptions) -> None:
        super().__init__(table, options)
        self._momenta, self._links, self._puppi = _columns(table)
        self._pdg = self._puppi.replace("puppiWeight", "pdgId")

    @classmethod
    def looks_for(cls) -> str:
        """By what the layout is recognised."""
        return "columns FatJet_*, PFCands_* and FatJetPFCands_*"

    @classmethod
    def recognise(cls, table: Table) -> str | None:
        """Jets and candidates."""
        momenta, links, _ = _columns(table)
        if not {_FAT_JET[0], momenta[0]} & {*table.columns}:
            return None
        names = (column.partition("_")[0] for column in (momenta[0], links[0]))
        return "it has the columns FatJet_*, {}_* and {}_*".format(*names)

    @classmethod
    def missing(cls, table: Table) -> list[str]:
        """Columns of jets, candidates and links."""
        momenta, links, _ = _columns(table)
        return [x for x in (*_FAT_JET, *momenta, *links) if x not in table.columns]

    def columns(self) -> list[str]:
        """Jets, candidates, links, and what else there is."""
        wanted = (self._puppi, "event", _WEIGHT, *((self._pdg,) if self.kinds else ()))
        optional = [x for x in wanted if x in self.table.columns]
        return [*_FAT_JET, *self._momenta, *self._links, *optional]

    def read(self, rows: Rows) -> RawJets:
        """Jets, several a row."""
        n_jets, (pt, eta, phi, mass) = rows.lists(*_FAT_JET)
        n_pairs, (jet_index, candidate_index) = rows.lists(*self._links)
        puppi = [self._puppi] if self._puppi in rows else []
        n_candidates, candidates = rows.lists(*self._momenta, *puppi)
        numbers = rows.lists(self._pdg)[1] if self._pdg in rows else []
        chosen, owner = _join(rows, n_jets, n_candidates, n_pairs, jet_index, candidate_index)
        particle_pt, particle_eta, particle_phi, *scale = (x[chosen] for x in candidates)
        if scale:
            particle_pt = particle_pt * scale[0]
        keep = particle_pt != 0  # NaN is not zero, and is refused later
        lengths = np.bincount(owner[keep], minlength=len(pt))
        event = segment_ids(to_offsets(n_jets))
        number = rows.start + np.arange(len(rows))
        if "event" in rows:
            number = exact_integers(rows.numbers("event"), np.int64, "event", rows.file)
        weight = self.weights(rows, _WEIGHT)
        if weight is not None and _RATIOS.match(self.options.weight or "") and _WEIGHT in rows:
            weight = weight * rows.numbers(_WEIGHT).astype(np.float32)
        forward = (lengths == 0) & (np.abs(eta) > _MAX_ABS_ETA)
        stored = ~forward
        return RawJets(
            lengths[stored],
            particle_pt[keep],
            particle_eta[keep],
            particle_phi[keep],
            kind=kinds_of_pdg(numbers[0][chosen][keep]) if numbers else None,
            jet=[x[stored] for x in (pt, eta, phi, mass)],
            event=number[event][stored],
            weight=None if weight is None else weight[event][stored],
            rank=ragged_arange(np.zeros_like(n_jets), n_jets)[stored],
            left_out={"forward jets, whose candidates are not stored,": int(forward.sum())},
        )


def _columns(table: Table) -> tuple[tuple[str, ...], tuple[str, str], str]:
    """Names of the momenta of candidates, of the links of jets to them, of the PUPPI weights."""
    there = filter(None, map(_LINKS.fullmatch, table.columns))
    links, index = next((match.groups() for match in there), ("FatJetPFCands", "pFCandsIdx"))
    candidates = next((x for x in ("PFCands", "PFCand") if f"{x}_pt" in table.columns), "PFCands")
    momenta = tuple(f"{candidates}_{x}" for x in ("pt", "eta", "phi"))
    return momenta, (f"{links}_jetIdx", f"{links}_{index}"), f"{candidates}_puppiWeight"


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
        raise InputError("a link points at jets or candidates that are not there", where=rows.file)
    stored = (jet >= 0) & (candidate >= 0)
    owner = (to_offsets(n_jets)[event] + jet)[stored]
    chosen = (to_offsets(n_candidates)[event] + candidate)[stored]
    order = np.argsort(owner, kind="stable")
    return chosen[order], owner[order]
