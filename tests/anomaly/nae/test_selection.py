"""The five rules for the epoch of a normalisation."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from darkclr.anomaly.nae.selection import Selection, _noise, selected_epoch


def _rows(**columns: list[float]) -> list[dict[str, float]]:
    n = len(next(iter(columns.values())))
    return [
        {"epoch": i + 1, **{name: values[i] for name, values in columns.items()}} for i in range(n)
    ]


def test_energies_closest_to_each_other_from_either_side():
    rows = _rows(energy_difference=[0.0, -2.0, 0.1, -0.2])
    assert selected_epoch(rows, "energy_difference", 1) == 3
    assert selected_epoch(rows, "energy_difference", 0) == 1


def test_largest_auc_on_dropped_copies():
    assert selected_epoch(_rows(dropped_auc=[0.9, 0.6, 0.8, 0.7]), "dropped_auc", 1) == 3


def test_smallest_wasserstein_loss():
    assert selected_epoch(_rows(wasserstein=[0.1, 3, 2, 5, 2.5]), "wasserstein", 1) == 3


_EPOCHS = np.arange(40)
_NOISE = 0.01 * np.random.default_rng(5).normal(size=40)
_FALL = 1 + np.exp(-_EPOCHS / 4)


def _chosen(curve: np.ndarray) -> int:
    return selected_epoch(_rows(energy_movers_distance=curve.tolist()), "energy_movers_distance", 0)


def test_a_slow_rise_is_found():
    """2 % an epoch from epoch 15 on: never 1.2 times the value of the epoch before."""
    curve = _FALL + 0.02 * np.clip(_EPOCHS - 14, 0, None) + _NOISE
    assert 11 <= _chosen(curve) <= 19


def test_a_distance_that_rises_and_comes_back_was_best_before_the_rise():
    curve = _FALL + 0.05 * np.clip(_EPOCHS - 14, 0, 12) + _NOISE
    curve[34:] = 0.2  # a model that has collapsed may be near the data again
    assert 11 <= _chosen(curve) <= 19


@pytest.mark.parametrize("length", [1, 2])
def test_an_early_spike_stops_nothing(length):
    spiked = _FALL + _NOISE
    spiked[4 : 4 + length] += 5.0
    assert _chosen(spiked) >= 20
    assert abs(_FALL[_chosen(spiked) - 1] - _FALL.min()) < 0.03


def test_a_dip_of_one_epoch_is_not_the_best():
    curve = _FALL + _NOISE
    curve[6] = 0.5
    assert _chosen(curve) >= 20


def test_without_a_rise_or_with_noise_only_any_epoch_is_as_good():
    assert _chosen(_FALL) == 39
    assert _chosen(np.ones(40)) >= 1
    assert 2 <= _chosen(1 + _NOISE) <= 39


@pytest.mark.parametrize(
    ("rule", "column", "sign"),
    [
        ("energy_difference", "energy_difference", 1),
        ("dropped_auc", "dropped_auc", -1),
        ("wasserstein", "wasserstein", 1),
    ],
)
def test_smallest_and_largest_are_found_beside_spikes_and_noise(rule, column, sign):
    curve = 0.02 * np.abs(_EPOCHS - 14) + 0.1 * np.abs(_NOISE)
    curve[[3, 13, 30]] += 8.0
    assert 13 <= selected_epoch(_rows(**{column: (sign * curve).tolist()}), rule, 0) <= 17


def test_nothing_before_the_burn_in_is_over():
    assert selected_epoch(_rows(wasserstein=[1, 2]), "wasserstein", 2) == 0
    assert selected_epoch([], "last", 0) == 0


@pytest.mark.parametrize("rule", get_args(Selection))
def test_a_further_epoch_is_taken_or_changes_nothing(rule):
    """Or it is the epoch before: what lets the training keep the weights of two epochs only."""
    rng = np.random.default_rng(0)
    names = ("energy_difference", "dropped_auc", "wasserstein")
    for _ in range(50):
        columns = {name: rng.uniform(size=12).tolist() for name in names}
        columns["energy_movers_distance"] = rng.uniform(1, 1.3, size=12).tolist()
        rows = _rows(**columns)
        chosen = [selected_epoch(rows[:k], rule, 3) for k in range(13)]
        assert all(now in (before, k - 1, k) for k, (before, now) in enumerate(pairwise(chosen), 1))
        assert chosen[-1] > 3


def test_spikes_apart_do_not_add_up_to_a_rise():
    spiked = _FALL + _NOISE
    for start in (4, 12, 20):
        spiked[start : start + 2] += 5.0
    assert _chosen(spiked) >= 20


def test_the_noise_of_a_curve_is_that_about_a_slope():
    rng = np.random.default_rng(1)
    curve = 3 - 0.2 * np.arange(20_000) + rng.normal(scale=0.5, size=20_000)
    assert _noise(curve) == pytest.approx(0.5, rel=0.03)
