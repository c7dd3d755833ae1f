"""scikit-learn's own checks of estimators, and where our detectors differ on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("zuko")
pytest.importorskip("skops")

from darkclr.anomaly import (
    Autoencoder,
    Column,
    Combination,
    DirichletVAE,
    External,
    Flow,
    GaussianMixture,
    Mahalanobis,
    NearestNeighbours,
    Norm,
    NormalizedAutoencoder,
)

_NO_PREDICT = "a score ranks and sets no threshold: there is no predict"
_MESSAGE = "the message is ours, in one line: what, where, how to fix it"
EXPECTED = {
    "check_fit_score_takes_y": _NO_PREDICT,
    "check_outliers_fit_predict": _NO_PREDICT,
    "check_fit1d": "a column (n,) is one feature: the yardsticks are columns",
    "check_complex_data": _MESSAGE,
    "check_dtype_object": _MESSAGE,
    "check_estimators_empty_data_messages": _MESSAGE,
    "check_estimator_sparse_tag": _MESSAGE,
    "check_estimator_sparse_array": _MESSAGE,
    "check_estimator_sparse_matrix": _MESSAGE,
}
_ROUNDING = "single precision: products of matrices of other shapes round in another order"
_ONE_ROW = {"check_fit2d_1sample": _MESSAGE}
_SINGLE = _ONE_ROW | {
    "check_methods_subset_invariance": _ROUNDING,
    "check_methods_sample_order_invariance": _ROUNDING,
}
OF_ONE = {
    "Mahalanobis": _ONE_ROW,
    "NearestNeighbours": _ONE_ROW,
    "GaussianMixture": _ONE_ROW,
    "Autoencoder": _SINGLE,
    "NormalizedAutoencoder": _SINGLE
    | {
        "check_estimators_nan_inf": "rows that y marks with 1 are dropped copies: too few are left",
        "check_fit2d_1feature": "y marks nearly all rows as dropped copies",
    },
    "Flow": _SINGLE,
    "DirichletVAE": _SINGLE,
    "External": {
        "check_sample_weight_equivalence_on_dense_data": "IsolationForest draws rows by weight: "
        "equivalent on average only",
    },
}


def _expected(detector) -> dict[str, str]:
    return EXPECTED | OF_ONE.get(type(detector).__name__, {})


DETECTORS = [
    Norm(),
    Column(),
    Mahalanobis(),
    NearestNeighbours(3),
    GaussianMixture(1),
    Combination(("a",)),
    Autoencoder(epochs=1),
    NormalizedAutoencoder(
        pretraining_epochs=1, epochs=1, burn_in=0, steps=2, widths=(4,), bottleneck=1
    ),
    Flow(transforms=1, widths=(4,), epochs=1),
    DirichletVAE(epochs=1, hidden=4),
    External("sklearn.ensemble.IsolationForest", {"n_estimators": 5}),
]


@parametrize_with_checks(DETECTORS, expected_failed_checks=_expected)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "detector",
    [found for found in DETECTORS if _ROUNDING in _expected(found).values()],
    ids=lambda detector: type(detector).__name__,
)
def test_order_and_number_of_rows_change_a_score_by_rounding_at_most(detector):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 3)).astype(np.float32)
    fitted = clone(detector).fit(rows, np.repeat([0, 1], 20))
    scores = fitted.score_samples(rows)
    order = rng.permutation(len(rows))
    np.testing.assert_allclose(
        fitted.score_samples(rows[order]), scores[order], rtol=1e-5, atol=1e-5
    )
    alone = np.concatenate([fitted.score_samples(row[None]) for row in rows])
    np.testing.assert_allclose(alone, scores, rtol=1e-5, atol=1e-5)
