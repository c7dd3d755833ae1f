from __future__ import annotations

import json

import numpy as np

from darkclr.evaluation import EvaluationConfig, to_json
from darkclr.studies.probe import probe
from darkclr.supervised.config import ProbeConfig
from darkclr.supervised.probe import Probed


def shifted(seed: int, shift: float) -> Probed:
    z = np.random.default_rng(seed).standard_normal((300, 8)).astype(np.float32)
    z[:, 0] += shift
    return Probed({"z": z}, np.arange(300), np.ones(300, np.float32))


def test_the_result_cannot_be_taken_for_anomaly_scores():
    metrics = probe(
        shifted(0, 0.0),
        {"a": shifted(1, 1.0), "b": shifted(2, 3.0)},
        config=ProbeConfig(classifiers=("linear",)),
        evaluation=EvaluationConfig(signal_efficiencies=(0.2,), n_bootstrap=20),
    )
    assert (metrics.kind, metrics.supervised) == ("probe", True)
    score = metrics.scores["linear_z"]
    assert score.title == "linear on head output z"
    assert score.signals["b"].auc > score.signals["a"].auc > 0.6
    json.dumps(to_json(metrics), allow_nan=False)
