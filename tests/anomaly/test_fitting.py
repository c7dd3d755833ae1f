"""The fits of a configuration, in Python as on the command line."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from quick_scores import QUICK

from darkclr.anomaly import fit_score, fit_scores
from darkclr.anomaly.fitting import check_scores, with_members
from darkclr.anomaly.scoring import load_scores
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.reporter import Silent
from darkclr.split import Split

SPLIT = Split(0.5, 0.3, 0.2)
SCORES = {
    "both": {"score": "combination", "members": ["near", "discriminant"]},
    "near": {"score": "knn", "n_neighbors": 2},
    "discriminant": {},
}


class Noted(Silent):
    """Remembers what it was told."""

    def __init__(self):
        self.lines, self.bars = [], []

    def line(self, text):
        self.lines.append(text)

    @contextmanager
    def bar(self, title, total, unit="jets", *, keep=True):
        done = []
        yield lambda n=1, note="": done.append(n)
        self.bars.append((title, total, sum(done)))


def test_members_first_and_on_other_jets_than_their_combination(background, tmp_path):
    reporter = Noted()
    fit_scores(SCORES, background, tmp_path, split=SPLIT, reporter=reporter)
    titles = [title for title, _, _ in reporter.bars]
    assert titles == ["fit near", "fit discriminant", "fit both"]
    fitted = {score.name: score for score in load_scores(tmp_path)}
    train = background.part("train", SPLIT)
    alone = fit_score("near", SCORES["near"], train, seed=0)
    np.testing.assert_array_equal(fitted["near"].score(background), alone.score(background))
    assert fitted["near"].background == train.fingerprint()
    n_validation = (~background.part("validation", SPLIT).dropped).sum()
    assert fitted["both"].detector.values_.shape == (2, n_validation)
    fit_scores(SCORES, background, tmp_path, split=SPLIT, reporter=reporter)
    assert sorted(reporter.lines) == [f"fit {name}: done before" for name in sorted(SCORES)]
    assert len(reporter.bars) == 3


def test_bars_are_as_long_as_the_trainings(background, tmp_path):
    reporter = Noted()
    scores = {name: QUICK[name] for name in ("autoencoder", "nae")} | {"norm": {}}
    fit_scores(scores, background, tmp_path, split=SPLIT, reporter=reporter)
    assert [total for _, total, _ in reporter.bars] == [10, 13, 1]
    assert all(total == done for _, total, done in reporter.bars)


def test_jets_are_read_only_when_they_are_needed(background, tmp_path):
    def jets():
        raise AssertionError("nobody needs them")

    fit_scores({"norm": {}}, background, tmp_path, split=SPLIT, jets=jets)
    with pytest.raises(AssertionError):
        fit_scores(
            {"near": {"score": "knn", "reads": "mass"}},
            background,
            tmp_path,
            split=SPLIT,
            jets=jets,
        )


def test_what_cannot_be_fitted_is_refused_before_the_first_fit(background, tmp_path):
    scores = {"norm": {}, "mass": {"score": "knn", "reads": "mass"}}
    with pytest.raises(ConfigError, match="cannot be the name"):
        check_scores(scores, with_jets=True)
    scores = {"norm": {}, "masses": {"score": "knn", "reads": "mass"}}
    with pytest.raises(ConfigError, match="masses read the constituents of the jets"):
        fit_scores(scores, background, tmp_path, split=SPLIT)
    other = replace(background, encoder="abc")
    with pytest.raises(InputError, match=r"another encoder .def. than the representations .abc."):
        fit_scores({"norm": {}}, other, tmp_path, split=SPLIT, encoder="def")
    assert not any(tmp_path.iterdir())


def test_a_breakdown_is_told_after_the_others_are_done(background, tmp_path):
    broken = replace(background, z=background.z * np.float32(1e30))
    scores = {"autoencoder": QUICK["autoencoder"], "discriminant": {}}
    with pytest.raises(TrainingError, match=r"autoencoder could not be fitted .*infinite"):
        fit_scores(scores, broken, tmp_path, split=SPLIT)
    assert [score.name for score in load_scores(tmp_path)] == ["discriminant"]


def test_one_score_brings_the_members_that_it_lacks(background, tmp_path):
    assert list(with_members("both", SCORES, tmp_path)) == ["both", "near", "discriminant"]
    fit_scores({"discriminant": {}}, background, tmp_path, split=SPLIT)
    assert list(with_members("both", SCORES, tmp_path)) == ["both", "near"]
