"""Fitting scores by name, on jets, in combination, by import path."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import yaml
from folders import names
from quick_scores import QUICK

pytest.importorskip("lightning")
pytest.importorskip("skops")

from darkclr.anomaly import SCORES
from darkclr.anomaly.detectors.gaussian import Mahalanobis
from darkclr.errors import TrainingError
from darkclr.io.parquet import read_table
from darkclr.io.representations import read_representations, write_representations
from darkclr.split import Split

IMAGES = "{dirichlet_vae_images: {epochs: 1, hidden: 4}, knn: {n_neighbors: 2}, norm: {}}"


@pytest.fixture
def own(model, tmp_path):
    """A model directory with the encoder of the shared one and no scores."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "encoder").symlink_to(model / "encoder")
    return tmp_path / "model"


def test_scores_lists_them_all(command, tmp_path):
    code, out, errors = command("scores", "--output", tmp_path / "scores.json")
    assert (code, errors) == (0, [])
    listed = {line.split()[0]: line for line in out.splitlines()}
    for name, score in SCORES.items():
        assert score.reference in listed[name]
    rows = json.loads((tmp_path / "scores.json").read_text())
    assert [row["name"] for row in rows] == list(SCORES)


def test_scores_explains_the_parameters_of_one(command, refused, tmp_path):
    code, out, errors = command("scores", "--name", "knn", "--output", tmp_path / "knn.json")
    assert (code, errors) == (0, [])
    assert SCORES["knn"].reference in out
    assert "n_neighbors: 10" in out
    rows = json.loads((tmp_path / "knn.json").read_text())
    assert [row["name"] for row in rows] == [p.name for p in SCORES["knn"].options]
    assert rows[0]["default"] == "z"
    assert rows[1]["values"] == "one of pt, pt_mass, or null"
    assert rows[2]["values"] == "one of normal, or null"
    assert rows[3]["values"] == "at least 1"
    assert "reads" not in command("scores", "--name", "jet_pt")[1]
    assert "no score 'magic'" in refused("scores", "--name", "magic")


def test_one_score_by_name(command, model, own):
    arguments = ("fit", model / "qcd.parquet", own, "--score.name=knn")
    assert command(*arguments, "--scores", IMAGES)[0] == 0
    assert names(own / "scores") == ["knn"]
    assert "n_neighbors: 2" in (own / "scores" / "knn" / "config.yaml").read_text()
    # Without a table of parameters: the defaults.
    assert command("fit", model / "qcd.parquet", own, "--score.name", "mahalanobis")[0] == 0
    assert names(own / "scores") == ["knn", "mahalanobis"]


@pytest.mark.parametrize("name", SCORES)
def test_every_score_is_fitted_by_its_name(name, command, model, own, samples, tmp_path):
    (tmp_path / "scores.yaml").write_text(yaml.safe_dump({"scores": _plain(QUICK)}))
    fit = ("fit", model / "qcd.parquet", own, "--config", tmp_path / "scores.yaml")
    assert command(*fit, f"--score.name={name}", "--jets", samples / "qcd.parquet")[0] == 0
    members = ["discriminant", "knn"] if name == "combination" else []
    assert names(own / "scores") == sorted([name, *members])


def test_members_of_a_combination_keep_their_fit(command, model, own):
    fit = ("fit", model / "qcd.parquet", own)
    assert command(*fit, "--scores", "{knn: {n_neighbors: 2}}")[0] == 0
    assert command(*fit, "--score.name=combination")[0] == 0
    assert "n_neighbors: 2" in (own / "scores" / "knn" / "config.yaml").read_text()


def test_scores_of_jets_and_their_combination(command, model, own, samples, tmp_path):
    scores = IMAGES[:-1] + ", combination: {members: [dirichlet_vae_images, knn]}}"
    fit = ("fit", model / "qcd.parquet", own, "--scores", scores)
    assert command(*fit, "--jets", samples / "qcd.parquet")[0] == 0
    assert names(own / "scores") == ["combination", "dirichlet_vae_images", "knn", "norm"]
    table = tmp_path / "scores.parquet"
    assert command("score", samples / "aachen.parquet", own, table)[0] == 0
    columns = read_table(table)
    for name in names(own / "scores"):
        assert np.isfinite(columns[name].to_numpy()).all()


def test_scores_of_jets_need_the_jets(refused, model, own, samples, tmp_path):
    fit = ("fit", model / "qcd.parquet", own, "--scores", IMAGES)
    assert "--jets" in refused(*fit)
    assert "of their own" in refused(*fit, "--jets", samples / "aachen.parquet")
    assert not (own / "scores").exists()


def test_representations_have_no_constituents(command, refused, model, own, samples, tmp_path):
    fit = ("fit", model / "qcd.parquet", own, "--scores", IMAGES)
    assert command(*fit, "--jets", samples / "qcd.parquet")[0] == 0
    line = refused("score", model / "qcd.parquet", own, tmp_path / "scores.parquet")
    assert "reads the constituents of the jets" in line


def test_members_of_a_combination_are_fitted_first(refused, command, model, own):
    assert command("fit", model / "qcd.parquet", own, "--score.name", "knn")[0] == 0
    scores = "{combination: {members: [knn, norm]}}"
    assert "no scores norm" in refused("fit", model / "qcd.parquet", own, "--scores", scores)


def test_detectors_by_import_path(command, refused, model, own, samples, tmp_path):
    name = "sklearn.ensemble.IsolationForest"
    fit = ("fit", model / "qcd.parquet", own, "--scores", f"{{{name}: {{n_estimators: 5}}}}")
    assert command(*fit)[0] == 0
    table = tmp_path / "scores.parquet"
    assert command("score", samples / "aachen.parquet", own, table)[0] == 0
    assert np.isfinite(read_table(table)[name].to_numpy()).all()
    for path in ("os.system", "sklearn.utils.Bunch", "sklearn.nothing.Here"):
        assert path in refused("fit", model / "qcd.parquet", own, "--score.name", path)
    (own / "scores" / name / "config.yaml").write_text("{score: os.system, parameters: {}}")
    assert "names no known score" in refused("score", model / "qcd.parquet", own, table)


def test_scores_of_a_user(command, refused, model, own, samples, tmp_path, monkeypatch):
    """A class of his own, a name of his own, observables: lines of a configuration."""
    (tmp_path / "my_norm.py").write_text(
        'from darkclr.anomaly import Norm\nclass Half(Norm):\n    """Half of it."""\n'
        "    def score_samples(self, X):\n        return super().score_samples(X) / 2\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    scores = {
        "my_norm.Half": {"reads": "pooled"},
        "shape": {"score": "mahalanobis", "reads": ["girth", "pt_dispersion"]},
        "both": {"score": "combination", "members": ["my_norm.Half", "shape"]},
    }
    fit = ("fit", model / "qcd.parquet", own, "--scores", json.dumps(scores))
    assert "--jets" in refused(*fit)
    assert command(*fit, "--jets", samples / "qcd.parquet")[0] == 0
    score = ("score", samples / "aachen.parquet", own, tmp_path / "scores.parquet")
    assert "no known score: 'my_norm.Half'" in refused(*score)
    assert command(*score, "--plugins", "[my_norm.Half]")[0] == 0
    table = read_table(tmp_path / "scores.parquet")
    assert all(np.isfinite(table[name].to_numpy()).all() for name in scores)
    # Those that were named before are done; the combination knows its members.
    code, out, _ = command(*fit, "--jets", samples / "qcd.parquet")
    assert code == 0
    assert out.count("done before") == 3
    sys.modules.pop("my_norm")


def test_a_finished_fit_stays_unless_its_parameters_change(command, refused, model, own):
    fit = ("fit", model / "qcd.parquet", own, "--scores")
    assert command(*fit, "{knn: {n_neighbors: 2}, mahalanobis: {}}")[0] == 0
    weights = own / "scores" / "knn" / "model.safetensors"
    first = weights.stat()
    code, out, _ = command(*fit, "{knn: {n_neighbors: 2}}")
    assert code == 0
    assert "knn: done before" in out
    assert weights.stat() == first
    line = refused(*fit, "{knn: {n_neighbors: 3}}")
    assert "other parameters (n_neighbors)" in line
    assert "scores/knn" in line


def test_a_finished_fit_is_of_these_jets(command, refused, model, own, tmp_path):
    knn = "{knn: {n_neighbors: 2}}"
    assert command("fit", model / "qcd.parquet", own, "--scores", knn)[0] == 0
    assert "no such file" in refused("fit", tmp_path / "none.parquet", own, "--scores", knn)
    everything = read_representations(model / "qcd.parquet")
    write_representations(everything[::2], tmp_path / "half.parquet")
    half = ("fit", tmp_path / "half.parquet", own, "--scores", knn)
    assert "on other background jets" in refused(*half)
    other = ("fit", model / "qcd.parquet", own, "--scores", knn, "--split.seed", "1")
    assert "on other background jets" in refused(*other)
    # The combination learns from other jets, those of validation.
    combined = ("fit", model / "qcd.parquet", own, "--scores", "{combination: {members: [knn]}}")
    assert command(*combined)[0] == 0
    assert "combination: done before" in command(*combined)[1]
    line = refused(*combined, "--split", "{train: 0.5, validation: 0.3, test: 0.2}")
    assert "on other background jets" in line


def test_a_combination_is_of_its_members(command, refused, model, own, tmp_path):
    def fit(n_neighbors):
        scores = {
            "combination": {"members": ["knn", "norm"]},
            "knn": {"n_neighbors": n_neighbors},
            "norm": {},
        }
        return "fit", model / "qcd.parquet", own, "--scores", json.dumps(scores)

    assert command(*fit(2))[0] == 0
    assert "combination: done before" in command(*fit(2))[1]
    shutil.rmtree(own / "scores" / "knn")
    code, _, errors = command(*fit(3))
    assert code == 2
    assert "scores/combination: holds a fit on other fits of its members" in errors[-1]
    score = ("score", model / "qcd.parquet", own, tmp_path / "scores.parquet")
    assert "combination: holds a fit on other fits of its members (knn)" in refused(*score)
    shutil.rmtree(own / "scores" / "knn")
    assert "(knn)" in refused(*score)
    assert not (tmp_path / "scores.parquet").exists()


def test_encoders_are_not_mixed(command, refused, model, own, samples, config_file, tmp_path):
    assert command("fit", model / "qcd.parquet", own, "--score.name", "knn")[0] == 0
    other = tmp_path / "other"
    train = ("train", samples / "qcd.parquet", other, "--config", config_file)
    assert command(*train, "--training.seed", "5")[0] == 0
    foreign = tmp_path / "foreign.parquet"
    assert command("encode", samples / "qcd.parquet", other, foreign)[0] == 0
    table = tmp_path / "scores.parquet"
    assert "another encoder" in refused("fit", foreign, own, "--score.name", "norm")
    assert "representations of the encoder" in refused("score", foreign, own, table)
    (other / "scores").symlink_to(own / "scores")
    assert "representations of the encoder" in refused(
        "score", samples / "aachen.parquet", other, table
    )
    assert "different encoders" in refused(
        "probe", model / "qcd.parquet", f"[{foreign}]", tmp_path / "probe.json"
    )
    assert not table.exists()


def test_the_split_of_the_training_is_kept(command, model, own, samples, tmp_path):
    """That of the configuration: nothing of the command says it again."""
    assert command("fit", model / "qcd.parquet", own, "--score.name", "norm")[0] == 0
    every = read_representations(model / "qcd.parquet")
    kept = every[~every.dropped].part("train", Split(0.5, 0.2, 0.3)).event
    assert len(kept) != Split().part(every.event[~every.dropped], "train").sum()
    for name, source in (("z", model / "qcd.parquet"), ("jets", samples / "qcd.parquet")):
        table = tmp_path / f"{name}.parquet"
        assert command("score", source, own, table, "--part", "train")[0] == 0
        assert np.array_equal(read_table(table)["event"].to_numpy(), kept)


def test_one_fit_that_fails_does_not_keep_the_others_from_theirs(command, model, own, monkeypatch):
    def breaks(self, *_, **__):
        raise TrainingError("broke down", where="here")

    monkeypatch.setattr(Mahalanobis, "fit", breaks)
    scores = "{mahalanobis: {}, knn: {n_neighbors: 2}, combination: {members: [mahalanobis, knn]}}"
    code, _, errors = command("fit", model / "qcd.parquet", own, "--scores", scores)
    assert code == 2
    assert errors[-1].startswith("darkclr: ")
    assert "mahalanobis, combination could not be fitted" in errors[-1]
    assert "broke down" in errors[-1]
    assert names(own / "scores") == ["knn"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--split.train", "3"), "add up to 1"),
        (("--split.train", ".nan"), "add up to 1"),
        (("--split.seed", "-1"), "seed = -1; it must be at least 0"),
        (("--split.tests", "0.3"), "'tests' is not accepted"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_split_that_cannot_be_is_one_line(refused, model, samples, tmp_path, option, message):
    rows, output = model / "qcd.parquet", tmp_path / "output"
    for arguments in (
        ("fit", rows, output),
        ("score", rows, model, output),
        ("probe", samples / "qcd.parquet", f"[{samples / 'aachen.parquet'}]", output),
    ):
        assert message in refused(*arguments, *option)
    assert not output.exists()


def test_signals_are_told_apart_by_their_files(refused, samples, tmp_path):
    (tmp_path / "aachen.parquet").symlink_to(samples / "aachen.parquet")
    signals = f"[{samples / 'aachen.parquet'}, {tmp_path / 'aachen.parquet'}]"
    line = refused("probe", samples / "qcd.parquet", signals, tmp_path / "probe.json")
    assert "two signals are called aachen" in line


def _plain(scores):
    """Lists for tuples, for YAML."""
    return json.loads(json.dumps(scores))
