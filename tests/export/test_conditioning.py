"""What is left of features and scores given pT is what the library leaves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.anomaly.conditioning import ConditionalPValue, Residual
from darkclr.export.conditioning import conditional_p_value, residual


def sample(n: int, seed: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Conditions, features and a score that follow them; jets beyond the window of the fit too."""
    rng = np.random.default_rng(seed)
    low, high = (150, 300) if seed == 0 else (100, 500)
    conditions = np.column_stack([rng.uniform(low, high, n), rng.exponential(20, n)])[:, :columns]
    follows = np.log(conditions).sum(axis=1)
    features = follows[:, None] * [1.0, -2.0, 0.5] + rng.normal(size=(n, 3)) * conditions[:, :1]
    return conditions, features, follows + rng.normal(size=n)


@pytest.mark.parametrize("columns", [1, 2], ids=["pt", "pt_mass"])
def test_features_and_scores_given_pt(columns):
    conditions, features, score = sample(2000, 0, columns)
    left = Residual().fit(features, conditions)
    p_value = ConditionalPValue().fit(score, conditions)
    conditions, features, score = sample(1000, 1, columns)
    score[:5] = [-100, 100, 30, 20, 1e4]  # beyond the background of the fit
    given, x, s = (torch.from_numpy(a) for a in (conditions, features, score))
    found = residual(left)(x, given).numpy()
    assert found == pytest.approx(left(features, conditions), rel=1e-9, abs=1e-9)
    found = conditional_p_value(p_value)(s, given).numpy()
    assert found == pytest.approx(p_value(score, conditions), rel=1e-9, abs=1e-9)


def test_a_score_with_few_values():
    conditions, _, score = sample(2000, 0, 1)
    p_value = ConditionalPValue().fit(np.round(score), np.full(2000, 200.0))
    score, conditions = np.round(score), np.full((2000, 1), 200.0)
    found = conditional_p_value(p_value)(torch.from_numpy(score), torch.from_numpy(conditions))
    assert found.numpy() == pytest.approx(p_value(score, conditions), abs=1e-9)
