"""HDF5 files: pandas data frames, and groups of arrays whose first axis counts the rows."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError, MissingExtraError
from darkclr.io.containers.hdf5_blocks import (
    BLOCK_BYTES,
    BlockReader,
    block_rows,
    blocks,
    readable,
)
from darkclr.io.containers.pandas_frames import Frame, array_frame, data_frame, plain_frame
from darkclr.io.containers.table import Rows, Table, same_lengths
from darkclr.io.containers.zero_padding import unpadded_columns
from darkclr.io.parquet import METADATA_KEY, decoded_metadata
from darkclr.plausibility import MAX_CONSTITUENTS

__all__ = ["hdf5_tables", "tables_of"]

# What people call the labels of rows.
_LABEL = re.compile(r"labels?|y|(is_)?signal(_new)?", re.IGNORECASE)
_N_MOMENTUM = 3  # pt, eta, phi
_DEEPEST = 50  # groups in groups
# No compression packs a thousand bytes into less than one; what was never written is zeros.
_MOST_EXPANSION, _SMALL = 2000, 1 << 28


@contextmanager
def hdf5_tables(path: Path) -> Iterator[list[Table]]:
    """The tables of an HDF5 file, which is open in the block.

    Raises:
        InputError: names of columns that cannot be read, where the file has no other table.
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "files") from error
    # Data come straight into our arrays if no chunk fits into the cache.
    with h5py.File(path, "r", rdcc_nbytes=0) as file:
        tables = tables_of(file, path)
        if not any(isinstance(table, _Arrays) and table.is_compressed for table in tables):
            yield tables
            return
    # Parts of a data set may be read one after the other: chunks stay decompressed until then.
    with h5py.File(path, "r", rdcc_nbytes=BLOCK_BYTES) as file:
        yield tables_of(file, path)


def _check(path: Path, dataset: Any) -> None:
    """Refuse data that lie in other files, and rows that take no room in the file.

    Raises:
        InputError: a data set is one of these.
    """
    name = dataset.name.lstrip("/")
    if dataset.external or dataset.is_virtual:
        raise InputError(f"{name!r} keeps its data in other files", where=path, fix="repack it")
    if (length := math.prod((dataset.shape or ())[1:])) > 10 * MAX_CONSTITUENTS:
        raise InputError(f"{name!r} has rows of {length} numbers", where=path)
    if dataset.nbytes > max(_SMALL, _MOST_EXPANSION * (stored := dataset.id.get_storage_size())):
        raise InputError(
            f"{name!r} has {len(dataset)} rows, of which {stored} bytes are in the file", where=path
        )


def tables_of(file: Any, path: Path) -> list[Table]:
    """The tables of an open HDF5 file.

    Args:
        file: ``h5py.File``.
        path: whose content it is, for messages.

    Raises:
        InputError: names of columns that cannot be read, where the file has no other table.
    """
    found: list[Table] = []
    problem: InputError | None = None
    for group in _groups(file):
        datasets = _datasets(group, path)
        try:
            found += _tables_of(group, datasets, path)
        except InputError as error:
            problem = problem or error
    if problem is not None and not found:
        raise problem
    metadata = decoded_metadata({METADATA_KEY: file.attrs.get(METADATA_KEY.decode(), "{}")})
    for table in found:
        table.metadata = metadata
    return found


def _datasets(group: Any, path: Path) -> dict[str, Any]:
    """The data sets of a group, after :func:`_check`."""
    import h5py

    names = [n for n in _own(group) if group.get(n, getclass=True) is h5py.Dataset]
    found = {name: group[name] for name in names}
    for dataset in found.values():
        _check(path, dataset)
    return found


def _tables_of(group: Any, datasets: Mapping[str, Any], path: Path) -> Iterator[Table]:
    """The data frame that a group is, or else its compound data sets and its arrays."""
    import h5py

    if (frame := data_frame(group, path)) is not None:
        yield frame
        return
    arrays, unread = {}, {}
    for name, dataset in datasets.items():
        if dataset.dtype.names and dataset.ndim == 1:
            yield plain_frame(dataset.name, dataset, path)
        elif dataset.ndim and (
            dataset.dtype.kind in "fiub" or h5py.check_vlen_dtype(dataset.dtype)
        ):
            arrays[name] = dataset
        elif dataset.ndim:
            unread[name] = "no number"
    if arrays:
        table = _Arrays(path, group.name.strip("/"), arrays)
        table.unread = unread
        yield table


def _own(group: Any) -> list[str]:
    """What is in a group, without links that lead to other files."""
    import h5py

    return [n for n in group if not isinstance(group.get(n, getlink=True), h5py.ExternalLink)]


def _groups(group: Any) -> Iterator[Any]:
    """A group and all below it, without the indices that PyTables keeps of columns."""
    import h5py

    yield group
    if group.name.count("/") > _DEEPEST:
        raise InputError("its groups are nested too deeply", where=group.file.filename)
    for name in _own(group):
        if not name.startswith("_i_") and group.get(name, getclass=True) is h5py.Group:
            yield from _groups(group[name])


class _Arrays(Table):
    """Data sets of one group, whose first axis counts the rows."""

    def __init__(self, file: Path, name: str, datasets: Mapping[str, Any]) -> None:
        self._datasets = datasets
        super().__init__(file, name, tuple(datasets), max(d.shape[0] for d in datasets.values()))

    def plain(self) -> Iterator[Frame]:
        """Arrays of one row of numbers, or of particles of three, with the label beside them."""
        numbers = {n: x for n, x in self._datasets.items() if not x.dtype.hasobject}
        labels = [x for name, x in numbers.items() if _LABEL.fullmatch(name)]
        for name, x in numbers.items():
            if x.ndim == 2 or (x.ndim == 3 and x.shape[2] == _N_MOMENTUM):
                beside = [y for y in labels if math.prod(y.shape) == len(x) == len(y)]
                where = f"{self.name}/{name}".lstrip("/")
                yield array_frame(where, x, beside[0] if len(beside) == 1 else None, self.file)

    def __str__(self) -> str:
        """The table in words, with the shapes of rows."""
        shown = (f"{n} {x.shape[1:]}" if x.ndim > 1 else n for n, x in self._datasets.items())
        columns = ", ".join(itertools.islice(shown, 12)) + ", ..." * (len(self.columns) > 12)
        return f"{self.name} ({self.n_rows} rows: {columns})".lstrip()

    @property
    def is_compressed(self) -> bool:
        """Whether some of the data sets are."""
        return any(d.id.get_create_plist().get_nfilters() for d in self._datasets.values())

    def rows(self, columns: Sequence[str], batch: int) -> Iterator[Rows]:
        """Rows of the data sets of those names.

        Raises:
            InputError: the data sets have different numbers of rows.
        """
        wanted = {name: self._datasets[name] for name in columns}
        lengths = {name: dataset.shape[0] for name, dataset in wanted.items()}
        if len(set(lengths.values())) != 1:
            raise InputError(
                f"data sets have different numbers of jets: {lengths}", where=self.file
            )
        numbers = [dataset for dataset in wanted.values() if not dataset.dtype.hasobject]
        size = block_rows(*numbers) if numbers else batch
        readers: dict[tuple[str, int | None], Any] = {}
        for first, last in blocks(lengths[columns[0]], batch, size):
            yield _ArrayRows(self, first, last, wanted, readers)


class _ArrayRows(Rows):
    """Rows of data sets, read when they are asked for."""

    def __init__(
        self,
        table: Table,
        first: int,
        last: int,
        datasets: Mapping[str, Any],
        readers: dict[tuple[str, int | None], Any],
    ) -> None:
        super().__init__(table, first, last - first, datasets)
        self._last, self._datasets, self._readers = last, datasets, readers

    def _read(self, name: str, columns: slice = slice(None)) -> NDArray:
        """Rows of a data set, valid until the next ones are read."""
        dataset = self._datasets[name]
        if dataset.dtype.hasobject:
            return readable(dataset)[self.start : self._last]
        key = (name, columns.start)
        if key not in self._readers:
            self._readers[key] = BlockReader(dataset, columns)
        return self._readers[key](self.start, self._last)

    def _numbers(self, column: str) -> NDArray:
        values = self._read(column)
        return (values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values).copy()

    def _lists(self, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[NDArray]]:
        values = {name: self._read(name) for name in columns}
        if all(x.dtype.hasobject for x in values.values()):
            lengths = {name: np.array([len(row) for row in x]) for name, x in values.items()}
            flat = [np.concatenate(x) if len(x) else np.empty(0) for x in values.values()]
            return same_lengths(self, lengths), flat
        for name, x in values.items():
            if x.ndim != 2:
                self.refuse(name, f"is {x.dtype} of shape {x.shape}, not a list of numbers a row")
        if len({x.shape for x in values.values()}) > 1:
            same_lengths(self, {name: np.array(x.shape) for name, x in values.items()})
        return unpadded_columns(list(values.values()))

    def _array(self, column: str, columns: slice) -> NDArray:
        return self._read(column, columns)
