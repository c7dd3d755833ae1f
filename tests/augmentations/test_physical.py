from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from invariance import check_augmentation
from scipy.stats import kstest, uniform
from toy import toy_jets

from darkclr.augmentations import (
    CollinearSplitting,
    PtScaling,
    Rotation,
    SoftSmearing,
    Translation,
    recentre,
)
from darkclr.errors import ConfigError
from darkclr.jets import KINDS, Constituents
from darkclr.kinematics import four_vector_sum


def shift_of(view: Constituents, original: Constituents) -> np.ndarray:
    """Shift of every constituent, (2, n_constituents)."""
    return np.stack([view.eta - original.eta, view.phi - original.phi])


def distances(c: Constituents, i: int) -> np.ndarray:
    eta, phi = (x[c.offsets[i] : c.offsets[i + 1]] for x in (c.eta, c.phi))
    return np.hypot(np.subtract.outer(eta, eta), np.subtract.outer(phi, phi))


def test_rotation_keeps_pt_order_and_all_distances(jets, rng):
    rotated = Rotation()(jets, jets, rng)
    np.testing.assert_array_equal(rotated.pt, jets.pt)
    np.testing.assert_allclose(
        np.hypot(rotated.eta, rotated.phi), np.hypot(jets.eta, jets.phi), atol=1e-6
    )
    for i in range(20):
        np.testing.assert_allclose(distances(rotated, i), distances(jets, i), atol=2e-6)
    assert np.abs(shift_of(rotated, jets)).max() > 0.1


def test_rotation_is_no_reflection_and_one_angle_a_jet(jets, rng):
    rotated = Rotation()(jets, jets, rng)
    before, after = (x.eta.astype(float) + 1j * x.phi for x in (jets, rotated))
    far = np.abs(before) > 1e-2
    turn = (after / before)[far]
    first = turn[np.unique(jets.jet_index[far], return_index=True)[1]]
    rank = np.unique(jets.jet_index[far], return_inverse=True)[1]
    np.testing.assert_allclose(turn, first[rank], atol=1e-4)
    # All directions are equally likely: |sum of n unit vectors|^2 is about n.
    assert np.abs(first.sum()) < 4 * np.sqrt(len(first))


def test_rotation_stops_at_its_maximal_angle(jets, rng):
    rotated = Rotation(max_angle=0.5)(jets, jets, rng)
    before, after = (x.eta.astype(float) + 1j * x.phi for x in (jets, rotated))
    far = np.abs(before) > 1e-2
    angle = np.angle((after / before)[far])
    assert angle.min() > -1e-4
    assert 0.4 < angle.max() < 0.5 + 1e-4


def test_translation_keeps_differences(jets, rng):
    moved = Translation()(jets, jets, rng)
    shift = shift_of(moved, jets)
    first = shift[:, jets.offsets[:-1]]
    np.testing.assert_allclose(shift, first[:, jets.jet_index], atol=1e-5)
    np.testing.assert_array_equal(moved.pt, jets.pt)


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_translation_fills_its_window_and_stays_inside(width):
    jets = recentre(toy_jets(3000, seed=4, shortest=2).constituents)
    moved = Translation(width)(jets, jets, np.random.default_rng(0))
    shift = shift_of(moved, jets)[:, jets.offsets[:-1]] / (width * jets.diameter)
    assert np.abs(shift).max() <= 1 + 1e-4
    # Uniform in [-1, 1]: mean 0, variance 1/3 with standard deviation of the square sqrt(4/45).
    n = shift.shape[1]
    assert (np.abs(shift.mean(1)) < 4 * np.sqrt(1 / 3 / n)).all()
    assert (np.abs((shift**2).mean(1) - 1 / 3) < 4 * np.sqrt(4 / 45 / n)).all()
    assert abs(np.corrcoef(shift)[0, 1]) < 4 / np.sqrt(n)


@pytest.mark.parametrize(
    "augmentation", [Rotation(), Translation(), CollinearSplitting(), SoftSmearing()]
)
def test_what_all_augmentations_share(jets, augmentation):
    check_augmentation(augmentation, jets, anomalous=False)


def pieces(split: Constituents) -> tuple[np.ndarray, np.ndarray]:
    """(jet, eta, phi) of each direction, and the number of constituents that fly there."""
    rows = np.stack([split.jet_index, split.eta, split.phi], axis=1)
    return np.unique(rows, axis=0, return_counts=True)


def test_splitting_conserves_momentum_and_every_direction(jets, rng):
    split = CollinearSplitting(max_constituents=60)(jets, jets, rng)
    before, after = (
        np.stack(four_vector_sum(x.pt, x.eta, x.phi, x.offsets)) for x in (jets, split)
    )
    # The float32 halves add up to the whole bit by bit; only the order of the sum differs.
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-5)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-12)
    np.testing.assert_array_equal(pieces(split)[0], pieces(jets)[0])
    order = np.lexsort((split.phi, split.eta, split.jet_index))
    starts = np.concatenate([[0], np.cumsum(pieces(split)[1])[:-1]])
    summed = np.add.reduceat(split.pt[order], starts)
    assert summed.dtype == np.float32
    original = jets.pt[np.lexsort((jets.phi, jets.eta, jets.jet_index))]
    np.testing.assert_array_equal(summed, original)


def test_halves_are_of_the_kind_of_the_whole(jets, rng):
    kinds = np.arange(len(jets.pt), dtype=np.int8) % len(KINDS)
    jets = replace(jets, kind=kinds)
    split = CollinearSplitting(max_constituents=60)(jets, jets, rng)
    own = dict(zip(zip(jets.jet_index, jets.eta, jets.phi, strict=True), kinds, strict=True))
    places = zip(split.jet_index, split.eta, split.phi, strict=True)
    assert len(split.pt) > len(jets.pt)
    assert split.kind.tolist() == [own[place] for place in places]


@pytest.mark.parametrize("most", [10, 50, 80])
def test_each_is_split_at_most_once_and_no_jet_beyond_the_maximum(jets, rng, most):
    split = CollinearSplitting(most)(jets, jets, rng)
    assert pieces(split)[1].max() <= 2
    expected = np.maximum(jets.lengths, np.minimum(2 * jets.lengths, most))
    np.testing.assert_array_equal(split.lengths, expected)


def test_the_share_of_a_half_is_uniform_and_any_constituent_is_split(rng):
    # 4000 jets of two constituents of 16 and 1 GeV, one of which is split.
    n = 4000
    one = np.zeros(2 * n, dtype=np.float32)
    jets = Constituents(2 * np.arange(n + 1), np.tile(np.float32([16, 1]), n), one, one.copy())
    jets.eta[1::2] = 1.0
    split = CollinearSplitting(3)(jets, jets, rng)
    is_hard = split.eta == 0
    hard_was_split = np.bincount(split.jet_index[is_hard], minlength=n) == 2
    assert abs(hard_was_split.mean() - 0.5) < 4 * 0.5 / np.sqrt(n)
    share = split.pt[is_hard & hard_was_split[split.jet_index]] / 16
    # Uniform in [0, 1]: mean 1/2 by construction, variance 1/12.
    assert abs(share.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / (len(share) / 2))
    for edge in (0.25, 0.5, 0.75):
        assert abs((share < edge).mean() - edge) < 4 * 0.5 / np.sqrt(len(share) / 2)


def test_smearing_has_the_width_of_eq_4_6(rng):
    jets = recentre(toy_jets(3000, seed=4).constituents)
    smeared = SoftSmearing(scale=0.1, radius=0.8)(jets, jets, rng)
    np.testing.assert_array_equal(smeared.pt, jets.pt)
    pulls = shift_of(smeared, jets).astype(float) * jets.pt / (0.1 * 0.8)
    for soft in (jets.pt < 1, jets.pt > 10):
        sample = pulls[:, soft]
        n = sample.shape[1]
        assert (np.abs(sample.mean(1)) < 4 / np.sqrt(n)).all()
        assert (np.abs(sample.var(1) - 1) < 4 * np.sqrt(2 / n)).all()
    assert abs(np.corrcoef(pulls)[0, 1]) < 4 / np.sqrt(pulls.shape[1])


def test_the_softest_are_moved_by_the_radius_at_most(rng):
    n = 4000
    zero = np.zeros(n, dtype=np.float32)
    jets = Constituents(np.arange(n + 1), np.full(n, 1e-3, np.float32), zero, zero)
    smeared = SoftSmearing(scale=0.1, radius=0.8)(jets, jets, rng)
    assert abs(smeared.eta.std() - 0.8) < 4 * 0.8 / np.sqrt(2 * n)


def test_impossible_smearing_is_refused():
    with pytest.raises(ConfigError, match=r"SoftSmearing: scale = 0\.0; it must be positive"):
        SoftSmearing(scale=0.0)
    with pytest.raises(ConfigError, match="radius = nan"):
        SoftSmearing(radius=np.nan)


def test_moves_without_a_size_are_refused():
    with pytest.raises(ConfigError, match="Rotation: max_angle = nan; it must be finite"):
        Rotation(np.nan)
    with pytest.raises(ConfigError, match="Translation: width = inf; it must be finite"):
        Translation(np.inf)


def test_scaling_is_one_factor_a_jet_and_log_uniform(rng):
    many = recentre(toy_jets(4000, seed=6).constituents)
    scaled = PtScaling(2.0)(many, many, rng)
    factor = scaled.pt / many.pt
    np.testing.assert_allclose(factor, factor[many.offsets[:-1]][many.jet_index], rtol=1e-6)
    for name in ("offsets", "eta", "phi"):
        np.testing.assert_array_equal(getattr(scaled, name), getattr(many, name))
    log = np.log2(factor[many.offsets[:-1]])
    assert np.abs(log).max() <= 1 + 1e-6
    assert kstest(log, uniform(-1, 2).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(PtScaling(1.0)(many, many, rng).pt, many.pt)
    with pytest.raises(ConfigError, match=r"PtScaling: max_factor = 0\.5; it must be at least 1"):
        PtScaling(0.5)


def test_a_translation_is_as_wide_as_the_original_jet(jets):
    """Also that of a copy that has lost its constituents, and its size with them."""
    hardest = jets.hardest(1)
    moved = Translation()(hardest, jets, np.random.default_rng(1))
    whole = Translation()(jets, jets, np.random.default_rng(1))
    shift = shift_of(whole, jets)[:, jets.offsets[:-1]]
    assert np.abs(shift).max() > 0.1
    np.testing.assert_allclose(shift_of(moved, hardest), shift, atol=1e-5)
