"""The described parameters are those that a score takes."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("skops")

from darkclr.anomaly import SCORES
from darkclr.anomaly.catalogue import create_detector
from darkclr.anomaly.parameters import parameters_of
from darkclr.errors import ConfigError


@pytest.mark.parametrize("name", SCORES)
def test_every_parameter_is_explained_and_its_default_is_what_is_taken(name):
    parameters = parameters_of(name)
    assert tuple(p.name for p in parameters) == SCORES[name].parameters
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
        for p in parameters_of(name)
        if p.name == "normalization_learning_rate"
    }
    assert learning_rate["nae_trigger"] == 1e-5 != learning_rate["nae"]
    assert "initialisation" not in {p.name for p in parameters_of("nae")}  # it is what makes it one


def test_detectors_of_other_packages_are_explained_by_themselves():
    (trees,) = (
        p for p in parameters_of("sklearn.ensemble.IsolationForest") if p.name == "n_estimators"
    )
    assert trees.default == 100
    assert "number of base estimators" in trees.summary


def test_parameters_without_a_default_are_required():
    pytest.importorskip("pyod")
    defaults = {p.name: p.default for p in parameters_of("pyod.models.deep_svdd.DeepSVDD")}
    assert defaults["n_features"] == "<required>"
    assert defaults["c"] is None


def test_unknown_scores_are_refused():
    for name in ("magic", "os.system", "sklearn.ensemble.Magic"):
        with pytest.raises(ConfigError):
            parameters_of(name)
