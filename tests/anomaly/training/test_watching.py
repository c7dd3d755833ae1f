"""Signals are scored each epoch for the picture only."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from quick_scores import QUICK
from sklearn.metrics import roc_auc_score

from darkclr.anomaly import FittedScore, fit_score
from darkclr.anomaly.training.watching import Watch

SCORES = {
    "ae_cms": {**QUICK["ae_cms"], "reads": "pooled", "epochs": 6},
    "nae_cms": {**QUICK["nae_cms"], "reads": "pooled"},
    "wnae_cms": {**QUICK["wnae_cms"], "reads": "pooled"},
    "nae_onmanifold": QUICK["nae_onmanifold"],
}
WATCHED = ("background_energy", "shifted_energy", "shifted_auc")


@pytest.fixture(scope="module")
def parts(background):
    jets, copies = background[~background.dropped], background[background.dropped]
    return jets[:200], {"background": jets[200:], "shifted": copies}


@pytest.mark.parametrize("name", SCORES)
def test_nothing_kept_changes_when_signals_are_absent(name, parts, tmp_path):
    """Every array, every number of the history, samples and verdict, to the last bit."""
    train, watched = parts
    plain = fit_score(name, SCORES[name], train, seed=3)
    seen = fit_score(name, SCORES[name], train, seed=3, watched=watched)
    for directory, fitted in (("plain", plain), ("seen", seen)):
        fitted.save(tmp_path / directory)
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
    train, watched = parts
    options = {"widths": [8], "bottleneck": 2, "epochs": 4, "reads": "pooled"}
    fitted = fit_score("autoencoder", options, train, seed=3, watched=watched)
    scores = {name: fitted.score(jets) for name, jets in watched.items()}
    row = fitted.detector.history_[-1]
    assert row["background_energy"] == scores["background"].mean()
    assert row["shifted_energy"] == scores["shifted"].mean()
    labels = np.repeat([0, 1], [len(scores["background"]), len(scores["shifted"])])
    auc = roc_auc_score(labels, np.concatenate([scores["background"], scores["shifted"]]))
    assert row["shifted_auc"] == pytest.approx(auc)
    assert all(name in row for row in fitted.detector.history_ for name in WATCHED)


def test_an_interrupted_fit_keeps_the_columns_of_its_first_epochs(parts, tmp_path):
    train, watched = parts

    class Stopped(Exception):
        pass

    def stop(row):
        if row["epoch"] == 2:
            raise Stopped

    def fit(directory, **options) -> FittedScore:
        return fit_score(
            *("nae_cms", SCORES["nae_cms"], train),
            **{"seed": 3, "watched": watched, "checkpoint_directory": directory, **options},
        )

    with pytest.raises(Stopped):
        fit(tmp_path, progress=stop)
    assert fit(tmp_path).detector.history_ == fit(None).detector.history_


def test_a_training_that_diverges_has_no_auc(parts):
    class Infinite:
        def score_samples(self, X):
            return np.full(len(X), np.inf)

    row = {"epoch": 1}
    Watch(Infinite(), np.zeros((3, 1)), {"signal": np.zeros((2, 1))})(row)
    assert np.isnan(row["signal_auc"])
