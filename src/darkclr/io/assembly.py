"""From the numbers of a foreign file to checked :class:`~darkclr.jets.Jets`.

Four-vectors are brought to (pt, eta, phi) here, and everything passes the border
:meth:`darkclr.jets.Jets.from_constituents`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.options import ReadOptions
from darkclr.jets import UNKNOWN, Jets
from darkclr.kinematics import wrap_phi
from darkclr.plausibility import MAX_ABS_PHI
from darkclr.ragged import segment_ids, to_offsets

__all__ = [
    "FourVectors",
    "Gathering",
    "Particles",
    "assemble",
    "keep_only",
    "labels",
    "mass_of",
    "refuse_not_finite",
    "single",
    "weights",
]

_log = logging.getLogger(__name__)

# Reduced precision (CMS keeps 10 bits of a mantissa) may put the energy slightly below the
# momentum; wrong columns put it far below, and for most particles.
_ENERGY_TOLERANCE = 0.01
_ENERGY_SHARE = 0.01

# The square of a smaller momentum [GeV] is no normal number of single precision.
_MIN_SQUARED = 1e-15


@dataclass(frozen=True, eq=False)
class Particles:
    """Particles of jets or events, flat.

    Args:
        lengths: (n,) int64, number of particles of each.
        pt: [GeV]; eta: pseudorapidity; phi: [rad]. (n_particles,) float32.
        jet: (pt, eta, phi, mass) of their sums, (n,) each; None to be summed as massless.
    """

    lengths: NDArray[np.int64]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    jet: tuple[NDArray, NDArray, NDArray, NDArray] | None = None


class Gathering:
    """Particles of a batch, block by block, each written behind those before and never copied.

    Args:
        capacity: upper limit of their number; what is not written to is no memory.
    """

    def __init__(self, capacity: int) -> None:
        self._columns = np.empty((3, capacity), np.float32)
        self._n = 0
        self._lengths: list[NDArray[np.int64]] = []
        self._jets: list[tuple[NDArray, NDArray, NDArray, NDArray]] = []

    @property
    def room(self) -> NDArray[np.float32]:
        """Where pt, eta and phi of the next block go, (3, at most what is left)."""
        return self._columns[:, self._n :]

    def add(self, lengths: NDArray[np.int64], jet: Any = None) -> None:
        """Count in what was written to the room: numbers of particles, and their sums if known."""
        self._n += int(lengths.sum())
        self._lengths.append(lengths)
        if jet is not None:
            self._jets.append(jet)

    def particles(self) -> Particles:
        """All of them."""
        return Particles(
            np.concatenate(self._lengths),
            *self._columns[:, : self._n],
            jet=tuple(np.concatenate(x) for x in zip(*self._jets, strict=True)) or None,  # type: ignore
        )


@dataclass(frozen=True, eq=False)
class FourVectors:
    """Four-vectors of the constituents of jets, flat (n_constituents,) [GeV]; no padding.

    Args:
        lengths: (n,) int64, number of constituents of each jet.
    """

    lengths: NDArray[np.int64]
    energy: NDArray
    px: NDArray
    py: NDArray
    pz: NDArray

    def particles(
        self, where: object, *, sums: bool = True, out: NDArray[np.float32] | None = None
    ) -> Particles:
        """Constituents in (pt, eta, phi), and the kinematics of their sums where asked for.

        eta is the pseudorapidity asinh(pz / pt), of the sign of pz; phi = atan2(py, px). The jet
        is the sum of the four-vectors with the energies of the file. Constituents without pT are
        left out.

        Args:
            where: name of the file.
            sums: whether the sums are asked for.
            out: (3, at least as many) where pt, eta and phi are written to.

        Raises:
            InputError: values that are not finite; energies below the momenta.
        """
        energy, px, py, pz = single((self.energy, self.px, self.py, self.pz))
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
                refuse_not_finite(values, name, where)
        momentum *= 1 - _ENERGY_TOLERANCE
        below = np.count_nonzero(energy < momentum)
        if below > _ENERGY_SHARE * len(energy):
            raise InputError(
                f"the energy is below the momentum of {below} of {len(energy)} constituents",
                where=where,
                fix="the columns are not E, px, py, pz, or not in one unit",
            )
        lengths, (energy, px, py, pz, pt) = keep_only(
            pt > 0, self.lengths, (energy, px, py, pz, pt)
        )
        out = np.empty((3, len(pt)), np.float32) if out is None else out[:, : len(pt)]
        out[0] = pt
        np.divide(pz, pt, out=out[1])
        np.arcsinh(out[1], out=out[1])
        np.arctan2(py, px, out=out[2])
        jet = _sum(lengths, energy, px, py, pz) if sums else None
        return Particles(lengths, out[0], out[1], out[2], jet)


def assemble(
    particles: Particles,
    *,
    options: ReadOptions,
    start: int,
    where: object,
    label: Any = None,
    event: Any = None,
    truth: Mapping[str, NDArray] | None = None,
    provenance: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Jets | None:
    """Jets of some rows of a file, or None if there are none. phi is brought to [-pi, pi).

    Args:
        particles: their constituents.
        options: label for jets without, and what to do with jets without constituents.
        start: row of the file of the first jet; the event number where ``event`` is None.
        where: name of the file.
        label, event, truth, columns: (n,) columns as in :meth:`Jets.from_constituents`.
        provenance: where the jets come from.

    Raises:
        InputError: jets without constituents, and what :meth:`Jets.from_constituents` refuses.
    """
    n = len(particles.lengths)
    if label is None:
        label = UNKNOWN
    if options.label is not None:
        label = np.where(np.asarray(label) == UNKNOWN, options.label, label)
    rows = {"label": label, "event": np.arange(start, start + n) if event is None else event}
    rows |= columns
    jet, truth = particles.jet, dict(truth or {})
    if jet is not None:
        jet = (jet[0], jet[1], _wrapped(jet[2]), jet[3])
    empty = particles.lengths == 0
    if empty.any():
        if not options.drop_empty:
            raise InputError(
                f"{np.count_nonzero(empty)} of {n} jets have no constituents, the first of them "
                f"in row {start + int(empty.argmax())}",
                where=where,
                fix="leave them out with the option drop_empty",
            )
        _log.warning("%s: %d jets without constituents left out", where, np.count_nonzero(empty))
        full = ~empty
        rows = {k: v if np.ndim(v) == 0 else np.asarray(v)[full] for k, v in rows.items()}
        truth = {k: v[full] for k, v in truth.items()}
        jet = None if jet is None else tuple(x[full] for x in jet)  # type: ignore[assignment]
    if empty.all():
        return None
    return Jets.from_constituents(
        to_offsets(particles.lengths[~empty]),
        particles.pt,
        particles.eta,
        _wrapped(particles.phi),
        jet=jet,
        truth=truth,
        provenance=provenance,
        where=where,
        **rows,
    )


def labels(values: NDArray, where: object, name: str) -> NDArray[np.int8]:
    """Labels of a file as int8.

    Raises:
        InputError: others than 0, 1 and -1.
    """
    values = np.asarray(values)
    known = np.isin(values, (0, 1, UNKNOWN))
    if not known.all():
        raise InputError(
            f"{name} has labels other than 0, 1 and -1: {values[~known][0]}", where=where
        )
    return values.astype(np.int8)


def weights(values: NDArray, where: object, name: str) -> NDArray[np.float32]:
    """Generator weights of a file as float32; they may be negative.

    Raises:
        InputError: NaN or infinite weights.
    """
    with np.errstate(over="ignore"):
        values = np.asarray(values).astype(np.float32)
    bad = len(values) - np.count_nonzero(np.isfinite(values))
    if bad:
        raise InputError(f"{bad} events have a NaN or infinite weight {name!r}", where=where)
    return values


def mass_of(pt: NDArray, eta: NDArray, energy: NDArray) -> NDArray[np.float64]:
    """Mass of jets, (n,) [GeV]; 0 where rounding makes its square negative."""
    momentum = np.float64(pt) * np.cosh(np.float64(eta))
    return np.sqrt(np.maximum(np.float64(energy) ** 2 - momentum**2, 0))


def _count(keep: NDArray[np.bool_], lengths: NDArray) -> NDArray[np.int64]:
    """Lengths (n,) of segments of which only the elements of a mask are kept."""
    return np.bincount(segment_ids(to_offsets(lengths))[keep], minlength=len(lengths))


def single(columns: Iterable[NDArray]) -> tuple[NDArray[np.float32], ...]:
    """Columns in single precision, contiguous; what is too large becomes infinite."""
    with np.errstate(over="ignore"):  # infinite values are refused later
        return tuple(np.ascontiguousarray(x, dtype=np.float32) for x in columns)


def keep_only(
    keep: NDArray[np.bool_], lengths: NDArray, columns: Iterable[NDArray]
) -> tuple[NDArray[np.int64], tuple[NDArray, ...]]:
    """Lengths and flat columns of segments of which only the elements of a mask are kept."""
    columns = tuple(columns)
    if keep.all():
        return lengths, columns
    return _count(keep, lengths), tuple(x[keep] for x in columns)


def _wrapped(phi: NDArray) -> NDArray:
    """Azimuth in [-pi, pi), computed only where a file has others.

    What is no azimuth in radians stays, for the border to refuse it.
    """
    if not len(phi):
        return phi
    low, high = phi.min(), phi.max()
    inside = low >= -np.pi and high < np.pi
    return phi if inside or max(-low, high) > MAX_ABS_PHI else wrap_phi(phi)


def _sum(lengths: NDArray, *four: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """(pt, eta, phi, mass) of the summed (E, px, py, pz)."""
    if not len(four[0]):
        nothing = np.zeros(len(lengths))
        return nothing, nothing, nothing, nothing
    offsets = to_offsets(lengths)
    # An empty segment would give its neighbour's value; it is refused or left out afterwards.
    starts = np.minimum(offsets[:-1], offsets[-1] - 1)
    energy, px, py, pz = (np.add.reduceat(x.astype(np.float64), starts) for x in four)
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(pz / pt)
    mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0))
    return pt, eta, wrap_phi(np.arctan2(py, px)), mass


def _is_finite(values: NDArray) -> bool:
    """Whether all are; NaN is the smallest and the largest value of an array that has one."""
    return not len(values) or bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def refuse_not_finite(values: NDArray, name: str, where: object) -> None:
    """Refuse particles with NaN or infinite values of some name, (n_particles,).

    Raises:
        InputError: there are any.
    """
    bad = len(values) - np.count_nonzero(np.isfinite(values))
    if bad:
        raise InputError(
            f"{bad} particles have NaN or infinite {name}", where=where, fix="remove them"
        )
