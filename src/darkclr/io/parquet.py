"""Parquet files of tables, with units and provenance in their metadata.

Readable by pandas, polars, DuckDB, Awkward and Dask without darkclr.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from darkclr.errors import DarkclrError, InputError, is_lack_of_memory
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import parse_json, regular_file
from darkclr.plausibility import MAX_CONSTITUENTS

__all__ = [
    "COMPRESSION",
    "METADATA_KEY",
    "TableWriter",
    "column_names",
    "decoded_metadata",
    "encode_metadata",
    "iterate_tables",
    "metadata_of",
    "opened_parquet",
    "read_metadata",
    "read_schema",
    "read_table",
    "with_units",
    "write_table",
]

METADATA_KEY = b"darkclr"
COMPRESSION = "zstd"


def _anything(value: Any) -> bool:
    return True


def _mapping_to(kind: type) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and all(isinstance(v, kind) for v in value.values())
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


# What is read of the metadata, and of which form; what has another one is not ours.
_KINDS: dict[str, Callable[[Any], bool]] = {
    "kind": lambda value: isinstance(value, str),
    "encoder": lambda value: value is None or isinstance(value, str),
    "provenance": lambda value: isinstance(value, dict),
    "samples": _mapping_to(dict),
    "titles": _mapping_to(str),
    "baselines": _texts,
    "families": _texts,
}
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
    with opened_parquet(path) as file:
        missing = sorted(set(columns or ()) - set(file.schema_arrow.names))
        if missing:
            raise InputError(
                f"missing columns {missing}",
                where=path,
                fix=f"it has {', '.join(file.schema_arrow.names)}",
            )
        table = _checked(file.read(columns=columns))
        return table.replace_schema_metadata(_schema_metadata(file))


def read_schema(path: str | Path) -> pa.Schema:
    """Columns, types and metadata of a Parquet file.

    Raises:
        InputError: the file is missing, truncated or not Parquet.
    """
    with opened_parquet(path) as file:
        return file.schema_arrow.with_metadata(_schema_metadata(file))


def iterate_tables(path: str | os.PathLike, batch_size: int) -> Iterator[pa.Table]:
    """The rows of a Parquet file, so many at a time: memory is that of a batch.

    Raises:
        InputError: the file is missing, truncated or not Parquet.
    """
    with opened_parquet(path) as file:
        metadata = _schema_metadata(file)
        for rows in file.iter_batches(max(batch_size, 1)):
            yield _checked(pa.Table.from_batches([rows])).replace_schema_metadata(metadata)


def _checked(table: pa.Table) -> pa.Table:
    """The same table, if its texts are texts: PyArrow only looks when one of them is used.

    Raises:
        pyarrow.ArrowInvalid: one is not.
    """
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column.validate(full=True)
    return table


def _schema_metadata(file: pq.ParquetFile) -> dict[bytes, bytes]:
    """Metadata of the schema; a file that was written in a stream has ours at its end."""
    late = {k: v for k, v in (file.metadata.metadata or {}).items() if k == METADATA_KEY}
    return {**(file.schema_arrow.metadata or {}), **late}


def column_names(path: str | Path) -> list[str]:
    """Names of the columns of a Parquet file.

    Raises:
        InputError: the file is missing, truncated or not Parquet.
    """
    with opened_parquet(path) as file:
        return file.schema_arrow.names


@contextmanager
def opened_parquet(path: str | os.PathLike) -> Iterator[pq.ParquetFile]:
    """An open Parquet file; whatever the library says about a damaged one becomes one line.

    Raises:
        InputError: the file is missing, truncated or not Parquet.
    """
    regular_file(path)
    try:
        # Without these, PyArrow holds the whole (compressed) file while batches are read.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
            stat = Path(path).stat()
            _check_lists(Path(path), (stat.st_ino, stat.st_size, stat.st_mtime_ns))
            yield file
    except DarkclrError:
        raise
    except Exception as error:  # a damaged file makes PyArrow raise anything
        if is_lack_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"cannot be read as Parquet ({reason})",
            where=path,
            fix="it may be truncated or of another format",
        ) from error


class _Pages(Exception):
    """The pages of a file are wanted, of which only the footer is read."""


class _Footer(io.FileIO):
    """A file whose pages cannot be read once it is shut."""

    shut = False

    def read(self, size: int | None = -1) -> bytes:
        if self.shut:
            raise _Pages
        return super().read(size)


@lru_cache(maxsize=1024)
def _check_lists(path: Path, identity: tuple[int, ...]) -> None:
    """Refuse lists that a few bytes stand for and no memory holds, before they are read.

    Args:
        path: the file.
        identity: what differs when it is another file: then it is checked again.

    Raises:
        InputError: a row has more values than any jet or event has constituents.
        Exception: of PyArrow, what the footer says contradicts itself.
    """
    with _Footer(path) as pages, pq.ParquetFile(pages, pre_buffer=False, buffer_size=1) as file:
        pages.shut = True
        schema = file.metadata.schema
        lists = [
            i for i in range(file.metadata.num_columns) if schema.column(i).max_repetition_level
        ]
        names = [schema.column(i).path for i in lists]
        for i in range(file.num_row_groups if lists else 0):
            # A contradiction would end the process in `column` below (PyArrow 26); here it raises.
            with suppress(_Pages):
                next(file.iter_batches(1, row_groups=[i], columns=names), None)
            group = file.metadata.row_group(i)
            for j in lists:
                column = group.column(j)
                if column.num_values > MAX_CONSTITUENTS * max(group.num_rows, 1):
                    raise InputError(
                        f"{column.path_in_schema} has {column.num_values} values in "
                        f"{group.num_rows} rows",
                        where=path,
                        fix=f"no jet has more than {MAX_CONSTITUENTS} constituents: check the file",
                    )


def read_metadata(table: pa.Table | pa.Schema) -> dict[str, Any]:
    """The metadata that :func:`write_table` stored; empty for files of other programs."""
    schema = table if isinstance(table, pa.Schema) else table.schema
    return decoded_metadata(schema.metadata or {})


def metadata_of(file: pq.ParquetFile) -> dict[str, Any]:
    """As :func:`read_metadata`, of an open file."""
    return decoded_metadata(_schema_metadata(file))


def decoded_metadata(metadata: Mapping[bytes, Any]) -> dict[str, Any]:
    """What is stored under :data:`METADATA_KEY`; empty if it is nothing or not ours."""
    try:
        content = parse_json(metadata.get(METADATA_KEY, b"{}"))
    except (ValueError, TypeError):  # not written by us, or damaged
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if _KINDS.get(key, _anything)(value)}
