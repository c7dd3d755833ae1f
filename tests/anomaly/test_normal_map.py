"""The map of columns to normal distributions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.stats import kstest, spearmanr

from darkclr.anomaly import FittedScore, fit_score
from darkclr.anomaly.definition import create_detector, define_score
from darkclr.anomaly.normal_map import NormalMap
from darkclr.errors import ConfigError, InputError
from darkclr.representations import Representations


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    x = np.random.default_rng(1).normal(size=(6000, 3))
    x[:, 1] += 0.8 * x[:, 0]
    return np.column_stack([np.exp(x[:, 0]), 100 * x[:, 1] ** 3, x[:, 2]])


def test_other_jets_of_the_background_are_normal_in_each_column(rows):
    mapped = NormalMap().fit(rows[:3000])(rows[3000:])
    for column in mapped.T:
        assert kstest(column, "norm").statistic < 0.04  # 1.36 (1/3000 + 1/3000)^(1/2) = 0.035


def test_the_map_keeps_the_order_and_with_it_all_rank_correlations(rows):
    mapped = NormalMap().fit(rows)(rows)
    np.testing.assert_allclose(spearmanr(mapped)[0], spearmanr(rows)[0], atol=1e-3)


def test_units_do_not_matter(rows):
    scale = np.array([1e-3, 50.0, 7.0])
    mapped = NormalMap().fit(rows)(rows)
    np.testing.assert_allclose(NormalMap().fit(rows * scale)(rows * scale), mapped, atol=1e-6)


def test_what_lies_beyond_all_background_is_at_the_end(rows):
    mapped = NormalMap().fit(rows)(np.array([[1e9] * 3, [-1e9] * 3]))
    np.testing.assert_allclose(mapped, [[5.2] * 3, [-5.2] * 3], atol=0.01)


def test_two_arrays_are_all_of_it(rows):
    fitted = NormalMap().fit(rows)
    assert {name: x.dtype.kind for name, x in fitted.state().items()} == {
        "quantiles": "f",
        "references": "f",
    }
    restored = NormalMap().restore(fitted.state())
    np.testing.assert_array_equal(restored(rows), fitted(rows))
    with pytest.raises(ValueError, match="quantiles"):
        NormalMap().restore({"quantiles": np.zeros((4, 2)), "references": np.zeros(5)})
    with pytest.raises(InputError, match="3"):
        restored(rows[:, :2])


def test_any_score_reads_mapped_columns(background: Representations):
    """It is the score of the mapped columns, learned without dropped copies."""
    options = {"score": "knn", "reads": "pooled", "map_to": "normal"}
    fitted = fit_score("near", options, background, seed=3)
    jets = background[~background.dropped]
    mapped = NormalMap().fit(jets.pooled)(jets.pooled)
    knn = create_detector("knn", {}, seed=3).fit(mapped)
    np.testing.assert_allclose(
        fitted.score(background[~background.dropped]), knn.score_samples(mapped)
    )


def test_weights_count_in_the_map(background: Representations):
    jets = background[~background.dropped]
    weight = np.where(jets.pooled[:, 0] > np.median(jets.pooled[:, 0]), 1.0, 1e-6)
    weighted = Representations(**{**vars(jets), "weight": weight.astype(np.float32)})
    options = {"score": "knn", "reads": "pooled", "map_to": "normal"}
    fitted = fit_score("near", options, weighted, seed=3)
    assert fitted.normal_map is not None
    assert np.median(fitted.normal_map(jets.pooled)[:, 0]) < -2


def test_at_equal_pt_too(background: Representations, tmp_path):
    options = {"score": "knn", "reads": "pooled", "map_to": "normal", "given": "pt"}
    fitted = fit_score("near", options, background, seed=3)
    fitted.save(tmp_path)
    loaded = FittedScore.load(tmp_path)
    np.testing.assert_array_equal(loaded.score(background), fitted.score(background))
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["map_to"] == "normal"


def test_null_undoes_the_map_of_an_entry(tmp_path):
    from toy import toy_jets

    pytest.importorskip("fastjet")
    jets, small = toy_jets(100, seed=2, shortest=4), {"widths": [4], "bottleneck": 2, "epochs": 1}
    as_it_is = fit_score("ae_cms", {**small, "map_to": None}, jets, seed=3)
    assert as_it_is.normal_map is None
    as_it_is.save(tmp_path)
    loaded = FittedScore.load(tmp_path)
    np.testing.assert_array_equal(loaded.score(jets), as_it_is.score(jets))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"map_to": "uniform"}, "must be one of normal"),
        ({"score": "jet_pt", "map_to": "normal"}, "cannot be mapped"),
    ],
)
def test_what_cannot_be_is_told(background, options, told):
    with pytest.raises(ConfigError) as error:
        fit_score("near", {"score": "knn", **options}, background, seed=3)
    assert told in str(error.value)


def test_a_default_of_the_class_is_recorded_where_the_entry_has_another(background, tmp_path):
    small = {"widths": [4], "bottleneck": 2, "epochs": 2, "burn_in": 0, "reads": "pooled"}
    free = fit_score("nae_cms", {**small, "bound": None}, background, seed=3)
    free.save(tmp_path)
    assert FittedScore.load(tmp_path).detector.get_params() == free.detector.get_params()


def test_mapped_columns_are_not_written_as_onnx():
    pytest.importorskip("onnx")
    from darkclr.export.onnx_file import _chosen

    definitions = {
        name: define_score(name, {"score": "knn", "map_to": map_to})
        for name, map_to in (("mapped", "normal"), ("plain", None))
    }
    fitted = [FittedScore(one, one.detector()) for one in definitions.values()]
    kept, left_out = _chosen(fitted, None, Path("model"))
    assert ([score.name for score in kept], left_out) == (["plain"], ["mapped"])
    with pytest.raises(ConfigError, match="map no columns"):
        _chosen(fitted, ["mapped"], Path("model"))
