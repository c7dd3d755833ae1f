"""Whether stored jet kinematics are those of the constituents: wrong units and axes are found."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darkclr.jets import Jets
from darkclr.kinematics import delta_r, four_vector_sum

__all__ = ["KinematicsCheck", "check_kinematics", "spot_check"]

# Calibration, grooming and constituents that a file cut away move jets by less than this;
# wrong units or axes move them by much more.
_MAX_PT_RATIO = 2.0
_MAX_DELTA_R = 0.2
_MAX_OUTSIDE = 0.05


@dataclass(frozen=True)
class KinematicsCheck:
    """Stored jet kinematics beside the sum of the constituents.

    Args:
        n: number of jets compared.
        pt_ratio: median of stored pT / summed pT.
        delta_r: median distance between the stored and the summed axis.
        outside: share of jets with a pT ratio outside [1/2, 2] or a distance above 0.2.
        guess: what may have gone wrong, if anything has.
    """

    n: int
    pt_ratio: float
    delta_r: float
    outside: float
    guess: str | None = None

    @property
    def problem(self) -> str | None:
        """One sentence if the two disagree, else None."""
        if self.outside <= _MAX_OUTSIDE:
            return None
        return (
            f"{100 * self.outside:.0f} % of {self.n} jets do not fit the sum of their "
            f"constituents (median stored / summed pT {self.pt_ratio:.4g}, "
            f"distance {self.delta_r:.2g}): {self.guess}"
        )


def check_kinematics(jets: Jets) -> KinematicsCheck:
    """Compare stored pt, eta and phi with the sum of the constituents, before any cut on these.

    A mismatch means wrong units, wrong axes, or constituents of another jet. Mass is not
    compared: files store groomed masses, and constituents count as massless here.

    >>> jets = Jets.from_constituents(
    ...     [0, 1], [0.3], [1.0], [0.0], jet=([300.0], [1.0], [0.0], [0.0])
    ... )
    >>> print(check_kinematics(jets).problem)
    100 % of 1 jets do not fit the sum of their constituents (median stored / summed pT 1000,
    distance 0): constituents in TeV, or jets in MeV
    """
    if not len(jets):
        return KinematicsCheck(0, 1.0, 0.0, 0.0)
    c = jets.constituents
    pt, eta, phi, _ = four_vector_sum(c.pt, c.eta, c.phi, c.offsets)
    ratio = jets.pt / pt
    distance = delta_r(jets.eta, jets.phi, eta, phi)
    outside = (ratio > _MAX_PT_RATIO) | (ratio < 1 / _MAX_PT_RATIO) | (distance > _MAX_DELTA_R)
    check = KinematicsCheck(
        len(jets), float(np.median(ratio)), float(np.median(distance)), float(outside.mean())
    )
    if check.problem is None:
        return check
    return replace(check, guess=_guess(check, jets, eta, phi))


def spot_check(jets: Jets, *, n: int = 128) -> KinematicsCheck:
    """:func:`check_kinematics` of ``n`` jets evenly spread, of all jets if those do not fit.

    Fast enough for every batch of a file, where the check of all jets takes as long as reading.
    """
    if len(jets) <= n:
        return check_kinematics(jets)
    check = check_kinematics(jets[np.linspace(0, len(jets) - 1, n).astype(np.int64)])
    return check if check.problem is None else check_kinematics(jets)


def _guess(check: KinematicsCheck, jets: Jets, eta: NDArray, phi: NDArray) -> str:
    """Words for the first simple error that explains the difference to the summed axes."""
    for factor, words in (
        (1e3, "constituents in TeV, or jets in MeV"),
        (1e-3, "constituents in MeV, or jets in TeV"),
    ):
        if 0.5 < check.pt_ratio / factor < 2:
            return words
    if check.delta_r > _MAX_DELTA_R:
        for words, wrong_eta, wrong_phi in (
            ("constituents are relative to the jet axis", jets.eta + eta, jets.phi + phi),
            ("eta has the opposite sign", -eta, phi),
            ("phi has the opposite sign", eta, -phi),
            ("eta and phi are exchanged", phi, eta),
            ("eta is something else in one of them", jets.eta, phi),
            ("phi has another origin or unit in one of them", eta, jets.phi),
        ):
            if np.median(delta_r(jets.eta, jets.phi, wrong_eta, wrong_phi)) < _MAX_DELTA_R:
                return words
    return "wrong units, wrong axes, or constituents of another jet"
