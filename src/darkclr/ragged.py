"""Ragged arrays: flat values with ``offsets`` of shape (n + 1,).

Row *i* owns ``values[offsets[i]:offsets[i + 1]]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ragged_arange",
    "segment_diameter",
    "segment_ids",
    "segment_keep",
    "segment_max",
    "segment_sum",
    "to_offsets",
]


def to_offsets(lengths: NDArray) -> NDArray[np.int64]:
    """Where rows of these lengths (n,) begin and end, (n + 1,)."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def segment_ids(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the jet that owns each constituent, shape (n_constituents,).

    >>> segment_ids(np.array([0, 2, 3]))
    array([0, 0, 1])
    """
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def ragged_arange(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ranges ``starts[i], ..., starts[i] + lengths[i] - 1``, one after the other.

    >>> ragged_arange(np.array([5, 0]), np.array([2, 3]))
    array([5, 6, 0, 1, 2])
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - lengths), lengths)


def segment_keep(
    keep: NDArray[np.bool_], lengths: NDArray[np.int64], *columns: NDArray
) -> tuple[NDArray[np.int64], tuple[NDArray, ...]]:
    """Lengths (n,) and flat columns of segments of which the elements of a mask are kept.

    >>> segment_keep(np.array([True, False, True]), np.array([2, 1]), np.array([5, 6, 7]))
    (array([1, 1]), (array([5, 7]),))
    """
    if keep.all():
        return lengths, columns
    kept = np.bincount(segment_ids(to_offsets(lengths))[keep], minlength=len(lengths))
    return kept, tuple(values[keep] for values in columns)


def segment_sum(values: NDArray, offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum over the constituents of each jet in float64, shape (n,); empty jets give 0."""
    weights = np.asarray(values, dtype=np.float64)
    return np.bincount(segment_ids(offsets), weights=weights, minlength=len(offsets) - 1).astype(
        np.float64, copy=False
    )


def segment_max(values: NDArray, offsets: NDArray[np.int64]) -> NDArray:
    """Largest value of each jet, shape (n,). No jet may be empty."""
    return np.maximum.reduceat(values, offsets[:-1]) if len(offsets) > 1 else values[:0]


def segment_diameter(x: NDArray, y: NDArray, offsets: NDArray[np.int64]) -> NDArray:
    """Largest distance between two points (x, y) of each segment, shape (n,); none may be empty.

    >>> segment_diameter(np.array([0., 3., 7.]), np.array([0., 4., 7.]), np.array([0, 2, 3]))
    array([5., 0.])
    """
    lengths = np.diff(offsets)
    # Every point beside every point of its segment.
    ids = segment_ids(offsets)
    first = np.repeat(np.arange(len(x)), lengths[ids])
    second = ragged_arange(offsets[ids], lengths[ids])
    squared = (x[first] - x[second]) ** 2 + (y[first] - y[second]) ** 2
    return np.sqrt(segment_max(squared, np.concatenate([[0], np.cumsum(lengths**2)])))
