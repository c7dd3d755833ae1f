"""What trainings over epochs share: rows kept aside, batches, energies, weights, history."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from darkclr.anomaly.detectors.detector import FeatureError, Progress

__all__ = ["SCORING_ROWS", "batches", "clone_state", "kept_aside", "mean_energy", "record"]

logger = logging.getLogger(__name__)

SCORING_ROWS = 8192


class EnergyNetwork(Protocol):
    """A network with an energy for each row."""

    def energy(self, z: Tensor) -> Tensor:
        """E(z), (n, d) -> (n,)."""
        ...


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


def mean_energy(network: EnergyNetwork, rows: Tensor) -> float:
    """Mean reconstruction error of rows (n, d)."""
    with torch.no_grad():
        parts = [network.energy(part).double().sum() for part in rows.split(SCORING_ROWS)]
    return (torch.stack(parts).sum() / len(rows)).item()


def clone_state(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights that later steps do not touch."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def record(history: list[dict[str, Any]], row: dict[str, Any], progress: Progress | None) -> None:
    """Append a row to the history and tell whoever watches."""
    history.append(row)
    logger.debug("%s", row)
    if progress is not None:
        progress(row)
