"""Representations of jets: the second data type, beside :class:`~darkclr.jets.Jets`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.plausibility import exact_integers
from darkclr.split import Split

__all__ = ["Representations", "common_encoder"]

_ROW_COLUMNS = ("pt", "n_constituents", "label", "weight", "event", "rank", "family")
_TYPES: dict[str, type[np.integer]] = {
    "label": np.int8,
    "event": np.int64,
    "rank": np.int8,
    "family": np.int8,
}
_OPTIONAL = ("eta", "phi", "mass", "parton_pdg", "in_domain")


@dataclass(frozen=True, eq=False)
class Representations:
    """Representations of jets, one row a jet, with what is needed to score and compare them.

    Args:
        z: (n, d_z) float32, output of the head, not normalised (paper section 4).
        pooled: (n, d_r) float32, sum over constituents before the head.
        pt: (n,) float32, pT of the jet [GeV].
        n_constituents: (n,) int64, number of constituents of the jet.
        label, weight, event, rank: (n,) as in :class:`darkclr.jets.Jets`.
        family: (n,) int8, 0 for jets as they are; ``k`` for anomalous copies of the family
            ``families[k - 1]``.
        provenance: JSON-able description.
        eta, phi, mass: (n,) float32 as in :class:`darkclr.jets.Jets`; None if unknown.
        parton_pdg: (n,) int32, PDG code of the matched parton, 0 where there is none; None where
            the sample does not tell.
        encoder: digest of the encoder that made them, ``Encoder.digest()``; None if unknown.
        families: names of the families of anomalous copies.
        in_domain: (n,) bool, whether the jet is like those of the encoder's training, see
            :mod:`darkclr.domain`; None if nobody knows.
    """

    z: NDArray[np.float32]
    pooled: NDArray[np.float32]
    pt: NDArray[np.float32]
    n_constituents: NDArray[np.int64]
    label: NDArray[np.int8]
    weight: NDArray[np.float32]
    event: NDArray[np.int64]
    rank: NDArray[np.int8]
    family: NDArray[np.int8]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parton_pdg: NDArray[np.int32] | None = None
    encoder: str | None = None
    eta: NDArray[np.float32] | None = None
    phi: NDArray[np.float32] | None = None
    mass: NDArray[np.float32] | None = None
    families: tuple[str, ...] = ()
    in_domain: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, index: Any) -> Representations:
        """Rows by slice, mask or integer array."""
        columns: dict[str, Any] = {
            name: getattr(self, name)[index] for name in ("z", "pooled", *self._row_columns)
        }
        return replace(self, **columns)

    @property
    def dropped(self) -> NDArray[np.bool_]:
        """Which rows are anomalous copies of jets, of any family, (n,)."""
        return self.family > 0

    @property
    def _row_columns(self) -> tuple[str, ...]:
        """The columns of single numbers that are there."""
        return (*_ROW_COLUMNS, *(name for name in _OPTIONAL if getattr(self, name) is not None))

    def with_partons(self, known: bool) -> Representations:
        """The same rows with the column ``parton_pdg``, 0 if nothing is known, or without it.

        So parts of several origins get the same columns.
        """
        if known == (self.parton_pdg is not None):
            return self
        return replace(self, parton_pdg=np.zeros(len(self), np.int32) if known else None)

    def part(self, name: str, split: Split) -> Representations:
        """The rows of one part of a split; copies of a jet stay with it."""
        return self[split.part(self.event, name)]

    @staticmethod
    def concatenate(parts: Sequence[Representations]) -> Representations:
        """All rows of all parts, in order, with the columns that every part has.

        Raises:
            InputError: there are no parts, or they are of different encoders.
        """
        if not parts:
            raise InputError("there are no representations to join")
        encoder = common_encoder(part.encoder for part in parts)
        lacking: dict[str, Any] = {
            name: None for name in _OPTIONAL if any(getattr(p, name) is None for p in parts)
        }
        parts = [replace(part, **lacking) for part in parts]
        families = tuple(dict.fromkeys(name for part in parts for name in part.families))
        parts = [part._with_families(families) for part in parts]
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(p, name) for p in parts])
            for name in ("z", "pooled", *parts[0]._row_columns)
        }
        return replace(parts[0], **columns, encoder=encoder)

    def _with_families(self, names: tuple[str, ...]) -> Representations:
        """The same rows, with families counted in another list of names."""
        new = np.array([0, *(1 + names.index(name) for name in self.families)], dtype=np.int8)
        return replace(self, family=new[self.family], families=names)

    def fingerprint(self) -> dict[str, Any]:
        """Which rows these are: their number, a digest of them and the encoder's."""
        digest = hashlib.sha256()
        for name in ("event", "rank", "weight", "dropped", "z"):
            digest.update(np.ascontiguousarray(getattr(self, name)).data)
        return {"n": len(self), "sha256": digest.hexdigest()[:16], "encoder": self.encoder}

    def to_table(self) -> pa.Table:
        """One row a jet; ``z`` and ``pooled`` are fixed-size lists of float32."""
        columns: dict[str, Any] = {
            name: pa.array(getattr(self, name)) for name in (*self._row_columns, "dropped")
        }
        for name in ("z", "pooled"):
            values = getattr(self, name)
            columns[name] = pa.FixedSizeListArray.from_arrays(
                pa.array(values.ravel()), values.shape[1]
            )
        return pa.table(columns)

    @classmethod
    def from_table(
        cls, table: pa.Table, metadata: Mapping[str, Any], where: object
    ) -> Representations:
        """The representations in a table with the columns of :meth:`to_table`.

        Args:
            table: one row a jet.
            metadata: ``provenance``, ``encoder`` and ``families``, where they are known.
            where: name of the source for error messages.

        Raises:
            InputError: missing columns, or values that are not finite.
        """
        if "family" not in table.column_names and "dropped" in table.column_names:
            # An earlier version knew one family only.
            table = table.append_column("family", table["dropped"].cast(pa.int8()))
        names = ("z", "pooled", *_ROW_COLUMNS)
        missing = [name for name in names if name not in table.column_names]
        if missing:
            raise InputError(
                f"missing columns {missing}", where=where, fix="write the file with darkclr encode"
            )
        present = [name for name in (*_ROW_COLUMNS, *_OPTIONAL) if name in table.column_names]
        columns: dict[str, Any] = {
            name: _checked(table[name].to_numpy(), name, where) for name in present
        }
        for name in ("z", "pooled"):
            if not pa.types.is_fixed_size_list(table[name].type):
                raise InputError(f"column {name!r} is not a list of fixed size", where=where)
            flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            columns[name] = flat.reshape(len(table), table[name].type.list_size)
            if not np.isfinite(flat).all():
                raise InputError(f"column {name!r} has NaN or infinite values", where=where)
        return cls(
            **columns,
            provenance=metadata.get("provenance", {}),
            encoder=metadata.get("encoder"),
            families=tuple(metadata.get("families", ("dropped",))),
        )


def _checked(values: NDArray, name: str, where: object) -> NDArray:
    """A column as it is kept; what is missing in a file is NaN."""
    if name in _TYPES:
        return exact_integers(values, _TYPES[name], name, where)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"column {name!r} has NaN or infinite values", where=where)
    return values


def common_encoder(encoders: Iterable[str | None]) -> str | None:
    """The digest of all; None if one of them is unknown.

    Raises:
        InputError: they are those of different encoders.
    """
    different = set(encoders)
    if len(different - {None}) > 1:
        raise InputError(
            "representations of different encoders", fix="encode all jets with one of them"
        )
    return different.pop() if len(different) == 1 else None
