"""The study of CMS: what is fitted, what is read off it, and what is claimed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy import toy_jets

pytest.importorskip("fastjet")
pytest.importorskip("matplotlib")

from darkclr.anomaly.fitted import FittedScore
from darkclr.reporter import Silent
from darkclr.studies.reproduction.claims import CONFIRMED, NOT_CONFIRMED
from darkclr.studies.reproduction.cms.fits import Columns, Fit, _auc, equal_pt, fits
from darkclr.studies.reproduction.cms.sizes import AUTOENCODERS, SIZES, grid, trainings
from darkclr.studies.reproduction.cms.study import _best_epoch, _claims, measured
from darkclr.studies.reproduction.scales import SCALES

SIZE = replace(SIZES["smoke"], trainings=1)
SIGNAL = "svj_2000_0.3"


@pytest.fixture(scope="module")
def jets():
    """Background to train and test on, and a wider signal."""
    train, test, signal = (toy_jets(n, seed=n, shortest=4) for n in (150, 90, 60))
    return train, test, {SIGNAL: signal}


@pytest.fixture(scope="module")
def columns(jets):
    return Columns.of(*jets)


def test_the_grid_is_that_of_the_report():
    assert len(grid(SIZES["laptop"])) == 12
    assert grid(SIZES["laptop"])[SIGNAL] == {"m_phi": 2000.0, "r_inv": 0.3}
    config = trainings(SCALES["laptop"])["cms-top"]
    assert config.background == "top"
    assert config.samples["top"].n_jets * config.split.train == 20_000
    selection = config.samples[SIGNAL].resolve().selection
    assert (selection.pt_min, selection.pt_max, selection.abs_eta_max) == (200, None, 2.4)


def test_signals_are_mapped_as_background_is(jets, columns):
    assert abs(columns.train.mean()) < 0.1
    again = Columns.of(jets[0], jets[1], {})
    np.testing.assert_array_equal(again.train, columns.train)
    assert again.digest == columns.digest


@pytest.mark.parametrize("score", AUTOENCODERS)
def test_a_finished_training_is_read_and_not_made_again(score, columns, tmp_path):
    options = {"trainings": 2, "workers": 1, "reporter": Silent()}
    first = fits(score, SIZE.options[score], columns, tmp_path, **options)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.safetensors")}
    assert len(times) == 2
    second = fits(score, SIZE.options[score], columns, tmp_path, **options)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.safetensors")} == times
    assert [fit.auc for fit in second] == [fit.auc for fit in first]
    # What is kept is the epoch of which the history has these energies.
    fit, detector = first[0], FittedScore.load(tmp_path / f"{score}-1").detector
    assert fit.history[f"{SIGNAL}_energy"][fit.chosen] == pytest.approx(fit.energy[SIGNAL])
    assert fit.energy[""] == detector.score_samples(columns.background).mean()


def test_all_of_it(jets, tmp_path):
    result = measured(*jets, SIZE, tmp_path, Silent())
    assert len(result.figure.axes) == 12
    assert set(result.numbers) == {*AUTOENCODERS, "compared_at_equal_pt"}
    assert [row["score"] for row in next(iter(result.tables.values()))] == ["AE", "NAE", "WNAE"]
    assert len(result.claims) == 10
    # At equal pT, and what the report does not say of epochs.
    assert [claim.ours for claim in result.claims].count(True) == 2 + 3


def _fit(ratio: float, curve: list[float], chosen: int) -> Fit:
    history = {f"{SIGNAL}_auc": np.array(curve)}
    auc = {SIGNAL: (curve[chosen], curve[chosen] - 0.05)}
    return Fit(history, chosen, auc, {"": 1.0, SIGNAL: ratio})


def test_the_claims_of_the_report_on_numbers_that_fit_them():
    """An autoencoder that reconstructs the signal in the end, and chains that prevent it."""
    noise = (-0.005, 0.0, 0.005)
    found = {
        "ae_cms": [_fit(1.02 + e, [0.8, 0.7, 0.6 + e], 2) for e in noise],
        "nae_cms": [_fit(2 + e, [0.6, 0.75 + e, 0.7], 1) for e in noise],
        "wnae_cms": [_fit(2.2 + e, [0.6, 0.78 + e, 0.7], 1) for e in noise],
    }
    assert {claim.verdict for claim in _claims(found, [SIGNAL], SIGNAL)} == {CONFIRMED}
    swapped = {**found, "ae_cms": found["nae_cms"], "nae_cms": found["ae_cms"]}
    verdicts = [claim.verdict for claim in _claims(swapped, [SIGNAL], SIGNAL)]
    # 1.02 times the error of background are above it, and no more.
    assert verdicts[:5] == [NOT_CONFIRMED, NOT_CONFIRMED, CONFIRMED, NOT_CONFIRMED, NOT_CONFIRMED]


def test_an_epoch_that_misses_the_best_one_is_not_it():
    claim = _best_epoch("NAE", [_fit(2, [0.9, 0.6, 0.7], 1)] * 3, [SIGNAL])
    assert claim.verdict == NOT_CONFIRMED
    assert "larger by 0.3" in claim.found


def test_at_equal_pt_jets_without_background_beside_them_do_not_count():
    """Half of the signal is harder than any background; jet pT itself must be worth nothing."""
    rng = np.random.default_rng(0)
    pt = 200 + rng.exponential(50, 4000)
    signal_pt = np.concatenate([rng.uniform(200, 400, 1000), rng.uniform(900, 1500, 1000)])
    weight, reached = equal_pt(pt, signal_pt)
    assert reached[:1000].mean() > 0.8
    assert reached[1000:].mean() < 0.05  # a bin may begin below and end among them
    natural, equal = _auc(pt, signal_pt, pt, signal_pt)
    assert natural > 0.85
    assert equal == pytest.approx(0.5, abs=0.02)
    noise = _auc(rng.normal(size=4000), rng.normal(1, size=2000), pt, signal_pt)
    assert noise[1] == pytest.approx(noise[0], abs=0.05)
    assert weight.sum() > 0


def test_spectra_apart_have_no_area_at_equal_pt():
    pt, signal_pt = np.linspace(200, 300, 400), np.linspace(500, 900, 400)
    assert np.isnan(_auc(pt, signal_pt, pt, signal_pt)[1])
