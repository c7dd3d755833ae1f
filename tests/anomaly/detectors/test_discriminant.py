from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from darkclr.anomaly import Discriminant


def _gaussians(n: int, rng: np.random.Generator):
    root = rng.normal(size=(4, 4))
    shift = np.array([1.0, 0.0, -1.0, 0.5])
    y = np.repeat([0, 1], n)
    return rng.normal(size=(2 * n, 4)) @ root + y[:, None] * shift, y, root.T @ root, shift


def test_direction_is_that_of_fisher():
    """w ∝ Σ⁻¹ (μ₁ - μ₀), the optimum for two Gaussians of equal covariance."""
    X, y, covariance, shift = _gaussians(20_000, np.random.default_rng(1))
    expected = np.linalg.solve(covariance, shift)
    direction = Discriminant().fit(X, y).coef_
    cosine = direction @ expected / np.linalg.norm(direction) / np.linalg.norm(expected)
    assert cosine > 0.999


def test_dropped_copies_score_higher():
    X, y, _, _ = _gaussians(500, np.random.default_rng(2))
    scores = Discriminant().fit(X, y).score_samples(X)
    assert roc_auc_score(y, scores) > 0.7


def test_order_is_invariant_under_affine_maps():
    """With many more rows than columns shrinkage vanishes, and so does the choice of units."""
    X, y, _, _ = _gaussians(20_000, np.random.default_rng(3))
    scores = Discriminant().fit(X, y).score_samples(X)
    Z = X * [10.0, 1.0, 0.1, 3.0] + 7.0
    other = Discriminant().fit(Z, y).score_samples(Z)
    assert np.corrcoef(scores, other)[0, 1] > 0.999


def test_a_state_of_another_number_of_columns_is_refused():
    X, y, _, _ = _gaussians(50, np.random.default_rng(4))
    state = Discriminant().fit(X, y).state()
    for coef in (state["coef"][:3], state["coef"][:1], state["coef"][:, None]):
        with pytest.raises(ValueError, match="direction of shape"):
            Discriminant().restore(state | {"coef": coef})


def test_the_constant_puts_the_boundary_between_equal_classes():
    """Of two Gaussians of equal covariance, w.x + c is 0 half-way between their means."""
    X, y, _, _ = _gaussians(2000, np.random.default_rng(5))
    X = X + 3.0
    fitted = Discriminant().fit(X, y)
    middle = (X[y == 0].mean(0) + X[y == 1].mean(0)) / 2
    np.testing.assert_allclose(fitted.score_samples([middle]), 0, atol=1e-9)
    state = fitted.state()
    again = Discriminant().restore(state)
    assert again.score_samples(X).tobytes() == fitted.score_samples(X).tobytes()
