from __future__ import annotations

import numpy as np
import pytest

from darkclr.anomaly import Column, Norm
from darkclr.anomaly.catalogue import SCORES
from darkclr.anomaly.definition import create_detector
from darkclr.errors import ConfigError, InputError


def test_norm_is_invariant_under_rotations():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, 6))
    rotation, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    norm = Norm().fit(z)
    np.testing.assert_allclose(norm.score_samples(z @ rotation), norm.score_samples(z))
    np.testing.assert_allclose(norm.score_samples(3 * z), 3 * norm.score_samples(z))


def test_yardsticks_have_their_documented_signs():
    """Fewer constituents and higher pT are more anomalous."""
    assert SCORES["few_constituents"].baseline
    few_and_many = create_detector("few_constituents", {}).fit([20]).score_samples([10, 40])
    assert few_and_many[0] > few_and_many[1]
    soft_and_hard = create_detector("jet_pt", {}).fit([200.0]).score_samples([160.0, 290.0])
    assert soft_and_hard[1] > soft_and_hard[0]


def test_only_signs_are_signs():
    with pytest.raises(ConfigError, match="sign = 2"):
        Column(sign=2).fit([1.0]).score_samples([1.0])


def test_another_number_of_features_is_refused():
    with pytest.raises(InputError, match="2 features, the score was fitted on 3"):
        Norm().fit(np.ones((4, 3))).score_samples(np.ones((4, 2)))
