from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from darkclr.evaluation.bootstrap import (
    Replicas,
    bootstrap_roc,
    central_interval,
    event_multiplicities,
    half_width,
)
from darkclr.evaluation.metrics import auc, roc

N, SHIFT = 1000, 1.0
EFFICIENCY = np.array([0.2, 0.5])


def replicate(background, signal, event_b, event_s, seed=0, n_replicas=300) -> Replicas:
    rng = np.random.default_rng(seed)
    return bootstrap_roc(
        background,
        signal,
        (np.ones(len(background)), event_multiplicities(event_b, n_replicas, rng)),
        (np.ones(len(signal)), event_multiplicities(event_s, n_replicas, rng)),
        EFFICIENCY,
    )


def toy(rng):
    return rng.normal(0, 1, N), rng.normal(SHIFT, 1, N)


def test_one_copy_of_each_event_is_the_curve_itself():
    rng = np.random.default_rng(0)
    background, signal = np.round(rng.normal(0, 1, 400), 1), np.round(rng.normal(1, 1, 300), 1)
    weight_b, weight_s = rng.uniform(0.5, 2, 400), rng.uniform(0.5, 2, 300)
    replicas = bootstrap_roc(
        background,
        signal,
        (weight_b, np.ones((1, 400), np.uint8)),
        (weight_s, np.ones((1, 300), np.uint8)),
        EFFICIENCY,
    )
    arguments = (
        np.repeat([0, 1], [400, 300]),
        np.concatenate([background, signal]),
        np.concatenate([weight_b, weight_s]),
    )
    assert replicas.auc[0] == pytest.approx(auc(*arguments), rel=1e-12)
    np.testing.assert_allclose(
        replicas.background_efficiency[0],
        roc(*arguments).background_efficiency_at(EFFICIENCY),
        rtol=1e-12,
    )


def test_auc_error_is_that_of_hanley_and_mcneil():
    """Hanley & McNeil, Radiology 143 (1982) 29, with Q1 and Q2 of two equal Gaussians."""
    background, signal = toy(np.random.default_rng(1))
    a = norm.cdf(SHIFT / np.sqrt(2))
    # Q1 = P(two signal jets above one background jet) = E[Phi(d - b)^2], Q2 = Q1 by symmetry.
    b = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    q = np.mean(norm.cdf(SHIFT - b) ** 2)
    variance = (a * (1 - a) + 2 * (N - 1) * (q - a**2)) / N**2
    replicas = replicate(background, signal, np.arange(N), np.arange(N))
    assert half_width(replicas.auc) == pytest.approx(np.sqrt(variance), rel=0.15)


def test_rejection_error_is_that_of_repeated_toys():
    rng = np.random.default_rng(2)
    label = np.repeat([0, 1], N)
    toys = np.array(
        [
            roc(label, np.concatenate(toy(rng))).background_efficiency_at(EFFICIENCY)
            for _ in range(300)
        ]
    )
    widths = [
        half_width(replicate(*toy(rng), np.arange(N), np.arange(N)).background_efficiency)
        for _ in range(5)
    ]
    np.testing.assert_allclose(np.mean(widths, axis=0), toys.std(axis=0), rtol=0.2)


def test_correlated_jets_of_an_event_make_the_error_larger():
    """Two equal jets an event hold the information of one: the error grows by sqrt(2)."""
    background, signal = (np.repeat(x[: N // 2], 2) for x in toy(np.random.default_rng(3)))
    event = np.repeat(np.arange(N // 2), 2)
    by_event = half_width(replicate(background, signal, event, event).auc)
    by_jet = half_width(replicate(background, signal, np.arange(N), np.arange(N)).auc)
    assert by_event / by_jet == pytest.approx(np.sqrt(2), rel=0.2)


def test_independent_jets_of_an_event_do_not():
    background, signal = toy(np.random.default_rng(4))
    event = np.repeat(np.arange(N // 2), 2)
    by_event = half_width(replicate(background, signal, event, event).auc)
    by_jet = half_width(replicate(background, signal, np.arange(N), np.arange(N)).auc)
    assert by_event / by_jet == pytest.approx(1, rel=0.2)


def test_multiplicities_are_poisson_and_seeded():
    event = np.arange(5000)
    drawn = event_multiplicities(event, 20, np.random.default_rng(5))
    assert drawn.mean() == pytest.approx(1, abs=0.01)
    assert drawn.var() == pytest.approx(1, abs=0.03)
    again = event_multiplicities(event, 20, np.random.default_rng(5))
    np.testing.assert_array_equal(drawn, again)


def test_an_empty_replica_is_left_out_and_infinities_survive():
    replicas = replicate(np.zeros(1), np.ones(1), np.zeros(1), np.zeros(1))
    assert np.isnan(replicas.auc).any()
    assert half_width(replicas.auc) == 0
    low, high = central_interval(np.array([1.0] * 70 + [np.inf] * 30))
    assert (low, high) == (1.0, np.inf)
