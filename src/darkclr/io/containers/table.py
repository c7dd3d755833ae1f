"""Tables of named columns in an open file, whatever its container.

A container finds the tables of a file; a layout (:mod:`darkclr.io.layouts`) asks them for columns
by name. Which columns there are tells what a file means, and not in what they are stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import ConfigError, InputError
from darkclr.jets import BACKGROUND, SIGNAL, UNKNOWN

__all__ = ["Rows", "Table", "same_lengths"]


_LABELS = "labels are 0 for background, 1 for signal and -1 where nobody knows"


class Table(ABC):
    """A table of an open file: a data frame, a group of data sets, a tree, a Parquet file.

    Args:
        file: the file, for messages.
        name: how the table is called in its file; empty where a file is one table.
        columns: names of the columns, in their order.
        n_rows: number of rows.
        metadata: what the file says of its content, JSON-able.

    Attributes:
        unread: further columns that are no numbers, and what they are instead.
    """

    def __init__(
        self,
        file: Path,
        name: str,
        columns: Collection[str],
        n_rows: int,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.file, self.name, self.columns, self.n_rows = file, name, columns, n_rows
        self.metadata: Mapping[str, Any] = metadata or {}
        self.unread: dict[str, str] = {}

    @abstractmethod
    def rows(self, columns: Sequence[str], batch: int) -> Iterator[Rows]:
        """Rows with some columns, one after the other, at most ``batch`` at a time.

        There may be fewer: where that is faster, a batch comes in blocks. No block is part of two
        batches.
        """

    def plain(self) -> Iterator[Table]:
        """Arrays that it holds as tables of their own, whose columns have numbers for names."""
        return iter(())

    def __str__(self) -> str:
        """The table in words: name, rows, first columns."""
        columns = ", ".join(list(self.columns)[:12]) + ", ..." * (len(self.columns) > 12)
        return f"{self.name} ({self.n_rows} rows: {columns})".lstrip()


class Rows(ABC):
    """Neighbouring rows of a table, with the columns that were asked for.

    Args:
        table: whose rows they are.
        start: number of the first one in the table.
        n: how many there are.
        columns: names of their columns.
    """

    def __init__(self, table: Table, start: int, n: int, columns: Collection[str]) -> None:
        self.file, self.start, self._n, self._columns = table.file, start, n, columns

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[str]:
        """Names of the columns."""
        return iter(self._columns)

    def __contains__(self, column: str) -> bool:
        return column in self._columns

    def numbers(self, column: str) -> NDArray:
        """A column of one number a row, (n,).

        Raises:
            InputError: it is something else.
        """
        self._need(column)
        values = self._numbers(column)
        if values.shape != (len(self),) or values.dtype.kind not in "fiub":
            self.refuse(column, f"is {values.dtype} of shape {values.shape}, not one number a row")
        return values

    def lists(self, *columns: str) -> tuple[NDArray[np.int64], list[NDArray]]:
        """Columns of lists: their lengths (n,), and the flat values of each column.

        Lists that all have the same length by their type are padded with zeros: an element that is
        zero in all columns is none.

        Raises:
            InputError: they are something else, or differ in lengths.
        """
        for column in columns:
            self._need(column)
        return self._lists(columns)

    def array(self, column: str, *, ndim: int, columns: slice) -> NDArray:
        """A column whose rows are arrays of one shape, (n, ..., k).

        Lists of different lengths are padded with zeros. Valid until the next rows are read.

        Args:
            column: its name.
            ndim: number of dimensions, with that of the rows.
            columns: which numbers of the last axis; if it has an end, they must be there.

        Raises:
            InputError: it has other dimensions, or fewer numbers in the last.
        """
        self._need(column)
        values = self._array(column, columns)
        k = columns.stop and columns.stop - (columns.start or 0)
        if values.ndim != ndim or values.shape[-1] < (k or 0) or values.dtype.kind not in "fiub":
            self.refuse(
                column,
                f"is {values.dtype} of shape {values.shape}, not numbers with {ndim} dimensions "
                f"and {k or 0} or more in the last",
            )
        return values

    def slots(self, columns: Sequence[Sequence[str]]) -> NDArray:
        """Columns of one number a row side by side: (n, slots, k).

        Valid until the next rows are read.

        Args:
            columns: the k columns of each slot.
        """
        # Copied column by column, then transposed: twice as fast as every other way.
        flat = np.stack([self.numbers(column) for slot in columns for column in slot])
        return np.ascontiguousarray(flat.T).reshape(len(self), len(columns), -1)

    def labels(self, column: str) -> NDArray[np.int8]:
        """A column of labels, (n,).

        Raises:
            InputError: others than 0, 1 and -1, where False is 0 and True is 1.
        """
        try:
            values = self.numbers(column)
        except InputError as problem:
            raise InputError(str(problem), fix=_LABELS) from problem
        known = (values == BACKGROUND) | (values == SIGNAL) | (values == UNKNOWN)
        if not known.all():
            self.refuse(column, f"has labels other than 0, 1 and -1: {values[~known][0]}")
        return values.astype(np.int8)

    def refuse(self, column: str, problem: str) -> NoReturn:
        """Refuse a column for a reason that goes on after its name.

        Raises:
            InputError: always.
        """
        raise InputError(f"column {column!r} {problem}", where=self.file)

    def _need(self, column: str) -> None:
        if column not in self._columns:
            raise ConfigError(
                f"column {column!r} is read, but not asked for",
                where=self.file,
                fix="name it among the required or optional columns of the layout",
            )

    @abstractmethod
    def _numbers(self, column: str) -> NDArray: ...

    @abstractmethod
    def _lists(self, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[NDArray]]: ...

    @abstractmethod
    def _array(self, column: str, columns: slice) -> NDArray: ...


def same_lengths(rows: Rows, lengths: Mapping[str, NDArray]) -> NDArray[np.int64]:
    """The lengths (n,) that lists of several columns have in common.

    Raises:
        InputError: they differ.
    """
    (first, common), *others = lengths.items()
    for name, other in others:
        if not np.array_equal(common, other):
            raise InputError(
                f"columns {first!r} and {name!r} have different lengths", where=rows.file
            )
    return common.astype(np.int64, copy=False)
