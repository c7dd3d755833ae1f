"""Arrays padded with zeros to equal length, brought to flat columns of what is in them.

Padding is most of what such files hold. They are read in blocks that stay in the last cache of the
processor until their particles are taken out of them and converted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK_BYTES", "BlockReader", "block_rows", "row_blocks", "unpadded"]

#: Of a block: small enough for the cache, large enough for what each block costs.
BLOCK_BYTES = 2**21


def block_rows(*datasets: Any) -> int:
    """Rows of a block: about ``BLOCK_BYTES`` of all data sets, and whole chunks of the file."""
    row_bytes = sum(d.dtype.itemsize * int(np.prod(d.shape[1:])) for d in datasets)
    chunk = max((d.chunks[0] for d in datasets if d.chunks), default=1)
    wanted = max(BLOCK_BYTES // max(row_bytes, 1), 1)
    return -(-wanted // chunk) * chunk


class BlockReader:
    """Reads blocks of rows of an HDF5 data set, each into the memory of the one before.

    New memory for every block would cost as much as the reading: its pages are first set to zero.
    What h5py does anew for each block (types, selections) is done once.

    Args:
        dataset: ``h5py.Dataset``.
        columns: how many of the last axis are read; all if None.
    """

    def __init__(self, dataset: Any, columns: int | None = None) -> None:
        from h5py import h5t

        shape = dataset.shape[1:]
        self._shape = shape if columns is None else (*shape[:-1], columns)
        self._dataset = dataset
        self._memory = np.empty((0, *self._shape), dataset.dtype)
        dtype = self._memory.dtype
        self._type, self._in_file = h5t.py_create(dtype), dataset.id.get_space()
        self._offset: int | None = None
        as_stored = not dtype.hasobject and dataset.id.get_type().equal(self._type)
        if self._shape == shape and as_stored and hasattr(os, "preadv"):
            self._offset = dataset.id.get_offset()  # None unless all rows lie in one piece
        if self._offset is not None:
            self._descriptor = dataset.file.id.get_vfd_handle()

    def __call__(self, first: int, last: int) -> NDArray:
        """Rows [first, last), valid until the next call.

        Raises:
            OSError: the data cannot be read.
        """
        from h5py import h5s

        if last - first > len(self._memory):
            self._memory = np.empty((last - first, *self._shape), self._memory.dtype)
        block = self._memory[: last - first]
        if self._offset is None:
            self._in_file.select_hyperslab((first, *(0 for _ in self._shape)), block.shape)
            self._dataset.id.read(h5s.create_simple(block.shape), self._in_file, block, self._type)
        else:
            start = self._offset + first * self._memory.strides[0]
            self._read_bytes(memoryview(block.view(np.uint8).reshape(-1)), start)  # type: ignore
        return block

    def _read_bytes(self, out: memoryview, start: int) -> None:
        """The file's bytes from ``start``, without HDF5's bookkeeping for each block."""
        done = 0
        while done < len(out):
            n = os.preadv(self._descriptor, [out[done:]], start + done)
            if n == 0:
                raise OSError("the file ends within the data")
            done += n


def row_blocks(start: int, stop: int, rows: int) -> Iterator[tuple[int, int]]:
    """First and last row (exclusive) of each block of a batch."""
    for first in range(start, stop, rows):
        yield first, min(first + rows, stop)


def unpadded(padded: NDArray) -> tuple[NDArray[np.int64], NDArray]:
    """Lengths (n,) and columns (k, n_particles) of an array (n, slots, k) padded with zeros.

    A slot is padding if all its k numbers are zero. NaN is not zero, and is refused later.
    """
    k = padded.shape[2]
    nonzero = padded.astype(bool, order="C")
    if k == 4:  # four bytes at a time
        filled = nonzero.view(np.uint32)[..., 0] != 0
    else:
        filled = np.logical_or.reduce([nonzero[..., i] for i in range(k)])
    if padded.strides[2] != padded.itemsize:
        padded = np.ascontiguousarray(padded)
    # As one element a slot, which is copied in one piece.
    slots = padded.view((np.void, k * padded.itemsize))[..., 0]
    chosen = slots.ravel()[filled.ravel()] if slots.flags.c_contiguous else slots[filled]
    rows = chosen.view(padded.dtype).reshape(-1, k)
    # As a product with ones, exact below 2^24 slots: sums over short rows start anew for each.
    counts = filled.astype(np.float32) @ np.ones(filled.shape[1], np.float32)
    return counts.astype(np.int64), rows.T
