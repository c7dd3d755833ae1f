"""How long the exact distance of two samples takes, with and without a zero in each row and column.

    python benchmarks/transport.py

Both ways give the same assignment: a row or a column that is shifted as a whole shifts the cost of
every assignment alike. Times are the median of several turns, one after the other.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from scipy.optimize import linear_sum_assignment

from darkclr.anomaly.nae.transport import energy_movers_distance

TURNS = 5


def _plain(a: torch.Tensor, b: torch.Tensor) -> float:
    cost = torch.cdist(a, b).double()
    return cost[linear_sum_assignment(cost.numpy())].mean().item()


def _seconds(function: Callable[..., float], a: torch.Tensor, b: torch.Tensor) -> float:
    start = time.perf_counter()
    function(a, b)
    return time.perf_counter() - start


def main() -> None:
    print(f"{'rows':>6} {'d':>4} {'plain [ms]':>11} {'here [ms]':>10} {'ratio':>6}")
    for n, d in ((512, 8), (1000, 8), (512, 256), (1000, 256)):
        generator = torch.Generator().manual_seed(n + d)
        a = torch.randn(n, d, generator=generator)
        b = 1.2 * torch.randn(n, d, generator=generator) + 0.2
        assert abs(_plain(a, b) / energy_movers_distance(a, b) - 1) < 1e-12
        turns = [
            (_seconds(_plain, a, b), _seconds(energy_movers_distance, a, b)) for _ in range(TURNS)
        ]
        plain, here = (1000 * statistics.median(column) for column in zip(*turns, strict=True))
        print(f"{n:>6} {d:>4} {plain:>11.1f} {here:>10.1f} {plain / here:>6.2f}")


if __name__ == "__main__":
    main()
