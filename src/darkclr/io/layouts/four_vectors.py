"""Four-momenta of files, brought to (pt, eta, phi)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.raw_jets import FILLING, RawJets, filling, refuse_not_finite
from darkclr.kinematics import wrap_phi
from darkclr.ragged import segment_keep, to_offsets

__all__ = ["from_four_vectors", "mass_of", "single"]

# Reduced precision (CMS keeps 10 bits of a mantissa) may put the energy slightly below the
# momentum; wrong columns put it far below, and for most particles.
_ENERGY_TOLERANCE = 0.01
_ENERGY_SHARE = 0.01

# The square of a smaller momentum [GeV] is no normal number of single precision.
_MIN_SQUARED = 1e-15


def from_four_vectors(
    lengths: NDArray[np.int64],
    energy: NDArray,
    px: NDArray,
    py: NDArray,
    pz: NDArray,
    *,
    where: object,
    kind: NDArray[np.int8] | None = None,
    sums: bool = True,
    skip_invalid: bool = False,
    room: Callable[[int], NDArray[np.float32]] | None = None,
) -> RawJets:
    """Jets of four-momenta: constituents in (pt, eta, phi), and their sums where asked for.

    eta is the pseudorapidity asinh(pz / pt), of the sign of pz; phi = atan2(py, px). The jet is the
    sum of the four-momenta with the energies of the file. Constituents without pT are left out, and
    what is padding of another number.

    Args:
        lengths: (n,) number of constituents of each jet.
        energy, px, py, pz: of all constituents, flat (n_constituents,) [GeV]; no padding.
        where: name of the file.
        kind: of all constituents, if it is known.
        sums: whether the sums are asked for.
        skip_invalid: whether values that are not finite become a pT that is none, so that the check
            of the jets leaves theirs out.
        room: memory (3, n) for pt, eta and phi, as :meth:`darkclr.io.layouts.Layout.room`.

    Raises:
        InputError: values that are not finite and negative energies, unless they are skipped;
            energies below the momenta.
    """
    energy, px, py, pz = single((energy, px, py, pz))
    n_filled = 0
    if len(energy) and energy.min() < 0:
        filled = filling(energy, px, py, pz)
        n_filled = int(filled.sum())
        columns = (energy, px, py, pz, *(() if kind is None else (kind,)))
        lengths, (energy, px, py, pz, *kinds) = segment_keep(~filled, lengths, *columns)
        kind = next(iter(kinds), None)
    with np.errstate(over="ignore", invalid="ignore"):  # both are looked for below
        pt = px * px
        pt += py * py
        momentum = pz * pz
        momentum += pt
    # Several times faster than np.hypot, but for momenta whose squares are too small.
    np.sqrt(pt, out=pt)
    np.sqrt(momentum, out=momentum)
    if len(pt) and pt.min() < _MIN_SQUARED:
        small = pt < _MIN_SQUARED
        pt[small] = np.hypot(px[small], py[small])
    if not (_is_finite(momentum) and _is_finite(energy)):
        for name, values in (("E", energy), ("px", px), ("py", py), ("pz", pz)):
            if not skip_invalid:
                refuse_not_finite(values, name, where)
        bad = ~(np.isfinite(momentum) & np.isfinite(energy))
        pt[bad] = momentum[bad] = np.nan
    momentum *= 1 - _ENERGY_TOLERANCE
    below = np.count_nonzero(energy < momentum)
    if below > _ENERGY_SHARE * len(energy):
        raise InputError(
            f"the energy is below the momentum of {below} of {len(energy)} constituents",
            where=where,
            fix="the columns are not E, px, py, pz, or not in one unit",
        )
    if below and (negative := energy < 0).any():
        if not skip_invalid:
            raise InputError(
                f"{negative.sum()} of {len(energy)} constituents have negative energies",
                where=where,
                fix="check the columns; --skip-invalid leaves their jets out",
            )
        pt[negative] = np.nan
    columns = (energy, px, py, pz, pt, *(() if kind is None else (kind,)))
    lengths, (energy, px, py, pz, pt, *kinds) = segment_keep(pt != 0, lengths, *columns)
    out = np.empty((3, len(pt)), np.float32) if room is None else room(len(pt))
    out[0] = pt
    np.divide(pz, pt, out=out[1])
    np.arcsinh(out[1], out=out[1])
    np.arctan2(py, px, out=out[2])
    jet = _sum(lengths, energy, px, py, pz) if sums else None
    return RawJets(
        lengths,
        out[0],
        out[1],
        out[2],
        kind=next(iter(kinds), None),
        jet=jet,
        left_out={f"constituents {FILLING}": n_filled} if n_filled else {},
    )


def mass_of(pt: NDArray, eta: NDArray, energy: NDArray) -> NDArray[np.float64]:
    """Mass of jets, (n,) [GeV]; 0 where rounding makes its square negative."""
    momentum = np.float64(pt) * np.cosh(np.float64(eta))
    return np.sqrt(np.maximum(np.float64(energy) ** 2 - momentum**2, 0))


def single(columns: Iterable[NDArray]) -> tuple[NDArray[np.float32], ...]:
    """Columns in single precision, contiguous; what is too large becomes infinite."""
    with np.errstate(over="ignore"):  # infinite values are refused later
        return tuple(np.ascontiguousarray(x, dtype=np.float32) for x in columns)


def _sum(lengths: NDArray, *four: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """(pt, eta, phi, mass) of the summed (E, px, py, pz)."""
    if not len(four[0]):
        nothing = np.zeros(len(lengths))
        return nothing, nothing, nothing, nothing
    offsets = to_offsets(lengths)
    # An empty segment would give its neighbour's value; it is refused or left out afterwards.
    starts = np.minimum(offsets[:-1], offsets[-1] - 1)
    energy, px, py, pz = (np.add.reduceat(x.astype(np.float64), starts) for x in four)
    with np.errstate(divide="ignore", invalid="ignore"):
        pt = np.hypot(px, py)
        eta = np.arcsinh(pz / pt)
        mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0))
    return pt, eta, wrap_phi(np.arctan2(py, px)), mass


def _is_finite(values: NDArray) -> bool:
    """Whether all are; NaN is the smallest and the largest value of an array that has one."""
    return not len(values) or bool(np.isfinite(values.min()) and np.isfinite(values.max()))
