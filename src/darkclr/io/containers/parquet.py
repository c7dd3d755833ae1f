"""Parquet files, which are one table each; fields of records are columns ``record.field``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.io.containers.table import Rows, Table, same_lengths
from darkclr.io.containers.zero_padding import padded, unpadded_columns
from darkclr.io.parquet import metadata_of, opened_parquet

__all__ = ["parquet_tables"]

# Types of columns that are NumPy arrays as they are.
_PLAIN = {pa.float32(), pa.float64(), pa.int32(), pa.int64()}


@contextmanager
def parquet_tables(path: Path) -> Iterator[list[Table]]:
    """The one table of a Parquet file, which is open in the block."""
    with opened_parquet(path) as file:
        yield [_File(path, file)]


class _File(Table):
    """A Parquet file; ``EFlowTrack.PT`` or ``FatJet_pt`` may be fields of (lists of) records."""

    def __init__(self, path: Path, file: Any) -> None:
        self._file = file
        # The record and the field of each column.
        self._places: dict[str, tuple[str, str | None]] = {}
        for field in file.schema_arrow:
            record = field.type
            while (inner := _inner(record)) is not None:
                record = inner
            if pa.types.is_struct(record):
                for part in record:
                    for separator in "._":
                        name = f"{field.name}{separator}{part.name}"
                        self._places.setdefault(name, (field.name, part.name))
            else:
                self._places[field.name] = (field.name, None)
        metadata = metadata_of(file)
        super().__init__(path, "", tuple(self._places), file.metadata.num_rows, metadata)

    def rows(self, columns: Sequence[str], batch: int) -> Iterator[Rows]:
        """Batches of rows; what else is in the file is not read."""
        places = {name: self._places[name] for name in columns}
        wanted = [leaf for place in places.values() for leaf in self._leaves(*place)]
        start = 0
        for batch_rows in self._file.iter_batches(max(batch, 1), columns=wanted):
            yield _FileRows(self, start, batch_rows, places)
            start += len(batch_rows)

    def _leaves(self, column: str, field: str | None) -> list[str]:
        """What to ask PyArrow for: a column, or leaves such as ``EFlowTrack.list.element.PT``."""
        if field is None:
            return [column]
        schema = self._file.schema
        leaves = (schema.column(i).path for i in range(len(schema)))
        part = re.compile(rf"{re.escape(column)}\..*\b{re.escape(field)}(\.|$)")
        return [leaf for leaf in leaves if part.match(leaf)]


def _inner(kind: pa.DataType) -> pa.DataType | None:
    """The type of what a list or an extension type holds; None of others."""
    if isinstance(kind, pa.BaseExtensionType):
        return kind.storage_type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return kind.value_type if is_list or pa.types.is_fixed_size_list(kind) else None


def _plain(array: pa.Array) -> pa.Array:
    """The array itself: libraries that are imported may turn it into a type of theirs."""
    while isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


class _FileRows(Rows):
    """Rows of a Parquet file."""

    def __init__(
        self,
        table: Table,
        start: int,
        rows: pa.RecordBatch,
        places: Mapping[str, tuple[str, str | None]],
    ) -> None:
        super().__init__(table, start, len(rows), places)
        self._rows, self._places = rows, places

    def _levels(self, column: str) -> tuple[list[NDArray[np.int64]], pa.Array, pa.DataType]:
        """Lengths of the lists on each level, values, and the type of the column."""
        name, field = self._places[column]
        array = _plain(self._rows.column(name))
        kind = array.type
        lengths: list[NDArray[np.int64]] = []
        while True:
            if array.null_count:
                self.refuse(column, f"({kind}) has missing values")
            if field is not None and pa.types.is_struct(array.type):
                array, field = _plain(array.field(field)), None
            elif _inner(array.type) is None:
                return lengths, array, kind
            else:
                fixed = pa.types.is_fixed_size_list(array.type)
                sizes = (
                    np.full(len(array), array.type.list_size)
                    if fixed
                    else array.value_lengths().to_numpy(zero_copy_only=False)
                )
                lengths.append(sizes.astype(np.int64))
                array = _plain(array.flatten())

    def _values(self, column: str, array: pa.Array, problem: str) -> NDArray:
        is_number = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating)
        if not any(test(array.type) for test in is_number):
            self.refuse(column, problem)
        return array.to_numpy(zero_copy_only=False)

    def _numbers(self, column: str) -> NDArray:
        name, field = self._places[column]
        plain = self._rows.column(name)
        if field is None and plain.type in _PLAIN and not plain.null_count:
            return plain.to_numpy()  # the same at once: there may be 800 such columns
        lengths, array, kind = self._levels(column)
        if lengths:
            self.refuse(column, _not_filled(kind))
        return self._values(column, array, _not_filled(kind))

    def _lists(self, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[NDArray]]:
        lengths: dict[str, NDArray] = {}
        values, fixed = [], []
        for column in columns:
            levels, array, kind = self._levels(column)
            problem = f"is {kind}, not a list of numbers"
            if len(levels) != 1:
                self.refuse(column, problem)
            lengths[column] = levels[0]
            values.append(self._values(column, array, problem))
            fixed.append(pa.types.is_fixed_size_list(kind))
        common = same_lengths(self, lengths)
        if not all(fixed):
            return common, values
        slots = int(common[0]) if len(common) else 0
        return unpadded_columns([x.reshape(len(common), slots) for x in values])

    def _array(self, column: str, columns: slice) -> NDArray:
        lengths, array, kind = self._levels(column)
        values = self._values(column, array, f"is {kind}, not an array of numbers")
        for level in reversed(lengths):
            values = padded(level, values)
        return values[..., columns]


def _not_filled(kind: pa.DataType) -> str:
    return f"({kind}) is not filled with numbers"
