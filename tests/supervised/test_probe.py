"""The probes find what is there, and nothing where nothing is."""

from __future__ import annotations

import json
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from toy import toy_jets

from darkclr.cli.main import main
from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoding import prepare
from darkclr.errors import ConfigError, InputError
from darkclr.evaluation import EvaluationConfig
from darkclr.io import write_jets
from darkclr.studies.probe import probe
from darkclr.supervised.config import ProbeConfig
from darkclr.supervised.probe import Probed, flat_constituents

QUICK = EvaluationConfig(signal_efficiencies=(0.2,), n_bootstrap=20)
LINEAR = ProbeConfig(classifiers=("linear",))


def gaussian(n: int, seed: int, shift: float = 0.0, d: int = 8) -> Probed:
    """Unit Gaussian features, the first one shifted."""
    z = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    z[:, 0] += shift
    return Probed({"z": z}, np.arange(n), np.ones(n, np.float32))


def ring(n: int, seed: int) -> tuple[Probed, Probed]:
    """A Gaussian in a plane of 64 dimensions and a ring around it: no linear direction tells."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    around = 4 * np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.3, (n, 2))
    plane = rng.standard_normal((2, 64))
    return tuple(
        Probed({"z": (z @ plane).astype(np.float32)}, np.arange(n), np.ones(n, np.float32))
        for z in (rng.standard_normal((n, 2)), around)
    )


def auc(metrics, score="linear_z", signal="signal"):
    entry = metrics.scores[score].signals[signal]
    return entry.auc, entry.auc_error


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_linear_shift_is_found_at_its_value(shift):
    """Two unit Gaussians at distance s: AUC = Phi(s / sqrt 2)."""
    signals = {"signal": gaussian(4000, 1, shift)}
    metrics = probe(gaussian(4000, 0), signals, config=LINEAR, evaluation=QUICK)
    value, error = auc(metrics)
    assert abs(value - {0.0: 0.5, 1.0: 0.7602}[shift]) < 4 * error


def test_nearly_equal_features_do_not_stop_the_linear_classifier(recwarn):
    """Units of a network depend on each other: first-order descent would need many iterations."""

    def features(n, seed):
        rng = np.random.default_rng(seed)
        z = (rng.normal(size=(n, 1)) + 0.01 * rng.normal(size=(n, 20))).astype(np.float32)
        z[:, 0] += 0.01 * seed
        return replace(gaussian(n, 0), features={"z": z})

    config = replace(LINEAR, max_iterations=10, inverse_penalty=1e4)
    metrics = probe(features(3000, 0), {"signal": features(3000, 1)}, config=config)
    assert not recwarn.list
    value, error = auc(metrics)
    expected = NormalDist().cdf(np.sqrt(0.5 / (1 + 1 / 19)))  # the common part is known up to 1/19
    assert abs(value - expected) < 4 * error


def test_what_no_line_can_tell_the_multilayer_classifier_finds():
    background, signal = ring(1500, 0)
    metrics = probe(background, {"signal": signal}, evaluation=QUICK)
    assert abs(auc(metrics)[0] - 0.5) < 0.1
    assert auc(metrics, "multilayer_z")[0] > 0.97


def test_only_test_jets_are_measured_and_only_training_jets_teach():
    """Labels of the training part that are noise are not found in the test part."""
    noise = gaussian(200, 1, d=60)
    metrics = probe(gaussian(200, 0, d=60), {"signal": noise}, config=LINEAR, evaluation=QUICK)
    assert abs(auc(metrics)[0] - 0.5) < 0.2
    assert metrics.samples["signal"].n_jets < 100


def test_classes_count_equally_whatever_their_weights():
    background, signal = gaussian(300, 0), gaussian(300, 1, 1.0)
    heavy = replace(signal, weight=10 * signal.weight)
    first, second = (
        probe(background, {"signal": s}, config=LINEAR, evaluation=QUICK) for s in (signal, heavy)
    )
    assert auc(first)[0] == pytest.approx(auc(second)[0], abs=1e-3)


def test_a_jet_of_weight_zero_teaches_nothing():
    signal = gaussian(600, 1, 1.5)
    poisoned = Probed(
        {"z": np.concatenate([signal.features["z"], -20 + 0 * signal.features["z"]])},
        np.arange(1200),
        np.repeat(np.float32([1, 0]), 600),
    )
    metrics = probe(gaussian(600, 0), {"signal": poisoned}, config=LINEAR, evaluation=QUICK)
    assert auc(metrics)[0] > 0.8


def test_raw_constituents_are_padded_behind_the_softest():
    config = EncoderConfig(n_constituents=10, pt_scale=100.0)
    constituents = prepare(toy_jets(50, seed=0, mean=8).constituents, config)
    flat = flat_constituents(constituents, config).reshape(50, 10, 3)
    np.testing.assert_array_equal((flat[..., 0] > 0).sum(1), constituents.lengths)
    is_real = flat[..., 0] > 0
    np.testing.assert_allclose(flat[is_real][:, 0] * 100, constituents.pt, rtol=1e-6)
    np.testing.assert_array_equal(flat[is_real][:, 1], constituents.eta)
    assert (flat[~is_real] == 0).all()
    assert (np.diff(flat[..., 0], axis=1) <= 0).all()


def test_features_that_do_not_match_are_refused():
    raw = Probed.from_jets(toy_jets(40))
    with pytest.raises(InputError, match="no features in common"):
        probe(raw, {"signal": gaussian(40, 0)})
    with pytest.raises(InputError, match="has no jets"):
        probe(gaussian(1, 0), {"signal": gaussian(1, 0)})
    for wrong in ({"classifiers": ()}, {"inverse_penalty": np.nan}, {"restarts": 0}, {"seed": -1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            ProbeConfig(**wrong)


def test_the_command_writes_json_and_says_that_it_is_supervised(tmp_path, capsys):
    for name, mean in (("qcd", 30), ("aachen", 15)):
        write_jets(toy_jets(300, seed=mean, mean=mean), tmp_path / f"{name}.parquet")
    arguments = [
        *("probe", tmp_path / "qcd.parquet", f"[{tmp_path / 'aachen.parquet'}]"),
        *(tmp_path / "probe.json", "--probe.classifiers", "[linear]"),
        *("--evaluation.n_bootstrap", "20"),
    ]
    assert main([str(a) for a in arguments]) == 0
    assert "supervised" in capsys.readouterr().out
    metrics = json.loads((tmp_path / "probe.json").read_text())
    assert metrics["scores"]["linear_raw"]["signals"]["aachen"]["auc"] > 0.7
