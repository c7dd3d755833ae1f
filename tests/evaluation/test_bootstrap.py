from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, norm, poisson

from darkclr.evaluation.bootstrap import (
    central_interval,
    drawn_weights,
    grouped_ranks,
    half_width,
)
from darkclr.evaluation.metrics import Roc, ranks, roc

N, SHIFT = 1000, 1.0
EFFICIENCY = np.array([0.2, 0.5])


def replicate(background, signal, event_b, event_s, seed=0, n_replicas=300):
    """AUC and background efficiencies of replicas, (n_replicas,) and (n_replicas, 2)."""
    rng = np.random.default_rng(seed)
    rank = ranks(np.concatenate([background, signal]))
    n = rank.max() + 1
    rank_b, rank_s = rank[: len(background)], rank[len(background) :]
    curves = [
        Roc.of(np.bincount(rank_b, b, n), np.bincount(rank_s, s, n))
        for b, s in zip(
            drawn_weights(np.ones(len(background)), event_b, n_replicas, rng),
            drawn_weights(np.ones(len(signal)), event_s, n_replicas, rng),
            strict=True,
        )
    ]
    return (
        np.array([curve.auc for curve in curves]),
        np.array([curve.background_efficiency_at(EFFICIENCY) for curve in curves]),
    )


def toy(rng):
    return rng.normal(0, 1, N), rng.normal(SHIFT, 1, N)


def test_events_occur_as_often_as_in_a_poisson_distribution_of_mean_one():
    n, rng = 300_000, np.random.default_rng(0)
    (drawn,) = drawn_weights(np.full(n, 2.0), np.arange(n), 1, rng)
    found = np.bincount((drawn / 2).astype(int), minlength=9)[:7]
    expected = n * poisson(1).pmf(np.arange(7))
    assert np.sum((found - expected) ** 2 / expected) < chi2(7).isf(1e-3)


def test_many_thresholds_in_groups_are_the_curve_itself():
    """A hundred thousand jets: 0.1 % of what passed is far below the error of what passed."""
    rng = np.random.default_rng(0)
    score = np.concatenate([rng.normal(0, 1, 90_000), rng.normal(1, 1, 10_000)])
    score = np.concatenate([score, np.full(50, score.max())])  # ties stay together
    label = np.concatenate([np.repeat([0, 1], [90_000, 10_000]), np.zeros(50, int)])
    weight = rng.uniform(0.5, 2, len(score))
    rank = ranks(score)
    grouped = grouped_ranks(rank)
    assert grouped.max() < 2**14 < rank.max()
    assert len(np.unique(grouped[score == score.max()])) == 1
    sums = [np.bincount(grouped[label == x], weight[label == x], 2**14) for x in (0, 1)]
    curve, exact = Roc.of(*sums), roc(label, score, weight)
    assert curve.auc == pytest.approx(exact.auc, abs=1e-6)
    grid = np.linspace(0.01, 1, 100)
    np.testing.assert_allclose(
        curve.background_efficiency_at(grid), exact.background_efficiency_at(grid), rtol=2e-3
    )
    # Few thresholds are all kept.
    np.testing.assert_array_equal(grouped_ranks(ranks(score[:500])), ranks(score[:500]))


def test_auc_error_is_that_of_hanley_and_mcneil():
    """Hanley & McNeil, Radiology 143 (1982) 29, with Q1 and Q2 of two equal Gaussians."""
    background, signal = toy(np.random.default_rng(1))
    a = norm.cdf(SHIFT / np.sqrt(2))
    # Q1 = P(two signal jets above one background jet) = E[Phi(d - b)^2], Q2 = Q1 by symmetry.
    b = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    q = np.mean(norm.cdf(SHIFT - b) ** 2)
    variance = (a * (1 - a) + 2 * (N - 1) * (q - a**2)) / N**2
    aucs, _ = replicate(background, signal, np.arange(N), np.arange(N))
    assert half_width(aucs) == pytest.approx(np.sqrt(variance), rel=0.15)


def test_rejection_error_is_that_of_repeated_toys():
    rng = np.random.default_rng(2)
    label = np.repeat([0, 1], N)
    toys = np.array(
        [
            roc(label, np.concatenate(toy(rng))).background_efficiency_at(EFFICIENCY)
            for _ in range(300)
        ]
    )
    widths = [half_width(replicate(*toy(rng), np.arange(N), np.arange(N))[1]) for _ in range(5)]
    np.testing.assert_allclose(np.mean(widths, axis=0), toys.std(axis=0), rtol=0.2)


def test_correlated_jets_of_an_event_make_the_error_larger():
    """Two equal jets an event hold the information of one: the error grows by sqrt(2)."""
    background, signal = (np.repeat(x[: N // 2], 2) for x in toy(np.random.default_rng(3)))
    event = np.repeat(np.arange(N // 2), 2)
    by_event = half_width(replicate(background, signal, event, event)[0])
    by_jet = half_width(replicate(background, signal, np.arange(N), np.arange(N))[0])
    assert by_event / by_jet == pytest.approx(np.sqrt(2), rel=0.2)


def test_independent_jets_of_an_event_do_not():
    background, signal = toy(np.random.default_rng(4))
    event = np.repeat(np.arange(N // 2), 2)
    by_event = half_width(replicate(background, signal, event, event)[0])
    by_jet = half_width(replicate(background, signal, np.arange(N), np.arange(N))[0])
    assert by_event / by_jet == pytest.approx(1, rel=0.2)


def test_multiplicities_are_poisson_and_seeded():
    event = np.arange(5000)
    drawn = np.array([*drawn_weights(np.ones(5000), event, 20, np.random.default_rng(5))])
    assert drawn.mean() == pytest.approx(1, abs=0.01)
    assert drawn.var() == pytest.approx(1, abs=0.03)
    again = [*drawn_weights(2 * np.ones(5000), event, 20, np.random.default_rng(5))]
    np.testing.assert_array_equal(2 * drawn, again)


def test_an_empty_replica_is_left_out_and_infinities_survive():
    aucs, efficiencies = replicate(np.zeros(1), np.ones(1), np.zeros(1), np.zeros(1))
    assert np.isnan(aucs).any()
    assert np.isnan(efficiencies[np.isnan(aucs)]).all()
    assert half_width(aucs) == 0
    low, high = central_interval(np.array([1.0] * 70 + [np.inf] * 30))
    assert (low, high) == (1.0, np.inf)
