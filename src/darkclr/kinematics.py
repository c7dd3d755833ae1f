"""Pure array functions of jet kinematics. Angles in radians, momenta in GeV.

Ragged arrays are flat values with ``offsets`` of shape (n + 1,): jet *i* owns
``values[offsets[i]:offsets[i + 1]]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.ragged import segment_ids, segment_max, segment_sum

__all__ = [
    "centroid",
    "delta_phi",
    "delta_r",
    "four_vector_sum",
    "wrap_phi",
]

Floats = NDArray[np.floating]


def wrap_phi(phi: ArrayLike) -> Floats:
    """Azimuth in [-pi, pi).

    >>> bool(np.isclose(wrap_phi(np.pi + 0.1), -np.pi + 0.1))
    True
    """
    phi = np.asarray(phi)
    phi = phi.astype(np.result_type(phi, np.float32))
    wrapped = (phi + np.pi) % (2 * np.pi) - np.pi
    # Rounding may return the upper edge itself.
    return np.where(wrapped >= phi.dtype.type(np.pi), -phi.dtype.type(np.pi), wrapped).astype(
        phi.dtype
    )


def delta_phi(a: ArrayLike, b: ArrayLike) -> Floats:
    """Signed azimuthal distance ``a - b`` in [-pi, pi)."""
    return wrap_phi(np.subtract(a, b))


def delta_r(eta_a: ArrayLike, phi_a: ArrayLike, eta_b: ArrayLike, phi_b: ArrayLike) -> Floats:
    """Distance in the eta-phi plane, sqrt(delta_eta^2 + delta_phi^2)."""
    return np.hypot(np.subtract(eta_a, eta_b), delta_phi(phi_a, phi_b))


def centroid(
    pt: NDArray, eta: NDArray, phi: NDArray, offsets: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """pT-weighted centroid (eta, phi) of each jet, shapes (n,).

    phi is averaged around the jet's hardest constituent, so the wrap-around does no harm.
    """
    ids = segment_ids(offsets)
    total = segment_sum(pt, offsets)
    # First occurrence of the maximum of each jet: any constituent will do as the origin of phi.
    hardest = np.flatnonzero(pt == segment_max(pt, offsets)[ids])
    origin = phi[hardest[np.searchsorted(ids[hardest], np.arange(len(total)))]].astype(np.float64)
    offset = segment_sum(pt * delta_phi(phi, origin[ids]), offsets) / total
    return segment_sum(pt * eta.astype(np.float64), offsets) / total, wrap_phi(origin + offset)


def four_vector_sum(
    pt: NDArray, eta: NDArray, phi: NDArray, offsets: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats, Floats]:
    """(pt, eta, phi, mass) of the sum of massless constituents of each jet, shapes (n,)."""
    pt, eta, phi = (np.asarray(x, dtype=np.float64) for x in (pt, eta, phi))
    px = segment_sum(pt * np.cos(phi), offsets)
    py = segment_sum(pt * np.sin(phi), offsets)
    pz = segment_sum(pt * np.sinh(eta), offsets)
    energy = segment_sum(pt * np.cosh(eta), offsets)
    total_pt = np.hypot(px, py)
    mass_squared = energy**2 - total_pt**2 - pz**2
    with np.errstate(divide="ignore", invalid="ignore"):
        total_eta = np.where(total_pt > 0, np.arcsinh(pz / total_pt), 0.0)
    return total_pt, total_eta, wrap_phi(np.arctan2(py, px)), np.sqrt(np.maximum(mass_squared, 0))
