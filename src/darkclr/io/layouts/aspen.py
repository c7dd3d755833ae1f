"""Aspen Open Jets: jets of CMS open data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkclr.io.containers import Rows, Table
from darkclr.io.containers.zero_padding import unpadded
from darkclr.io.layouts.four_vectors import from_four_vectors
from darkclr.io.layouts.kinds import kinds_of_pdg
from darkclr.io.layouts.layout import Layout
from darkclr.io.options import ReadOptions
from darkclr.io.raw_jets import RawJets

__all__ = ["AspenOpenJets"]

_MAX_RANK = np.iinfo(np.int8).max


class AspenOpenJets(Layout):
    """Aspen Open Jets: AK8 jets of CMS open data, HDF5.

    ``PFCands`` (n, 150, 11), padded with zeros: px, py, pz, E [GeV], d0, d0Err, dz, dzErr, charge,
    PDG id, PUPPI weight; ``jet_kinematics`` (n, 4): pT, eta, phi, soft-drop mass; ``event_info``
    (n, 3): run, luminosity block, event number.

    AK8 jets are clustered from candidates scaled with their PUPPI weights, while ``PFCands`` holds
    the candidates as reconstructed: they are scaled here, and those of weight 0 belong to no jet.
    pT, eta and phi of the jet are those of the file (calibrated); its mass is that of the scaled
    constituents, and the soft-drop mass is kept as truth column.

    Source: https://doi.org/10.25592/uhhfdm.16505 (described at
    https://b2find.eudat.eu/dataset/5b551e2f-b60f-553e-ab5e-b5c027e52bb9),
    https://arxiv.org/abs/2412.10504; PUPPI: https://arxiv.org/abs/1407.6013.
    """

    name = "aspen_open_jets"
    title = "Aspen Open Jets"
    required = ("PFCands", "jet_kinematics")
    optional = ("event_info",)
    numbers_events = True

    def __init__(self, table: Table, options: ReadOptions) -> None:
        super().__init__(table, options)
        self._before: NDArray | None = None

    def read(self, rows: Rows) -> RawJets:
        """Jets, one a row."""
        four = rows.array("PFCands", ndim=3, columns=slice(0, 4))
        puppi = rows.array("PFCands", ndim=3, columns=slice(10, None))[..., :1]
        if puppi.shape[2]:
            four = four * puppi
        if self.kinds:
            four = np.concatenate(
                [four, rows.array("PFCands", ndim=3, columns=slice(9, 10))], axis=2
            )
        lengths, (px, py, pz, energy, *numbers) = unpadded(four)
        jets = from_four_vectors(
            lengths,
            energy,
            px,
            py,
            pz,
            where=rows.file,
            kind=kinds_of_pdg(numbers[0]) if numbers else None,
            room=self.room,
            skip_invalid=self.options.skip_invalid,
        )
        assert jets.jet is not None
        pt, eta, phi, soft_drop = rows.array("jet_kinematics", ndim=2, columns=slice(4)).T.copy()
        jets = replace(jets, jet=(pt, eta, phi, jets.jet[3]), truth={"softdrop_mass": soft_drop})
        if "event_info" not in rows:
            return jets
        info = rows.array("event_info", ndim=2, columns=slice(3)).copy()
        return replace(jets, event=info[:, 2], rank=self._ranks(info))

    def _ranks(self, info: NDArray) -> NDArray[np.int64]:
        """Ranks (n,) of jets in their events; those of an event are neighbours, hardest first."""
        # An event may begin in the rows before.
        known = info if self._before is None else np.concatenate([self._before, info])
        self._before = known[-_MAX_RANK:]
        new = np.concatenate([[True], (known[1:] != known[:-1]).any(axis=1)])
        ranks = np.arange(len(known)) - np.flatnonzero(new)[np.cumsum(new) - 1]
        return np.minimum(ranks[len(known) - len(info) :], _MAX_RANK)
