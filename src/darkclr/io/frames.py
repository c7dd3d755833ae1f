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

import pickletools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.padded import BlockReader

__all__ = ["Frame", "frames"]

# What a pickled list of strings or integers is made of, in any protocol.
_LIST_OPCODES = re.compile(
    "PROTO|FRAME|MARK|LIST|EMPTY_LIST|APPENDS?|STOP|PUT|BINPUT|LONG_BINPUT|MEMOIZE"
)
# What pandas writes today: the same at once, as taking 800 names apart costs 10 ms.
_PLAIN_NAME = re.compile(rb"V([ -\[\]-~]*)\np\d+\na")
_PLAIN_LIST = re.compile(rb"\(lp\d+\n(?:" + _PLAIN_NAME.pattern + rb")*\.")
_VALUE_OPCODES = re.compile("(SHORT_)?(BIN)?(STRING|UNICODE8?)|INT|LONG1?|BININT[12]?")


@dataclass(frozen=True, eq=False)
class Frame:
    """A pandas data frame in an open HDF5 file.

    Args:
        name: its key.
        blocks: columns of one type: (data set or None for the table, field, names of its columns).
        n_rows: number of rows.
        table: the compound data set of the table format.
    """

    name: str
    blocks: tuple[tuple[object, str, tuple[str, ...]], ...]
    n_rows: int
    table: object = None

    @cached_property
    def columns(self) -> dict[str, tuple[int, int]]:
        """Block and position in it of each column, by name."""
        return {
            name: (i, j)
            for i, (_, _, names) in enumerate(self.blocks)
            for j, name in enumerate(names)
        }

    @property
    def datasets(self) -> list[Any]:
        """What is read for some rows: the table, or the arrays of all blocks."""
        return [values for values, _, _ in self.blocks] if self.table is None else [self.table]

    @cached_property
    def _readers(self) -> list[BlockReader]:
        return [BlockReader(dataset) for dataset in self.datasets]

    def read(self, start: int, stop: int) -> list[NDArray]:
        """Rows of each block, (rows, columns of the block); valid until the next call."""
        read = [reader(start, stop) for reader in self._readers]
        blocks = read if self.table is None else [read[0][field] for _, field, _ in self.blocks]
        return [block if block.ndim == 2 else block[:, None] for block in blocks]


def frames(file: object, where: object) -> Iterator[Frame]:
    """The data frames of an open HDF5 file (``h5py.File``).

    Raises:
        InputError: names of columns that cannot be read.
    """
    import h5py

    for group in _groups(file):
        table = group.get("table")
        if isinstance(table, h5py.Dataset) and table.dtype.names and table.ndim == 1:
            yield _table(group.name, table, where)
        elif isinstance(group.get("block0_values"), h5py.Dataset):
            yield _fixed(group, where)


def _groups(group: Any) -> Iterator[Any]:
    """All groups below an ``h5py.Group``, without the indices that PyTables keeps of columns."""
    import h5py

    for name in group:
        if not name.startswith("_i_") and group.get(name, getclass=True) is h5py.Group:
            yield group[name]
            yield from _groups(group[name])


def _table(name: str, table: object, where: object) -> Frame:
    dtype, attributes = table.dtype, table.attrs  # type: ignore[attr-defined]
    blocks = []
    for field in dtype.names:
        subtype = dtype[field]
        if field == "index" or subtype.base.kind not in "fiub":
            continue
        width = subtype.shape[0] if subtype.shape else 1
        if f"{field}_kind" in attributes:
            columns = _unpickled_names(attributes[f"{field}_kind"], where)
        elif not subtype.shape:
            columns = (field,)  # a plain compound data set
        else:
            continue
        if len(columns) != width or len(subtype.shape) > 1:
            raise InputError(
                f"{len(columns)} names for the {subtype.shape} columns of {field!r}", where=where
            )
        blocks.append((None, field, columns))
    return Frame(name, tuple(blocks), table.shape[0], table)  # type: ignore[attr-defined]


def _fixed(group: object, where: object) -> Frame:
    import h5py

    blocks = []
    names = [n for n in group if re.fullmatch(r"block\d+_values", n)]  # type: ignore[attr-defined]
    for name in sorted(names):
        values, items = (group.get(n) for n in (name, name.replace("values", "items")))  # type: ignore[attr-defined]
        both = isinstance(values, h5py.Dataset) and isinstance(items, h5py.Dataset)
        if not both or values.ndim != 2 or values.dtype.kind not in "fiub":
            continue
        if items.dtype.kind == "S":
            columns = tuple(x.decode("utf-8", "replace") for x in items[:])
        elif items.dtype.kind in "iu":
            columns = tuple(str(x) for x in items[:])
        else:
            raise _pickled(where)
        if columns and len(columns) != values.shape[1]:
            raise InputError(
                f"{len(columns)} names for {values.shape[1]} columns of {name!r}", where=where
            )
        blocks.append((values, name, columns))
    rows = {values.shape[0] for values, _, _ in blocks}
    if len(rows) > 1:
        raise InputError(
            f"the columns of {group.name!r} have different lengths {sorted(rows)}",  # type: ignore[attr-defined]
            where=where,
        )
    return Frame(group.name, tuple(blocks), max(rows, default=0))  # type: ignore[attr-defined]


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
