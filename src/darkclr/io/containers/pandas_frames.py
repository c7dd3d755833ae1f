"""pandas data frames in HDF5 files, read with h5py and without unpickling anything.

Two layouts, as `DataFrame.to_hdf` writes them with PyTables
(https://pandas.pydata.org/docs/user_guide/io.html#hdf5-pytables):

- ``format="table"``: a group (the key) with a compound data set ``table``: field ``index``, fields
  ``values_block_i`` of shape (columns,) for columns of one type, or one field a column. Their
  names are in the attribute ``values_block_i_kind``, as a pickled list.
- ``format="fixed"``: a group with arrays ``blocki_values`` (rows, columns) and ``blocki_items``,
  the names of their columns.

PyTables unpickles attributes when they are looked at, which lets a file run any program. Here
the pickled list is taken apart with :mod:`pickletools`, which executes nothing.
"""

from __future__ import annotations

import math
import pickletools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.containers.hdf5_blocks import BlockReader, block_rows, blocks, readable
from darkclr.io.containers.table import Rows, Table

__all__ = ["Frame", "array_frame", "data_frame", "plain_frame"]

# What a pickled list of strings or integers is made of, in any protocol.
_LIST_OPCODES = re.compile(
    "PROTO|FRAME|MARK|LIST|EMPTY_LIST|APPENDS?|STOP|PUT|BINPUT|LONG_BINPUT|MEMOIZE"
)
# What pandas writes today: the same at once, as taking 800 names apart costs 10 ms.
_PLAIN_NAME = re.compile(rb"V([ -\[\]-~]*)\np\d+\na")
_PLAIN_LIST = re.compile(rb"\(lp\d+\n(?:" + _PLAIN_NAME.pattern + rb")*\.")
_VALUE_OPCODES = re.compile("(SHORT_)?(BIN)?(STRING|UNICODE8?)|INT|LONG1?|BININT[12]?")


@dataclass(frozen=True)
class _Block:
    """Columns of one type: an array of its own, or a field of the compound data set of a frame."""

    values: Any
    field: str
    columns: tuple[str, ...]


class Frame(Table):
    """A pandas data frame in an open HDF5 file, or another compound data set of rows.

    Args:
        file: the file, for messages.
        name: its key.
        parts: its blocks.
        table: the compound data set of the table format; None for the fixed format.
    """

    def __init__(self, file: Path, name: str, parts: Sequence[_Block], table: Any = None) -> None:
        # A label beside many columns of numbers comes last.
        parts = sorted(parts, key=lambda part: -len(part.columns))
        self._parts, self._compound = parts, table
        lengths = {_n_rows(part.values) for part in parts} if table is None else {table.shape[0]}
        if len(lengths) > 1:
            raise InputError(
                f"the columns of {name!r} have different lengths {sorted(lengths)}", where=file
            )
        #: Block and position in it of each column.
        self.places = {
            column: (i, j) for i, part in enumerate(parts) for j, column in enumerate(part.columns)
        }
        super().__init__(file, name.strip("/"), tuple(self.places), max(lengths, default=0))

    def rows(self, columns: Sequence[str], batch: int) -> Iterator[Rows]:
        """All columns of the blocks that hold some of those."""
        wanted = {self.places[column][0] for column in columns}
        parts = {i: part for i, part in enumerate(self._parts) if i in wanted}
        arrays = [part.values for part in parts.values()]
        datasets = arrays if self._compound is None else [self._compound]
        readers = [BlockReader(dataset) for dataset in datasets]
        slots, names = _SlotsOnce(self.places), dict.fromkeys(columns)
        for first, last in blocks(self.n_rows, batch, block_rows(*datasets)):
            read = [reader(first, last) for reader in readers]
            if self._compound is not None:
                read = [read[0][part.field] for part in parts.values()]
            found = {
                i: values.reshape(len(values), len(self._parts[i].columns))
                for i, values in zip(parts, read, strict=True)
            }
            yield _FrameRows(self, first, last - first, names, found, slots)


class _FrameRows(Rows):
    """Rows of a frame; ``found`` has the columns of each block, (rows, columns of the block)."""

    def __init__(
        self,
        frame: Frame,
        start: int,
        n: int,
        columns: Mapping[str, None],
        found: Mapping[int, NDArray],
        slots: _SlotsOnce,
    ) -> None:
        super().__init__(frame, start, n, columns)
        self._places, self._found, self._slots = frame.places, found, slots

    def _numbers(self, column: str) -> NDArray:
        block, position = self._places[column]
        return self._found[block][:, position].copy()  # the block's memory is used again

    def slots(self, columns: Sequence[Sequence[str]]) -> NDArray:
        """Columns of one number a row side by side, (n, slots, k), without a copy where possible.

        Valid until the next rows are read.
        """
        return self._slots(columns).padded(self._found)

    def _lists(self, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[NDArray]]:
        self.refuse(columns[0], "has one number a row, not a list")

    def _array(self, column: str, columns: slice) -> NDArray:
        return self._numbers(column)


class _SlotsOnce:
    """Where slots are is worked out for the first rows and kept for the others."""

    def __init__(self, places: Mapping[str, tuple[int, int]]) -> None:
        self._places = places
        self._columns: Sequence[Sequence[str]] | None = None
        self._slots: _Slots

    def __call__(self, columns: Sequence[Sequence[str]]) -> _Slots:
        if columns is not self._columns:
            self._columns = columns
            k = len(columns[0])
            self._slots = _Slots([[self._places[slot[i]] for slot in columns] for i in range(k)])
        return self._slots


class _Slots:
    """Where the numbers of slots are in the blocks of a data frame.

    Args:
        places: (block, column) of each slot for each of the k numbers.
    """

    def __init__(self, places: list[list[tuple[int, int]]]) -> None:
        self._places = places
        self._k, self._n = len(places), len(places[0])
        columns = np.array([[column for _, column in row] for row in places])
        one_block = len({block for row in places for block, _ in row}) == 1
        # E_0, PX_0, PY_0, PZ_0, E_1, ... as in the top-tagging reference: no copy.
        in_order = np.arange(self._k)[:, None] + self._k * np.arange(self._n) + columns[0, 0]
        self._in_order = one_block and bool((columns == in_order).all())
        # E_0, E_1, ..., PX_0, ...: four slices.
        steps = np.diff(columns, axis=1)
        self._slices = (
            one_block and self._n > 1 and steps[0, 0] > 0 and (steps == steps[0, 0]).all()
        )

    def padded(self, blocks: Mapping[int, NDArray]) -> NDArray:
        """(rows, slots, k)."""
        values = blocks[self._places[0][0][0]]
        if self._in_order:
            first = self._places[0][0][1]
            return values[:, first : first + self._k * self._n].reshape(len(values), self._n, -1)
        out = np.empty((len(values), self._n, self._k), values.dtype)
        for i, places in enumerate(self._places):
            if self._slices:
                (_, first), (_, second), (_, last) = places[0], places[1], places[-1]
                out[..., i] = values[:, first : last + 1 : second - first]
            else:
                for slot, (block, column) in enumerate(places):
                    out[:, slot, i] = blocks[block][:, column]
        return out


def data_frame(group: Any, file: Path) -> Frame | None:
    """The data frame that pandas wrote into an HDF5 group, if it did.

    Raises:
        InputError: names of columns that cannot be read.
    """
    import h5py

    table = group.get("table")
    if isinstance(table, h5py.Dataset) and table.dtype.names and table.ndim == 1:
        return plain_frame(group.name, table, file)
    if all(isinstance(group.get(f"block0_{x}"), h5py.Dataset) for x in ("values", "items")):
        return _fixed(group, file)
    return None


def plain_frame(name: str, table: Any, file: Path) -> Frame:
    """A compound data set of one dimension; pandas has the names of its columns in attributes."""
    parts: list[_Block] = []
    unread: dict[str, str] = {}
    for field in table.dtype.names:
        subtype = table.dtype[field]
        if field == "index":
            continue
        width = subtype.shape[0] if subtype.shape else 1
        if f"{field}_kind" in table.attrs:
            columns = _unpickled_names(table.attrs[f"{field}_kind"], file)
        elif not subtype.shape:
            columns = (field,)
        else:
            continue
        if table.attrs.get(f"{field}_meta") == b"category":  # codes in the order of their texts
            unread |= dict.fromkeys(columns, "a pandas category")
            continue
        if subtype.base.kind not in "fiub":
            unread |= dict.fromkeys(columns, "no number")
            continue
        if len(columns) != width or len(subtype.shape) > 1:
            raise InputError(
                f"{len(columns)} names for the {subtype.shape} columns of {field!r}", where=file
            )
        parts.append(_Block(None, field, columns))
    frame = Frame(file, name, parts, table)
    frame.unread = unread
    return frame


def array_frame(name: str, values: Any, label: Any, file: Path) -> Frame:
    """An array (rows, ...) as a frame with numbers for names, and ``label``, if there is one."""
    numbered = tuple(map(str, range(math.prod(values.shape[1:]))))
    parts = [_Block(values, name, numbered)]
    if label is not None:
        parts.append(_Block(label, "label", ("label",)))
    return Frame(file, name, parts)


def _fixed(group: Any, file: Path) -> Frame:
    import h5py

    parts: list[_Block] = []
    unread: dict[str, str] = {}
    for name in sorted(n for n in group if re.fullmatch(r"block\d+_values", n)):
        values, items = (group.get(n) for n in (name, name.replace("values", "items")))
        both = isinstance(values, h5py.Dataset) and isinstance(items, h5py.Dataset)
        if not both:
            continue
        if items.dtype.kind == "S":
            columns = tuple(x.decode("utf-8", "replace") for x in readable(items)[:])
        elif items.dtype.kind in "iu":
            columns = tuple(str(x) for x in readable(items)[:])
        else:
            raise _pickled(file)
        if values.ndim != 2 or values.dtype.kind not in "fiub":
            unread |= dict.fromkeys(columns, "no number")
            continue
        if _n_rows(values) and columns and len(columns) != values.shape[1]:
            raise InputError(
                f"{len(columns)} names for {values.shape[1]} columns of {name!r}", where=file
            )
        parts.append(_Block(values, name, columns))
    frame = Frame(file, group.name, parts)
    frame.unread = unread
    return frame


def _n_rows(values: Any) -> int:
    """Rows of an array; PyTables keeps one of no rows as one of one row with its true type."""
    return 0 if "value_type" in values.attrs else values.shape[0]


def _unpickled_names(pickled: object, where: object) -> tuple[str, ...]:
    """The strings of a pickled flat list, without executing the pickle."""
    if not isinstance(pickled, bytes):
        raise _pickled(where)
    content = bytes(pickled)
    if _PLAIN_LIST.fullmatch(content):
        return tuple(name.decode() for name in _PLAIN_NAME.findall(content))
    names = []
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if _VALUE_OPCODES.fullmatch(opcode.name):
                names.append(str(argument))
            elif not _LIST_OPCODES.fullmatch(opcode.name):
                raise _pickled(where)
    except ValueError as error:  # not a pickle, or one that is cut
        raise _pickled(where) from error
    return tuple(names)


def _pickled(where: object) -> InputError:
    return InputError(
        "the names of its columns are pickled objects, which are not opened",
        where=where,
        fix="write the data frame again with plain strings as names of the columns",
    )
