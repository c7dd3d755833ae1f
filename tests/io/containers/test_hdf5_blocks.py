"""Blocks of rows: whatever lies in the file, the numbers are those that h5py reads."""

from __future__ import annotations

import os

import numpy as np
import pytest

pytest.importorskip("h5py")

import h5py

from darkclr.io.containers.hdf5_blocks import BlockReader, blocks

N = 50


def array(dtype, shape=(N, 6, 4)) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (rng.integers(-9, 9, shape) * rng.integers(0, 2, shape[:2])[..., None]).astype(dtype)


TABLE = np.dtype([("index", "<i8"), ("values", "<f4", (5,)), ("label", "i1")])


@pytest.mark.parametrize(
    ("dtype", "options", "columns", "one_piece"),
    [
        ("<f4", {}, None, True),
        ("<f8", {}, 4, True),
        ("<f4", {}, 3, True),  # most of the columns: the others are dropped
        ("<f4", {}, 2, False),  # HDF5 takes them out
        (">f4", {}, None, True),  # the array has the byte order of the file
        ("<f4", {"chunks": (7, 6, 4)}, None, False),
        ("<f4", {"chunks": (7, 6, 4), "compression": "gzip"}, None, False),
        (TABLE, {}, None, True),
        ("?", {}, None, True),
    ],
)
@pytest.mark.parametrize("user_block", [0, 512])
def test_blocks_are_the_rows_of_the_file(tmp_path, dtype, options, columns, one_piece, user_block):
    if dtype is TABLE:
        values = np.zeros(N, TABLE)
        values["values"] = array("<f4", (N, 5, 1))[..., 0]
        values["index"] = np.arange(N)
    else:
        values = array(dtype)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=user_block) as file:
        file["before"] = np.arange(17)
        file.create_dataset("x", data=values, **options)
    with h5py.File(path, "r", rdcc_nbytes=0) as file:
        read = BlockReader(file["x"], slice(columns))
        assert (read._offset is not None) == one_piece
        for first, last in [*blocks(N, N, 20), (3, 9), (5, 5)]:
            np.testing.assert_array_equal(
                read(first, last),
                values[first:last, ..., :columns] if columns else values[first:last],
            )


def test_a_type_that_is_converted_is_left_to_hdf5(tmp_path):
    """An integer of 12 bits in two bytes: the others mean nothing."""
    odd = h5py.h5t.STD_I16LE.copy()
    odd.set_precision(12)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        space = h5py.h5s.create_simple((N, 2, 2))
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"x", odd, space))
        values = np.arange(N * 4, dtype=np.int16).reshape(N, 2, 2) - 100
        dataset[...] = values
        read = BlockReader(dataset)
        assert read._offset is None
        np.testing.assert_array_equal(read(0, N), values)


def test_a_file_that_is_cut_while_it_is_read_is_an_error(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = array("<f4")
    with h5py.File(path) as file:
        read = BlockReader(file["x"])
        read(0, N)
        os.truncate(path, file["x"].id.get_offset() + 100)
        with pytest.raises(OSError, match="the file ends"):
            read(0, N)
