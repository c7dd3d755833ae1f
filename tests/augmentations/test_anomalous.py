from __future__ import annotations

import numpy as np
import pytest
from invariance import check_augmentation
from toy import toy_jets

from darkclr.augmentations import (
    BranchDrop,
    ConstituentDrop,
    DetectorSmearing,
    NonUniformDecay,
    PtReweighting,
    recentre,
)
from darkclr.clustering import cambridge_aachen_branches
from darkclr.errors import ConfigError
from darkclr.jets import Constituents
from darkclr.kinematics import centroid
from darkclr.ragged import segment_sum

ALL = [
    ConstituentDrop(),
    ConstituentDrop((0.1, 0.6)),
    BranchDrop(),
    BranchDrop((0.1, 0.6)),
    NonUniformDecay(),
    PtReweighting(),
    PtReweighting(0.5),
    DetectorSmearing(),
]


@pytest.mark.parametrize("augmentation", ALL, ids=str)
def test_what_all_augmentations_share(jets, augmentation):
    check_augmentation(augmentation, jets, anomalous=True)


@pytest.mark.parametrize(
    "augmentation", [ConstituentDrop(0.999), BranchDrop(0.999), NonUniformDecay(1e-6)], ids=str
)
def test_no_jet_is_emptied_when_all_is_dropped(jets, rng, augmentation):
    few = jets.hardest(3)
    assert augmentation(few, few, rng).lengths.min() >= 1


@pytest.mark.parametrize("probability", [0.2, 0.5, 0.9])
def test_drop_takes_the_expected_fraction(probability):
    jets = recentre(toy_jets(1000, seed=5).constituents)
    dropped = ConstituentDrop(probability)(jets, jets, np.random.default_rng(0))
    n = len(jets.pt)
    sigma = np.sqrt(n * probability * (1 - probability))
    # A jet that was dropped completely gets one constituent back.
    rescued = (probability**jets.lengths).sum()
    assert abs(len(dropped.pt) - n * (1 - probability) - rescued) < 4 * sigma


def test_drop_keeps_the_summed_pt_the_centre_and_the_order(jets, rng):
    dropped = ConstituentDrop(0.7)(jets, jets, rng)
    np.testing.assert_allclose(
        segment_sum(dropped.pt, dropped.offsets), segment_sum(jets.pt, jets.offsets), rtol=1e-6
    )
    for coordinate in centroid(dropped.pt, dropped.eta, dropped.phi, dropped.offsets):
        np.testing.assert_allclose(coordinate, 0, atol=1e-6)
    falling = np.diff(dropped.pt) <= 0
    falling[dropped.offsets[1:-1] - 1] = True  # from one jet to the next
    assert falling.all()


def test_drop_scales_the_survivors_together(jets, rng):
    dropped = ConstituentDrop(0.5)(jets, jets, rng)
    for i in range(20):
        after = dropped.pt[dropped.offsets[i] : dropped.offsets[i + 1]]
        before = jets.pt[jets.offsets[i] : jets.offsets[i + 1]]
        assert after.min() >= before.min()
        # Ratios of survivors are ratios of originals.
        ratios = np.divide.outer(before, before).ravel()
        for ratio in after / after[0]:
            assert np.abs(ratios / ratio - 1).min() < 1e-5


def test_no_jet_is_ever_emptied_and_the_hardest_is_rescued():
    jets = recentre(toy_jets(2000, seed=6, mean=3, longest=5).constituents)
    dropped = ConstituentDrop(0.99)(jets, jets, np.random.default_rng(0))
    assert dropped.lengths.min() == 1
    assert len(dropped) == len(jets)
    # Alone, it carries the whole pT and sits in the centre.
    alone = dropped.lengths == 1
    np.testing.assert_allclose(
        dropped.pt[dropped.offsets[:-1]][alone],
        segment_sum(jets.pt, jets.offsets)[alone],
        rtol=1e-6,
    )


def test_without_probability_nothing_is_dropped(jets, rng):
    same = ConstituentDrop(0.0)(jets, jets, rng)
    np.testing.assert_array_equal(same.offsets, jets.offsets)
    np.testing.assert_allclose(same.pt, jets.pt, rtol=1e-6)


@pytest.mark.parametrize("probability", [-0.1, 1.0, 2.0])
def test_impossible_probabilities_are_refused(probability):
    with pytest.raises(ConfigError, match=r"it must be a number in \[0, 1\)"):
        ConstituentDrop(probability)


def test_a_drawn_probability_is_one_for_each_jet_and_uniform():
    jets = recentre(toy_jets(2000, seed=5, shortest=60, longest=60, mean=60).constituents)
    dropped = ConstituentDrop((0.1, 0.6))(jets, jets, np.random.default_rng(0))
    share = 1 - dropped.lengths / 60
    n = len(share)
    # Mean and variance of a uniform number in [0.1, 0.6], and the binomial one around it:
    # E[p (1 - p)] = E[p] - E[p]^2 - var(p).
    variance = 0.25 / 12
    expected = variance + (0.35 - 0.35**2 - variance) / 60
    assert abs(share.mean() - 0.35) < 4 * np.sqrt(expected / n)
    assert abs(share.var() / expected - 1) < 4 * np.sqrt(2 / n)


@pytest.mark.parametrize("probability", [(0.5, 0.2), (0.1, 1.0), (-0.1, 0.5)])
@pytest.mark.parametrize("kind", [ConstituentDrop, BranchDrop])
def test_impossible_intervals_are_refused(kind, probability):
    with pytest.raises(ConfigError, match="or two of them in rising order"):
        kind(probability)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: BranchDrop(radius=0.0),
        lambda: NonUniformDecay(scale=-1.0),
        lambda: PtReweighting(0.0),
        lambda: PtReweighting(np.nan),
        lambda: DetectorSmearing(angle=np.nan),
        lambda: DetectorSmearing(stochastic=-1.0),
    ],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ConfigError, match="; it must be"):
        wrong()


# --- branches ------------------------------------------------------------------------------


def test_branches_are_dropped_whole(jets):
    branch = cambridge_aachen_branches(jets, 0.2)
    dropped = BranchDrop(0.5, radius=0.2)(jets, jets, np.random.default_rng(0))
    for i in range(40):
        before, after = (
            np.stack([getattr(x, name)[x.offsets[i] : x.offsets[i + 1]] for name in ("eta", "phi")])
            for x in (jets, dropped)
        )
        # Recentring moves all survivors by the same vector: that of one of the originals to the
        # first survivor. The right one finds every survivor at home.
        for k in range(before.shape[1]):
            moved = after + (before[:, k] - after[:, 0])[:, None]
            distance = np.abs(moved[:, :, None] - before[:, None]).max(0)
            if (distance.min(1) < 1e-5).all():
                survivors = set(distance.argmin(1).tolist())
                break
        else:
            pytest.fail("survivors are not originals")
        own = branch[jets.offsets[i] : jets.offsets[i + 1]]
        for b in np.unique(own):
            members = set(np.flatnonzero(own == b).tolist())
            assert members <= survivors or not members & survivors


def test_branches_go_at_their_probability_and_together():
    jets = recentre(toy_jets(1500, seed=5).constituents.hardest(50))
    kept = {
        name: kind(0.4)(jets, jets, np.random.default_rng(0)).lengths / jets.lengths
        for name, kind in (("branches", BranchDrop), ("constituents", ConstituentDrop))
    }
    # The same share on average, but constituents that go together spread it more.
    assert abs(kept["branches"].mean() - 0.6) < 0.03
    assert kept["branches"].var() > 1.5 * kept["constituents"].var()


def test_a_single_branch_stays(jets, rng):
    kept = BranchDrop(0.9, radius=10.0)(jets, jets, rng)
    np.testing.assert_array_equal(kept.offsets, jets.offsets)
    np.testing.assert_allclose(kept.pt, jets.pt, rtol=1e-6)


def test_decay_follows_the_lifetime():
    """Far apart, each constituent is a meson of its own: exp(-scale / pT) of them escape."""
    n, scale = 2000, 8.0
    pt = np.float32([64, 16, 4])
    eta = np.float32([0, 0.9, -0.9])
    jets = Constituents(
        3 * np.arange(n + 1), np.tile(pt, n), np.tile(eta, n), np.zeros(3 * n, np.float32)
    )
    decayed = NonUniformDecay(scale)(jets, jets, np.random.default_rng(0))
    probability = np.exp(-scale / pt.astype(float))
    # Which of the three survived is seen from the gaps between the survivors, hardest first.
    survived = np.zeros((n, 3), dtype=bool)
    for i in range(n):
        places = decayed.eta[decayed.offsets[i] : decayed.offsets[i + 1]]
        if len(places) == 1:
            continue
        gap = [round(float(x), 1) for x in np.diff(places)]
        survived[i] = {
            (0.9, -1.8): (1, 1, 1), (0.9,): (1, 1, 0), (-0.9,): (1, 0, 1), (-1.8,): (0, 1, 1),
        }[tuple(gap)]  # fmt: skip
    stay = 1 - probability
    # Of the jets in which two or more survive, as independent mesons would.
    expected = np.array(
        [
            stay[0] * stay[1] * stay[2],
            stay[0] * stay[1] * probability[2],
            stay[0] * probability[1] * stay[2],
            probability[0] * stay[1] * stay[2],
        ]
    )
    counted = np.array(
        [
            (survived == np.array(pattern, dtype=bool)).all(1).mean()
            for pattern in ((1, 1, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1))
        ]
    )
    assert (np.abs(counted - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()


# --- pT and detector -----------------------------------------------------------------------


def test_reweighting_is_a_power_of_the_shares(jets, rng):
    softer, same, harder = (PtReweighting(p)(jets, jets, rng) for p in (0.5, 1.0, 2.0))
    np.testing.assert_allclose(same.pt, jets.pt, rtol=1e-6)
    first = jets.pt[jets.offsets[:-1]][jets.jet_index]
    for view, power in ((softer, 0.5), (harder, 2.0)):
        ratio = view.pt / view.pt[view.offsets[:-1]][view.jet_index]
        np.testing.assert_allclose(ratio, (jets.pt / first) ** power, rtol=1e-5)
    # One undoes the other.
    back = PtReweighting(0.5)(harder, jets, rng)
    np.testing.assert_allclose(back.pt, jets.pt, rtol=1e-5)


def test_smearing_has_the_resolution_of_its_formula():
    """Jets of two equal constituents: rescaling drops out of the ratio, recentring of the gap."""
    n, pt, s, c, angle = 5000, 9.0, 1.2, 0.1, 0.05
    jets = Constituents(
        2 * np.arange(n + 1),
        np.full(2 * n, pt, np.float32),
        np.tile(np.float32([0.4, -0.4]), n),
        np.zeros(2 * n, np.float32),
    )
    smeared = DetectorSmearing(s, c, angle)(jets, jets, np.random.default_rng(0))
    first, second = (
        {name: getattr(smeared, name)[k::2].astype(float) for name in ("pt", "eta", "phi")}
        for k in (0, 1)
    )
    sign = np.sign(first["eta"] - second["eta"])  # which of them became the harder one
    log_ratio = sign * np.log(first["pt"] / second["pt"])
    expected = 2 * np.log1p(s**2 / pt + c**2)
    assert abs(log_ratio.mean()) < 4 * np.sqrt(expected / n)
    assert abs(log_ratio.var() / expected - 1) < 4 * np.sqrt(2 / n)
    for gap, mean in (
        (sign * (first["eta"] - second["eta"]), 0.8),
        (sign * (first["phi"] - second["phi"]), 0.0),
    ):
        assert abs(gap.mean() - mean) < 4 * np.sqrt(2 * angle**2 / n)
        assert abs(gap.var() / (2 * angle**2) - 1) < 4 * np.sqrt(2 / n)


def test_a_perfect_detector_changes_nothing(jets, rng):
    same = DetectorSmearing(0.0, 0.0, 0.0)(jets, jets, rng)
    np.testing.assert_allclose(same.pt, jets.pt, rtol=1e-6)
    np.testing.assert_allclose(same.eta, jets.eta, atol=1e-6)


def many(pt, eta, n: int = 4000) -> Constituents:
    """Equal jets whose constituents lie along eta."""
    offsets = np.arange(n + 1) * len(pt)
    pt, eta = (np.tile(np.float32(x), n) for x in (pt, eta))
    return recentre(Constituents(offsets, pt, eta, np.zeros_like(pt)))


def test_smearing_keeps_the_mean_pt_of_the_soft():
    """A log-normal number of mean 1: 10 TeV beside it fix the scale of the jet."""
    jets = many([10_000.0, 2.0], [0.0, 0.1])
    smeared = DetectorSmearing(1.5, 0.0, 0.0)(jets, jets, np.random.default_rng(0))
    soft = smeared.pt[smeared.pt < 1000]
    error = 2 * np.sqrt(1.5**2 / 2 / len(soft))
    assert soft.mean() == pytest.approx(2, abs=4 * error)


def test_a_branch_decays_by_its_own_pt_and_not_by_that_of_its_constituents():
    jets = many([40.0, 10.0, 10.0, 10.0], [1.0, 0.0, 0.01, 0.02])
    lengths = NonUniformDecay(30.0)(jets, jets, np.random.default_rng(0)).lengths
    survives = np.mean(lengths >= 3)
    assert survives == pytest.approx(1 - np.exp(-30 / 30), abs=4 * 0.5 / np.sqrt(len(lengths)))


def test_the_branch_of_the_hardest_is_rescued():
    jets = many([40.0, 5.0, 5.0, 30.0], [1.0, 1.01, 1.02, 0.0])
    lengths = BranchDrop(0.999)(jets, jets, np.random.default_rng(0)).lengths
    assert np.mean(lengths == 3) > 0.99
