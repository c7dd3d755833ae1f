"""A score as a function of tensors is the score of the library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from quick_scores import QUICK

pytest.importorskip("zuko")

from darkclr.anomaly.catalogue import SCORES
from darkclr.anomaly.definition import create_detector, define_score
from darkclr.anomaly.detectors.gaussian import Mahalanobis
from darkclr.errors import ConfigError
from darkclr.export.scores import EXPORTABLE, as_function, is_exportable

D = 6
# Other ways that some of them have to compute.
FURTHER = [
    ("knn", {"average": True, "max_rows": 100}),
    ("mahalanobis", {"n_components": 3}),
    ("gaussian_mixture", {"n_mixture": 3, "covariance": "tied"}),
    ("gaussian_mixture", {"n_mixture": 3, "covariance": "diag"}),
    ("flow", {**QUICK["flow"], "architecture": "spline"}),
    ("flow", {**QUICK["flow"], "architecture": "autoregressive"}),
    ("flow", {**QUICK["flow"], "logarithm": True}),
    ("dirichlet_vae", {**QUICK["dirichlet_vae"], "term": "latent"}),
    ("autoencoder", {**QUICK["autoencoder"], "rescale": True, "activation": "silu"}),
    ("combination", {"method": "minimum"}),
]
CASES = [*((name, QUICK.get(name, {})) for name in EXPORTABLE), *FURTHER]


def rows(n: int, seed: int, d: int = D) -> np.ndarray:
    """Correlated rows, far from the origin, as representations are."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(d, d))
    return (rng.normal(size=(n, d)) @ mixing + 5).astype(np.float32)


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=lambda x: x if type(x) is str else "")
def test_a_score_is_that_of_the_library(name, parameters):
    score = SCORES[name]
    # Columns are single numbers a jet; a combination reads those of its members.
    d = {"few_constituents": 1, "jet_pt": 1, "combination": 2}.get(name, D)
    train, test = rows(400, 1, d), rows(300, 2, d)
    if d == 1:
        train, test = train[:, 0], test[:, 0]
    y = (np.arange(400) % 4 == 0).astype(int) if score.uses_dropped else None
    detector = create_detector(name, parameters, seed=1).fit(train, y)
    with torch.no_grad():
        found = as_function(detector)(torch.from_numpy(test)).numpy()
    expected = detector.score_samples(test)
    assert found.shape == (300,)
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
    assert np.ptp(expected) > 0


def test_neighbours_far_from_the_origin_are_found():
    train, test = rows(2000, 1) + 1000, rows(100, 2) + 1000
    detector = create_detector("knn", {}).fit(train)
    found = as_function(detector)(torch.from_numpy(test)).numpy()
    assert found == pytest.approx(detector.score_samples(test), rel=1e-6)


def test_what_reads_constituents_or_is_of_another_package_is_not_exported():
    of_jets = {name for name in SCORES if define_score(name, {}).part == "jets"}
    assert set(EXPORTABLE) == set(SCORES) - of_jets
    assert is_exportable(SCORES["knn"], "representations")
    assert not is_exportable(SCORES["knn"], "jets")
    pytest.importorskip("skops")
    detector = create_detector("sklearn.ensemble.IsolationForest", {})
    with pytest.raises(ConfigError, match="External cannot be written as ONNX"):
        as_function(detector)


def test_a_class_of_a_user_is_not_taken_for_the_one_it_derives_from():
    class Mine(Mahalanobis):
        pass

    assert not is_exportable(replace(SCORES["mahalanobis"], detector=Mine), "representations")
