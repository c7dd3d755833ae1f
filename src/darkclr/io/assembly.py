"""From the numbers of a foreign file to checked :class:`~darkclr.jets.Jets`.

Padded and four-vector arrays are brought to flat (pt, eta, phi) here, particles of events are
clustered, and everything passes the border :meth:`darkclr.jets.Jets.from_constituents`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.options import EVENT_PT_MIN, ReadOptions
from darkclr.jets import MAX_PT_GEV, UNKNOWN, Jets
from darkclr.kinematics import segment_ids, wrap_phi

__all__ = [
    "FourVectors",
    "Particles",
    "assemble",
    "cluster_events",
    "count",
    "labels",
    "mass_of",
    "to_offsets",
    "unpadded",
    "wrapped",
]

_log = logging.getLogger(__name__)

# Reduced precision (CMS keeps 10 bits of a mantissa) may put the energy slightly below the
# momentum; wrong columns put it far below, and for most particles.
_ENERGY_TOLERANCE = 0.01
_ENERGY_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Particles:
    """Particles of jets or events, flat.

    Args:
        lengths: (n,) int64, number of particles of each.
        pt: [GeV]; eta: pseudorapidity; phi: [rad] in [-pi, pi). (n_particles,) float32.
        jet: (pt, eta, phi, mass) of their sums, (n,) each; None to be summed as massless.
    """

    lengths: NDArray[np.int64]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    jet: tuple[NDArray, NDArray, NDArray, NDArray] | None = None


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

    def particles(self, where: object) -> Particles:
        """Constituents in (pt, eta, phi), and the kinematics of their sums.

        eta is the pseudorapidity asinh(pz / pt), of the sign of pz; phi = atan2(py, px). The jet
        is the sum of the four-vectors with the energies of the file.

        Raises:
            InputError: values that are not finite; energies below the momenta.
        """
        columns = (self.energy, self.px, self.py, self.pz)
        four = [np.ascontiguousarray(x, dtype=np.float32) for x in columns]
        for name, values in zip(("E", "px", "py", "pz"), four, strict=True):
            _refuse_not_finite(values, name, where)
        energy, px, py, pz = four
        pt = np.hypot(px, py)
        momentum = np.hypot(pt, pz)
        below = np.count_nonzero(energy < momentum * (1 - _ENERGY_TOLERANCE))
        if below > _ENERGY_SHARE * len(energy):
            raise InputError(
                f"the energy is below the momentum of {below} of {len(energy)} constituents",
                where=where,
                mend="the columns are not E, px, py, pz, or not in one unit",
            )
        keep = pt > 0
        lengths = self.lengths
        if not keep.all():
            lengths = count(keep, lengths)
            energy, px, py, pz, pt = (x[keep] for x in (energy, px, py, pz, pt))
        return Particles(
            lengths,
            pt,
            np.arcsinh(pz / pt),
            wrapped(np.arctan2(py, px)),
            _sum(lengths, energy, px, py, pz),
        )


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
    """Jets of some rows of a file, or None if there are none.

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
    empty = particles.lengths == 0
    if empty.any():
        if not options.drop_empty:
            raise InputError(
                f"{np.count_nonzero(empty)} of {n} jets have no constituents, the first of them "
                f"in row {start + int(empty.argmax())}",
                where=where,
                mend="leave them out with the option drop_empty",
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
        particles.phi,
        jet=jet,
        truth=truth,
        provenance=provenance,
        where=where,
        **rows,
    )


def cluster_events(
    particles: Particles,
    mass: NDArray | float,
    *,
    options: ReadOptions,
    start: int,
    where: object,
    label: NDArray | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Jets | None:
    """Anti-kT jets of events of particles, or None if no event has any.

    Args:
        particles: particles of each event.
        mass: of the particles, (n_particles,) or 0 [GeV].
        options: radius and cuts.
        start: row of the file of the first event.
        where: name of the file.
        label: (n,) labels of the events, which are those of their jets.
        provenance: where the events come from.

    Raises:
        InputError: values that are not finite, negative pT, pT that looks like MeV.
        MissingExtraError: fastjet is not installed.
    """
    from darkclr.simulation.clustering import cluster
    from darkclr.simulation.particles import EnergyFlow

    for name in ("pt", "eta", "phi"):
        _refuse_not_finite(getattr(particles, name), name, where)
    if (particles.pt < 0).any():
        raise InputError(
            f"{np.count_nonzero(particles.pt < 0)} particles have negative pT", where=where
        )
    if len(particles.pt) and particles.pt.max() > MAX_PT_GEV:
        raise InputError(
            f"a particle has pT = {particles.pt.max():.4g} GeV, above the beam energy",
            where=where,
            mend="the file is probably in MeV: divide by 1000",
        )
    event = segment_ids(to_offsets(particles.lengths))
    keep = (particles.pt > 0) & (particles.pt >= options.constituent_pt_min)
    pt, eta, phi = (
        x[keep].astype(np.float64) for x in (particles.pt, particles.eta, particles.phi)
    )
    masses = np.broadcast_to(np.asarray(mass, dtype=np.float64), keep.shape)[keep]
    flow = EnergyFlow(event[keep], pt, eta, phi, masses, np.zeros(len(pt), dtype=np.int8))
    if len(pt) == 0:
        return None
    pt_min = EVENT_PT_MIN if options.pt_min is None else options.pt_min
    clustered = cluster(flow, len(particles.lengths), radius=options.radius, pt_min=pt_min)
    if len(clustered) == 0:
        return None
    constituents = clustered.constituents
    return assemble(
        Particles(
            np.diff(clustered.offsets),
            constituents.pt,
            constituents.eta,
            wrapped(constituents.phi),
            (clustered.pt, clustered.eta, clustered.phi, clustered.mass),
        ),
        options=options,
        start=0,
        where=where,
        label=None if label is None else label[clustered.event],
        event=start + clustered.event,
        rank=np.minimum(clustered.rank, np.iinfo(np.int8).max),
        provenance={**(provenance or {}), "clustering": f"anti-kT, R = {options.radius:g}"},
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


def mass_of(pt: NDArray, eta: NDArray, energy: NDArray) -> NDArray[np.float64]:
    """Mass of jets, (n,) [GeV]; 0 where rounding makes its square negative."""
    momentum = np.float64(pt) * np.cosh(np.float64(eta))
    return np.sqrt(np.maximum(np.float64(energy) ** 2 - momentum**2, 0))


def to_offsets(lengths: NDArray) -> NDArray[np.int64]:
    """Offsets (n + 1,) of segments of the given lengths."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def count(keep: NDArray[np.bool_], lengths: NDArray) -> NDArray[np.int64]:
    """Lengths (n,) of segments of which only the elements of a mask are kept."""
    return np.bincount(segment_ids(to_offsets(lengths))[keep], minlength=len(lengths))


def unpadded(padded: NDArray) -> tuple[NDArray[np.int64], NDArray]:
    """Lengths (n,) and flat rows (n_particles, k) of an array (n, slots, k) padded with zeros.

    A slot is padding if all its k numbers are zero. NaN is not zero, and is refused later.
    """
    nonzero = np.not_equal(padded, 0, order="C")
    if padded.shape[2] == 4:  # four bytes at a time
        filled = nonzero.view(np.uint32)[..., 0] != 0
    else:
        filled = np.logical_or.reduce([nonzero[..., k] for k in range(padded.shape[2])])
    rows = np.ascontiguousarray(padded).reshape(-1, padded.shape[2])
    return np.count_nonzero(filled, axis=1), rows.take(np.flatnonzero(filled), axis=0)


def wrapped(phi: NDArray) -> NDArray:
    """Azimuth in [-pi, pi), computed only where a file has others."""
    inside = not len(phi) or (phi.min() >= -np.pi and phi.max() < np.pi)
    return phi if inside else wrap_phi(phi)


def _sum(lengths: NDArray, *four: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """(pt, eta, phi, mass) of the summed (E, px, py, pz)."""
    if not len(four[0]):
        nothing = np.zeros(len(lengths))
        return nothing, nothing, nothing, nothing
    offsets = to_offsets(lengths)
    # An empty segment would give its neighbour's value; it is refused or left out afterwards.
    starts = np.minimum(offsets[:-1], offsets[-1] - 1)
    energy, px, py, pz = (np.add.reduceat(x, starts, dtype=np.float64) for x in four)
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(pz / pt)
    mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0))
    return pt, eta, wrap_phi(np.arctan2(py, px)), mass


def _refuse_not_finite(values: NDArray, name: str, where: object) -> None:
    bad = len(values) - np.count_nonzero(np.isfinite(values))
    if bad:
        raise InputError(
            f"{bad} particles have NaN or infinite {name}", where=where, mend="remove them"
        )
