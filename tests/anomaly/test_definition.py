"""A score under a name of the user: what it is, what it reads, its parameters."""

from __future__ import annotations

import numpy as np
import pytest

from darkclr.anomaly import FittedScore, GaussianMixture, Mahalanobis, define_score, fit_score
from darkclr.anomaly.definition import JET_COLUMNS, create_detector, in_order
from darkclr.anomaly.fitted import is_fitted
from darkclr.anomaly.scoring import load_scores, score_table
from darkclr.errors import ConfigError, InputError


def test_a_name_of_its_own_and_other_columns():
    score = define_score("mine", {"score": "mahalanobis", "reads": "pooled", "n_components": 3})
    assert (score.name, score.title, score.part) == ("mine", "mine", "representations")
    assert score.detector().n_components == 3
    assert define_score("mahalanobis", {}).title == "Mahalanobis distance"
    assert define_score("masses", {"score": "knn", "reads": ["mass", "tau_2"]}).part == "jets"


@pytest.mark.parametrize("word", ["z", "pooled"])
def test_each_density_reads_what_it_is_told(word, background):
    rows = getattr(background, word)[~background.dropped]
    score = fit_score("mine", {"score": "mahalanobis", "reads": word}, background, seed=0)
    expected = Mahalanobis().fit(rows).score_samples(rows)
    np.testing.assert_array_equal(score.score(background)[~background.dropped], expected)
    options = {"score": "gaussian_mixture", "reads": word, "n_mixture": 2}
    mixture = fit_score("mixture", options, background, seed=3)
    expected = GaussianMixture(2, seed=3).fit(rows).score_samples(rows)
    np.testing.assert_array_equal(mixture.score(background)[~background.dropped], expected)


def test_two_of_one_kind_stand_side_by_side(background, tmp_path):
    definitions = {
        "knn": {},
        "near": {"score": "knn", "n_neighbors": 2},
        "deep": {"score": "knn", "reads": "pooled"},
    }
    for name, options in definitions.items():
        fit_score(name, options, background, seed=0).save(tmp_path / name)
    loaded = load_scores(tmp_path)
    assert [score.name for score in loaded] == ["knn", "deep", "near"]
    table = score_table({"qcd": background}, loaded)
    columns = [table[name].to_numpy() for name in definitions]
    assert not np.array_equal(columns[0], columns[1])
    assert not np.array_equal(columns[0], columns[2])
    for score in loaded:
        assert is_fitted(tmp_path / score.name, score.definition, seed=0)
    for changed in ({"score": "norm"}, {"score": "knn", "reads": "z", "n_neighbors": 2}):
        with pytest.raises(ConfigError, match=r"holds a fit with other parameters .*(score|reads)"):
            is_fitted(tmp_path / "deep", define_score("deep", changed), seed=0)


def test_a_parameter_of_a_later_version_has_its_default(background, tmp_path):
    fit_score("knn", {}, background, seed=0).save(tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace("  average: false\n", ""))
    assert is_fitted(tmp_path, define_score("knn", {}), seed=0)
    assert not FittedScore.load(tmp_path).detector.average
    with pytest.raises(ConfigError, match="average"):
        is_fitted(tmp_path, define_score("knn", {"average": True}), seed=0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"score": "magic"}, "no score 'magic'"),
        ({}, "no score 'mine'"),
        ({"score": "knn", "reads": "beauty"}, "score mine: reads = 'beauty'; choose of z, pooled"),
        ({"score": "knn", "reads": ["mass", "beauty"]}, "score mine: no observable beauty"),
        ({"score": "knn", "reads": 3}, "score mine: reads = 3"),
        ({"score": "knn", "reads": {"mass": 1}}, "score mine: reads = {'mass': 1}"),
        ({"score": ["knn"]}, "no score"),
        ({"score": "knn", "reads": "scores"}, "knn reads no other scores"),
        ({"score": "jet_pt", "reads": "mass"}, "is not the score 'jet_pt'"),
        ({"score": "nae_images", "reads": "z"}, "is not the score 'nae_images'"),
        (
            {"score": "knn", "n_neighbours": 3},
            "no parameter 'n_neighbours'; did you mean n_neighbors",
        ),
        ({"score": "knn", "n_neighbors": 0}, "score mine: .*n_neighbors = 0"),
    ],
)
def test_what_cannot_be_is_told(options, told):
    with pytest.raises(ConfigError, match=told):
        define_score("mine", options)


@pytest.mark.parametrize(
    "name", ["", ".hidden", "-r", "a/b", "a\\b", "a\n", "a" * 300, "supervised_m10", *JET_COLUMNS]
)
def test_names_are_those_of_files_and_of_new_columns(name):
    with pytest.raises(ConfigError, match=r"cannot be the name of a (score|file)"):
        define_score(name, {"score": "knn"})


def test_scores_come_after_their_members():
    definitions = {
        "all": {"score": "combination", "members": ["some", "norm"]},
        "some": {"score": "combination", "members": ["knn", "norm"]},
        "norm": {},
        "knn": {},
    }
    defined = {name: define_score(name, options) for name, options in definitions.items()}
    assert in_order(defined) == ["norm", "knn", "some", "all"]
    defined["some"] = define_score("some", {"score": "combination", "members": ["all"]})
    with pytest.raises(ConfigError, match=r"(all, some|some, all) are members of each"):
        in_order(defined)


def test_a_stranger_cannot_give_a_directory_another_kind_of_name(background, tmp_path):
    fit_score("knn", {}, background, seed=0).save(tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text("name: ../knn\n" + config.read_text())
    with pytest.raises(InputError, match="cannot be the name"):
        FittedScore.load(tmp_path)


def test_a_value_of_another_type_is_told_in_words():
    with pytest.raises(ConfigError, match="n_neighbors = many; it must be a whole number"):
        create_detector("knn", {"n_neighbors": "many"})
