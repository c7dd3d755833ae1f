"""Optimal transport between two samples of the same size."""

from __future__ import annotations

from collections.abc import Callable

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


def distances_by_block(
    distance: Callable[[Tensor, Tensor], Tensor | float], data: Tensor, samples: Tensor, size: int
) -> NDArray:
    """A distance of all rows, in blocks.

    The cost of the exact distance grows with the third power of the rows. A block of data is
    compared with the samples of the next one, since chains that start on data stay near their own
    rows whatever they sample.

    Args:
        distance: of two samples of the same size, of the two above.
        data: (n, d).
        samples: (n, d), a row for each row of data.
        size: largest block; of more than one row there are at least two blocks.

    Returns:
        That of each block. What n leaves over after equal blocks is not read.
    """
    n_blocks = max(min(2, len(data)), -(-len(data) // size))
    n = len(data) // n_blocks
    first = [i * n for i in range(n_blocks)]
    return np.array(
        [
            float(distance(data[i : i + n], samples[j : j + n]))
            for i, j in zip(first, first[1:] + first[:1], strict=True)
        ]
    )


def _assignment(cost: Tensor) -> tuple[Tensor, Tensor]:
    # An infinite or undefined cost has no optimum; the caller's check of the energies reports it.
    finite = torch.nan_to_num(cost.detach().double(), nan=1e30, posinf=1e30).cpu().numpy()
    # The best assignment stays what it is if a row or a column is shifted as a whole, and is found
    # in half of the time where each of them has a zero (benchmarks/transport.py).
    finite -= finite.min(axis=1, keepdims=True, initial=np.inf)
    finite -= finite.min(axis=0, keepdims=True, initial=np.inf)
    rows, columns = linear_sum_assignment(finite)
    return tuple(torch.from_numpy(i).to(cost.device) for i in (rows, columns))  # type: ignore
