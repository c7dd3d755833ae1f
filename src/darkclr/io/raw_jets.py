"""Jets, or events of particles, as a file has them, and the checked jets that they become."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.clustering import anti_kt
from darkclr.errors import InputError
from darkclr.io.options import EVENT_PT_MIN, ReadOptions
from darkclr.jets import UNKNOWN, Jets
from darkclr.kinematics import wrap_phi
from darkclr.plausibility import MAX_ABS_PHI, check_angles, check_pt
from darkclr.ragged import segment_keep, to_offsets

__all__ = ["RawJets", "checked_jets", "clustered_jets", "refuse_not_finite"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RawJets:
    """Jets as a file has them, neither checked nor sorted; or events of particles to be clustered.

    Args:
        lengths: (n,) number of constituents of each jet, or of particles of each event.
        pt, eta, phi: of all constituents [GeV, rad], flat (n_constituents,).
        mass: of the particles of events [GeV], flat or one number; not read of constituents.
        jet: (pt, eta, phi, mass) of the jets, (n,) each; None to sum massless constituents.
        label, weight, event, rank: (n,) columns as in :class:`~darkclr.jets.Jets`, or one number;
            None where the file has no such column: a row of the file is an event then.
        truth: further (n,) columns.
    """

    lengths: NDArray[np.int64]
    pt: NDArray
    eta: NDArray
    phi: NDArray
    mass: NDArray | float = 0.0
    jet: Sequence[NDArray] | None = None
    label: NDArray | None = None
    weight: NDArray | None = None
    event: NDArray | None = None
    rank: NDArray | None = None
    truth: Mapping[str, NDArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lengths)


def checked_jets(
    raw: RawJets,
    *,
    options: ReadOptions,
    start: int,
    where: object,
    provenance: Mapping[str, Any],
) -> Jets | None:
    """Jets of some rows of a file, or None if there are none. phi is brought to [-pi, pi).

    Args:
        raw: the jets as the file has them.
        options: label for jets without, and what to do with jets without constituents.
        start: row of the file of the first jet; the event number where the file has none.
        where: name of the file.
        provenance: where the jets come from.

    Raises:
        InputError: jets without constituents, and what :meth:`Jets.from_constituents` refuses.
    """
    n = len(raw)
    label = UNKNOWN if raw.label is None else raw.label
    if options.label is not None:
        label = np.where(np.asarray(label) == UNKNOWN, options.label, label)
    rows = {
        "label": label,
        "weight": 1.0 if raw.weight is None else raw.weight,
        "event": np.arange(start, start + n) if raw.event is None else raw.event,
        "rank": 0 if raw.rank is None else np.minimum(raw.rank, np.iinfo(np.int8).max),
    }
    jet, truth = raw.jet, dict(raw.truth)
    if jet is not None:
        jet = [jet[0], jet[1], _wrapped(jet[2]), jet[3]]
    empty = raw.lengths == 0
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
        jet = None if jet is None else [x[full] for x in jet]
    if empty.all():
        return None
    return Jets.from_constituents(
        to_offsets(raw.lengths[~empty]),
        raw.pt,
        raw.eta,
        _wrapped(raw.phi),
        jet=jet,
        truth=truth,
        provenance=provenance,
        where=where,
        **rows,
    )


def clustered_jets(
    raw: RawJets,
    *,
    options: ReadOptions,
    start: int,
    where: object,
    provenance: Mapping[str, Any],
) -> Jets | None:
    """Anti-kT jets of events of particles, or None if no event has any.

    Args:
        raw: the events as the file has them; label and weight become those of their jets.
        options: radius and cuts.
        start: row of the file of the first event.
        where: name of the file.
        provenance: where the events come from.

    Raises:
        InputError: values that are not finite, negative pT, pT that looks like MeV, angles that
            are none.
        MissingExtraError: fastjet is not installed.
        SimulationError: fastjet is too old.
    """
    for name in ("pt", "eta", "phi"):
        refuse_not_finite(getattr(raw, name), name, where)
    if (raw.pt < 0).any():
        raise InputError(f"{np.count_nonzero(raw.pt < 0)} particles have negative pT", where=where)
    if len(raw.pt):
        check_pt(raw.pt, "particle", where)
    check_angles(raw.eta, raw.phi, "particle", where)
    masses = np.broadcast_to(np.asarray(raw.mass), raw.pt.shape)
    keep = (raw.pt > 0) & (raw.pt >= options.constituent_pt_min)
    lengths, columns = segment_keep(keep, raw.lengths, raw.pt, raw.eta, raw.phi, masses)
    pt_min = EVENT_PT_MIN if options.pt_min is None else options.pt_min
    jets = anti_kt(
        to_offsets(lengths),
        *(x.astype(np.float64) for x in columns),
        radius=options.radius,
        pt_min=pt_min,
    )
    if len(jets) == 0:
        return None
    pt, eta, phi = (x[jets.index] for x in columns[:3])
    return checked_jets(
        RawJets(
            np.diff(jets.offsets),
            pt,
            eta,
            phi,
            jet=(jets.pt, jets.eta, jets.phi, jets.mass),
            label=None if raw.label is None else raw.label[jets.event],
            weight=None if raw.weight is None else raw.weight[jets.event],
            event=(start + np.arange(len(raw)) if raw.event is None else raw.event)[jets.event],
            rank=jets.rank,
        ),
        options=options,
        start=0,
        where=where,
        provenance={**provenance, "clustering": f"anti-kT, R = {options.radius:g}"},
    )


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


def _wrapped(phi: NDArray) -> NDArray:
    """Azimuth in [-pi, pi), computed only where a file has others.

    What is no azimuth in radians stays, for the check of plausibility to refuse it.
    """
    if not len(phi):
        return phi
    low, high = phi.min(), phi.max()
    inside = low >= -np.pi and high < np.pi
    return phi if inside or max(-low, high) > MAX_ABS_PHI else wrap_phi(phi)
