"""A score given pT keeps the same share of background at any pT, and its order at one pT."""

from dataclasses import replace

import numpy as np
import pytest

from darkclr.anomaly.conditioning import ConditionalPValue, Residual
from darkclr.anomaly.fitted import FittedScore
from darkclr.anomaly.fitting import fit_score
from darkclr.errors import ConfigError, InputError
from darkclr.representations import Representations


def background(n, seed, *, width=True, skew=False):
    """A score whose location and width follow pT, on a falling spectrum."""
    rng = np.random.default_rng(seed)
    pt = 150 * rng.uniform(size=n) ** (-1 / 3)
    pt = pt[pt < 300]
    noise = rng.gamma(2.0, size=len(pt)) if skew else rng.normal(size=len(pt))
    return 0.05 * pt - 4 + (pt / 200 if width else 1) ** 2 * noise, pt


@pytest.mark.parametrize("skew", [False, True])
def test_background_efficiency_is_flat(skew):
    """At a cut of 1 %, within the errors of 10^5 jets, and 10 % of itself."""
    given = ConditionalPValue().fit(*background(40_000, 1, skew=skew))
    score, pt = background(400_000, 2, skew=skew)
    for efficiency in (0.1, 0.01):
        passed = given(score, pt) > -np.log(efficiency)
        bins = np.digitize(pt, [170, 190, 220, 250])
        shares = np.array([passed[bins == b].mean() for b in range(5)])
        errors = np.sqrt(efficiency / np.bincount(bins))
        assert np.all(np.abs(shares - efficiency) < 3 * errors + 0.12 * efficiency), shares


def test_without_it_the_efficiency_is_not_flat():
    score, pt = background(100_000, 2)
    passed = score > np.quantile(score, 0.99)
    assert passed[pt > 250].mean() > 5 * passed[pt < 190].mean()


def test_a_score_that_cannot_be_made_flat_is_noticed():
    """Not the smooth ones, with and without weights; one whose largest value many jets share."""
    for skew in (False, True):
        score, pt = background(20_000, 1, skew=skew)
        weight = np.random.default_rng(0).choice([0.2, 1.0, 5.0], len(pt))
        given = ConditionalPValue().fit(score, pt)
        assert given.unevenness(score, pt) is None
        assert given.unevenness(score, pt, weight) is None
    capped = np.minimum(score, 9.0)  # reached by a tenth of the hard jets and none of the soft
    low, high = ConditionalPValue().fit(capped, pt).unevenness(capped, pt)
    assert low < 0.08
    assert high > 0.12


def test_a_fit_says_that_it_is_not_flat(caplog):
    rows = representations(4000, 1)
    fit_score("discriminant", {"given": "pt"}, rows, seed=0)
    assert not caplog.records
    capped = replace(rows, pooled=np.minimum(rows.pooled, 2.0))
    fit_score("line", {"score": "norm", "reads": "pooled", "given": "pt"}, capped, seed=0)
    assert "score line is not flat given pT" in caplog.text


def test_order_at_one_pt_is_that_of_the_score():
    """Also beyond all background, and below it."""
    given = ConditionalPValue().fit(*background(2000, 3))
    score = np.linspace(-100, 100, 2001)
    assert np.all(np.diff(given(score, np.full(2001, 200.0))) >= 0)
    far = given(np.array([50.0, 60.0]), np.full(2, 200.0))
    assert far[1] > far[0] > np.log(2000)
    low = given(np.array([-60.0, -50.0]), np.full(2, 200.0))
    assert low[1] > low[0]


def test_weights_are_repetitions():
    score, pt = background(3000, 4)
    weight = np.random.default_rng(0).integers(1, 4, len(pt))
    weighted = ConditionalPValue().fit(score, pt, weight)
    repeated = ConditionalPValue().fit(np.repeat(score, weight), np.repeat(pt, weight))
    probe, probe_pt = background(500, 5)
    one, other = weighted(probe, probe_pt), repeated(probe, probe_pt)
    bulk = one < 3  # beyond it the jet itself counts: one of fewer
    np.testing.assert_allclose(one[bulk], other[bulk], atol=0.01)


def test_units_of_the_score_do_not_matter():
    score, pt = background(3000, 6)
    one, other = (ConditionalPValue().fit(f * score, pt) for f in (1.0, 1e6))
    np.testing.assert_allclose(one(score, pt), other(1e6 * score, pt), rtol=1e-4, atol=1e-5)


def test_two_conditions():
    """Nothing of a score is left that pT and mass tell."""
    rng = np.random.default_rng(7)
    conditions = np.column_stack([rng.uniform(150, 300, 20_000), rng.uniform(10, 80, 20_000)])
    score = np.log(conditions).sum(axis=1) + 0.1 * rng.normal(size=20_000)
    left = ConditionalPValue().fit(score, conditions)(score, conditions)
    for column in conditions.T:
        assert abs(np.corrcoef(column, left)[0, 1]) < 0.02


def test_state_is_all():
    score, pt = background(3000, 8)
    given, residual = ConditionalPValue().fit(score, pt), Residual().fit(score[:, None], pt)
    again = ConditionalPValue().restore(given.state())
    assert np.array_equal(again(score, pt), given(score, pt))
    other = Residual().restore(residual.state())
    assert np.array_equal(other(score[:, None], pt), residual(score[:, None], pt))


def test_residuals_have_no_mean_and_unit_spread_at_any_pt():
    score, pt = background(100_000, 9)
    left = Residual().fit(score[:, None], pt)(score[:, None], pt)[:, 0]
    bins = np.digitize(pt, [170, 190, 220, 250])
    for b in range(5):
        assert abs(left[bins == b].mean()) < 0.05
        assert abs(left[bins == b].std() - 1) < 0.1


def test_outside_the_window_nothing_is_extrapolated():
    score, pt = background(3000, 10)
    given = ConditionalPValue().fit(score, pt)
    values = given(np.full(2, 5.0), np.array([pt.max(), 3000.0]))
    assert values[0] == values[1]


def test_too_few_jets_are_refused():
    with pytest.raises(InputError, match="at least 100 are needed"):
        ConditionalPValue().fit(np.zeros(50), np.full(50, 200.0))
    with pytest.raises(InputError, match="conditions of shape"):
        ConditionalPValue().fit(np.zeros(500), np.full(50, 200.0))


def representations(n, seed, *, signal=False):
    """Features that follow pT; background has copies that are shifted along the first of them."""
    rng = np.random.default_rng(seed)
    pt = rng.uniform(150, 300, n)
    z = rng.normal(size=(n, 3)) + np.outer(pt / 50, [2, 1, 0.5])
    z[:, 0] += 2.0 * signal
    copies = z + np.array([2.0, 0, 0])
    every = np.concatenate([z, copies])
    family = np.repeat([0, 1], n).astype(np.int8)
    columns = np.tile(pt, 2).astype(np.float32)
    return Representations(
        z=every.astype(np.float32),
        pooled=every.astype(np.float32),
        pt=columns,
        n_constituents=np.full(2 * n, 20),
        label=np.full(2 * n, int(signal), np.int8),
        weight=np.ones(2 * n, np.float32),
        event=np.tile(np.arange(n), 2),
        rank=np.zeros(2 * n, np.int8),
        family=family,
    )


@pytest.mark.parametrize("name", ["discriminant", "norm", "mahalanobis", "autoencoder", "jet_pt"])
def test_any_score_is_flat_given_pt(name, tmp_path):
    """And the same score again from its files."""
    options = {"given": "pt"} | ({"epochs": 2} if name == "autoencoder" else {})
    train, validation = (representations(4000, seed) for seed in (1, 2))
    test = representations(20000, 3)
    fitted = fit_score(name, options, train, seed=0, calibration=validation)
    score = fitted.score(test[~test.dropped])
    pt = test.pt[~test.dropped]
    if name != "jet_pt":  # nothing is left of pT given pT
        shares = [(score[b] > -np.log(0.1)).mean() for b in (pt < 200, pt > 250)]
        np.testing.assert_allclose(shares, 0.1, atol=0.03)
    fitted.save(tmp_path)
    assert np.array_equal(FittedScore.load(tmp_path).score(test[~test.dropped]), score)


@pytest.mark.parametrize(("name", "n_calibration"), [("discriminant", 8000), ("knn", 4000)])
def test_training_jets_join_the_calibration_unless_the_score_knows_them(name, n_calibration):
    """A jet is its own nearest neighbour, but hardly moves a direction."""
    train, validation = (representations(4000, seed) for seed in (1, 2))
    fitted = fit_score(name, {"given": "pt"}, train, seed=0, calibration=validation)
    assert fitted.conditioning is not None
    assert len(fitted.conditioning.p_value.values) == n_calibration


@pytest.mark.parametrize(("tail", "expected"), [(1.0, range(16, 21)), (1.7, range(1))])
def test_samples_that_differ_in_the_tail_alone_are_not_alike(tail, expected):
    """A share of 1.7 instead of 1 % above a cut changes the bulk by nothing; a test at 5 %."""
    rng = np.random.default_rng(5)
    pt, alike = rng.uniform(150, 300, 20000), 0
    for _ in range(20):
        first, second = rng.uniform(size=(2, 20000))
        given = ConditionalPValue().fit(-np.log(first), pt)
        second = np.where(second < 0.01 * tail, second / tail, second)
        alike += given.alike((-np.log(first), pt, None), (-np.log(second), pt, np.full(20000, 3.0)))
    assert alike in expected


def test_a_direction_given_pt_finds_what_pt_hides():
    """Shifted jets, among background that follows pT much more."""
    train, background, signal = (
        representations(4000, 1),
        *(
            representations(4000, seed, signal=signal)[:4000]
            for seed, signal in ((2, False), (3, True))
        ),
    )
    scores = {}
    for given in (None, "pt"):
        fitted = fit_score("discriminant", {"given": given}, train, seed=0)
        scores[given] = [fitted.score(rows) for rows in (background, signal)]
    of_pt = np.corrcoef(background.pt, scores["pt"][0])[0, 1]
    assert abs(of_pt) < 0.05
    assert (scores["pt"][1][:, None] > scores["pt"][0][None, ::10]).mean() > 0.9


def test_unknown_conditions_and_lacking_masses_are_refused():
    with pytest.raises(ConfigError, match="given = 'eta'; it must be one of pt, pt_mass, or null"):
        fit_score("norm", {"given": "eta"}, representations(200, 1), seed=0)
    with pytest.raises(InputError, match="the mass of the jets is not known"):
        fit_score("norm", {"given": "pt_mass"}, representations(200, 1), seed=0)


def test_the_most_anomalous_jet_is_one_of_two_in_one_more():
    """The jet itself counts as one more, so that no p-value is zero or too small."""
    rng = np.random.default_rng(11)
    score, pt = rng.normal(size=500), np.full(500, 200.0)
    given = ConditionalPValue().fit(score, pt)
    ordered = np.sort(score)
    np.testing.assert_allclose(
        given(ordered[[-1, -2, 0]], np.full(3, 200.0)), -np.log([2 / 501, 3 / 501, 1]), atol=1e-6
    )
