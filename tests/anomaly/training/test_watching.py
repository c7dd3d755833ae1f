"""Signals are scored each epoch for the picture only."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from quick_scores import QUICK
from sklearn.metrics import roc_auc_score

from darkclr.anomaly import FittedScore, define_score
from darkclr.anomaly.normal_map import NormalMap
from darkclr.anomaly.training.watching import Watch

SCORES = {
    "ae_cms": {**QUICK["ae_cms"], "reads": "pooled", "epochs": 6},
    "nae_cms": {**QUICK["nae_cms"], "reads": "pooled"},
    "wnae_cms": {**QUICK["wnae_cms"], "reads": "pooled"},
    "autoencoder": {"widths": [8], "bottleneck": 2, "epochs": 4},
    "nae_onmanifold": QUICK["nae_onmanifold"],
}
WATCHED = ("background_energy", "shifted_energy", "shifted_auc")


@pytest.fixture(scope="module")
def parts(background):
    """Columns to train on, of other background, and of a signal."""
    jets, copies = background[~background.dropped], background[background.dropped]
    normal = NormalMap().fit(jets.pooled[:200])
    return normal(jets.pooled[:200]), normal(jets.pooled[200:]), normal(copies.pooled)


def _fit(name, parts, *, watched=True, progress=None, **options) -> FittedScore:
    definition = define_score(name, SCORES[name])
    detector = definition.detector(3)
    if watched:
        progress = Watch(detector, parts[1], {"shifted": parts[2]}, progress)
    detector.fit(parts[0], progress=progress, **options)
    return FittedScore(definition, detector)


@pytest.mark.parametrize("name", SCORES)
def test_nothing_kept_changes_when_signals_are_absent(name, parts, tmp_path):
    """Every array, every number of the history, samples and verdict, to the last bit."""
    for directory, watched in (("plain", False), ("seen", True)):
        _fit(name, parts, watched=watched).save(tmp_path / directory)
    files = {"config.yaml", "model.safetensors", "history.csv", "samples.csv", "verdict.json"}
    for file in files & {path.name for path in (tmp_path / "plain").iterdir()}:
        contents = [(tmp_path / directory / file).read_bytes() for directory in ("plain", "seen")]
        if file == "history.csv":
            contents = [_without(WATCHED, content) for content in contents]
        assert contents[0] == contents[1], file


def _without(columns, content: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(content.decode().splitlines())
    return [{k: v for k, v in row.items() if k not in columns} for row in rows]


def test_columns_are_those_of_the_epoch(parts):
    """The last row of a training without selection has the scores of the fitted detector."""
    fitted = _fit("autoencoder", parts)
    background, signal = map(fitted.detector.score_samples, parts[1:])
    row = fitted.detector.history_[-1]
    assert row["background_energy"] == background.mean()
    assert row["shifted_energy"] == signal.mean()
    labels = np.repeat([0, 1], [len(background), len(signal)])
    auc = roc_auc_score(labels, np.concatenate([background, signal]))
    assert row["shifted_auc"] == pytest.approx(auc)
    assert all(name in row for row in fitted.detector.history_ for name in WATCHED)


@pytest.mark.parametrize("name", ["nae_cms", "autoencoder"])
def test_an_interrupted_fit_keeps_the_columns_of_its_first_epochs(name, parts, tmp_path):
    class Stopped(Exception):
        pass

    rows = []

    def stop(row):
        rows.append(row)
        if len(rows) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        _fit(name, parts, progress=stop, checkpoint_directory=tmp_path)
    resumed = _fit(name, parts, checkpoint_directory=tmp_path)
    assert resumed.detector.history_ == _fit(name, parts).detector.history_


def test_a_training_that_diverges_has_no_auc(parts):
    class Infinite:
        def score_samples(self, X):
            return np.full(len(X), np.inf)

    row = {"epoch": 1}
    Watch(Infinite(), np.zeros((3, 1)), {"signal": np.zeros((2, 1))})(row)
    assert np.isnan(row["signal_auc"])
