"""The study of CMS: what is fitted, what is read off it, and what is claimed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from toy import toy_jets

pytest.importorskip("fastjet")
pytest.importorskip("matplotlib")

from darkclr.anomaly.fitted import FittedScore
from darkclr.reporter import Silent
from darkclr.studies.reproduction.claims import CONFIRMED, NOT_CONFIRMED, NOT_TESTABLE
from darkclr.studies.reproduction.cms.claims import _best_epoch, claims_of
from darkclr.studies.reproduction.cms.fits import Columns, Fit, _auc, equal_pt, fits, yardsticks
from darkclr.studies.reproduction.cms.sizes import AUTOENCODERS, SIZES, grid, trainings
from darkclr.studies.reproduction.cms.study import measured
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
    assert len(result.figure.axes) == 3 * 3 + 2 * 5
    assert set(result.numbers) == {*AUTOENCODERS, "yardsticks", "compared_at_equal_pt"}
    assert json.dumps(result.numbers, allow_nan=False)
    scores = ["jet pT *", "number of constituents *", "AE", "NAE", "WNAE"]
    for rows in result.tables.values():
        assert [row["score"] for row in rows][:5] == scores
    assert len(result.claims) == 12
    # At equal pT, and what the report does not say of epochs of the AE and of the WNAE.
    assert [claim.ours for claim in result.claims].count(True) == 2 + 2
    # Nothing can be said of one training.
    assert {claim.verdict for claim in result.claims} == {NOT_TESTABLE}


def _fit(ratio: float, curve: list[float], chosen: int, rise: float = 1.0) -> Fit:
    """A training, in which the distance rises and the error falls by a factor after ``chosen``."""
    later = np.arange(len(curve)) > chosen
    history = {
        f"{SIGNAL}_auc": np.array(curve),
        "energy_movers_distance": np.where(later, rise, 1.0),
        "validation_energy": np.where(later, 1 / rise, 1.0),
    }
    auc = {SIGNAL: (curve[chosen], curve[chosen] - 0.05)}
    return Fit(history, chosen, auc, {"": 1.0, SIGNAL: ratio})


def test_the_claims_of_the_report_on_numbers_that_fit_them():
    """An autoencoder that reconstructs the signal in the end, and chains that prevent it."""
    rng = np.random.default_rng(1)

    def fit(ratio: float, curve: list[float], chosen: int) -> Fit:
        a, *noise = rng.normal(0, 0.002, 1 + len(curve))
        return _fit(ratio + a, list(np.add(curve, noise)), chosen, 2 + a)

    found = {
        "ae_cms": [fit(1.02, [0.8, 0.7, 0.6], 2) for _ in range(5)],
        "nae_cms": [fit(2, [0.6, 0.75, 0.7, 0.65, 0.74, 0.755], 1) for _ in range(5)],
        "wnae_cms": [fit(2.2, [0.6, 0.78, 0.7, 0.785], 1) for _ in range(5)],
    }
    claims = claims_of(found, [SIGNAL], SIGNAL)
    assert {claim.verdict for claim in claims} == {CONFIRMED}
    # The report has a best epoch of the NAE, and says nothing of others.
    ours = {claim.sentence.split(" is ")[0]: claim.ours for claim in claims}
    assert not ours["No epoch of the NAE"]
    assert ours["No epoch of the WNAE"]
    swapped = {**found, "ae_cms": found["nae_cms"], "nae_cms": found["ae_cms"]}
    verdicts = [claim.verdict for claim in claims_of(swapped, [SIGNAL], SIGNAL)]
    # 1.02 times the error of background are above it, and no more.
    assert verdicts[:5] == [NOT_CONFIRMED, NOT_CONFIRMED, CONFIRMED, NOT_CONFIRMED, NOT_CONFIRMED]


def test_a_better_epoch_after_the_smallest_error_is_no_earlier_one():
    rng = np.random.default_rng(2)
    verdicts = {}
    for chosen in (1, 3):  # the best epoch is the third
        fits = [
            _fit(2.0, list(np.add([0.6, 0.65, 0.8, 0.7], rng.normal(0, 0.002, 4))), chosen)
            for _ in range(5)
        ]
        (earlier,) = (
            claim
            for claim in claims_of(dict.fromkeys(AUTOENCODERS, fits), [SIGNAL], SIGNAL)
            if "earlier" in claim.sentence
        )
        verdicts[chosen] = earlier.verdict
    assert verdicts == {1: NOT_CONFIRMED, 3: CONFIRMED}


def _of_ratios(ratios: list[float]) -> list:
    """Claims on trainings of each autoencoder with these errors of signal over background."""
    fits = [_fit(ratio, [0.6, 0.7, 0.65, 0.7], 1) for ratio in ratios]
    claims = claims_of(dict.fromkeys(AUTOENCODERS, fits), [SIGNAL], SIGNAL)
    return [c for c in claims if "background's" in c.sentence or "within 10%" in c.sentence]


def test_ratios_that_are_all_above_one_are_above_it():
    """Of each, the mean is less than twice the deviation above one; not so of logarithms."""
    ratios = [2.0, 2.1, 2.1, 2.2, 2.4, 2.4, 2.9, 2.9, 4.5, 5.0]
    assert (np.mean(ratios) - 1) / np.std(ratios, ddof=1) < 2
    same, nae, wnae = _of_ratios(ratios)
    assert [same.verdict, nae.verdict, wnae.verdict] == [NOT_CONFIRMED, CONFIRMED, CONFIRMED]
    assert f"{np.exp(np.log(ratios).mean()):.2f} (geometric mean)" in nae.found


def test_a_ratio_and_its_inverse_are_as_far_from_one():
    """Twice the error is as much above as half of it is below, whatever is divided by what."""
    ratios = np.array([2.0, 2.2, 2.6, 3.0])
    above, below = _of_ratios(list(ratios))[1], _of_ratios(list(1 / ratios))[1]
    by = np.log(ratios).mean() / np.log(ratios).std(ddof=1)
    assert above.found.endswith(f"(+{by:.1f} errors)")
    assert below.found.endswith(f"(−{by:.1f} errors: the opposite)")
    # The signal has fallen below what is asked of it.
    assert _of_ratios(list(1 / ratios))[0].verdict == CONFIRMED


@pytest.mark.parametrize(
    ("lost", "verdict"),
    [
        ([0.0, 0.004, 0.008], CONFIRMED),
        ([0.0, 0.0, 0.05], NOT_CONFIRMED),  # 0.017 ± 0.029: less than 0.02, and by no error
        ([0.28, 0.3, 0.32], NOT_CONFIRMED),
        ([0.01], NOT_TESTABLE),
    ],
)
def test_the_best_epoch_is_judged_by_the_spread_over_trainings(lost, verdict):
    fits = [_fit(2, [0.6 + one, 0.6, 0.5], 1) for one in lost]
    claim = _best_epoch("NAE", fits, [SIGNAL], ours=False)
    assert claim.verdict == verdict
    assert "errors" in claim.found or len(lost) == 1


def _after(curves: list[list[float]], rises: list[float]) -> list:
    """What is said of the epochs after the chosen one, the first."""
    fits = [_fit(2, curve, 0, rise) for curve, rise in zip(curves, rises, strict=True)]
    return claims_of(dict.fromkeys(AUTOENCODERS, fits), [SIGNAL], SIGNAL)[-2:]


def test_what_follows_the_chosen_epoch_falls_and_rises():
    falls_and_rises = [[0.7, 0.6 + e, 0.6, 0.66, 0.7 - e] for e in (0.0, 0.003, 0.006)]
    falls = [[0.7, 0.68, 0.66 + e, 0.64, 0.62] for e in (0.0, 0.003, 0.006)]
    distance, auc = _after(falls_and_rises, [1.5, 1.6, 1.7])
    assert [distance.verdict, auc.verdict] == [CONFIRMED, CONFIRMED]
    distance, auc = _after(falls, [0.8, 1.0, 1.2])
    assert [distance.verdict, auc.verdict] == [NOT_CONFIRMED, NOT_CONFIRMED]
    assert auc.found.startswith("1 of 2: ")
    assert auc.found.endswith("the opposite)")


def test_yardsticks_learn_nothing_and_know_what_they_say(jets):
    _, background, signals = jets
    found = yardsticks(background, {**signals, "same": background})
    assert found["jet pT *"]["same"][0] == pytest.approx(0.5)
    few = found["number of constituents *"][SIGNAL][0]
    count, signal_count = background.n_constituents, signals[SIGNAL].n_constituents
    below = signal_count[:, None] < count
    ties = signal_count[:, None] == count
    assert few == pytest.approx(below.mean() + ties.mean() / 2)


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
