"""Rows of a training: those kept aside, batches, means over many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darkclr.anomaly.detector import FeatureError

__all__ = ["SCORING_ROWS", "batches", "kept_aside", "mean_over"]

SCORING_ROWS = 8192


def kept_aside(
    X: NDArray, fraction: float, generator: torch.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and a random share of rows (n, d) that is kept aside: indices of both.

    Equal rows are never parted: in place of weights, rows are drawn several times.

    Raises:
        FeatureError: too few rows.
    """
    n = round(fraction * len(X))
    if n < 1 or len(X) - n < 2:
        raise FeatureError(
            f"{len(X)} rows are too few to train on", where="features", fix="take more jets"
        )
    order = torch.randperm(len(X), generator=generator).numpy()
    _, first, group = np.unique(_digests(X)[order], return_index=True, return_inverse=True)
    place = first[group]  # in the random order, of the first equal row
    together = np.argsort(place, kind="stable")
    while n < len(X) and place[together[n]] == place[together[n - 1]]:
        n += 1
    if len(X) - n >= 2:  # else nearly all rows are equal
        order = order[together]
    else:
        n = round(fraction * len(X))
    return order[n:], order[:n]


def _digests(X: NDArray) -> NDArray[np.uint64]:
    """A number for each row (n, d): equal for rows that are, else different but by chance."""
    words = np.ascontiguousarray(X, dtype=np.float32).reshape(len(X), -1).view(np.uint32)
    factors = np.random.default_rng(0).integers(2**64, size=words.shape[1], dtype=np.uint64)
    # Odd ones tell rows that differ in one word; sums wrap around.
    return np.einsum("ij,j->i", words, factors | np.uint64(1))


def batches(rows: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """All rows once, in a new random order, ``size`` at a time."""
    for index in torch.randperm(len(rows), generator=generator).split(size):
        yield rows[index.to(rows.device)]


def mean_over(rows: Tensor, energy: Callable[[Tensor], Tensor]) -> float:
    """Mean over rows (n, d) of what is computed for each, (n, d) -> (n,), in double precision."""
    with torch.no_grad():
        parts = [energy(part).double().sum() for part in rows.split(SCORING_ROWS)]
    return (torch.stack(parts).sum() / len(rows)).item()
