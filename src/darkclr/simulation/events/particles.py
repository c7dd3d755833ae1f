"""Stable particles of a batch of events, as flat arrays, and what their codes say."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TypeVar

import numpy as np

__all__ = ["GeneratedParticles", "charge_of", "is_detectable", "take"]

# Three times the charge of quarks 1..6 and the digit 0, by digit; digits above 6 are no quarks.
_QUARK_CHARGE = np.array([0, -1, 2, -1, 2, -1, 2, 0, 0, 0])
# Hadrons have codes of up to five digits.
_N_CODES = 100_000

Arrays = TypeVar("Arrays")


@dataclass(frozen=True)
class GeneratedParticles:
    """Stable particles of a batch of events, flat and sorted by event; every array is (n,).

    Args:
        event: Index of the event in the batch, int64, non-decreasing.
        pdg: PDG code, int64.
        px, py, pz: Momentum at production [GeV].
        mass: Mass [GeV].
        x, y, z: Production vertex, measured from the centre of the detector [mm].
        charge: Electric charge in units of the positron charge; see :func:`charge_of`.
    """

    event: np.ndarray
    pdg: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    mass: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    charge: np.ndarray


def take(arrays: Arrays, index: np.ndarray) -> Arrays:
    """The same dataclass of arrays with every array indexed (by mask or position)."""
    if index.dtype == bool:  # not to be counted out again for every array
        index = np.flatnonzero(index)
    return type(arrays)(*(getattr(arrays, f.name).take(index) for f in fields(arrays)))  # type: ignore


def is_detectable(pdg: np.ndarray) -> np.ndarray:
    """Whether the detector knows these particles at all, (n,) bool.

    Delphes drops a particle whose code is not in ROOT's table. Here the table is replaced by a
    rule: leptons (11-16), the photon, and ordinary hadrons, i.e. codes of up to five digits whose
    hundreds and tens digits are quarks. Everything else leaves nothing: dark hadrons (49xxxxx),
    supersymmetric particles, nuclei, and partons, which are never stable.
    """
    return _known()[0][_place(np.abs(pdg))]


def charge_of(pdg: np.ndarray) -> np.ndarray:
    """Electric charges from the PDG numbering scheme, (n,) float64 in units of the positron charge.

    Charged leptons, mesons and baryons get the charge their code spells out; everything that
    :func:`is_detectable` rejects counts as neutral.

    Source: R.L. Workman et al. (PDG), Prog. Theor. Exp. Phys. 2022, 083C01, section 45.

    >>> charge_of(np.array([211, -321, 2212, 3112, 130, 22, -13]))
    array([ 1., -1.,  1., -1.,  0.,  0.,  1.])
    """
    pdg = np.asarray(pdg)
    return np.copysign(1.0, pdg) * _known()[1][_place(np.abs(pdg))] + 0.0


def _place(code: np.ndarray) -> np.ndarray:
    """Rows of the tables of :func:`_known`; the first is that of unknown particles."""
    return np.where(code < _N_CODES, code, 0)


@cache
def _known() -> tuple[np.ndarray, np.ndarray]:
    """Whether each absolute code is detectable, and its charge: looked up for many particles."""
    code = np.arange(_N_CODES)
    thousands, hundreds, tens = (code // place % 10 for place in (1000, 100, 10))
    hadron = (code >= 100) & (hundreds >= 1) & (hundreds <= 6) & (tens >= 1) & (tens <= 6)
    detectable = ((code >= 11) & (code <= 16)) | (code == 22) | hadron
    # Of a meson's code the heavier quark comes first; the positive code has it as a quark if it is
    # up-type and as an antiquark if it is down-type.
    first, second = _QUARK_CHARGE[hundreds], _QUARK_CHARGE[tens]
    meson = np.where(hundreds % 2 == 0, first - second, second - first)
    thirds = np.where(thousands == 0, meson, _QUARK_CHARGE[thousands] + first + second)
    lepton = np.where((code >= 11) & (code <= 16) & (code % 2 == 1), -3, 0)
    thirds = np.where(code < 100, lepton, thirds)
    return detectable, np.where(detectable, thirds / 3.0, 0.0)
