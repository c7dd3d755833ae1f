"""Cuts on constituents and jets: pure functions ``Jets -> Jets``.

The result may hold no jets at all: whoever ends a chain of cuts says so to the user.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from darkclr.errors import ConfigError
from darkclr.jets import Jets
from darkclr.kinematics import four_vector_sum

__all__ = ["cut_constituents", "recompute_kinematics", "select_jets"]


def cut_constituents(jets: Jets, *, pt_min: float = 0.0, n_hardest: int | None = None) -> Jets:
    """Jets with fewer constituents; jets that lose all of them are removed.

    Jet kinematics stay as they are stored: see :func:`recompute_kinematics`.

    Args:
        jets: n jets.
        pt_min: lowest pT of a constituent that stays [GeV].
        n_hardest: number of hardest constituents that stay, all if None.

    Raises:
        ConfigError: ``n_hardest`` is not positive.
    """
    if n_hardest is not None and n_hardest < 1:
        raise ConfigError(
            f"{n_hardest} constituents are none", where="n_hardest", fix="give at least 1"
        )
    constituents = jets.constituents
    if pt_min > 0:
        constituents = constituents.keep(constituents.pt >= pt_min)
    if n_hardest is not None:
        constituents = constituents.hardest(n_hardest)
    if constituents is jets.constituents:
        return jets
    return replace(jets, constituents=constituents)[constituents.lengths > 0]


def select_jets(
    jets: Jets,
    *,
    pt_min: float = 0.0,
    pt_max: float | None = None,
    abs_eta_max: float | None = None,
) -> Jets:
    """The jets with ``pt_min <= pt < pt_max`` [GeV] and ``|eta| < abs_eta_max``."""
    mask = jets.pt >= pt_min
    if pt_max is not None:
        mask &= jets.pt < pt_max
    if abs_eta_max is not None:
        mask &= np.abs(jets.eta) < abs_eta_max
    return jets if mask.all() else jets[mask]


def recompute_kinematics(jets: Jets) -> Jets:
    """Jets whose pt, eta, phi and mass are those of the sum of their massless constituents."""
    c = jets.constituents
    pt, eta, phi, mass = (
        values.astype(np.float32) for values in four_vector_sum(c.pt, c.eta, c.phi, c.offsets)
    )
    return replace(jets, pt=pt, eta=eta, phi=phi, mass=mass)
