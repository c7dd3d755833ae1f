from __future__ import annotations

import numpy as np
import pytest

from darkclr.anomaly import Combination
from darkclr.errors import ConfigError


def _scores(n, seed, shift=0.0):
    """Two scores of different scale and law."""
    rng = np.random.default_rng(seed)
    return np.stack([100 * rng.normal(size=n) + 100 * shift, rng.exponential(size=n) + shift], 1)


def test_p_values_of_background_are_uniform():
    p = Combination(("a", "b")).fit(_scores(5000, 0)).p_values(_scores(5000, 1))
    for column in p.T:
        counts = np.histogram(column, bins=10, range=(0, 1))[0]
        # Both samples fluctuate: variance 2 · 500.
        assert np.abs(counts - 500).max() < 4.5 * np.sqrt(1000)


def test_smallest_p_value_is_that_of_the_jet_itself():
    """1/(1 + n) beyond the background; 1 below it."""
    detector = Combination(("a",)).fit(np.arange(9.0))
    np.testing.assert_allclose(detector.p_values([[99.0], [8.0], [-1.0]])[:, 0], [0.1, 0.2, 1.0])


def test_methods():
    background = np.stack([np.arange(9.0)] * 2, axis=1)
    one, both = [[99.0, -1.0]], [[7.0, 7.0]]
    fisher = Combination(("a", "b")).fit(background)
    smallest = Combination(("a", "b"), method="minimum").fit(background)
    np.testing.assert_allclose(fisher.score_samples(one), np.log(10))
    np.testing.assert_allclose(fisher.score_samples(both), -2 * np.log(0.3))
    np.testing.assert_allclose(smallest.score_samples(one), np.log(10))
    np.testing.assert_allclose(smallest.score_samples(both), -np.log(0.3))


def test_only_the_order_of_the_members_matters():
    background, jets = _scores(500, 0), _scores(200, 1)
    plain = Combination(("a", "b")).fit(background).score_samples(jets)
    bent = Combination(("a", "b")).fit(np.arcsinh(background)).score_samples(np.arcsinh(jets))
    np.testing.assert_array_equal(plain, bent)


def test_two_independent_hints_are_worth_more_than_one():
    detector = Combination(("a", "b")).fit(_scores(5000, 0))
    alone = [Combination(("a",)).fit(_scores(5000, 0)[:, [i]]) for i in (0, 1)]
    signal, background = _scores(2000, 1, shift=1.0), _scores(2000, 2)

    def efficiency(detector, columns):
        cut = np.quantile(detector.score_samples(background[:, columns]), 0.95)
        return (detector.score_samples(signal[:, columns]) > cut).mean()

    single = max(efficiency(one, [i]) for i, one in enumerate(alone))
    assert efficiency(detector, [0, 1]) > single + 0.015


def test_integer_weights_are_repetitions():
    x = _scores(50, 0)
    weight = np.arange(50) % 3 + 1
    repeated = Combination(("a", "b")).fit(np.repeat(x, weight, axis=0))
    weighted = Combination(("a", "b")).fit(x, sample_weight=weight)
    # But for the one jet that is added: of weight 1 there, of the mean weight here.
    np.testing.assert_allclose(
        weighted.p_values(_scores(20, 1)), repeated.p_values(_scores(20, 1)), atol=0.02
    )


def test_refuses_what_makes_no_sense():
    with pytest.raises(ConfigError, match="method"):
        Combination(("a",), method="sum").fit([[1.0]])
    with pytest.raises(ConfigError, match="members"):
        Combination(()).fit([[1.0]])
