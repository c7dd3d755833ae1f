"""Jets, or events of particles, as a file has them, and the checked jets that they become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.clustering import anti_kt
from darkclr.errors import InputError
from darkclr.io.options import EVENT_PT_MIN, NegativeWeights, ReadOptions
from darkclr.jets import UNKNOWN, Jets
from darkclr.kinematics import wrap_phi
from darkclr.plausibility import (
    MAX_ABS_ETA,
    MAX_ABS_PHI,
    MAX_CONSTITUENTS,
    check_angles,
    check_pt,
)
from darkclr.ragged import segment_ids, segment_keep, to_offsets

__all__ = [
    "FILLING",
    "RawJets",
    "checked_jets",
    "clustered_jets",
    "filling",
    "refuse_not_finite",
    "signed_weights",
]

#: What constituents are that are padding of another number than zero.
FILLING = "with one negative number in all columns, as padding,"

# Some particles of an event may go along the beam; if more do, the column is no pseudorapidity.
_MAX_ALONG_BEAM = 0.1


@dataclass(frozen=True, eq=False)
class RawJets:
    """Jets as a file has them, neither checked nor sorted; or events of particles to be clustered.

    Args:
        lengths: (n,) number of constituents of each jet, or of particles of each event.
        pt, eta, phi: of all constituents [GeV, rad], flat (n_constituents,).
        kind: of all constituents, numbers of :data:`~darkclr.jets.KINDS`, flat; None if unknown.
        mass: of the particles of events [GeV], flat or one number; not read of constituents.
        jet: (pt, eta, phi, mass) of the jets, (n,) each; None to sum massless constituents.
        label, weight, event, rank: (n,) columns as in :class:`~darkclr.jets.Jets`, or one number;
            None where the file has no such column: a row of the file is an event then.
        truth: further (n,) columns.
        left_out: number of what was left out, by words for it: "jets without candidates".
    """

    lengths: NDArray[np.int64]
    pt: NDArray
    eta: NDArray
    phi: NDArray
    kind: NDArray[np.int8] | None = None
    mass: NDArray | float = 0.0
    jet: Sequence[NDArray] | None = None
    label: NDArray | None = None
    weight: NDArray | None = None
    event: NDArray | None = None
    rank: NDArray | None = None
    truth: Mapping[str, NDArray] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def kinds(self) -> tuple[NDArray[np.int8], ...]:
        """The kinds as one column, or none where they are unknown."""
        return () if self.kind is None else (self.kind,)


def checked_jets(
    raw: RawJets,
    *,
    options: ReadOptions,
    start: int,
    where: object,
    provenance: Mapping[str, Any],
    left_out: Counter[str],
) -> Jets | None:
    """Jets of some rows of a file, or None if there are none. phi is brought to [-pi, pi).

    Constituents without pT, as zero padding has them, are left out.

    Args:
        raw: the jets as the file has them.
        options: label for jets without, and what to do with jets without constituents.
        start: row of the file of the first jet; the event number where the file has none.
        where: name of the file.
        provenance: where the jets come from.
        left_out: the number of what is left out is added to it.

    Raises:
        InputError: jets without constituents, negative weights, and what
            :meth:`Jets.from_constituents` refuses.
    """
    n = len(raw)
    if len(raw.lengths) and raw.lengths.max() > MAX_CONSTITUENTS:
        raise InputError(
            f"the jet in row {start + int(raw.lengths.argmax())} has {raw.lengths.max()} "
            f"constituents, more than {MAX_CONSTITUENTS}",
            where=where,
            fix="no jet has so many: check the columns",
        )
    if len(raw.pt) and not raw.pt.min() > 0:
        raw = _with_pt(raw, left_out)
    before = Counter(left_out)
    left_out.update(raw.left_out)
    label = UNKNOWN if raw.label is None else raw.label
    if options.label is not None:
        label = np.where(np.asarray(label) == UNKNOWN, options.label, label)
    rows = {
        "label": label,
        "weight": 1.0
        if raw.weight is None
        else signed_weights(raw.weight, options.negative_weights, where),
        "event": np.arange(start, start + n) if raw.event is None else raw.event,
        "rank": 0 if raw.rank is None else raw.rank,
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
        left_out["jets without constituents"] += int(empty.sum())
        full = ~empty
        rows = {k: v if np.ndim(v) == 0 else np.asarray(v)[full] for k, v in rows.items()}
        truth = {k: v[full] for k, v in truth.items()}
        jet = None if jet is None else [x[full] for x in jet]
    if empty.all():
        return None
    try:
        return Jets.from_constituents(
            to_offsets(raw.lengths[~empty]),
            raw.pt,
            raw.eta,
            _wrapped(raw.phi),
            kind=raw.kind,
            jet=jet,
            truth=truth,
            provenance=provenance,
            where=where,
            beam_energy=options.beam_energy,
            **rows,
        )
    except InputError as problem:
        invalid = _invalid(raw)
        if not invalid.any():
            raise
        if not options.skip_invalid:
            raise InputError(
                f"{problem} (they are in {invalid.sum()} of {n} jets, the first of them in row "
                f"{start + int(invalid.argmax())})",
                fix="--skip-invalid leaves such jets out",
            ) from problem
    left_out.clear()
    left_out.update(before)
    left_out["jets with NaN, infinite or missing values"] += int(invalid.sum())
    return checked_jets(
        _rows(raw, ~invalid, start),
        options=options,
        start=start,
        where=where,
        provenance=provenance,
        left_out=left_out,
    )


def _with_pt(raw: RawJets, left_out: Counter[str]) -> RawJets:
    """The jets without constituents of pT = 0: padding, or along the beam, without a direction.

    Nor with those that are padding of another number. NaN stays, for others to refuse it.
    """
    filled = filling(raw.pt, raw.eta, raw.phi)
    keep = (raw.pt != 0) & ~filled
    columns = (raw.pt, raw.eta, raw.phi, *raw.kinds)
    lengths, (pt, eta, phi, *kind) = segment_keep(keep, raw.lengths, *columns)
    left_out["constituents without pT"] += len(keep) - len(pt) - (n := int(filled.sum()))
    left_out[f"constituents {FILLING}"] += n
    return replace(raw, lengths=lengths, pt=pt, eta=eta, phi=phi, kind=next(iter(kind), None))


def filling(first: NDArray, *others: NDArray) -> NDArray[np.bool_]:
    """Which elements are one negative number in all columns, such as -999: padding, (n,).

    Of (pt, eta, phi) or (E, px, py, pz) no particle is that.
    """
    equal = first < 0
    for values in others:
        equal &= values == first
    return equal


def _invalid(raw: RawJets) -> NDArray[np.bool_]:
    """Which jets hold values that no jet can have, (n,): NaN, infinity, negative pT, huge eta."""
    bad = ~(np.isfinite(raw.pt) & np.isfinite(raw.eta) & np.isfinite(raw.phi)) | (raw.pt <= 0)
    along_beam = np.abs(raw.eta) > MAX_ABS_ETA
    if along_beam.sum() <= _MAX_ALONG_BEAM * len(along_beam):
        bad |= along_beam
    offsets = to_offsets(raw.lengths)
    invalid = np.bincount(segment_ids(offsets)[bad], minlength=len(raw)) > 0
    for values in (*(raw.jet or ()), raw.weight, raw.event, raw.rank):
        if values is not None and np.ndim(values):
            invalid |= ~np.isfinite(np.asarray(values, dtype=np.float64))
    return invalid


def _rows(raw: RawJets, keep: NDArray[np.bool_], start: int) -> RawJets:
    """Some of the jets; their events keep the numbers that they have by their rows."""
    of_constituents = np.repeat(keep, raw.lengths)
    changed: dict[str, Any] = {}

    def chosen(values: NDArray | None) -> NDArray | None:
        return values if values is None or np.ndim(values) == 0 else np.asarray(values)[keep]

    flat = ("pt", "eta", "phi", *(("kind",) if raw.kinds else ()))
    changed |= {name: getattr(raw, name)[of_constituents] for name in flat}
    changed |= {name: chosen(getattr(raw, name)) for name in ("label", "weight", "rank")}
    return replace(
        raw,
        lengths=raw.lengths[keep],
        jet=None if raw.jet is None else [values[keep] for values in raw.jet],
        event=(np.arange(start, start + len(raw)) if raw.event is None else raw.event)[keep],
        truth={name: values[keep] for name, values in raw.truth.items()},
        **changed,
    )


def clustered_jets(
    raw: RawJets,
    *,
    options: ReadOptions,
    start: int,
    where: object,
    provenance: Mapping[str, Any],
    left_out: Counter[str],
) -> Jets | None:
    """Anti-kT jets of events of particles, or None if no event has any.

    Particles without pT or along the beam, for which Delphes writes eta = 999.9, can be in no jet
    and are left out.

    Args:
        raw: the events as the file has them; label and weight become those of their jets.
        options: radius and cuts.
        start: row of the file of the first event.
        where: name of the file.
        provenance: where the events come from.
        left_out: the number of what is left out is added to it.

    Raises:
        InputError: values that are not finite, negative pT, pT that looks like MeV, angles that
            are none.
        MissingExtraError: fastjet is not installed.
        SimulationError: fastjet is too old.
    """
    if options.skip_invalid:
        raw = _without_infinite(raw, start, left_out)
    refuse_not_finite(raw.pt, "pt", where)
    filled = filling(raw.pt, raw.eta, raw.phi)
    if ((raw.pt < 0) & ~filled).any():
        raise InputError(f"{np.count_nonzero(raw.pt < 0)} particles have negative pT", where=where)
    if len(raw.pt):
        check_pt(raw.pt, "particle", where, options.beam_energy)
    keep = raw.pt > 0
    left_out[f"particles {FILLING}"] += (n := int(filled.sum()))
    left_out["particles without pT"] += int((~keep).sum()) - n
    if len(raw.eta) and not -MAX_ABS_ETA <= raw.eta.min() <= raw.eta.max() <= MAX_ABS_ETA:
        along_beam = keep & (np.abs(raw.eta) > MAX_ABS_ETA)
        if along_beam.sum() <= _MAX_ALONG_BEAM * keep.sum():
            left_out["particles along the beam"] += int(along_beam.sum())
            keep &= ~along_beam
    masses = np.broadcast_to(np.asarray(raw.mass), raw.pt.shape)
    flat = (raw.pt, raw.eta, raw.phi, masses, *raw.kinds)
    lengths, columns = segment_keep(keep, raw.lengths, *flat)
    for name, values in zip(("eta", "phi"), columns[1:3], strict=True):
        refuse_not_finite(values, name, where)
    check_angles(columns[1], columns[2], "particle", where)
    hard = columns[0] >= options.constituent_pt_min
    lengths, columns = segment_keep(hard, lengths, *columns)
    pt_min = EVENT_PT_MIN if options.pt_min is None else options.pt_min
    jets = anti_kt(
        to_offsets(lengths),
        *(x.astype(np.float64) for x in columns[:4]),
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
            kind=columns[4][jets.index] if raw.kinds else None,
            jet=(jets.pt, jets.eta, jets.phi, jets.mass),
            label=None if raw.label is None else raw.label[jets.event],
            weight=None if raw.weight is None else raw.weight[jets.event],
            event=(start + np.arange(len(raw)) if raw.event is None else raw.event)[jets.event],
            rank=np.minimum(jets.rank, np.iinfo(np.int8).max),
            left_out=raw.left_out,
        ),
        options=options,
        start=0,
        where=where,
        provenance={**provenance, "clustering": f"anti-kT, R = {options.radius:g}"},
        left_out=left_out,
    )


def _without_infinite(raw: RawJets, start: int, left_out: Counter[str]) -> RawJets:
    """The events all of whose particles have finite values."""
    bad = ~(np.isfinite(raw.pt) & np.isfinite(raw.eta) & np.isfinite(raw.phi))
    invalid = np.bincount(segment_ids(to_offsets(raw.lengths))[bad], minlength=len(raw)) > 0
    if not invalid.any():
        return raw
    left_out["events with NaN or infinite values"] += int(invalid.sum())
    masses = np.broadcast_to(np.asarray(raw.mass), raw.pt.shape)
    return replace(_rows(raw, ~invalid, start), mass=masses[np.repeat(~invalid, raw.lengths)])


def signed_weights(weight: NDArray, negative: NegativeWeights, where: object) -> NDArray:
    """Weights (n,), for which one rule holds in all commands: negative ones are a choice.

    Args:
        weight: of rows or events.
        negative: what becomes of negative ones.
        where: name of the file.

    Raises:
        InputError: there are some and they are to be refused.
    """
    if negative == "absolute":
        return np.abs(weight)
    if negative == "refuse" and (n := np.count_nonzero(weight < 0)):
        raise InputError(
            f"{n} of {len(weight)} weights are negative",
            where=where,
            fix="say what becomes of them with the option negative_weights: keep or absolute",
        )
    return weight


def refuse_not_finite(values: NDArray, name: str, where: object) -> None:
    """Refuse particles with NaN or infinite values of some name, (n_particles,).

    Raises:
        InputError: there are any.
    """
    bad = len(values) - np.count_nonzero(np.isfinite(values))
    if bad:
        raise InputError(
            f"{bad} particles have NaN or infinite {name}",
            where=where,
            fix="remove them, or leave out what holds them with --skip-invalid",
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
