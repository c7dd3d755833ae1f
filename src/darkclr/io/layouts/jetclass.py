"""JetClass and JetClass-II jets: one row a jet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.containers import Rows
from darkclr.io.layouts.four_vectors import from_four_vectors, mass_of
from darkclr.io.layouts.kinds import kind
from darkclr.io.layouts.layout import Layout
from darkclr.io.raw_jets import RawJets
from darkclr.jets import BACKGROUND, SIGNAL, UNKNOWN

__all__ = ["JetClass"]

_PARTS = ("part_energy", "part_px", "part_py", "part_pz")
_JET = ("jet_pt", "jet_eta", "jet_phi", "jet_energy")
_CLASS = "jet_label"
_KINDS = {
    "part_isChargedHadron": kind("charged hadron"),
    "part_isNeutralHadron": kind("neutral hadron"),
    "part_isPhoton": kind("photon"),
    "part_isElectron": kind("electron"),
    "part_isMuon": kind("muon"),
}
# The classes of JetClass-II: resonances to two prongs, to three or four, QCD.
_FIRST_QCD, _N_CLASSES = 161, 188


class JetClass(Layout):
    """JetClass jets, one a row: ROOT, or Parquet for JetClass-II.

    ``part_px, part_py, part_pz, part_energy`` [GeV], lists a row; ``jet_pt, jet_eta, jet_phi,
    jet_energy``, without which jets are summed. QCD is background, every other class signal: by
    one-hot labels ``label_QCD, label_Hbb, ...``, or by the number of the class ``jet_label`` of
    JetClass-II, 161 to 187 for QCD.

    Source: ``dataloader.py`` of https://github.com/jet-universe/particle_transformer,
    https://zenodo.org/records/6619768, https://arxiv.org/abs/2202.03772; JetClass-II:
    https://huggingface.co/datasets/jet-universe/jetclass2, https://arxiv.org/abs/2405.12972.
    """

    name = "jetclass"
    title = "JetClass"
    required = _PARTS
    optional = (*_JET, "label_*", _CLASS)

    def columns(self) -> list[str]:
        """Momenta, jets, labels, and what constituents are, if it is asked for."""
        known = [name for name in _KINDS if self.kinds and name in self.table.columns]
        return super().columns() + known

    def read(self, rows: Rows) -> RawJets:
        """Jets, one a row."""
        known = [name for name in _KINDS if name in rows]
        lengths, columns = rows.lists(*_PARTS, *known)
        flags = zip(known, columns[len(_PARTS) :], strict=True)
        kinds = [_KINDS[name] * (flag != 0) for name, flag in flags]
        own = all(name in rows for name in _JET)
        jets = from_four_vectors(
            lengths,
            *columns[: len(_PARTS)],
            where=rows.file,
            kind=np.max(kinds, axis=0).astype(np.int8) if kinds else None,
            sums=not own,
            skip_invalid=self.options.skip_invalid,
        )
        if own:
            pt, eta, phi, energy = (rows.numbers(name) for name in _JET)
            jets = replace(jets, jet=(pt, eta, phi, mass_of(pt, eta, energy)))
        return replace(jets, label=_labels(rows))


def _labels(rows: Rows) -> NDArray[np.int8] | None:
    """Signal where a class other than QCD is set, background where QCD is, else unknown."""
    classes = [name for name in rows if name.startswith("label_")]
    if classes:
        chosen = {name: rows.numbers(name) != 0 for name in classes}
        count = sum(x.astype(int) for x in chosen.values())
        if (count > 1).any():
            raise InputError(f"jets have more than one of the labels {classes}", where=rows.file)
        background = chosen.get("label_QCD", np.zeros(len(rows), dtype=bool))
        known = count > 0
    elif _CLASS in rows:
        number = rows.numbers(_CLASS)
        background, known = number >= _FIRST_QCD, (number >= 0) & (number < _N_CLASSES)
    else:
        return None
    label = np.where(background, BACKGROUND, SIGNAL)
    return np.where(known, label, UNKNOWN).astype(np.int8)
