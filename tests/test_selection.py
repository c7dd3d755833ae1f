from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp
from toy import toy_jets

from darkclr.errors import ConfigError, InputError
from darkclr.jets import Jets
from darkclr.selection import (
    FirstOccurrence,
    check_kinematics,
    constituent_hash,
    cut_constituents,
    deduplicate,
    gluon_weights,
    match_pt,
    recompute_kinematics,
    select_jets,
    spot_check,
)


@pytest.fixture(scope="module")
def jets() -> Jets:
    return toy_jets(400, seed=3)


def test_constituent_cut_removes_the_soft_and_the_jets_left_empty(jets):
    pt_min = float(np.quantile(jets.constituents.pt, 0.9))
    cut = cut_constituents(jets, pt_min=pt_min)
    assert cut.constituents.pt.min() >= pt_min
    hardest = jets.constituents.pt[jets.constituents.offsets[:-1]]
    assert cut.event.tolist() == jets.event[hardest >= pt_min].tolist()
    assert len(cut.constituents.pt) == np.count_nonzero(jets.constituents.pt >= pt_min)
    assert len(cut_constituents(jets, pt_min=1e4)) == 0


def test_the_hardest_constituents_stay(jets):
    cut = cut_constituents(jets, n_hardest=5)
    assert cut.n_constituents.tolist() == np.minimum(jets.n_constituents, 5).tolist()
    for i in (0, 17, 399):
        start = jets.constituents.offsets[i]
        expected = np.sort(jets.constituents.pt[start : jets.constituents.offsets[i + 1]])[::-1][:5]
        mine = cut.constituents[i].pt
        assert mine.tolist() == expected.tolist()
    with pytest.raises(ConfigError, match="0 constituents"):
        cut_constituents(jets, n_hardest=0)


def test_no_cut_is_no_copy(jets):
    assert cut_constituents(jets) is jets
    assert select_jets(jets) is jets


def test_jet_selection_is_half_open(jets):
    low, high = (float(x) for x in np.sort(jets.pt)[[100, 300]])
    chosen = select_jets(jets, pt_min=low, pt_max=high, abs_eta_max=1.5)
    mask = (jets.pt >= low) & (jets.pt < high) & (np.abs(jets.eta) < 1.5)
    assert 0 < len(chosen) < 200
    assert chosen.event.tolist() == jets.event[mask].tolist()
    assert len(select_jets(jets, pt_min=1e4)) == 0


def test_recomputed_kinematics_are_those_of_the_constituents(jets):
    cut = cut_constituents(jets, n_hardest=3)
    assert (cut.pt == jets.pt).all()
    again = recompute_kinematics(cut)
    c = cut.constituents
    x = np.bincount(c.jet_index, c.pt * np.cos(c.phi))
    y = np.bincount(c.jet_index, c.pt * np.sin(c.phi))
    np.testing.assert_allclose(again.pt, np.hypot(x, y), rtol=1e-5)
    assert recompute_kinematics(jets).mass == pytest.approx(jets.mass, abs=1e-3)


# --- stored kinematics ---------------------------------------------------------------------


def test_good_kinematics_are_no_problem(jets):
    check = check_kinematics(jets)
    assert check.problem is None
    assert check.pt_ratio == pytest.approx(1)
    assert check.delta_r < 1e-6


def test_calibration_and_groomed_masses_are_no_problem(jets):
    factor = np.random.default_rng(0).uniform(0.9, 1.3, len(jets)).astype(np.float32)
    assert check_kinematics(replace(jets, pt=jets.pt * factor, mass=jets.mass / 3)).problem is None


def test_phi_of_another_turn_is_no_problem(jets):
    """Some programs count from 0 to 2 pi."""
    turned = (jets.phi % (2 * np.pi)).astype(np.float32)
    assert check_kinematics(replace(jets, phi=turned)).problem is None


@pytest.mark.parametrize(
    ("wrong", "guess"),
    [
        (lambda j: {"pt": j.pt * 1000}, "constituents in TeV, or jets in MeV"),
        (lambda j: {"pt": j.pt / 1000}, "constituents in MeV, or jets in TeV"),
        (lambda j: {"eta": -j.eta}, "eta has the opposite sign"),
        (lambda j: {"phi": -j.phi}, "phi has the opposite sign"),
        (lambda j: {"eta": j.phi, "phi": j.eta}, "eta and phi are exchanged"),
        (lambda j: {"phi": j.phi + 1}, "phi has another origin"),
        (lambda j: {"eta": 2 * np.arctan(np.exp(-j.eta))}, "eta is something else"),
        (lambda j: {n: getattr(j, n)[::-1] for n in ("eta", "phi")}, "constituents of another jet"),
    ],
)
def test_wrong_units_and_axes_are_found(jets, wrong, guess):
    problem = check_kinematics(replace(jets, **wrong(jets))).problem
    assert problem is not None
    assert guess in problem


def test_constituents_relative_to_the_axis_are_found(jets):
    c = jets.constituents
    owner = c.jet_index
    relative = replace(c, eta=c.eta - jets.eta[owner], phi=c.phi - jets.phi[owner])
    assert (
        "relative to the jet axis" in check_kinematics(replace(jets, constituents=relative)).problem
    )


def test_no_jets_are_no_problem(jets):
    assert check_kinematics(jets[:0]).problem is None


# --- pT matching ---------------------------------------------------------------------------


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


# --- duplicates ----------------------------------------------------------------------------


def test_duplicates_go_and_the_first_stay(jets):
    twice = Jets.concatenate([jets[:50], jets[10:20], jets[40:90], jets[:5]])
    assert deduplicate(twice).event.tolist() == jets[:90].event.tolist()


def test_duplicates_are_found_over_batches(jets):
    first = FirstOccurrence()
    assert first(jets[:100]).all()
    assert first(jets[90:110]).tolist() == [False] * 10 + [True] * 10
    assert not first(jets[:110]).any()
    assert len(first(jets[:0])) == 0


def test_every_bit_of_the_constituents_counts_and_nothing_else(jets):
    before = constituent_hash(jets)
    assert len(np.unique(before)) == len(jets)
    assert (constituent_hash(replace(jets, pt=jets.pt * 2, label=jets.label + 1)) == before).all()
    for name in ("pt", "eta", "phi"):
        values = getattr(jets.constituents, name).copy()
        values[jets.constituents.offsets[7]] = np.nextafter(
            values[jets.constituents.offsets[7]], 9e9
        )
        changed = replace(jets, constituents=replace(jets.constituents, **{name: values}))
        assert np.flatnonzero(constituent_hash(changed) != before).tolist() == [7]


def test_order_of_constituents_and_sign_of_zero_do_not_count():
    a = Jets.from_constituents([0, 2], [5.0, 5.0], [1.0, 0.0], [2.0, 0.5])
    b = Jets.from_constituents([0, 2], [5.0, 5.0], [-0.0, 1.0], [0.5, 2.0])
    assert constituent_hash(a) == constituent_hash(b)
    swapped = Jets.from_constituents([0, 2], [5.0, 5.0], [1.0, 0.0], [0.5, 2.0])
    assert constituent_hash(a) != constituent_hash(swapped)


def test_a_spot_check_sees_what_is_wrong_anywhere_in_a_batch():
    jets = toy_jets(2000, seed=3)
    assert spot_check(jets).problem is None
    assert spot_check(jets).n == 128
    wrong = jets.pt.copy()
    wrong[1500:1700] /= 1000  # a tenth, in a row
    check = spot_check(replace(jets, pt=wrong))
    assert check.n == 2000
    assert check.outside == pytest.approx(0.1)
    assert "do not fit" in check.problem
    assert spot_check(jets[:9]).n == 9
