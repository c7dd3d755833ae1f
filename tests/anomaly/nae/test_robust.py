"""Errors of trimmed means and of differences are those of repeated experiments."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from darkclr.anomaly.nae.robust import Trimmed, compare_auc


def test_one_value_moves_the_mean_by_less_than_its_error():
    values = np.random.default_rng(0).exponential(size=971)
    trimmed, far = Trimmed.of(values), Trimmed.of(np.append(values, 1e6))
    assert abs(far.mean - trimmed.mean) < trimmed.error
    assert far.error == pytest.approx(trimmed.error, rel=0.05)
    assert Trimmed.of([3.0]).mean == 3.0
    assert np.isfinite(Trimmed.of([*values, np.nan]).mean)
    assert not np.isfinite(Trimmed.of([1.0, *[np.nan] * 30]).mean)


def test_a_single_value_and_an_infinite_one_have_no_finite_error():
    assert Trimmed.of([3.0]).mean == 3
    assert Trimmed.of([3.0]).error == np.inf
    assert Trimmed.of([1.0, 2.0, np.nan]).error == np.inf


def test_errors_are_the_spread_of_repeated_experiments():
    """Of the mean, and of the difference of rows that have something in common."""
    rng = np.random.default_rng(1)
    means, differences, errors = [], [], []
    for _ in range(400):
        common = rng.exponential(size=500)
        a, b = (Trimmed.of(common + 0.2 * rng.exponential(size=500)) for _ in range(2))
        means.append(a.mean)
        differences.append((a - b).difference)
        errors.append((a.error, (a - b).error))
    error, paired = np.mean(errors, axis=0)
    assert np.std(means) == pytest.approx(error, rel=0.15)
    assert np.std(differences) == pytest.approx(paired, rel=0.15)
    assert paired < error / 2


def test_gain_in_auc_and_its_error():
    rng = np.random.default_rng(2)
    gains, errors = [], []
    for _ in range(300):
        x, y = rng.normal(size=300), 1 + rng.normal(size=200)
        noisy = x + 0.5 * rng.normal(size=300), y + 0.5 * rng.normal(size=200)
        before, after, gain = compare_auc(noisy, (x, y))
        truth = np.repeat([0, 1], [300, 200])
        assert after == pytest.approx(roc_auc_score(truth, np.concatenate([x, y])))
        assert gain.difference == pytest.approx(after - before)
        gains.append(gain.difference)
        errors.append(gain.error)
    assert np.std(gains) == pytest.approx(np.mean(errors), rel=0.15)
    assert np.mean(gains) > 0.02
