"""Arrays padded with zeros to equal length, from and to flat columns of what is in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["padded", "unpadded", "unpadded_columns"]


def unpadded(padded: NDArray) -> tuple[NDArray[np.int64], NDArray]:
    """Lengths (n,) and columns (k, n_particles) of an array (n, slots, k) padded with zeros.

    A slot is padding if all its k numbers are zero. NaN is not zero, and is refused later.
    """
    k = padded.shape[2]
    nonzero = np.not_equal(padded, 0, order="C")
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
    return _lengths(filled), rows.T


def unpadded_columns(padded: Sequence[NDArray]) -> tuple[NDArray[np.int64], list[NDArray]]:
    """Lengths (n,) and flat columns of arrays (n, slots) padded with zeros.

    A slot is padding if it is zero in all of them.
    """
    filled = padded[0] != 0
    for values in padded[1:]:
        filled |= values != 0
    chosen = np.flatnonzero(filled)
    return _lengths(filled), [values.ravel()[chosen] for values in padded]


def _lengths(filled: NDArray[np.bool_]) -> NDArray[np.int64]:
    # In single bytes, which are added many at a time and hold sums of 255 slots.
    counts = np.zeros(len(filled), np.int64)
    for start in range(0, filled.shape[1], 255):
        counts += np.add.reduce(filled[:, start : start + 255].view(np.uint8), 1, np.uint8)
    return counts


def padded(lengths: NDArray[np.int64], values: NDArray) -> NDArray:
    """Rows of these lengths (n,) brought to one length with zeros, (n, longest, ...).

    >>> padded(np.array([1, 2]), np.array([5, 6, 7]))
    array([[5, 0],
           [6, 7]])
    """
    longest = int(lengths.max(initial=0))
    filled = np.arange(longest) < lengths[:, None]
    if filled.all():
        return values.reshape(len(lengths), longest, *values.shape[1:])
    out = np.zeros((len(lengths), longest, *values.shape[1:]), values.dtype)
    out[filled] = values
    return out
