"""Cuts on a score change the spectra of background as far as the score follows them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from darkclr.evaluation import EvaluationConfig, evaluate, read_metrics, write_metrics
from darkclr.evaluation.bootstrap import drawn_weights
from darkclr.evaluation.metrics import ranks
from darkclr.evaluation.sculpting import CutSpectra, Spectrum

N = 20_000


def sculpted(pt, score, shares=(0.1, 0.01, 0.001), weight=None, n_replicas=60, seed=0):
    """What cuts on a score do to a spectrum, by share."""
    weight = np.ones(len(pt)) if weight is None else weight
    spectra = CutSpectra({"pt": Spectrum.of(pt)}, weight)
    spectra.cut("score", ranks(score), shares)
    spectra.fill(weight)
    rng = np.random.default_rng([seed, 1])
    for drawn in drawn_weights(weight, np.arange(len(pt)), n_replicas, rng):
        spectra.fill(drawn)
    return spectra.results("score")["pt"]


def spectrum(rng, n=N):
    return 150 + rng.exponential(40, n)


def test_a_flat_score_is_compatible_with_no_deviation():
    above, pulls = 0, []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        (found,) = sculpted(spectrum(rng, 4000), rng.normal(size=4000), (0.1,), seed=seed).values()
        above += found.largest_deviation.value > found.flat
        pulls += ((np.array(found.share) - found.background_efficiency) / found.error).tolist()
        assert found.background_efficiency == pytest.approx(0.1, abs=1e-9)
        assert found.divergence.value < 0.03
    assert above <= 6  # 1.5 expected
    assert np.std(pulls) == pytest.approx(1, abs=0.15)


def test_a_score_that_is_pt_keeps_the_hardest_jets_alone():
    pt = spectrum(np.random.default_rng(0))
    for share, found in sculpted(pt, pt).items():
        assert found.background_efficiency == pytest.approx(float(share), rel=1e-9)
        assert found.share[0] == 0
        # All that pass are in the uppermost bins.
        highest = min(1, float(share) * len(found.share))
        assert found.share[-1] == pytest.approx(highest, rel=0.01)
        assert found.largest_deviation.value == pytest.approx(highest / float(share) - 1, rel=0.01)
        assert found.largest_deviation.value > 4 * found.flat
    assert sculpted(pt, pt)["0.1"].divergence.value == pytest.approx(1, abs=1e-6)  # no overlap


def test_the_share_in_each_bin_is_that_of_the_score():
    """A jet passes with a probability that rises linearly with its quantile of pT."""
    rng = np.random.default_rng(1)
    pt = spectrum(rng, 100_000)
    quantile = np.argsort(np.argsort(pt)) / len(pt)
    passes = rng.random(len(pt)) < 0.1 * (0.5 + quantile)
    found = sculpted(pt, passes + 0.5 * rng.random(len(pt)) * passes, (0.1,))["0.1"]
    middle = (np.arange(20) + 0.5) / 20
    expected = 0.1 * (0.5 + middle)
    assert np.all(np.abs(np.array(found.share) - expected) < 5 * np.array(found.error))
    deviation = found.largest_deviation
    assert abs(deviation.value - 0.475) < 4 * deviation.error + 0.03
    assert deviation.value > found.flat


def test_weights_count():
    """Half of the jets twice is the same as weight 2."""
    rng = np.random.default_rng(2)
    pt, score = spectrum(rng, 4000), rng.normal(size=4000)
    weight = np.repeat([1.0, 2.0], 2000)
    spectra = [
        CutSpectra({"pt": Spectrum(Spectrum.of(pt).edges, bins)}, w)
        for bins, w in (
            (Spectrum.of(pt).bin, weight),
            (np.repeat(Spectrum.of(pt).bin, weight.astype(int)), np.ones(6000)),
        )
    ]
    for one, values, w in zip(
        spectra, (score, np.repeat(score, weight.astype(int))), (weight, np.ones(6000)), strict=True
    ):
        one.cut("score", ranks(values), (0.1,))
        for _ in range(3):
            one.fill(w)
    first, second = (one.results("score")["pt"]["0.1"] for one in spectra)
    assert first.share[:3] == pytest.approx(second.share[:3], abs=0.02)
    assert first.background_efficiency == pytest.approx(second.background_efficiency, rel=1e-9)


def test_jets_of_equal_score_stay_together():
    rng = np.random.default_rng(3)
    found = sculpted(spectrum(rng), rng.integers(0, 5, N).astype(float))
    assert found["0.001"].background_efficiency == pytest.approx(0.2, abs=0.01)


def test_too_few_jets_say_nothing():
    rng = np.random.default_rng(4)
    found = sculpted(spectrum(rng, 1000), rng.normal(size=1000))
    assert list(found) == ["0.1"]
    assert len(found["0.1"].share) == 5  # a hundred jets pass
    assert sculpted(np.full(1000, 200.0), rng.normal(size=1000)) == {}


def test_metrics_hold_both_spectra(tmp_path):
    rng = np.random.default_rng(5)
    n = 6000
    pt, ratio = spectrum(rng, n), rng.beta(2, 8, n)
    table = pa.table(
        {
            "sample": np.where(np.arange(n) < 5000, "qcd", "signal"),
            "event": np.arange(n),
            "label": (np.arange(n) >= 5000).astype(np.int8),
            "weight": np.ones(n),
            "pt": pt,
            "mass": pt * ratio,
            "follows_pt": pt,
            "follows_ratio": ratio,
            "nothing": rng.normal(size=n),
        }
    )
    metrics = evaluate(table, EvaluationConfig(n_bootstrap=40))
    largest = {
        (score, name): entry.sculpting[name]["0.1"].largest_deviation.value
        for score, entry in metrics.scores.items()
        for name in ("pt", "mass")
    }
    assert largest["follows_pt", "pt"] > 3
    assert largest["follows_ratio", "mass"] > 1.5
    assert max(largest["follows_ratio", "pt"], largest["nothing", "pt"]) < 0.7
    write_metrics(metrics, tmp_path / "metrics.json")
    assert read_metrics(tmp_path / "metrics.json") == metrics
    # A file of scores without mass has the spectrum of pT alone.
    without = evaluate(table.drop_columns(["mass"]), EvaluationConfig(n_bootstrap=40))
    assert list(without.scores["nothing"].sculpting) == ["pt"]
