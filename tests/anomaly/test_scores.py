"""What holds for every score, whatever it computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from sklearn.base import clone

from darkclr.anomaly import SCORES, FittedScore, fit_score
from darkclr.anomaly.normalized_presets import NORMALIZED_AUTOENCODERS
from darkclr.errors import ConfigError, InputError

SMALL = {"widths": (8,), "bottleneck": 2, "batch_size": 64}
NAE = {**SMALL, "pretraining_epochs": 15, "epochs": 3, "burn_in": 1, "steps": 5, "latent_steps": 5}
QUICK = {
    "autoencoder": {**SMALL, "epochs": 15},
    **{preset.name: NAE for preset in NORMALIZED_AUTOENCODERS},
}
TRAINED = tuple(QUICK)

every_score = pytest.mark.parametrize("name", SCORES)


@pytest.fixture(scope="module")
def fitted(background):
    return {name: fit_score(name, QUICK.get(name, {}), background, seed=3) for name in SCORES}


@every_score
def test_scores_are_finite_and_one_a_jet(name, fitted, background):
    scores = fitted[name].score(background)
    assert scores.shape == (len(background),)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert scores.std() > 0


@every_score
def test_score_of_a_jet_does_not_depend_on_the_others(name, fitted, background):
    scores = fitted[name].score(background)
    order = np.random.default_rng(0).permutation(len(background))
    np.testing.assert_allclose(fitted[name].score(background[order]), scores[order], rtol=1e-4)
    np.testing.assert_allclose(fitted[name].score(background[:7]), scores[:7], rtol=1e-4)


@every_score
def test_save_and_load_keep_every_bit(name, fitted, background, tmp_path):
    fitted[name].save(tmp_path / name)
    loaded = FittedScore.load(tmp_path / name)
    assert loaded.name == name
    np.testing.assert_array_equal(loaded.score(background), fitted[name].score(background))
    assert (tmp_path / name / "history.csv").exists() == (name in TRAINED)
    assert (tmp_path / name / "samples.csv").exists() == name.startswith("nae")
    loaded.save(tmp_path / "again")
    for file in ("config.yaml", "model.safetensors"):
        again, first = (tmp_path / folder / file for folder in ("again", name))
        assert again.read_bytes() == first.read_bytes()


@every_score
def test_same_seed_same_scores(name, fitted, background):
    state = torch.random.get_rng_state()
    again = fit_score(name, QUICK.get(name, {}), background, seed=3)
    np.testing.assert_array_equal(again.score(background), fitted[name].score(background))
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator was used"
    if name in TRAINED:
        other = fit_score(name, QUICK[name], background, seed=4)
        assert not np.array_equal(other.score(background), fitted[name].score(background))


@every_score
def test_an_outlier_is_above_the_bulk(name, fitted, background):
    """Ten times the representation, along the dropped copies, without constituents."""
    outlier = replace(
        background[:1],
        z=10 * background.z[:1],
        pooled=10 * (background.pooled[300:].mean(0) - background.pooled[:300].mean(0))[None],
        n_constituents=np.array([1]),
        pt=np.array([1000], dtype=np.float32),
    )
    assert fitted[name].score(outlier)[0] > fitted[name].score(background[:300]).max()


@every_score
def test_scikit_learn_can_clone_it(name, fitted):
    detector = fitted[name].detector
    copy = clone(detector)
    assert not hasattr(copy, "n_features_in_")
    assert copy.get_params() == detector.get_params()


@every_score
def test_labels_are_not_read(name, fitted, background):
    labelled = replace(background, label=1 - background.label)
    again = fit_score(name, QUICK.get(name, {}), labelled, seed=3)
    np.testing.assert_array_equal(again.score(background), fitted[name].score(background))


@every_score
def test_unknown_parameter_is_refused_with_the_known_ones(name, background):
    with pytest.raises(ConfigError, match="no parameter 'epohs'; it has") as error:
        fit_score(name, {"epohs": 3}, background, seed=0)
    for parameter in SCORES[name].parameters:
        assert parameter in str(error.value)


@pytest.mark.parametrize("name", TRAINED)
def test_values_of_the_wrong_kind_are_refused(name, background):
    for parameters in ({"epochs": "many"}, {"epochs": 0}, {"activation": "step"}):
        with pytest.raises(ConfigError, match=next(iter(parameters))):
            fit_score(name, parameters, background, seed=0)


@pytest.mark.parametrize("name", TRAINED)
def test_progress_sees_every_row_of_the_history(name, background):
    rows = []
    fitted = fit_score(name, QUICK[name], background, seed=0, progress=rows.append)
    assert rows == fitted.detector.history_
    assert [row["stage"] for row in rows[:15]] == ["autoencoder"] * 15


@every_score
def test_broken_features_are_refused(name, fitted, background):
    def with_nan(values):
        values = values.astype(np.float64)
        values[3] = np.nan
        return values

    names = ("z", "pooled", "pt", "n_constituents")
    broken = replace(background, **{key: with_nan(getattr(background, key)) for key in names})
    with pytest.raises(InputError, match="1 of 400 rows have NaN"):
        fitted[name].score(broken)


def test_discriminant_needs_dropped_copies(background):
    with pytest.raises(InputError, match="dropped copies"):
        fit_score("discriminant", {}, background[:300], seed=0)


def test_unknown_score_is_refused(background):
    with pytest.raises(ConfigError, match="no score 'magic'"):
        fit_score("magic", {}, background, seed=0)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"score": "os.system", "parameters": {}}, "no known score"),
        ({"score": ["nae"], "parameters": {}}, "no known score"),
        ({"score": "norm", "parameters": {}, "class_path": "os.system"}, "exactly the keys"),
        ({"score": "norm", "parameters": {"class_path": "os.system"}}, "no parameter 'class_path'"),
        ({"score": "nae", "parameters": {"activation": "torch.nn.ReLU"}}, "activation"),
        ({"score": "nae", "parameters": {"initialisation": "on_manifold"}}, "is not the score"),
        ({"score": "norm", "parameters": []}, "not a mapping"),
        ("!!python/object/apply:os.getcwd []", "YAML"),
    ],
)
def test_foreign_config_is_refused(document, message, fitted, tmp_path):
    fitted["norm"].save(tmp_path)
    text = document if isinstance(document, str) else yaml.safe_dump(document)
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        FittedScore.load(tmp_path)


def test_missing_and_broken_files_are_refused(fitted, tmp_path):
    with pytest.raises(InputError, match=r"no config\.yaml"):
        FittedScore.load(tmp_path)
    fitted["autoencoder"].save(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="does not hold the score"):
        FittedScore.load(tmp_path)
    fitted["norm"].save(tmp_path)
    fitted["norm"].detector.state()
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"score": "discriminant", "parameters": {}})
    )
    with pytest.raises(InputError, match="does not hold the score"):
        FittedScore.load(tmp_path)
    weights.unlink()
    with pytest.raises(InputError, match=r"no model\.safetensors"):
        FittedScore.load(tmp_path)
