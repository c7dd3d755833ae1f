from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from toy import toy_jets

from darkclr.augmentations import (
    Augmentation,
    Augmentations,
    ConstituentDrop,
    Rotation,
    Translation,
    recentre,
)
from darkclr.errors import ConfigError
from darkclr.jets import Constituents
from darkclr.kinematics import centroid, segment_max, segment_sum


@pytest.fixture(scope="module")
def jets() -> Constituents:
    return recentre(toy_jets(300, seed=2).constituents.hardest(50))


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def shift_of(view: Constituents, original: Constituents) -> np.ndarray:
    """Shift of every constituent, (2, n_constituents)."""
    return np.stack([view.eta - original.eta, view.phi - original.phi])


def distances(c: Constituents, i: int) -> np.ndarray:
    eta, phi = (x[c.offsets[i] : c.offsets[i + 1]] for x in (c.eta, c.phi))
    return np.hypot(np.subtract.outer(eta, eta), np.subtract.outer(phi, phi))


def test_recentred_jets_have_their_centroid_at_the_origin():
    jets = toy_jets(300, seed=3).constituents
    centred = recentre(jets)
    for coordinate in centroid(centred.pt, centred.eta, centred.phi, centred.offsets):
        np.testing.assert_allclose(coordinate, 0, atol=1e-6)
    # Jets on the seam are whole again: no constituent is half a turn away.
    assert np.abs(centred.phi).max() < 2
    np.testing.assert_array_equal(centred.pt, jets.pt)


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


def test_window_is_that_of_the_original_for_all_views(jets):
    dropped = ConstituentDrop(0.9)(jets, jets, np.random.default_rng(0))
    assert (dropped.diameter < 0.9 * jets.diameter).mean() > 0.5
    same = Translation()(jets, jets, np.random.default_rng(1))
    for_dropped = Translation()(dropped, jets, np.random.default_rng(1))
    np.testing.assert_allclose(
        shift_of(for_dropped, dropped)[:, dropped.offsets[:-1]],
        shift_of(same, jets)[:, jets.offsets[:-1]],
        atol=1e-5,
    )


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
    with pytest.raises(ConfigError, match=r"choose a number in \[0, 1\)"):
        ConstituentDrop(probability)


@pytest.mark.parametrize("augmentation", [Rotation(), Translation(), ConstituentDrop()])
def test_augmentations_depend_on_the_generator_alone_and_alter_nothing(jets, augmentation):
    before = [x.copy() for x in (jets.pt, jets.eta, jets.phi)]
    one, two, other = (augmentation(jets, jets, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.eta, two.eta)
    assert len(one.eta) != len(other.eta) or not np.array_equal(one.eta, other.eta)
    for old, new in zip(before, (jets.pt, jets.eta, jets.phi), strict=True):
        np.testing.assert_array_equal(old, new)
    assert {x.dtype.name for x in (one.pt, one.eta, one.phi)} == {"float32"}


def test_views_are_independent(jets, rng):
    x, physical, anomalous = Augmentations().views(jets, rng)
    first = [np.stack(centroid(v.pt, v.eta, v.phi, v.offsets)) for v in (x, physical, anomalous)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        correlation = np.corrcoef(first[a][0] / jets.diameter, first[b][0] / jets.diameter)[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(jets))


def test_configuration_form_names_classes_and_parameters():
    assert Augmentations([Rotation(1.0)], [ConstituentDrop(0.3)]).to_dict() == {
        "physical": [
            {"class_path": "darkclr.augmentations.Rotation", "init_args": {"max_angle": 1.0}}
        ],
        "anomalous": [
            {
                "class_path": "darkclr.augmentations.ConstituentDrop",
                "init_args": {"probability": 0.3},
            }
        ],
    }


# --- the leak ------------------------------------------------------------------------------
# The network must tell x* from x by its constituents. Whatever physics calls irrelevant must not
# tell them apart, or the training learns that instead.


def summaries(view: Constituents) -> dict[str, np.ndarray]:
    """What physics calls irrelevant, one number a jet."""
    # Float64: differences at the last bit of float32 are rounding, not information.
    eta, phi = centroid(view.pt, view.eta, view.phi, view.offsets)
    is_first = np.zeros(len(view.pt), dtype=bool)
    is_first[view.offsets[:-1]] = True
    rises = np.concatenate([[False], np.diff(view.pt) > 0]) & ~is_first
    return {
        "centroid eta": eta,
        "centroid phi": phi,
        "|centroid|": np.hypot(eta, phi),
        "direction of the centroid": np.arctan2(phi, eta),
        "total pT": np.round(segment_sum(view.pt, view.offsets), 2),
        "pairs out of order": segment_sum(rises, view.offsets),
        "place of the hardest": _place_of_hardest(view),
        "constituents without pT": segment_sum(view.pt <= 0, view.offsets),
    }


def _place_of_hardest(view: Constituents) -> np.ndarray:
    hardest = np.flatnonzero(view.pt == segment_max(view.pt, view.offsets)[view.jet_index])
    first = hardest[np.unique(view.jet_index[hardest], return_index=True)[1]]
    return first - view.offsets[:-1]


def telltales(x: Constituents, anomalous: Constituents) -> dict[str, float]:
    """The summaries whose AUC between x and x* is not 0.5 within 4 sigma."""
    n = len(x)
    label = np.repeat([0, 1], n)
    sigma = np.sqrt((2 * n + 1) / (12 * n * n))  # of the Mann-Whitney statistic
    a, b = summaries(x), summaries(anomalous)
    auc = {name: roc_auc_score(label, np.concatenate([a[name], b[name]])) for name in a}
    return {name: value for name, value in auc.items() if abs(value - 0.5) > 4 * sigma}


@pytest.fixture(scope="module")
def many() -> Constituents:
    return recentre(toy_jets(4000, seed=8).constituents.hardest(50))


def test_nothing_irrelevant_tells_the_anomalous_view(many):
    x, physical, anomalous = Augmentations().views(many, np.random.default_rng(0))
    assert telltales(x, physical) == {}
    assert telltales(x, anomalous) == {}
    # The number of constituents does, as it should.
    assert roc_auc_score(np.repeat([0, 1], len(x)), -np.r_[x.lengths, anomalous.lengths]) > 0.8


@dataclass(frozen=True)
class DropAfterwards(Augmentations):
    """The wrong order: dropped and recentred after the shift."""

    def views(self, constituents, rng):
        x, physical, anomalous = (self._physical(constituents, constituents, rng) for _ in "123")
        return x, physical, ConstituentDrop()(anomalous, constituents, rng)


@dataclass(frozen=True)
class OwnWindow(Augmentations):
    """Wrong: the anomalous view is shifted in a window of its own, smaller diameter."""

    def views(self, constituents, rng):
        altered = self.altered(constituents, rng)
        parts = (constituents, constituents, altered)
        return tuple(self._physical(part, part, rng) for part in parts)


class NotRescaled(Augmentation):
    """Wrong: the summed pT falls."""

    def __call__(self, constituents, original, rng):
        return recentre(constituents.keep(_all_but_some(constituents, rng)))


class NotSorted(Augmentation):
    """Wrong: rescaled and recentred, but in another order."""

    def __call__(self, constituents, original, rng):
        dropped = ConstituentDrop()(constituents, original, rng)
        order = np.lexsort((dropped.pt, dropped.jet_index))
        parts = {name: getattr(dropped, name)[order] for name in ("pt", "eta", "phi")}
        return replace(dropped, **parts)


def _all_but_some(constituents, rng):
    mask = rng.random(len(constituents.pt)) > 0.5
    mask[constituents.offsets[:-1]] = True
    return mask


@pytest.mark.parametrize(
    ("wrong", "caught"),
    [
        (DropAfterwards(), "|centroid|"),
        (OwnWindow(), "|centroid|"),
        (Augmentations(anomalous=[NotRescaled()]), "total pT"),
        (Augmentations(anomalous=[NotSorted()]), "pairs out of order"),
    ],
    ids=["dropped after the shift", "own window", "not rescaled", "not sorted"],
)
def test_the_leak_test_catches_wrong_views(many, wrong, caught):
    x, _, anomalous = wrong.views(many, np.random.default_rng(0))
    assert caught in telltales(x, anomalous)
