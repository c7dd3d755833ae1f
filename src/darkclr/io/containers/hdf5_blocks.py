"""Rows of HDF5 data sets, block by block, as fast as they can be copied.

Padding is most of what such files hold. Blocks stay in the last cache of the processor until their
particles are taken out of them and converted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError, MissingExtraError

__all__ = ["BLOCK_BYTES", "BlockReader", "block_rows", "blocks", "needs_plugin", "readable"]

#: Of a block: small enough for the cache, large enough for what each block costs.
BLOCK_BYTES = 2**21


def block_rows(*datasets: Any) -> int:
    """Rows of a block: about ``BLOCK_BYTES``, and whole chunks of the largest data set."""
    row_bytes = [d.dtype.itemsize * int(np.prod(d.shape[1:])) for d in datasets]
    chunks = datasets[int(np.argmax(row_bytes))].chunks
    chunk = chunks[0] if chunks else 1
    wanted = max(BLOCK_BYTES // max(sum(row_bytes), 1), 1)
    return -(-wanted // chunk) * chunk


class BlockReader:
    """Reads blocks of rows of an HDF5 data set, each into the memory of the one before.

    New memory for every block would cost as much as the reading: its pages are first set to zero.
    What h5py does anew for each block (types, selections) is done once.

    Args:
        dataset: ``h5py.Dataset``.
        columns: which numbers of the last axis are read.
    """

    def __init__(self, dataset: Any, columns: slice = slice(None)) -> None:
        from h5py import h5t

        readable(dataset)
        shape, self._start = dataset.shape[1:], (0,) * (dataset.ndim - 1)
        self._shape = shape
        if shape:
            chosen = range(shape[-1])[columns]
            self._shape = (*shape[:-1], len(chosen))
            self._start = (*self._start[:-1], chosen.start)
        dtype = np.empty(0, dataset.dtype).dtype
        self._dataset = dataset
        self._type, self._in_file = h5t.py_create(dtype), dataset.id.get_space()
        self._offset: int | None = None
        self._columns: tuple[Any, ...] = ()
        as_stored = not dtype.hasobject and dataset.id.get_type().equal(self._type)
        # Most of the columns are not worth HDF5's taking them out of each row.
        if (not shape or 2 * self._shape[-1] > shape[-1]) and as_stored and hasattr(os, "preadv"):
            self._offset = dataset.id.get_offset()  # None unless all rows lie in one piece
        if self._offset is not None:
            self._descriptor = dataset.file.id.get_vfd_handle()
            if self._shape != shape:
                self._shape, self._columns = shape, (..., columns)
        self._memory = np.empty((0, *self._shape), dtype)

    def __call__(self, first: int, last: int) -> NDArray:
        """Rows [first, last), valid until the next call.

        Raises:
            OSError: the data cannot be read.
        """
        if last - first > len(self._memory):
            self._memory = np.empty((last - first, *self._shape), self._memory.dtype)
        block = self._memory[: last - first]
        if self._offset is None:
            from h5py import h5s

            self._in_file.select_hyperslab((first, *self._start), block.shape)
            self._dataset.id.read(h5s.create_simple(block.shape), self._in_file, block, self._type)
        else:
            start = self._offset + first * self._memory.strides[0]
            self._read_bytes(memoryview(block.view(np.uint8).reshape(-1)), start)  # type: ignore
        return block[self._columns] if self._columns else block

    def _read_bytes(self, out: memoryview, start: int) -> None:
        """The file's bytes from ``start``, without HDF5's bookkeeping for each block."""
        done = 0
        while done < len(out):
            n = os.preadv(self._descriptor, [out[done:]], start + done)
            if n == 0:
                raise OSError("the file ends within the data")
            done += n


def blocks(n_rows: int, batch: int, rows: int) -> Iterator[tuple[int, int]]:
    """First and last row (exclusive) of blocks of so many rows, none of which is in two batches."""
    for start in range(0, n_rows, max(batch, 1)):
        stop = min(start + max(batch, 1), n_rows)
        for first in range(start, stop, rows):
            yield first, min(first + rows, stop)


def needs_plugin(dataset: Any) -> bool:
    """Whether a data set is compressed in a way that h5py alone cannot read."""
    from h5py import h5z

    creation = dataset.id.get_create_plist()
    filters = range(creation.get_nfilters())
    return not all(h5z.filter_avail(creation.get_filter(i)[0]) for i in filters)


def readable(dataset: Any) -> Any:
    """The data set, after its compression is known to h5py.

    Raises:
        MissingExtraError: the package that knows it is not installed.
        InputError: no package knows it.
    """
    if not needs_plugin(dataset):
        return dataset
    try:
        import hdf5plugin  # noqa: F401  (makes its filters known to h5py)
    except ImportError as error:
        raise MissingExtraError("hdf5plugin", "blosc") from error
    if needs_plugin(dataset):
        creation = dataset.id.get_create_plist()
        names = b", ".join(creation.get_filter(i)[3] for i in range(creation.get_nfilters()))
        raise InputError(
            f"is compressed with {names.decode(errors='replace')}, which cannot be read",
            where=Path(dataset.file.filename),
            fix="write it again with zlib",
        )
    return dataset
