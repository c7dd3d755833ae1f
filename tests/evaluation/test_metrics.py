from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from darkclr.evaluation.metrics import (
    auc,
    background_rejection,
    effective_count,
    rejection_lower_bound,
    roc,
    significance_improvement,
)

SHIFT = 1.0


@pytest.fixture(scope="module")
def gaussians() -> tuple[np.ndarray, np.ndarray]:
    """Background N(0, 1) and signal N(d, 1) at the quantiles: no statistical noise."""
    n = 20_000
    quantiles = norm.ppf((np.arange(n) + 0.5) / n)
    return np.repeat([0, 1], n), np.concatenate([quantiles, quantiles + SHIFT])


def test_auc_of_two_gaussians_has_a_closed_form(gaussians):
    assert auc(*gaussians) == pytest.approx(norm.cdf(SHIFT / np.sqrt(2)), abs=1e-5)


@pytest.mark.parametrize("efficiency", [0.1, 0.2, 0.3, 0.5])
def test_rejection_and_significance_of_two_gaussians_have_closed_forms(gaussians, efficiency):
    expected = norm.sf(norm.isf(efficiency) + SHIFT)
    found = roc(*gaussians).background_efficiency_at(efficiency)
    assert background_rejection(found) == pytest.approx(1 / expected, rel=5e-3)
    assert significance_improvement(efficiency, found) == pytest.approx(
        efficiency / np.sqrt(expected), rel=5e-3
    )


def test_integer_weights_equal_duplicated_jets():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 300)
    score = np.round(rng.normal(label), 1)
    weight = rng.integers(0, 4, 300)
    copied = np.repeat(label, weight), np.repeat(score, weight)
    assert auc(label, score, weight) == pytest.approx(auc(*copied), rel=1e-12)
    grid = np.linspace(0.05, 1, 20)
    np.testing.assert_allclose(
        roc(label, score, weight).background_efficiency_at(grid),
        roc(*copied).background_efficiency_at(grid),
        rtol=1e-12,
    )


def test_ties_count_half():
    rng = np.random.default_rng(2)
    background, signal = -rng.poisson(30, 400), -rng.poisson(25, 300)  # -N, an integer score
    difference = signal[:, None] - background[None, :]
    by_definition = np.mean(difference > 0) + 0.5 * np.mean(difference == 0)
    label = np.repeat([0, 1], [400, 300])
    assert auc(label, np.concatenate([background, signal])) == pytest.approx(by_definition)


def test_equal_scores_are_separated_by_a_coin_toss():
    curve = roc([0, 0, 1, 1], [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(curve.background_efficiency_at([0.2, 0.5, 1]), [0.2, 0.5, 1])


def test_the_tightest_threshold_is_taken_where_only_background_is_added():
    # By falling score: signal, background, background, signal.
    curve = roc([1, 0, 0, 1], [4.0, 3.0, 2.0, 1.0])
    assert curve.background_efficiency_at(0.5) == 0
    assert curve.background_efficiency_at(0.51) == 1


def test_a_monotone_transformation_of_the_score_changes_nothing():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 500)
    score = rng.normal(label)
    assert auc(label, score) == auc(label, np.exp(score))


def test_curve_and_area_are_those_of_scikit_learn():
    rng = np.random.default_rng(4)
    label = rng.integers(0, 2, 1000)
    score = np.round(rng.normal(label), 2)
    weight = rng.uniform(0.1, 3, 1000)
    background, signal, _ = roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    curve = roc(label, score, weight)
    np.testing.assert_allclose(curve.background_efficiency, background, atol=1e-12)
    np.testing.assert_allclose(curve.signal_efficiency, signal, atol=1e-12)
    expected = roc_auc_score(label, score, sample_weight=weight)
    assert auc(label, score, weight) == pytest.approx(expected, rel=1e-12)


def test_negative_weights_take_away_what_they_should():
    """Jets of weight -1 on top of as many of weight +1 are as good as none of both."""
    rng = np.random.default_rng(5)
    label = np.repeat([0, 1], [3000, 1000])
    score = rng.normal(label)
    extra = rng.normal(size=500)  # background, once added and once taken away
    with_extra = roc(
        np.concatenate([label, np.zeros(1000)]),
        np.concatenate([score, extra, extra]),
        np.concatenate([np.ones(4000), np.ones(500), -np.ones(500)]),
    )
    grid = np.linspace(0.05, 1, 20)
    expected = roc(label, score)
    assert with_extra.auc == pytest.approx(expected.auc, rel=1e-12)
    np.testing.assert_allclose(
        with_extra.background_efficiency_at(grid), expected.background_efficiency_at(grid)
    )


def test_efficiencies_of_negative_weights_are_no_negative_numbers():
    curve = roc([0, 1, 0, 0, 1], [5.0, 4, 3, 2, 1], [-1.0, 1, 2, 2, 1])
    assert curve.background_efficiency[1] < 0
    assert (curve.background_efficiency_at([0.1, 0.5, 0.9]) >= 0).all()
    # The first threshold that reaches an efficiency counts, even if a looser one falls behind it.
    curve = roc([1, 0, 1, 1, 0], [5.0, 4, 3, 2, 1], [2.0, 1, -1, 1, 1])
    assert curve.background_efficiency_at(0.9) == 0


def test_counts():
    assert effective_count([1.0, 1.0, 1.0, 0.0]) == 3
    assert effective_count([3.0, 1.0]) == pytest.approx(1.6)
    # 1000 background jets, none passes: with eps_B at the bound, none passes in 5 % of the cases.
    assert np.exp(-1000 / rejection_lower_bound(1000)) == pytest.approx(0.05)
