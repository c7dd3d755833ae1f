"""What holds for every score, whatever it computes and whatever it reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
import yaml
from quick_scores import EPOCHS, NAMED, QUICK
from sklearn.base import clone
from toy import toy_jets

pytest.importorskip("zuko")
pytest.importorskip("fastjet")
pytest.importorskip("skops")
pytest.importorskip("pyod")

from darkclr.anomaly import SCORES, FittedScore, ScoreInputs, define_score, fit_score
from darkclr.anomaly.scoring import score_table
from darkclr.errors import ConfigError, InputError
from darkclr.jets import Jets

TRAINED = tuple(name for name, options in QUICK.items() if "batch_size" in options)
PATHS = (
    "sklearn.ensemble.IsolationForest",
    "sklearn.neighbors.LocalOutlierFactor",
    "pyod.models.hbos.HBOS",
    "pyod.models.knn.KNN",
)
NAMES = (*SCORES, *PATHS, *NAMED)
DEFINITIONS = {name: define_score(name, QUICK.get(name, {})) for name in NAMES}

every_score = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def sources(background):
    """What the scores read: background, by kind."""
    members = [fit_score(name, {}, background, seed=3) for name in ("discriminant", "knn")]
    return {
        "representations": background,
        "jets": toy_jets(300, seed=2, shortest=4),
        "scores": score_table({"qcd": background}, members),
    }


@pytest.fixture
def source(name, sources):
    return sources[DEFINITIONS[name].part]


@pytest.fixture(scope="module")
def fitted(sources):
    return _Fitted(sources)


class _Fitted(dict):
    """Fitted scores by name, each fitted when it is first asked for."""

    def __init__(self, sources):
        self.sources = sources

    def __missing__(self, name):
        self[name] = _fit(name, self.sources[DEFINITIONS[name].part])
        return self[name]


def _fit(name, source, seed=3, **options):
    return fit_score(name, QUICK.get(name, {}), source, seed=seed, **options)


def _rows(source, index):
    return source.take(index) if isinstance(source, pa.Table) else source[index]


@every_score
def test_scores_are_finite_and_one_a_jet(name, fitted, source):
    scores = fitted[name].score(source)
    assert scores.shape == (len(source),)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert scores.std() > 0


@every_score
def test_score_of_a_jet_does_not_depend_on_the_others(name, fitted, source):
    scores = fitted[name].score(source)
    order = np.random.default_rng(0).permutation(len(source))
    np.testing.assert_allclose(fitted[name].score(_rows(source, order)), scores[order], rtol=1e-4)
    np.testing.assert_allclose(
        fitted[name].score(_rows(source, np.arange(7))), scores[:7], rtol=1e-4
    )


@every_score
def test_save_and_load_keep_every_bit(name, fitted, source, tmp_path):
    fitted[name].save(tmp_path / name)
    loaded = FittedScore.load(tmp_path / name)
    assert loaded.name == name
    np.testing.assert_array_equal(loaded.score(source), fitted[name].score(source))
    assert (tmp_path / name / "history.csv").exists() == (name in TRAINED)
    assert (tmp_path / name / "samples.csv").exists() == ("nae" in name)
    loaded.save(tmp_path / "again")
    for file in ("config.yaml", "model.safetensors"):
        again, first = (tmp_path / folder / file for folder in ("again", name))
        assert again.read_bytes() == first.read_bytes()


@every_score
def test_same_seed_same_scores(name, fitted, source):
    state = torch.random.get_rng_state()
    again = _fit(name, source)
    np.testing.assert_array_equal(again.score(source), fitted[name].score(source))
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator was used"
    if name in TRAINED:
        other = _fit(name, source, seed=4)
        assert not np.array_equal(other.score(source), fitted[name].score(source))


@every_score
def test_an_outlier_is_above_the_bulk(name, fitted, background, sources):
    """Ten times the representation, along the dropped copies; a jet of two hard prongs."""
    pooled = background.pooled
    outlier = {
        "representations": replace(
            background[:1],
            z=10 * background.z[:1],
            pooled=10 * (pooled[300:].mean(0) - pooled[:300].mean(0))[None],
            n_constituents=np.array([1]),
            pt=np.array([1000], dtype=np.float32),
        ),
        "jets": Jets.from_constituents(
            [0, 3], [300.0, 290.0, 1.0], [0.0, 0.0, 0.0], [-0.65, 0.65, 0.6]
        ),
        "scores": pa.table({"discriminant": [1e3], "knn": [1e3]}),
    }
    part = DEFINITIONS[name].part
    bulk = fitted[name].score(_rows(sources[part], np.arange(300)))
    assert fitted[name].score(outlier[part])[0] > bulk.max()


@every_score
def test_scikit_learn_can_clone_it(name, fitted):
    detector = fitted[name].detector
    copy = clone(detector)
    assert not hasattr(copy, "n_features_in_")
    assert copy.get_params() == detector.get_params()


@every_score
def test_labels_are_not_read(name, fitted, source):
    if isinstance(source, pa.Table):
        column = source.column_names.index("label")
        labelled = source.set_column(column, "label", pa.array(np.ones(len(source), np.int8)))
    else:
        labelled = replace(source, label=1 - source.label)
    again = _fit(name, labelled)
    np.testing.assert_array_equal(again.score(source), fitted[name].score(source))


@every_score
def test_weights_are_read(name, fitted, source):
    """Every second row counts ten times."""
    weight = (1 + 9 * (np.arange(len(source)) % 2)).astype(np.float32)
    if isinstance(source, pa.Table):
        column = source.column_names.index("weight")
        weighted = source.set_column(column, "weight", pa.array(weight))
    else:
        weighted = replace(source, weight=weight)
    scores = _fit(name, weighted).score(source)
    assert np.isfinite(scores).all()
    unchanged = np.array_equal(scores, fitted[name].score(source))
    assert unchanged == (name in ("norm", "few_constituents", "jet_pt"))


@every_score
def test_equal_weights_are_no_weights(name, fitted, source):
    if not isinstance(source, pa.Table):
        source = replace(source, weight=np.full(len(source), 0.5, dtype=np.float32))
    np.testing.assert_array_equal(_fit(name, source).score(source), fitted[name].score(source))


ENERGIES = tuple(name for name in TRAINED if name in SCORES)


@pytest.mark.parametrize("name", ENERGIES)
def test_gradient_of_the_energy_in_double_precision(name, fitted, source):
    """Chains follow it, and a score that is a density has a smooth one."""
    detector = fitted[name].detector
    # A copy: the fitted one scores in single precision.
    again = type(detector)(**detector.get_params(deep=False))
    again.restore(detector.state())
    again.network_.double()
    inputs = ScoreInputs.of(_rows(source, np.arange(2)))
    rows = inputs.rows(fitted[name].definition.features).X
    if name == "dirichlet_vae_images":
        rows = 0.9 * rows + 0.1 / rows.shape[1]  # x log x has no derivative at an empty pixel
    x = torch.from_numpy(np.asarray(again._prepared(rows), np.float64)).requires_grad_(True)
    assert torch.autograd.gradcheck(again.energy, (x,), fast_mode=True)


@every_score
def test_unknown_parameter_is_refused_with_the_known_ones(name, source):
    with pytest.raises(ConfigError, match="no parameter 'beauty'; it has") as error:
        fit_score(name, {**QUICK.get(name, {}), "beauty": 3}, source, seed=0)
    for parameter in DEFINITIONS[name].entry.parameters:
        assert parameter.name in str(error.value)


@pytest.mark.parametrize("name", TRAINED)
def test_values_of_the_wrong_kind_are_refused(name, source):
    for parameters in ({"epochs": "many"}, {"epochs": 0}, {"learning_rate": -1.0}):
        with pytest.raises(ConfigError, match=next(iter(parameters))):
            fit_score(name, {**NAMED.get(name, {}), **parameters}, source, seed=0)


@pytest.mark.parametrize("name", TRAINED)
def test_progress_sees_every_row_of_the_history(name, source):
    rows = []
    fitted = _fit(name, source, progress=rows.append)
    assert rows == fitted.detector.history_
    first = EPOCHS if getattr(fitted.detector, "pretraining_epochs", EPOCHS) else len(rows)
    assert [row["epoch"] for row in rows[:first]] == list(range(1, first + 1))


@pytest.mark.parametrize("name", [n for n in NAMES if DEFINITIONS[n].part == "representations"])
def test_broken_features_are_refused(name, fitted, background):
    def with_nan(values):
        values = values.astype(np.float64)
        values[3] = np.nan
        return values

    names = ("z", "pooled", "pt", "n_constituents")
    broken = replace(background, **{key: with_nan(getattr(background, key)) for key in names})
    with pytest.raises(InputError, match="1 of 400 rows have NaN"):
        fitted[name].score(broken)


@every_score
def test_the_wrong_kind_of_input_is_refused(name, fitted, sources):
    wrong = sources["representations" if DEFINITIONS[name].part == "jets" else "jets"]
    with pytest.raises(InputError, match=f"score {name}: reads .*, not "):
        fitted[name].score(wrong)


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
        ({"score": "sklearn.os.system", "parameters": {}}, "no detector"),
        ({"score": "sklearn.utils.Bunch", "parameters": {}}, "no detector"),
        ({"score": "sklearn.ensemble.IsolationForest", "parameters": {}}, "is not|not hold"),
        (
            {
                "score": "sklearn.ensemble.IsolationForest",
                "parameters": {"estimator": "os.system", "parameters": {}},
            },
            "is not the score",
        ),
        ({"score": "norm", "parameters": {}, "class_path": "os.system"}, "no others"),
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


@pytest.mark.parametrize("name", ["nae", "discriminant"])
def test_dropped_copies_are_checked_as_the_background_is(name):
    rng = np.random.default_rng(1)
    rows, y = rng.normal(size=(60, 6)), np.arange(60) % 2
    detector = SCORES[name].detector(**QUICK.get(name, {}))
    with pytest.raises(InputError):
        detector.fit(rows, y[:-1])
    rows[y == 1] = np.nan
    with pytest.raises(InputError, match="30 of 60 rows have NaN"):
        detector.fit(rows, y)
