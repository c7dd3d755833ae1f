"""Optimal transport between two samples of the same size."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

__all__ = ["distances_by_block", "energy_movers_distance", "wasserstein_loss"]


def energy_movers_distance(a: Tensor, b: Tensor) -> float:
    """Mean Euclidean distance that turns the points a into the points b, (n, d) each.

    The 1-Wasserstein distance of the two samples: the mean over pairs of the best one-to-one
    assignment, which is the exact optimum for equal weights.

    >>> energy_movers_distance(torch.tensor([[0.0], [5.0]]), torch.tensor([[6.0], [0.0]]))
    0.5
    """
    cost = torch.cdist(a, b)
    rows, columns = _assignment(cost)
    return cost[rows, columns].double().mean().item()


def wasserstein_loss(a: Tensor, b: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance W₂², the loss of the CMS autoencoder (arXiv:2510.02168).

    Differentiable: the optimal assignment is piecewise constant, so the gradient is that of the
    squared distances at fixed assignment (the envelope theorem).

    Args:
        a, b: (n, d) each.

    >>> float(wasserstein_loss(torch.tensor([[0.0], [5.0]]), torch.tensor([[6.0], [0.0]])))
    0.5
    """
    rows, columns = _assignment(torch.cdist(a.detach(), b.detach()).square())
    return (a[rows] - b[columns]).square().sum(dim=-1).mean()


def distances_by_block(data: Tensor, samples: Tensor, size: int) -> tuple[NDArray, NDArray]:
    """Energy mover's distance and W₂² of all rows, in blocks.

    The cost of the exact distance grows with the third power of the rows. A block of data is
    compared with the samples of the next one, since chains that start on data stay near their own
    rows whatever they sample.

    Args:
        data: (n, d).
        samples: (n, d), a row for each row of data.
        size: largest block; of more than one row there are at least two blocks.

    Returns:
        Both distances of each block. What n leaves over after equal blocks is not read.
    """
    n_blocks = max(min(2, len(data)), -(-len(data) // size))
    n = len(data) // n_blocks
    blocks = [
        (data[i * n : (i + 1) * n], samples[j * n : (j + 1) * n])
        for i in range(n_blocks)
        for j in [(i + 1) % n_blocks]
    ]
    movers = [energy_movers_distance(a, b) for a, b in blocks]
    return np.array(movers), np.array([wasserstein_loss(a, b).item() for a, b in blocks])


def _assignment(cost: Tensor) -> tuple[Tensor, Tensor]:
    # An infinite or undefined cost has no optimum; the caller's check of the energies reports it.
    finite = torch.nan_to_num(cost.detach(), nan=1e30, posinf=1e30)
    rows, columns = linear_sum_assignment(finite.cpu().numpy())
    return tuple(torch.from_numpy(i).to(cost.device) for i in (rows, columns))  # type: ignore
