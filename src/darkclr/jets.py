"""``Jets``: the one data type. Constituents of variable length and one row a jet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.kinematics import four_vector_sum
from darkclr.plausibility import (
    BEAM_ENERGY,
    check_angles,
    check_constituents,
    check_pt,
    exact_integers,
)
from darkclr.ragged import ragged_arange, segment_diameter, segment_ids, to_offsets
from darkclr.split import Split

__all__ = [
    "BACKGROUND",
    "KINDS",
    "LABELS",
    "N_CONSTITUENTS",
    "SIGNAL",
    "UNKNOWN",
    "Constituents",
    "Jets",
]

BACKGROUND, SIGNAL, UNKNOWN = 0, 1, -1
#: What the labels are called.
LABELS = {BACKGROUND: "background", SIGNAL: "signal", UNKNOWN: "unknown"}

#: What a constituent may be, by the numbers of :attr:`Constituents.kind`.
KINDS = ("other", "charged hadron", "neutral hadron", "photon", "electron", "muon")

#: N_c, how many constituents of a jet are read, the hardest ones, unless something else is asked
#: for (DarkCLR, arXiv:2312.03067 table 1).
N_CONSTITUENTS = 50


@dataclass(frozen=True, eq=False)
class Constituents:
    """Constituents of many jets, flat, without padding.

    Args:
        offsets: (n_jets + 1,) int64; jet *i* owns rows ``offsets[i]:offsets[i + 1]``.
        pt: (n_constituents,) float32 [GeV].
        eta: (n_constituents,) float32, pseudorapidity.
        phi: (n_constituents,) float32 [rad].
        kind: (n_constituents,) int8, numbers of :data:`KINDS`; None where nobody asked or knows.
    """

    offsets: NDArray[np.int64]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    kind: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of constituents of each jet, (n_jets,)."""
        return np.diff(self.offsets)

    @cached_property
    def jet_index(self) -> NDArray[np.int64]:
        """Jet that owns each constituent, (n_constituents,)."""
        return segment_ids(self.offsets)

    @cached_property
    def diameter(self) -> NDArray[np.float32]:
        """Distance in the eta-phi plane between the two furthest constituents of each jet.

        Shape (n_jets,). Coordinates must be relative to the jet axis: phi is not wrapped.
        """
        return segment_diameter(self.eta, self.phi, self.offsets)

    def __getitem__(self, index: Any) -> Constituents:
        """Jets by slice, mask or integer array."""
        is_rows = isinstance(index, np.ndarray) and index.dtype.kind == "i" and (index >= 0).all()
        # A batch must not cost a pass over all jets: there may be more than fit in memory.
        rows = np.atleast_1d(index if is_rows else np.arange(len(self))[index])
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        flat = ragged_arange(starts, lengths)
        return self._taken(to_offsets(lengths), flat)

    def keep(self, mask: NDArray[np.bool_]) -> Constituents:
        """The constituents where ``mask`` (n_constituents,) is true, in the same jets."""
        lengths = np.bincount(self.jet_index[mask], minlength=len(self))
        return self._taken(to_offsets(lengths), mask)

    def _taken(self, offsets: NDArray[np.int64], index: NDArray) -> Constituents:
        """Some of the constituents, as jets with these offsets."""
        kind = None if self.kind is None else self.kind[index]
        return Constituents(offsets, self.pt[index], self.eta[index], self.phi[index], kind)

    def sorted(self) -> Constituents:
        """Hardest constituent first in every jet; equal pT keeps its order."""
        falling = self.pt[1:] <= self.pt[:-1]
        first = self.offsets[1:-1]
        falling[first[(first > 0) & (first < len(self.pt))] - 1] = True
        if falling.all():  # most files are sorted, and sorting is the dearest part of reading
            return self
        # Bits of positive floats rise with the number: one key of jet, falling pT, position,
        # since sorting numbers is several times faster than asking for their order.
        falling_pt = ~self.pt.view(np.uint32)
        starts = np.repeat(self.offsets[:-1].astype(np.uint64), self.lengths)
        bits = int(self.lengths.max()).bit_length()
        if len(starts).bit_length() + 32 + bits > 64:
            order = np.lexsort((falling_pt, starts))
        else:
            key = starts << np.uint64(32)
            key |= falling_pt
            key <<= np.uint64(bits)
            key += np.arange(len(starts), dtype=np.uint64)
            key -= starts
            key.sort(kind="stable")  # merges what is in order: the jets are already
            key &= np.uint64(2**bits - 1)
            key += starts
            order = key.view(np.int64)
        return self._taken(self.offsets, order)

    def hardest(self, n: int) -> Constituents:
        """The ``n`` hardest constituents of each jet, hardest first."""
        ordered = self.sorted()
        position = np.arange(len(ordered.pt)) - ordered.offsets[ordered.jet_index]
        return ordered.keep(position < n)

    @staticmethod
    def concatenate(parts: Sequence[Constituents]) -> Constituents:
        """All jets of all parts, in order; kinds where every part has them."""
        lengths = np.concatenate([part.lengths for part in parts])
        kinds = [part.kind for part in parts if part.kind is not None]
        pt, eta, phi = (
            np.concatenate([getattr(p, name) for p in parts]) for name in ("pt", "eta", "phi")
        )
        kind = np.concatenate(kinds) if len(kinds) == len(parts) > 0 else None
        return Constituents(to_offsets(lengths), pt, eta, phi, kind)


@dataclass(frozen=True, eq=False)
class Jets:
    """Jets with their constituents. All arrays have one row a jet, shape (n,).

    Args:
        constituents: their constituents, hardest first.
        pt, eta, phi, mass: kinematics of the jet [GeV, rad], float32.
        label: int8; 0 background, 1 signal, -1 unknown.
        weight: float32, 1 unless the sample is biased.
        event: int64; jets of one event share it.
        rank: int8; position of the jet in its event, hardest first.
        truth: further columns of the simulation (``pthat``, ``parton_pdg``, ...), by name.
        provenance: how the jets were made: JSON-able, written into the file's metadata.

    >>> jets = Jets.from_constituents([0, 2, 3], [60., 40., 150.], [0.1, -0.1, 1.], [0., 0., 3.])
    >>> len(jets), jets.n_constituents.tolist()
    (2, [2, 1])
    """

    constituents: Constituents
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    mass: NDArray[np.float32]
    label: NDArray[np.int8]
    weight: NDArray[np.float32]
    event: NDArray[np.int64]
    rank: NDArray[np.int8]
    truth: Mapping[str, NDArray] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_constituents(
        cls,
        offsets: Any,
        pt: Any,
        eta: Any,
        phi: Any,
        *,
        kind: NDArray[np.int8] | None = None,
        jet: Sequence[Any] | None = None,
        label: Any = UNKNOWN,
        weight: Any = 1.0,
        event: Any = None,
        rank: Any = 0,
        truth: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | None = None,
        where: object = None,
        beam_energy: float | None = BEAM_ENERGY,
    ) -> Jets:
        """Check and assemble jets from flat constituents: the border every reader goes through.

        Args:
            offsets: (n + 1,) integers.
            pt, eta, phi: (n_constituents,) flat.
            kind: (n_constituents,) numbers of :data:`KINDS`, if they are known.
            jet: (pt, eta, phi, mass) of the jets; recomputed from massless constituents if None.
            label, weight, event, rank: scalars or (n,) arrays; by default each jet is an event.
            truth: further (n,) columns.
            provenance: JSON-able description.
            where: name of the source for error messages.
            beam_energy: largest momentum that is possible [GeV]; any if None.

        Raises:
            InputError: NaN or infinite values, pT not positive, jets without constituents,
                momenta that look like MeV, azimuths that look like degrees, pseudorapidities
                above 10, lengths that do not match.
        """
        offsets = np.asarray(offsets, dtype=np.int64)
        pt, eta, phi = (np.ascontiguousarray(x, dtype=np.float32) for x in (pt, eta, phi))
        n = len(offsets) - 1
        check_constituents(offsets, pt, eta, phi, where=where, beam_energy=beam_energy)
        constituents = Constituents(offsets, pt, eta, phi, kind).sorted()
        if jet is None:
            jet = four_vector_sum(pt, eta, phi, offsets)
        columns = dict(zip(("pt", "eta", "phi", "mass"), jet, strict=True))
        columns |= {"label": label, "weight": weight, "rank": rank}
        columns["event"] = np.arange(n) if event is None else event
        types = {"label": np.int8, "rank": np.int8, "event": np.int64}
        arrays = {
            name: _column(value, n, types.get(name, np.float32), name, where)
            for name, value in columns.items()
        }
        _check_jets(arrays, where, beam_energy)
        truth = {k: _column(v, n, None, k, where) for k, v in (truth or {}).items()}
        return cls(constituents, **arrays, truth=truth, provenance=dict(provenance or {}))

    def __len__(self) -> int:
        return len(self.pt)

    def __getitem__(self, index: Any) -> Jets:
        """Jets by slice, mask or integer array; always a ``Jets``."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        columns = {name: getattr(self, name)[rows] for name in JET_COLUMNS}
        truth = {name: values[rows] for name, values in self.truth.items()}
        return replace(self, constituents=self.constituents[rows], **columns, truth=truth)

    @property
    def n_constituents(self) -> NDArray[np.int64]:
        """Number of constituents of each jet, (n,)."""
        return self.constituents.lengths

    @staticmethod
    def concatenate(parts: Sequence[Jets]) -> Jets:
        """All jets of all parts, in order; truth columns that every part has.

        Events keep their numbers: jets of different samples with equal numbers fall into the
        same part of a split, which costs nothing, and never into two.
        """
        if not parts:
            raise InputError("there are no jets to concatenate")
        shared = [name for name in parts[0].truth if all(name in p.truth for p in parts)]
        provenance = (
            parts[0].provenance
            if all(p.provenance == parts[0].provenance for p in parts)
            else {"parts": [dict(p.provenance) for p in parts]}
        )
        return Jets(
            Constituents.concatenate([p.constituents for p in parts]),
            **{name: np.concatenate([getattr(p, name) for p in parts]) for name in JET_COLUMNS},
            truth={name: np.concatenate([p.truth[name] for p in parts]) for name in shared},
            provenance=provenance,
        )

    def part(self, name: str, split: Split) -> Jets:
        """The jets of one part of a split ('train', 'validation', 'test' or 'all')."""
        return self[split.part(self.event, name)]

    def split(self, split: Split | None = None) -> tuple[Jets, Jets, Jets]:
        """Train, validation and test; jets of one event are never parted."""
        split = split or Split()
        return (
            self.part("train", split),
            self.part("validation", split),
            self.part("test", split),
        )

    def unlabelled(self) -> Jets:
        """The same jets without labels and truth: all that a training may see."""
        return replace(self, label=np.full(len(self), UNKNOWN, dtype=np.int8), truth={})


JET_COLUMNS = ("pt", "eta", "phi", "mass", "label", "weight", "event", "rank")


def _column(value: Any, n: int, dtype: Any, name: str, where: object) -> NDArray:
    exact = dtype is not None and np.issubdtype(dtype, np.integer)
    array = exact_integers(value, dtype, name, where) if exact else np.asarray(value, dtype=dtype)
    if array.ndim == 0:
        return np.full(n, array)
    if array.shape != (n,):
        raise InputError(f"column {name!r} has shape {array.shape} for {n} jets", where=where)
    return array


def _check_jets(arrays: Mapping[str, NDArray], where: object, beam_energy: float | None) -> None:
    for name, values in arrays.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise InputError(f"jet column {name!r} has NaN or infinite values", where=where)
    if (arrays["rank"] < 0).any():
        raise InputError("ranks are negative", where=where, fix="the hardest jet has rank 0")
    if (arrays["pt"] <= 0).any():
        raise InputError("jets have zero or negative pT", where=where)
    check_pt(arrays["pt"], "jet", where, beam_energy)
    check_angles(arrays["eta"], arrays["phi"], "jet", where)
    if not np.isin(arrays["label"], (BACKGROUND, SIGNAL, UNKNOWN)).all():
        raise InputError("labels other than 0, 1 and -1", where=where)
