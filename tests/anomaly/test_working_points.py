"""Cuts and p-values on background, against counting by hand and against draws."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from darkclr.anomaly.working_points import FILE, BackgroundScores, Calibration, share_above
from darkclr.errors import InputError

EFFICIENCIES = (0.0001, 0.1, 0.01, 0.001)


def calibration(scores: BackgroundScores) -> Calibration:
    return Calibration.of(scores, EFFICIENCIES, 10, fit="a fit", background={"part": "test"})


def test_p_values_are_uniform_and_those_of_counting():
    rng = np.random.default_rng(1)
    background, jets = rng.normal(size=2000), np.append(rng.normal(size=500), [-9, 9])
    scores = BackgroundScores(background, np.ones(2000))
    p = scores.p_value(jets)
    counted = [(1 + np.sum(background >= jet)) / 2001 for jet in jets]
    assert p == pytest.approx(np.minimum(counted, 1), rel=1e-12)
    assert p[-2:].tolist() == [1, 1 / 2001]  # never 0
    assert calibration(scores).p_value(jets).tolist() == p.tolist()
    for share in (0.5, 0.1, 0.02):
        assert np.mean(p <= share) == pytest.approx(share, abs=4 * np.sqrt(share / 500))


def test_weights_count_in_p_values_and_cuts_as_copies_do():
    rng = np.random.default_rng(2)
    score, weight = rng.normal(size=3000), rng.integers(1, 4, 3000)
    weighted = BackgroundScores(score, 0.5 * weight)
    copies = BackgroundScores(np.repeat(score, weight), np.ones(weight.sum()), None)
    jets = rng.normal(size=100)
    # But for the jet itself, which counts as a mean one.
    assert weighted.p_value(jets) == pytest.approx(copies.p_value(jets), abs=1 / 3000)
    for share in (0.1, 0.01):
        cut = weighted.cut(share)
        assert np.sum(weight[score >= cut]) / weight.sum() <= share * (1 + 1e-9)
        below = score[score < cut].max()
        assert np.sum(weight[score >= below]) / weight.sum() > share
        # Copies of a jet know no more than the jet.
        events = np.repeat(np.arange(3000), weight)
        one = share_above(cut, score, 0.5 * weight, np.arange(3000))
        copied = share_above(cut, np.repeat(score, weight), np.ones(len(events)), events)
        assert one == pytest.approx(copied, rel=1e-9)


@pytest.mark.parametrize("per_event", [1, 2])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_intervals_cover_the_true_cut(share, per_event):
    """The interval of the cut holds the quantile of the exponential in 68 % of samples."""
    rng = np.random.default_rng(3)
    true, inside, shares = -np.log(share), [], []
    for _ in range(400):
        own = rng.exponential(size=3000 // per_event)
        score = np.repeat(own, per_event)  # the jets of an event are alike
        event = np.repeat(np.arange(len(own)), per_event)
        point = BackgroundScores(score, np.ones(3000), event).working_point(share, 2)
        inside.append(point.low <= true <= point.high)
        shares.append(share_above(true, score, np.ones(3000), event))
    assert np.mean(inside) == pytest.approx(0.68, abs=0.08)
    value, error = np.transpose(shares)
    assert np.mean(error) == pytest.approx(np.std(value), rel=0.15)


def test_the_error_of_an_efficiency_is_that_of_signal_and_cut():
    rng = np.random.default_rng(4)
    found, errors = [], []
    for _ in range(200):
        background, signal = rng.exponential(size=1000), rng.exponential(2, size=5000)
        point = BackgroundScores(background, np.ones(1000)).working_point(0.05, 2)
        value, error = point.efficiency(signal, np.ones(5000), np.arange(5000))
        found.append(value)
        errors.append(error)
    assert np.mean(found) == pytest.approx(0.05**0.5, rel=0.05)
    assert np.median(errors) == pytest.approx(np.std(found), rel=0.2)


def test_too_few_jets_and_too_many_equal_ones_are_told():
    rng = np.random.default_rng(5)
    points = calibration(BackgroundScores(rng.normal(size=2000), np.ones(2000))).working_points
    assert [point.background_efficiency for point in points] == [0.1, 0.01, 0.001, 0.0001]
    assert [point.cut is not None for point in points] == [True, True, False, False]
    assert points[3].problem == "2,000 background jets, some 100,000 are needed"
    # Weights that differ: fewer jets than there are.
    uneven = BackgroundScores(rng.normal(size=2000), rng.exponential(size=2000) ** 3)
    assert uneven.working_point(0.01, 10).cut is None
    equal = BackgroundScores(np.repeat([1.0, 0.0], [300, 1700]), np.ones(2000))
    assert equal.working_point(0.15, 10).share == 0.15
    coarse = equal.working_point(0.05, 10)
    assert coarse.cut is None
    assert coarse.error is None
    assert replace(points[0], low=None).error is None
    for nothing in ([], [1.0]):
        with pytest.raises(InputError, match="no p-values and no cuts"):
            BackgroundScores(nothing, np.zeros(len(nothing)))


def test_p_values_of_many_jets_are_right_to_a_third_of_a_percent_and_never_too_small():
    rng = np.random.default_rng(6)
    scores = BackgroundScores(rng.normal(size=100_000), np.ones(100_000))
    jets = np.concatenate([rng.normal(size=2000), scores.score[:50]])
    exact, kept = scores.p_value(jets), calibration(scores)
    ratio = kept.p_value(jets) / exact
    assert len(kept.score) <= 4096
    assert (ratio >= 1).all()
    assert ratio.max() < 1.004
    assert ratio[-50:].tolist() == [1] * 50  # the tail is exact


def test_what_is_written_is_read_and_damage_is_told(tmp_path):
    rng = np.random.default_rng(7)
    written = calibration(BackgroundScores(rng.normal(size=3000), rng.uniform(1, 2, 3000)))
    written.write(tmp_path)
    read = Calibration.read(tmp_path / FILE)
    jets = rng.normal(size=100)
    assert read.p_value(jets).tolist() == written.p_value(jets).tolist()
    assert read.working_points == written.working_points
    assert read.background == {"part": "test", "n_jets": 3000}
    assert read.point(0.01) == written.working_points[1]
    assert read.point(0.02) is None

    content = json.loads((tmp_path / FILE).read_text())
    content["working_points"][0]["cut"] += 1
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(InputError, match="damaged, or was changed"):
        Calibration.read(tmp_path / FILE)
    replace(written, working_points=()).write(tmp_path)
    assert Calibration.read(tmp_path / FILE).working_points == ()


def test_the_error_of_an_efficiency_has_that_of_the_cut():
    """Few background jets, and a signal of so many that it knows its share."""
    rng = np.random.default_rng(6)
    signal = 1 + rng.normal(size=100_000)
    found = []
    for _ in range(200):
        scores = BackgroundScores(rng.normal(size=1000), np.ones(1000))
        point = scores.working_point(0.1, 10)
        found.append(point.efficiency(signal, np.ones(len(signal)), np.arange(len(signal))))
    share, error = np.transpose(found)
    assert np.mean(error) == pytest.approx(np.std(share), rel=0.2)
