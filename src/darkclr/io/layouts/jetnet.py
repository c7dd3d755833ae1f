"""JetNet jets: constituents relative to their jet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.containers import Rows
from darkclr.io.containers.zero_padding import unpadded
from darkclr.io.layouts.four_vectors import single
from darkclr.io.layouts.layout import Layout
from darkclr.io.raw_jets import RawJets
from darkclr.ragged import segment_keep

__all__ = ["JetNet"]


class JetNet(Layout):
    """JetNet jets, HDF5.

    ``particle_features`` (n, 30 or 150, 4): eta_rel = eta - eta_jet, phi_rel = phi - phi_jet,
    pT_rel = pT / pT_jet, mask (0 for padding); ``jet_features`` (n, 4): pT [GeV], eta, mass [GeV],
    number of particles. The azimuth of the jet is not stored and is taken as 0.

    Source: https://zenodo.org/record/6975118; section 2 of https://arxiv.org/abs/2106.11535.
    """

    name = "jetnet"
    title = "JetNet"
    required = ("particle_features", "jet_features")

    def read(self, rows: Rows) -> RawJets:
        """Jets, one a row."""
        jet_pt, jet_eta, mass = single(rows.array("jet_features", ndim=2, columns=slice(3)).T)
        particles = rows.array("particle_features", ndim=3, columns=slice(4))
        lengths, (eta, phi, pt, mask) = unpadded(particles)
        out = self._momenta(lengths, eta, phi, pt, jet_pt, jet_eta)
        # Masked slots are zeros in most files. Contiguous arrays are looked through several times
        # faster than every fourth number.
        mask = np.ascontiguousarray(mask)
        if not (mask == 1).all():
            if not ((mask == 1) | (mask == 0)).all():
                raise InputError("the mask has values other than 0 and 1", where=rows.file)
            lengths, (eta, phi, pt) = segment_keep(mask != 0, lengths, eta, phi, pt)
            out = self._momenta(lengths, eta, phi, pt, jet_pt, jet_eta)
        jet = (jet_pt, jet_eta, np.zeros(len(jet_pt)), mass)
        return RawJets(lengths, out[0], out[1], out[2], jet=jet)

    def _momenta(
        self,
        lengths: NDArray[np.int64],
        eta: NDArray,
        phi: NDArray,
        pt: NDArray,
        jet_pt: NDArray,
        jet_eta: NDArray,
    ) -> NDArray[np.float32]:
        """pt, eta and phi (3, n) of constituents relative to their jets."""
        out = self.room(len(pt))
        with np.errstate(over="ignore", invalid="ignore"):  # the check of the jets looks for both
            np.multiply(pt, np.repeat(jet_pt, lengths), out=out[0], casting="same_kind")
            np.add(eta, np.repeat(jet_eta, lengths), out=out[1], casting="same_kind")
            out[2] = phi
        return out
