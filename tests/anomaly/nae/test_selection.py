"""The five rules for the epoch of a normalisation."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from darkclr.anomaly.nae.selection import Selection, selected_epoch


def _rows(**columns: list[float]) -> list[dict[str, float]]:
    n = len(next(iter(columns.values())))
    return [
        {"epoch": i + 1, **{name: values[i] for name, values in columns.items()}} for i in range(n)
    ]


def test_energies_closest_to_each_other_from_either_side():
    rows = _rows(
        validation_energy=[1.0, 1.0, 1.0, 1.0], validation_negative_energy=[1.0, 3.0, 0.9, 1.2]
    )
    assert selected_epoch(rows, "energy_difference", 1) == 3
    assert selected_epoch(rows, "energy_difference", 0) == 1


def test_largest_auc_on_dropped_copies():
    assert selected_epoch(_rows(dropped_auc=[0.9, 0.6, 0.8, 0.7]), "dropped_auc", 1) == 3


def test_smallest_wasserstein_loss():
    assert selected_epoch(_rows(wasserstein=[0.1, 3, 2, 5, 2.5]), "wasserstein", 1) == 3


def test_last_epoch_before_the_distance_rises():
    """Falls, stays flat but for some noise, rises, falls again: the end of the plateau."""
    distance = [5, 3, 1, 1.05, 0.98, 1.1, 1.5, 3, 0.2]
    rows = _rows(energy_movers_distance=distance)
    assert selected_epoch(rows, "energy_movers_distance", 0) == 6
    assert selected_epoch(rows[:5], "energy_movers_distance", 0) == 5


def test_nothing_before_the_burn_in_is_over():
    assert selected_epoch(_rows(wasserstein=[1, 2]), "wasserstein", 2) == 0
    assert selected_epoch([], "last", 0) == 0


@pytest.mark.parametrize("rule", get_args(Selection))
def test_a_further_epoch_is_taken_or_changes_nothing(rule):
    """What lets the training keep the weights of one epoch only."""
    rng = np.random.default_rng(0)
    names = ("validation_energy", "validation_negative_energy", "dropped_auc", "wasserstein")
    for _ in range(50):
        columns = {name: rng.uniform(size=12).tolist() for name in names}
        columns["energy_movers_distance"] = rng.uniform(1, 1.3, size=12).tolist()
        rows = _rows(**columns)
        chosen = [selected_epoch(rows[:k], rule, 3) for k in range(13)]
        assert all(now in (before, k) for k, (before, now) in enumerate(pairwise(chosen), 1))
        assert chosen[-1] > 3
