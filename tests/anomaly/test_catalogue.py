"""Parameters are described, and checked before anything is fitted."""

from __future__ import annotations

import inspect
import json
import math

import numpy as np
import pytest

pytest.importorskip("zuko")
pytest.importorskip("fastjet")
pytest.importorskip("pyod")

from darkclr.anomaly import SCORES, External, detector
from darkclr.anomaly.catalogue import find_score
from darkclr.anomaly.definition import create_detector
from darkclr.errors import ConfigError, InputError, MissingExtraError

OUT_OF_RANGE = [
    ("autoencoder", {"epochs": 0}),
    ("autoencoder", {"learning_rate": math.inf}),
    ("autoencoder", {"batch_size": 0}),
    ("autoencoder", {"widths": [8, 0]}),
    ("autoencoder", {"bottleneck": 0}),
    ("autoencoder", {"validation_fraction": 1.0}),
    ("autoencoder", {"device": "gpux"}),
    ("autoencoder_images", {"widths": [8, 8]}),
    ("nae", {"epochs": -1}),
    ("nae", {"burn_in": 10}),
    ("nae", {"pretraining_epochs": -1}),
    ("nae", {"replay": 1.0}),
    ("nae", {"steps": 0}),
    ("nae", {"step_size": -1.0}),
    ("nae", {"step_size": 0.0, "noise": 1.0, "temperature": 1.0}),
    ("nae", {"temperature": 0.0}),
    ("nae", {"noise": -1.0}),
    ("nae", {"clip": 0.0}),
    ("nae", {"latent_steps": 0}),
    ("nae", {"negative_energy_penalty": -1.0}),
    ("nae_onmanifold", {"bottleneck": 1}),
    ("nae_images", {"widths": []}),
    ("knn", {"n_neighbors": 0}),
    ("knn", {"max_rows": 9}),
    ("mahalanobis", {"n_components": 0}),
    ("gaussian_mixture", {"n_mixture": 0}),
    ("gaussian_mixture", {"regularisation": 0.0}),
    ("flow", {"transforms": 0}),
    ("flow", {"widths": []}),
    ("flow", {"n_components": 0}),
    ("dirichlet_vae", {"n_mixtures": 1}),
    ("dirichlet_vae", {"alpha": 0.0}),
    ("combination", {"members": []}),
    ("sklearn.ensemble.IsolationForest", {"n_estimators": -1}),
    ("pyod.models.hbos.HBOS", {"contamination": 2.0}),
    ("sklearn.neighbors.LocalOutlierFactor", {"novelty": False}),
]


@pytest.mark.parametrize(("name", "parameters"), OUT_OF_RANGE, ids=str)
def test_a_parameter_out_of_its_range_makes_no_detector(name, parameters):
    message = "novelty: true" if "novelty" in parameters else next(iter(parameters))
    with pytest.raises(ConfigError, match=message):
        create_detector(name, parameters)


@pytest.mark.parametrize("name", SCORES)
def test_no_number_may_be_nan(name):
    signature = inspect.signature(SCORES[name].detector).parameters
    for parameter in (p.name for p in SCORES[name].parameters):
        if "float" in str(signature[parameter].annotation):
            with pytest.raises(ConfigError, match=f"{parameter} = nan"):
                create_detector(name, {parameter: math.nan})


@pytest.mark.parametrize(
    "name", [name for name in SCORES if "seed" in SCORES[name].detector().get_params()]
)
def test_constructors_do_not_check_and_fits_do(name):
    detector = SCORES[name].detector()
    detector.set_params(seed=-1)
    with pytest.raises(ConfigError, match="seed = -1; it must be at least 0"):
        detector.fit(np.eye(4), np.arange(4) % 2)


def test_what_a_foreign_detector_says_is_one_line():
    detector = External("sklearn.ensemble.IsolationForest", {"max_samples": "all"})
    with pytest.raises(ConfigError, match=r"score sklearn\.ensemble\.IsolationForest: ") as refusal:
        detector.check()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "package"),
    [("flow", "zuko"), ("sklearn.ensemble.IsolationForest", "skops")],
)
def test_a_missing_package_is_told_before_the_fit(monkeypatch, name, package):
    monkeypatch.setattr(detector, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=rf"'{package}'; pip install 'darkclr\[densities\]'"
    ):
        create_detector(name, {})


def test_what_a_detector_needs_beyond_the_extra_is_named(monkeypatch):
    def missing(module):
        raise ModuleNotFoundError("No module named 'combo'", name="combo.models")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(ConfigError, match="needs the package 'combo'; pip install combo"):
        create_detector("pyod.models.feature_bagging.FeatureBagging", {})


def test_a_foreign_detector_that_cannot_score_says_so_in_one_line(monkeypatch):
    detector = External("sklearn.ensemble.IsolationForest", {"n_estimators": 2}).fit(np.eye(4))

    def score_samples(rows):
        raise IndexError("index 3 is out of bounds\nfor axis 0")

    monkeypatch.setattr(detector.estimator_, "score_samples", score_samples)
    with pytest.raises(InputError, match=r"cannot score 1 rows .index 3 is out of bounds for axis"):
        detector.score_samples(np.eye(4)[:1])


@pytest.mark.parametrize("path", ["sklearn.svm.SVC", "sklearn.linear_model.LogisticRegression"])
def test_classes_that_learn_from_labels_are_refused(path):
    with pytest.raises(ConfigError, match="learns from labels"):
        create_detector(path, {})


@pytest.mark.parametrize("path", ["pyod.models.ecod.ECOD", "pyod.models.copod.COPOD"])
def test_detectors_whose_scores_depend_on_company_are_refused(path):
    with pytest.raises(InputError, match="depends on the other jets"):
        create_detector(path, {}).fit(np.random.default_rng(0).normal(size=(300, 4)))


@pytest.mark.parametrize("name", SCORES)
def test_every_parameter_is_explained_and_its_default_is_what_is_taken(name):
    parameters = find_score(name).parameters
    for parameter in parameters:
        assert parameter.summary, parameter.name
        assert ":class:" not in parameter.summary
        assert "``" not in parameter.summary
    written = json.loads(json.dumps({p.name: p.default for p in parameters}))
    taken = create_detector(name, {}).get_params(deep=False)
    assert json.loads(json.dumps({key: taken[key] for key in written})) == written
    create_detector(name, written)


def test_presets_are_shown_instead_of_the_defaults_of_the_class():
    learning_rate = {
        name: p.default
        for name in ("nae", "nae_trigger")
        for p in find_score(name).parameters
        if p.name == "normalization_learning_rate"
    }
    assert learning_rate["nae_trigger"] == 1e-5 != learning_rate["nae"]
    assert "initialisation" not in {
        p.name for p in find_score("nae").parameters
    }  # it is what makes it one


def test_detectors_of_other_packages_are_explained_by_themselves():
    (trees,) = (
        p
        for p in find_score("sklearn.ensemble.IsolationForest").parameters
        if p.name == "n_estimators"
    )
    assert trees.default == 100
    assert "number of base estimators" in trees.summary


def test_parameters_without_a_default_are_required():
    pytest.importorskip("pyod")
    defaults = {p.name: p.default for p in find_score("pyod.models.deep_svdd.DeepSVDD").parameters}
    assert defaults["n_features"] == "<required>"
    assert defaults["c"] is None


def test_unknown_scores_are_refused():
    for name in ("magic", "os.system", "sklearn.ensemble.Magic"):
        with pytest.raises(ConfigError):
            list(find_score(name).parameters)
