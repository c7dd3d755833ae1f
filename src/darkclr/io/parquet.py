"""Native Parquet files: constituents as ragged lists, units and provenance in the metadata.

Readable by pandas, polars, DuckDB, Awkward and Dask without darkclr.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from darkclr.errors import DarkclrError, InputError
from darkclr.io.assembly import Particles, assemble, labels
from darkclr.io.atomic import atomic_path
from darkclr.io.options import Layout, ReadOptions
from darkclr.jets import JET_COLUMNS, Jets

__all__ = [
    "COMPRESSION",
    "METADATA_KEY",
    "PARQUET_LAYOUT",
    "TableWriter",
    "column_names",
    "encode_metadata",
    "iterate_tables",
    "jets_table",
    "read_metadata",
    "read_parquet",
    "read_table",
    "with_units",
    "write_jets",
    "write_table",
]

METADATA_KEY = b"darkclr"
COMPRESSION = "zstd"
TRUTH_PREFIX = "truth_"
_CONSTITUENT_COLUMNS = ("constituent_pt", "constituent_eta", "constituent_phi")
_UNITS = {"pt": "GeV", "mass": "GeV", "constituent_pt": "GeV", "phi": "rad"} | {
    "constituent_phi": "rad",
    "truth_pthat": "GeV",
}


def write_table(table: pa.Table, path: str | Path, metadata: dict[str, Any]) -> None:
    """Write a table atomically, with ``metadata`` (JSON-able) and units in its schema.

    Raises:
        InputError: the file cannot be written (nothing is left behind).
    """
    schema = with_units(table.schema).with_metadata({METADATA_KEY: encode_metadata(metadata)})
    with atomic_path(path) as temporary:
        pq.write_table(
            table.cast(schema), temporary, compression=COMPRESSION, row_group_size=100_000
        )


class TableWriter:
    """A Parquet file written table by table, one row group each: memory is that of a table.

    The metadata follow the last table, so that they can tell of all that went in.

    Args:
        path: the file; a temporary name that the caller renames when all is written.

    Attributes:
        n_rows: number of rows written so far.
    """

    def __init__(self, path: Path) -> None:
        self.n_rows = 0
        self._path = path
        self._schema: pa.Schema
        self._writer: pq.ParquetWriter | None = None

    @property
    def names(self) -> list[str]:
        """Names of the columns, after the first table."""
        return self._schema.names

    def write(self, table: pa.Table) -> None:
        """Append a table.

        Raises:
            ValueError: its columns are not those of the tables before.
        """
        if self._writer is None:
            self._schema = with_units(table.schema)
            self._writer = pq.ParquetWriter(self._path, self._schema, compression=COMPRESSION)
        self._writer.write_table(table.cast(self._schema))
        self.n_rows += len(table)

    def finish(self, metadata: dict[str, Any]) -> None:
        """Write JSON-able metadata and the footer: the file is complete."""
        assert self._writer is not None
        self._writer.add_key_value_metadata({METADATA_KEY: encode_metadata(metadata)})
        self._writer.close()

    def close(self) -> None:
        """Close the file, complete or not; may be called twice."""
        if self._writer is not None:
            self._writer.close()


def with_units(schema: pa.Schema) -> pa.Schema:
    """The schema with the units of the known columns in the metadata of its fields."""
    return pa.schema(
        [
            schema.field(i).with_metadata(
                {"units": _UNITS[name]} if name in _UNITS else None  # type: ignore[arg-type]
            )
            for i, name in enumerate(schema.names)
        ]
    )


def encode_metadata(metadata: dict[str, Any]) -> bytes:
    """What is stored under :data:`METADATA_KEY`."""
    return json.dumps(metadata, sort_keys=True).encode()


def read_table(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file, or some of its columns.

    Raises:
        InputError: the file is missing, truncated, not Parquet, or lacks a column.
    """
    with _opened(path) as file:
        missing = sorted(set(columns or ()) - set(file.schema_arrow.names))
        if missing:
            raise InputError(
                f"missing columns {missing}",
                where=path,
                fix=f"it has {', '.join(file.schema_arrow.names)}",
            )
        return file.read(columns=columns).replace_schema_metadata(_metadata_of(file))


def iterate_tables(path: str | Path, batch_size: int) -> Iterator[pa.Table]:
    """The rows of a Parquet file, so many at a time: memory is that of a batch.

    Raises:
        InputError: the file is missing, truncated or not Parquet.
    """
    with _opened(path) as file:
        metadata = _metadata_of(file)
        for rows in file.iter_batches(max(batch_size, 1)):
            yield pa.Table.from_batches([rows]).replace_schema_metadata(metadata)


def _metadata_of(file: pq.ParquetFile) -> dict[bytes, bytes]:
    """Metadata of the schema; a file that was written in a stream has ours at its end."""
    late = {k: v for k, v in (file.metadata.metadata or {}).items() if k == METADATA_KEY}
    return {**(file.schema_arrow.metadata or {}), **late}


def column_names(path: str | Path) -> list[str]:
    """Names of the columns of a Parquet file.

    Raises:
        InputError: the file is missing, truncated or not Parquet.
    """
    with _opened(path) as file:
        return file.schema_arrow.names


@contextmanager
def _opened(path: str | Path) -> Iterator[pq.ParquetFile]:
    if not Path(path).is_file():
        raise InputError("no such file", where=path, fix="check the path")
    try:
        # Without these, PyArrow holds the whole (compressed) file while batches are read.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
            yield file
    except DarkclrError:
        raise
    except Exception as error:  # a damaged file makes PyArrow raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"cannot be read as Parquet ({reason})",
            where=path,
            fix="it may be truncated or of another format",
        ) from error


def read_metadata(table: pa.Table) -> dict[str, Any]:
    """The metadata that :func:`write_table` stored; empty for files of other programs."""
    try:
        metadata = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except ValueError:  # not written by us, or damaged
        return {}
    return metadata if isinstance(metadata, dict) else {}


def write_jets(jets: Jets, path: str | Path) -> None:
    """Write jets to a Parquet file, one row a jet.

    Columns: ``constituent_{pt,eta,phi}`` (ragged lists), ``pt, eta, phi, mass, label, weight,
    event, rank``, and ``truth_*``.

    Raises:
        InputError: the file cannot be written (nothing is left behind).
    """
    write_table(jets_table(jets), path, {"kind": "jets", "provenance": dict(jets.provenance)})


def jets_table(jets: Jets) -> pa.Table:
    """Jets as a table with the columns of :func:`write_jets`, without metadata."""
    offsets = pa.array(jets.constituents.offsets.astype(np.int32))
    columns: dict[str, Any] = {
        f"constituent_{name}": pa.ListArray.from_arrays(
            offsets, pa.array(getattr(jets.constituents, name))
        )
        for name in ("pt", "eta", "phi")
    }
    columns |= {name: pa.array(getattr(jets, name)) for name in JET_COLUMNS}
    columns |= {f"{TRUTH_PREFIX}{name}": pa.array(v) for name, v in jets.truth.items()}
    return pa.table(columns)


def read_parquet(path: str | Path) -> Jets:
    """Read all jets of a native Parquet file and check them.

    Only the three constituent columns are required; jet kinematics are recomputed where missing.

    Raises:
        InputError: the file is missing, broken, lacks columns, or holds unphysical values.
    """
    jets = _jets_of(read_table(path), path, ReadOptions(), 0)
    if jets is None:
        raise InputError("there are no jets", where=path)
    return jets


def _recognise(path: Path) -> str | None:
    names = column_names(path)
    # Files that lack one of the three are recognised too, so that the missing one is named.
    present = [name for name in _CONSTITUENT_COLUMNS if name in names]
    return f"it has the columns {', '.join(present)}" if present else None


def _batches(path: Path, options: ReadOptions, batch: int) -> Iterator[Jets]:
    """Jets of a native file; see :func:`write_jets` for its columns."""
    start = 0
    for table in iterate_tables(path, batch):
        jets = _jets_of(table, path, options, start)
        if jets is not None:
            yield jets
        start += len(table)


def _jets_of(table: pa.Table, path: str | Path, options: ReadOptions, start: int) -> Jets | None:
    """Checked jets of a table whose first row is row ``start`` of the file; None without jets."""
    missing = [name for name in _CONSTITUENT_COLUMNS if name not in table.column_names]
    if missing:
        raise InputError(
            f"missing columns {missing}", where=path, fix=f"it has {table.column_names}"
        )
    lists = [_flat_list(table[name], name, path) for name in _CONSTITUENT_COLUMNS]
    lengths = lists[0][0]
    if any(not np.array_equal(lengths, other) for other, _ in lists[1:]):
        raise InputError("constituent_pt, _eta and _phi have different lengths", where=path)
    present = {
        name: _numeric(table[name], name, path)
        for name in JET_COLUMNS
        if name in table.column_names
    }
    kinematics = ("pt", "eta", "phi", "mass")
    own = (
        tuple(present[name] for name in kinematics)
        if all(name in present for name in kinematics)
        else None
    )
    if "label" in present:
        present["label"] = labels(present["label"], path, "column 'label'")
    return assemble(
        Particles(lengths, *(values for _, values in lists), jet=own),  # type: ignore
        options=options,
        start=start,
        where=path,
        truth={
            name.removeprefix(TRUTH_PREFIX): _numeric(table[name], name, path)
            for name in table.column_names
            if name.startswith(TRUTH_PREFIX)
        },
        provenance=read_metadata(table).get("provenance", {}),
        **{k: v for k, v in present.items() if k not in kinematics},
    )


def _flat_list(
    column: pa.ChunkedArray, name: str, path: str | Path
) -> tuple[np.ndarray, np.ndarray]:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], type=column.type)
    is_list = pa.types.is_list(array.type) or pa.types.is_large_list(array.type)
    if not is_list or not pa.types.is_floating(array.type.value_type):
        raise InputError(f"column {name!r} is {array.type}, not a list of floats", where=path)
    values = array.flatten()
    if array.null_count or values.null_count:
        raise InputError(f"column {name!r} has missing values", where=path)
    lengths = array.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    return lengths, values.to_numpy(zero_copy_only=False)


def _numeric(column: pa.ChunkedArray, name: str, path: str | Path) -> np.ndarray:
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if not numeric or column.null_count:
        raise InputError(f"column {name!r} ({column.type}) is not filled with numbers", where=path)
    return column.to_numpy()


PARQUET_LAYOUT = Layout(
    "parquet",
    "darkclr Parquet",
    "parquet",
    (".parquet", ".pq"),
    "columns constituent_pt, constituent_eta, constituent_phi, lists of numbers",
    _recognise,
    _batches,
    numbers_events=True,
)
