"""What trainings over epochs share: batches, mean energies, copies of weights, rows of history."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from darkclr.anomaly.detector import Progress

__all__ = ["SCORING_ROWS", "batches", "clone_state", "mean_energy", "record"]

logger = logging.getLogger(__name__)

SCORING_ROWS = 8192


class EnergyNetwork(Protocol):
    """A network with an energy for each row."""

    def energy(self, z: Tensor) -> Tensor:
        """E(z), (n, d) -> (n,)."""
        ...


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
