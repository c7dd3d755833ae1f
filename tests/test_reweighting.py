from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from darkclr.errors import ConfigError, InputError
from darkclr.jets import Jets
from darkclr.reweighting import (
    MAX_RATIO,
    Cells,
    equal_spectrum_weights,
    flat_weights,
    gluon_weights,
    match_pt,
    matching_rows,
)
from darkclr.selection import select_jets


def spectrum(n: int, seed: int, slope: float, weight: float = 1.0) -> Jets:
    """Jets of one constituent with an exponential pT above 150 GeV."""
    pt = 150 + np.random.default_rng(seed).exponential(slope, n)
    return Jets.from_constituents(np.arange(n + 1), pt, np.zeros(n), np.zeros(n), weight=weight)


def test_matched_spectra_agree():
    soft, hard = spectrum(40_000, 1, slope=40), spectrum(5_000, 2, slope=80)
    assert ks_2samp(soft.pt, hard.pt).pvalue < 1e-10
    matched = match_pt(soft, hard, seed=5)
    assert len(matched) > 1500
    # The same number in every bin of equal numbers of the reference, up to rounding.
    counts = np.histogram(matched.pt, np.quantile(hard.pt, np.linspace(0, 1, 21)))[0]
    assert counts.max() - counts.min() <= 1
    assert matched.pt.max() <= hard.pt.max()


def test_matching_is_a_choice_of_rows_that_the_seed_repeats():
    soft, hard = spectrum(4_000, 1, slope=40), spectrum(1_000, 2, slope=60)
    first, again, other = (match_pt(soft, hard, seed=seed) for seed in (1, 1, 2))
    assert first.event.tolist() == again.event.tolist()
    assert first.event.tolist() != other.event.tolist()
    assert set(first.event) <= set(soft.event)
    assert (np.diff(first.event) > 0).all()


def test_matching_honours_weights():
    """Background generated flat and weighted back to an exponential."""
    rng = np.random.default_rng(0)
    pt = rng.uniform(150, 550, 40_000)
    weight = np.exp(-(pt - 150) / 40)
    flat = Jets.from_constituents(
        np.arange(len(pt) + 1), pt, np.zeros(len(pt)), np.zeros(len(pt)), weight=weight
    )
    hard = spectrum(5_000, 2, slope=80, weight=3.0)
    hard = select_jets(hard, pt_max=500)
    matched = match_pt(flat, hard, seed=0, bins=10)
    edges = np.quantile(hard.pt, np.linspace(0, 1, 11))
    share = np.histogram(matched.pt, edges, weights=matched.weight)[0]
    np.testing.assert_allclose(share / share.sum(), 0.1, rtol=0.05)


def test_gluon_weights_make_the_share_and_keep_the_sum():
    rng = np.random.default_rng(3)
    pdg = rng.choice([0, 21, 1, -2, 5], 1000, p=[0.1, 0.6, 0.1, 0.1, 0.1])
    weight = rng.uniform(0.5, 2, 1000)
    tuned = gluon_weights(weight, pdg, 0.45)
    assert tuned[pdg == 21].sum() / tuned[pdg != 0].sum() == pytest.approx(0.45)
    assert tuned.sum() == pytest.approx(weight.sum())
    np.testing.assert_array_equal(tuned[pdg == 0], weight[pdg == 0])
    # Among quarks nothing is preferred.
    ratio = tuned[np.isin(pdg, (1, -2, 5))] / weight[np.isin(pdg, (1, -2, 5))]
    np.testing.assert_allclose(ratio, ratio[0])


def test_a_mixture_of_nothing_is_refused():
    with pytest.raises(InputError, match="3 gluon and 0 quark jets"):
        gluon_weights(np.ones(3), np.full(3, 21), 0.45)
    with pytest.raises(ConfigError, match="no share"):
        gluon_weights(np.ones(2), [21, 1], 1.2)


def test_a_reference_out_of_reach_is_refused():
    low, high = spectrum(1000, 1, slope=10), spectrum(1000, 2, slope=300)
    with pytest.raises(InputError, match=r"no jets between .* GeV, where the reference has"):
        match_pt(low, high, seed=0)
    with pytest.raises(InputError, match="same pT"):
        match_pt(low, high[[0, 0]], seed=0)
    with pytest.raises(ConfigError, match="bins"):
        match_pt(low, low, seed=0, bins=0)


# --- a flat spectrum ----------------------------------------------------------------------


def steep(n: int, seed: int = 0) -> np.ndarray:
    """pT between 150 and 300 GeV that falls with its fifth power, as that of QCD jets does."""
    u = np.random.default_rng(seed).random(n)
    return 150 * (1 - u * (1 - 2.0**-4)) ** -0.25


def test_a_steep_spectrum_becomes_flat():
    pt = steep(200_000)
    weight = flat_weights(pt, np.ones(len(pt)))
    content = np.histogram(pt, 15, (150, 300), weights=weight)[0]
    np.testing.assert_allclose(content / content.mean(), 1, atol=0.06)
    steep_content = np.histogram(pt, 15, (150, 300))[0]
    assert steep_content[0] > 15 * steep_content[-1]


def test_weights_of_the_jets_are_part_of_the_spectrum():
    """Jets that were generated flat, with the weights of a steep spectrum."""
    pt = np.random.default_rng(1).uniform(150, 300, 100_000)
    weight = flat_weights(pt, (pt / 150) ** -5)
    content = np.histogram(pt, 15, (150, 300), weights=weight)[0]
    np.testing.assert_allclose(content / content.mean(), 1, atol=0.06)


def test_no_jet_counts_for_many():
    pt = np.r_[np.full(5000, 150.0), np.linspace(150, 10_000, 20)]
    factor = flat_weights(pt, np.full(len(pt), 3.0), bound=4.0) / 3.0
    assert factor.max() == pytest.approx(4.0)
    assert factor.min() > 0


def test_a_flat_spectrum_and_few_jets_stay_as_they_are():
    pt = np.linspace(150, 300, 10_000)
    np.testing.assert_allclose(flat_weights(pt, np.ones(len(pt))), 1, atol=0.02)
    for few in (pt[:60], np.full(500, 200.0), pt[:0]):
        np.testing.assert_array_equal(flat_weights(few, np.full(len(few), 2.0)), 2.0)


def falling(n: int, seed: int, power: float) -> np.ndarray:
    """Jet pT from 150 to 300 GeV with a density that goes as a power of it."""
    u = np.random.default_rng(seed).random(n)
    low, high = 150 ** (power + 1), 300 ** (power + 1)
    return (low + u * (high - low)) ** (1 / (power + 1))


def distance(values: np.ndarray, weight: np.ndarray, reference: np.ndarray) -> float:
    """Largest distance of the two cumulative distributions, that of Kolmogorov and Smirnov."""
    order = np.argsort(values)
    below = np.cumsum(weight[order]) / weight.sum()
    expected = np.searchsorted(np.sort(reference), values[order], side="right") / len(reference)
    return np.max(np.abs(below - expected))


@pytest.mark.parametrize(("n", "tolerance"), [(400, 0.08), (100_000, 0.01)])
def test_weighted_spectrum_is_that_of_the_reference(n, tolerance):
    pt, reference = falling(n, 1, -5), falling(n, 2, 1)
    weight = equal_spectrum_weights([pt], np.ones(n), [reference], np.ones(n))
    assert distance(pt, weight, reference) < tolerance
    assert weight.max() <= MAX_RATIO


def test_weights_of_both_samples_count():
    """Background simulated flat with weights that make it fall is as good as falling background."""
    flat = falling(50_000, 3, 0)
    weight, of_reference = flat**-5.0, falling(50_000, 4, 0)
    matched = equal_spectrum_weights([flat], weight, [of_reference], of_reference**2)
    expected = np.average(of_reference, weights=of_reference**2)
    assert np.average(flat, weights=matched) == pytest.approx(expected, rel=2e-3)


def test_two_spectra_are_matched_together():
    rng = np.random.default_rng(5)
    pt, of_reference = falling(50_000, 6, -4), falling(20_000, 7, 1)
    mass, other = 0.1 * pt * rng.gamma(2, 1, 50_000), 0.13 * of_reference * rng.gamma(2, 1, 20_000)
    weight = equal_spectrum_weights(
        [pt, mass], np.ones(50_000), [of_reference, other], np.ones(20_000)
    )
    for own, wanted in ((pt, of_reference), (mass, other), (mass / pt, other / of_reference)):
        assert distance(own, np.ones(50_000), wanted) > 0.1
        assert distance(own, weight, wanted) < 0.03


def test_what_the_background_lacks_is_said():
    rng = np.random.default_rng(8)
    jets, reference = rng.uniform(150, 200, 5000), rng.uniform(150, 250, 5000)
    cells = Cells.of([jets], [reference])
    ratio, missed = cells.ratio(np.ones(5000), np.ones(5000))
    # Half of the reference lies beyond; a small part of it in the bin at the border.
    assert missed == pytest.approx(0.5, abs=0.05)
    assert ratio.max() <= MAX_RATIO
    # One background jet cannot stand for a tenth of the signal.
    few = np.concatenate([rng.uniform(150, 200, 4999), [240.0]])
    ratio, missed = Cells.of([few], [reference]).ratio(np.ones(5000), np.ones(5000))
    assert ratio.max() == MAX_RATIO
    assert 0.4 < missed < 0.5


def test_negative_weights_give_no_negative_ratio():
    rng = np.random.default_rng(9)
    pt, reference = falling(5000, 10, -5), falling(5000, 11, 1)
    weight = rng.choice([-1.0, 1.0], 5000, p=[0.3, 0.7])
    cells = Cells.of([pt], [reference])
    ratio, _ = cells.ratio(weight, np.ones(5000))
    assert (ratio >= 0).all()
    own = weight * ratio[cells.jets]
    assert np.sum(own * pt) / own.sum() == pytest.approx(reference.mean(), rel=0.03)


def test_the_hardest_jets_are_inside_of_the_last_bin():
    pt, one = np.arange(1.0, 41.0), np.ones(40)
    assert matching_rows(pt, one, pt, one, seed=0, bins=4).all()


def test_cells_of_negative_weight_count_nothing():
    cells = Cells(np.array([0, 0, 1], np.uint16), np.array([0, 1], np.uint16), 2)
    ratio, missed = cells.ratio(np.array([1.0, -2.0, 3.0]), np.ones(2))
    np.testing.assert_allclose(ratio, [0, 0.5])
    assert missed == pytest.approx(0.5)
    ratio, missed = cells.ratio(np.array([1.0, 1.0, 2.0]), np.array([-1.0, 4.0]))
    np.testing.assert_allclose(ratio, [0, 2])
    assert missed == pytest.approx(0)
