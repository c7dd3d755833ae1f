"""Jets -> representations: the station's product, and its Parquet file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from darkclr.augmentations import Augmentations, recentre
from darkclr.contrastive.batches import pack
from darkclr.contrastive.encoder import Encoder, EncoderConfig
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.contrastive.training_config import Precision, use_bfloat16
from darkclr.errors import ConfigError, InputError
from darkclr.io.chunks import in_chunks
from darkclr.io.parquet import iterate_tables, read_metadata, read_table, write_table
from darkclr.jets import Constituents, Jets, Split

__all__ = [
    "BATCH",
    "CHUNK",
    "Representations",
    "common_encoder",
    "encode",
    "encode_stream",
    "file_metadata",
    "prepare",
    "torch_device",
]

#: Jets that are altered, sorted by length and encoded together. The last bit of a representation
#: depends on it, since matrix products of another shape add in another order; so it is fixed, and
#: streams and arrays give the same bits. 8 forward passes of ``BATCH``; 20 MB of representations.
CHUNK = 8192

#: Jets that pass through the network together.
BATCH = 1024

# Constituents of a forward pass are made a multiple of this: 3 % more of them, some twenty shapes.
_MULTIPLE = 2048

_ROW_COLUMNS = ("pt", "n_constituents", "label", "weight", "event", "rank", "dropped")


@dataclass(frozen=True, eq=False)
class Representations:
    """Representations of jets, one row a jet, with what is needed to score and compare them.

    Args:
        z: (n, d_z) float32, output of the head, not normalised (paper section 4).
        pooled: (n, d_r) float32, sum over constituents before the head.
        pt: (n,) float32, pT of the jet [GeV].
        n_constituents: (n,) int64, number of constituents of the jet.
        label, weight, event, rank: (n,) as in :class:`darkclr.jets.Jets`.
        dropped: (n,) bool, true for anomalous copies of jets.
        provenance: JSON-able description.
        parton_pdg: (n,) int32, PDG code of the matched parton, 0 where there is none; None where
            the sample does not tell.
        encoder: digest of the encoder that made them, ``Encoder.digest()``; None if unknown.
    """

    z: NDArray[np.float32]
    pooled: NDArray[np.float32]
    pt: NDArray[np.float32]
    n_constituents: NDArray[np.int64]
    label: NDArray[np.int8]
    weight: NDArray[np.float32]
    event: NDArray[np.int64]
    rank: NDArray[np.int8]
    dropped: NDArray[np.bool_]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parton_pdg: NDArray[np.int32] | None = None
    encoder: str | None = None

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, index: Any) -> Representations:
        """Rows by slice, mask or integer array."""
        columns: dict[str, Any] = {
            name: getattr(self, name)[index] for name in ("z", "pooled", *self._row_columns)
        }
        return replace(self, **columns)

    @property
    def _row_columns(self) -> tuple[str, ...]:
        """The columns of single numbers that are there."""
        return _ROW_COLUMNS if self.parton_pdg is None else (*_ROW_COLUMNS, "parton_pdg")

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
        """All rows of all parts, in order; ``parton_pdg`` if every part has it.

        Raises:
            InputError: there are no parts, or they are of different encoders.
        """
        if not parts:
            raise InputError("there are no representations to join")
        encoder = common_encoder(part.encoder for part in parts)
        known = all(part.parton_pdg is not None for part in parts)
        parts = [part.with_partons(known) for part in parts]
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(p, name) for p in parts])
            for name in ("z", "pooled", *parts[0]._row_columns)
        }
        return replace(parts[0], **columns, encoder=encoder)

    def fingerprint(self) -> dict[str, Any]:
        """Which rows these are: their number, a digest of them and the encoder's."""
        digest = hashlib.sha256()
        for name in ("event", "rank", "weight", "dropped", "z"):
            digest.update(np.ascontiguousarray(getattr(self, name)).data)
        return {"n": len(self), "sha256": digest.hexdigest()[:16], "encoder": self.encoder}

    def to_table(self) -> pa.Table:
        """One row a jet; ``z`` and ``pooled`` are fixed-size lists of float32."""
        columns: dict[str, Any] = {
            name: pa.array(getattr(self, name)) for name in self._row_columns
        }
        for name in ("z", "pooled"):
            values = getattr(self, name)
            columns[name] = pa.FixedSizeListArray.from_arrays(
                pa.array(values.ravel()), values.shape[1]
            )
        return pa.table(columns)

    def to_parquet(self, path: str | Path) -> None:
        """Write the table of :meth:`to_table`."""
        write_table(self.to_table(), path, file_metadata(self.provenance, self.encoder))

    @classmethod
    def from_parquet(cls, path: str | Path) -> Representations:
        """Read what :meth:`to_parquet` wrote.

        Raises:
            InputError: missing or broken file, missing columns, no rows, or values that
                are not finite.
        """
        rows = cls._from_table(read_table(path), path)
        if not len(rows):
            raise InputError("there are no jets", where=path, mend="encode some")
        return rows

    @classmethod
    def iterate(cls, path: str | Path, batch_size: int = CHUNK) -> Iterator[Representations]:
        """The rows of a file, so many at a time; errors are those of :meth:`from_parquet`."""
        for table in iterate_tables(path, batch_size):
            yield cls._from_table(table, path)

    @classmethod
    def _from_table(cls, table: pa.Table, path: str | Path) -> Representations:
        names = ("z", "pooled", *_ROW_COLUMNS)
        missing = [name for name in names if name not in table.column_names]
        if missing:
            raise InputError(
                f"missing columns {missing}", where=path, mend="write the file with darkclr encode"
            )
        present = [name for name in (*_ROW_COLUMNS, "parton_pdg") if name in table.column_names]
        columns: dict[str, Any] = {name: table[name].to_numpy() for name in present}
        for name in ("z", "pooled"):
            if not pa.types.is_fixed_size_list(table[name].type):
                raise InputError(f"column {name!r} is not a list of fixed size", where=path)
            flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            columns[name] = flat.reshape(len(table), table[name].type.list_size)
            if not np.isfinite(flat).all():
                raise InputError(f"column {name!r} has NaN or infinite values", where=path)
        metadata = read_metadata(table)
        return cls(
            **columns,
            provenance=metadata.get("provenance", {}),
            encoder=metadata.get("encoder"),
        )


def file_metadata(provenance: Mapping[str, Any], encoder: str | None) -> dict[str, Any]:
    """What a file of representations says of them as a whole."""
    return {"kind": "representations", "provenance": dict(provenance), "encoder": encoder}


def common_encoder(encoders: Iterable[str | None]) -> str | None:
    """The digest of all; None if one of them is unknown.

    Raises:
        InputError: they are those of different encoders.
    """
    different = set(encoders)
    if len(different - {None}) > 1:
        raise InputError(
            "representations of different encoders", mend="encode all jets with one of them"
        )
    return different.pop() if len(different) == 1 else None


def prepare(constituents: Constituents, config: EncoderConfig) -> Constituents:
    """The N_c hardest constituents relative to their pT-weighted centroid."""
    return recentre(constituents.hardest(config.n_constituents))


def encode(
    encoder: Encoder,
    jets: Jets,
    *,
    dropped: Augmentations | None = None,
    seed: int | np.random.Generator = 0,
    batch_size: int = BATCH,
    device: str | torch.device = "cpu",
    precision: Precision = "float32",
    progress: Callable[[int], None] | None = None,
) -> Representations:
    """Representations of jets.

    For jets that do not fit in memory there is :func:`encode_stream`.

    Args:
        encoder: a trained encoder.
        jets: jets of any label.
        dropped: if given, its anomalous augmentations are applied before encoding, which makes
            the background's own dropped copies.
        seed: of those augmentations, or the generator itself.
        batch_size: jets a forward pass.
        device: where to compute.
        precision: ``float32``, ``bfloat16`` (matrix products; z changes by some 0.5 %), or
            ``auto``: bfloat16 where the hardware computes in it.
        progress: called with the number of jets of each finished batch.

    Raises:
        InputError: there are no jets.
    """
    stream = encode_stream(
        encoder,
        [jets],
        dropped=dropped,
        seed=seed,
        batch_size=batch_size,
        device=device,
        precision=precision,
        progress=progress,
    )
    parts = [rows for rows, _ in stream]
    if not parts:
        raise InputError("there are no jets to encode", mend="check the selection")
    return parts[0] if len(parts) == 1 else Representations.concatenate(parts)


def encode_stream(
    encoder: Encoder,
    batches: Iterable[Jets],
    *,
    dropped: Augmentations | None = None,
    seed: int | np.random.Generator = 0,
    batch_size: int = BATCH,
    device: str | torch.device = "cpu",
    precision: Precision = "float32",
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[Representations, Jets]]:
    """Representations of jets that come in batches, ``CHUNK`` at a time, with their jets.

    They are those of one :func:`encode` of all jets, whose arguments these are.
    """
    rng, digest = np.random.default_rng(seed), encoder.digest()
    keep_freed_memory()
    for jets in in_chunks(batches, CHUNK):
        constituents = prepare(jets.constituents, encoder.config)
        if dropped is not None:
            constituents = dropped.altered(constituents, rng)
        kind = torch.device(device).type
        with torch.autocast(kind, torch.bfloat16, use_bfloat16(precision, kind)):
            pooled, z = encode_constituents(encoder, constituents, batch_size, device, progress)
        partons = jets.truth.get("parton_pdg")
        rows = Representations(
            z=z,
            pooled=pooled,
            pt=jets.pt,
            n_constituents=jets.n_constituents if dropped is None else constituents.lengths,
            label=jets.label,
            weight=jets.weight,
            event=jets.event,
            rank=jets.rank,
            dropped=np.full(len(jets), dropped is not None),
            provenance=jets.provenance,
            parton_pdg=None if partons is None else partons.astype(np.int32),
            encoder=digest,
        )
        yield rows, jets


def torch_device(name: str) -> torch.device:
    """The device called "cpu", "gpu", or "auto": a GPU if there is one.

    Raises:
        ConfigError: there is no GPU.
    """
    there = torch.cuda.is_available()
    if name == "gpu" and not there:
        raise ConfigError("there is no GPU that PyTorch can use", mend="choose --device cpu")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def encode_constituents(
    encoder: Encoder,
    constituents: Constituents,
    batch_size: int = BATCH,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(pooled, z) of prepared constituents, in their order."""
    encoder = encoder.to(device).eval()
    pooled = np.empty((len(constituents), encoder.config.embedding_dim), dtype=np.float32)
    # The classifier has a head of its own, one wide.
    z = np.empty((len(constituents), encoder.head[-1].out_features), dtype=np.float32)  # type: ignore[arg-type,type-var]
    # Jets of similar length side by side make long runs.
    order = np.argsort(constituents.lengths, kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = pack(constituents[rows], encoder.config.pt_scale, _MULTIPLE).to(device)
            h, output = encoder(batch)
            pooled[rows], z[rows] = h.float().cpu().numpy(), output.float().cpu().numpy()
            if progress is not None:
                progress(len(rows))
    return pooled, z
