"""Distances between samples against known solutions."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from darkclr.anomaly.nae.transport import (
    distances_by_block,
    energy_movers_distance,
    wasserstein_loss,
)


def _points(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_in_one_dimension_it_is_the_distance_of_the_sorted_values():
    a, b = _points(100, 1, seed=1), 1 + 2 * _points(100, 1, seed=2)
    expected = wasserstein_distance(a[:, 0].numpy(), b[:, 0].numpy())
    assert energy_movers_distance(a, b) == pytest.approx(expected)
    by_rank = (a.sort(dim=0).values - b.sort(dim=0).values).square().mean()
    assert wasserstein_loss(a, b).item() == pytest.approx(by_rank.item())


def test_best_of_all_assignments():
    a, b = _points(6, 3, seed=1), _points(6, 3, seed=2)
    everything = [
        ((a - b[list(order)]).norm(dim=1).mean().item(), (a - b[list(order)]).square().sum().item())
        for order in permutations(range(6))
    ]
    assert energy_movers_distance(a, b) == pytest.approx(min(first for first, _ in everything))
    assert wasserstein_loss(a, b).item() == pytest.approx(min(s for _, s in everything) / 6)


def test_distance_of_a_shift_is_the_shift():
    a, shift = _points(50, 8), torch.full((8,), 0.5, dtype=torch.float64)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    assert energy_movers_distance(a, a[order] + shift) == pytest.approx(shift.norm().item())
    assert wasserstein_loss(a, a[order]).item() == pytest.approx(0)


def test_gradient_is_that_of_finite_differences():
    a, b = _points(20, 2, seed=3), _points(20, 2, seed=4).requires_grad_()
    (gradient,) = torch.autograd.grad(wasserstein_loss(a, b), b)
    direction = _points(20, 2, seed=5)
    with torch.no_grad():
        h = 1e-6
        up, down = (wasserstein_loss(a, b + s * h * direction) for s in (1, -1))
    assert (gradient * direction).sum().item() == pytest.approx(((up - down) / (2 * h)).item())


def test_broken_samples_raise_nothing():
    """A chain that ran away is reported by its energy."""
    b = _points(5, 2)
    b[0] = float("nan")
    assert not torch.isfinite(wasserstein_loss(_points(5, 2), b))


def test_blocks_read_all_rows_and_never_a_row_and_its_own_chain():
    """Samples that are the data are as far from it as other data; one block moved is seen."""
    data = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    same = distances_by_block(energy_movers_distance, data, data, 50)
    assert same.shape == (4,)
    assert (same > 0.3).all()
    moved = data.clone()
    moved[150:] += 10
    there = distances_by_block(energy_movers_distance, data, moved, 50)
    assert (there - same > 10).sum() == 1
    squared = distances_by_block(wasserstein_loss, data, moved, 50)
    assert (squared >= there**2).all()
    assert len(distances_by_block(wasserstein_loss, data[:1], data[:1], 50)) == 1


def test_the_assignment_is_that_of_the_distances_as_they_are():
    for n, spread in ((1, 1.0), (7, 1e-3), (300, 1.0), (300, 1e4)):
        a, b = _points(n, 8, seed=1), spread * _points(n, 8, seed=2) + 1
        b[: n // 10] *= 5
        cost = torch.cdist(a, b).numpy()
        best = cost[linear_sum_assignment(cost)].mean()
        assert energy_movers_distance(a, b) == pytest.approx(best, rel=1e-14)
