"""Padding with zeros, and back."""

from __future__ import annotations

import numpy as np
import pytest

from darkclr.io.containers.zero_padding import unpadded, unpadded_columns

N = 50


def array(dtype, shape=(N, 6, 4)) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (rng.integers(-9, 9, shape) * rng.integers(0, 2, shape[:2])[..., None]).astype(dtype)


@pytest.mark.parametrize("slots", [6, 300])
@pytest.mark.parametrize("columns", [3, 4])
@pytest.mark.parametrize("layout", ["contiguous", "rows apart", "columns apart"])
def test_what_is_unpadded_is_what_is_not_zero(slots, columns, layout):
    values = array("<f4", (N, slots, columns))
    if layout == "rows apart":
        wide = np.full((N, slots * columns + 5), 7, np.float32)
        wide[:, 2:-3] = values.reshape(N, -1)
        padded = wide[:, 2:-3].reshape(N, slots, columns)
        assert padded.base is not None
    elif layout == "columns apart":
        padded = np.ascontiguousarray(values.transpose(2, 0, 1)).transpose(1, 2, 0)
    else:
        padded = values
    lengths, rows = unpadded(padded)
    filled = (values != 0).any(axis=2)
    assert lengths.dtype == np.int64
    np.testing.assert_array_equal(lengths, filled.sum(axis=1))
    np.testing.assert_array_equal(rows, values[filled].T)
    of_columns, flat = unpadded_columns(list(np.moveaxis(padded, 2, 0)))
    np.testing.assert_array_equal(of_columns, lengths)
    np.testing.assert_array_equal(flat, rows)


def test_nan_is_no_padding():
    padded = np.zeros((2, 3, 4), np.float32)
    padded[1, 2, 0] = np.nan
    lengths, rows = unpadded(padded)
    assert lengths.tolist() == [0, 1]
    assert np.isnan(rows[0, 0])
