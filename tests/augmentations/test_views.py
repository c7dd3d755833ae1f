from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import yaml
from sklearn.metrics import roc_auc_score
from toy import toy_jets

from darkclr.augmentations import (
    Augmentation,
    Augmentations,
    BranchDrop,
    CollinearSplitting,
    ConstituentDrop,
    DetectorSmearing,
    NonUniformDecay,
    PtReweighting,
    Rotation,
    Translation,
    recentre,
)
from darkclr.errors import ConfigError
from darkclr.jets import Constituents
from darkclr.kinematics import centroid
from darkclr.ragged import segment_max, segment_sum


def shift_of(view: Constituents, original: Constituents) -> np.ndarray:
    """Shift of every constituent, (2, n_constituents)."""
    return np.stack([view.eta - original.eta, view.phi - original.phi])


def test_recentred_jets_have_their_centroid_at_the_origin():
    jets = toy_jets(300, seed=3).constituents
    centred = recentre(jets)
    for coordinate in centroid(centred.pt, centred.eta, centred.phi, centred.offsets):
        np.testing.assert_allclose(coordinate, 0, atol=1e-6)
    # Jets on the seam are whole again: no constituent is half a turn away.
    assert np.abs(centred.phi).max() < 2
    np.testing.assert_array_equal(centred.pt, jets.pt)


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


def test_views_are_independent(jets, rng):
    x, physical, anomalous = Augmentations().views(jets, rng)
    first = [np.stack(centroid(v.pt, v.eta, v.phi, v.offsets)) for v in (x, physical, anomalous)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        correlation = np.corrcoef(first[a][0] / jets.diameter, first[b][0] / jets.diameter)[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(jets))


def test_positive_alterations_are_of_the_second_view_alone(jets, rng):
    augmentations = Augmentations(positive=[CollinearSplitting(60)])
    x, physical, anomalous = augmentations.views(jets, rng)
    np.testing.assert_array_equal(x.lengths, jets.lengths)
    assert (physical.lengths > jets.lengths).mean() > 0.9
    assert (anomalous.lengths < jets.lengths).mean() > 0.9


def test_two_views_are_made_without_the_third(jets):
    class Forbidden(Augmentation):
        def __call__(self, constituents, original, rng):
            raise AssertionError("was asked for")

    rng = np.random.default_rng(0)
    x, physical = Augmentations(anomalous=[Forbidden()]).positive_views(jets, rng)
    np.testing.assert_array_equal(x.pt, jets.pt)
    assert not np.array_equal(x.eta, physical.eta)


def test_each_family_has_a_view_of_its_own(jets):
    chains = {"few": [ConstituentDrop(0.9)], "soft": [PtReweighting(0.5)]}
    augmentations = Augmentations(anomalous=chains)
    views = augmentations.views(jets, np.random.default_rng(0))
    assert len(views) == 4
    assert views[2].lengths.sum() < 0.3 * jets.lengths.sum()
    np.testing.assert_array_equal(views[3].lengths, jets.lengths)
    # A single family is what it was without a name.
    named, plain = (
        Augmentations(anomalous=anomalous).views(jets, np.random.default_rng(1))
        for anomalous in ({"few": chains["few"]}, chains["few"])
    )
    for one, other in zip(named, plain, strict=True):
        np.testing.assert_array_equal(one.eta, other.eta)
    document = augmentations.to_dict()
    assert list(document["anomalous"]) == ["few", "soft"]
    assert document["anomalous"]["soft"][0]["init_args"] == {"power": 0.5}
    with pytest.raises(ConfigError, match="a mapping without a family"):
        Augmentations(anomalous={})


def test_all_parameters_are_plain_data():
    augmentations = Augmentations(
        positive=[CollinearSplitting(40)], anomalous=[ConstituentDrop((0.1, 0.6))]
    )
    document = augmentations.to_dict()
    assert yaml.safe_load(yaml.safe_dump(document)) == document
    assert document["anomalous"][0]["init_args"] == {"probability": [0.1, 0.6]}
    assert document["positive"] == [
        {
            "class_path": "darkclr.augmentations.CollinearSplitting",
            "init_args": {"max_constituents": 40},
        }
    ]


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


@pytest.mark.parametrize(
    "augmentation",
    [
        ConstituentDrop((0.1, 0.6)),
        BranchDrop(),
        NonUniformDecay(),
        PtReweighting(),
        DetectorSmearing(),
    ],
    ids=lambda a: type(a).__name__,
)
def test_nor_any_other_anomalous_view(many, augmentation):
    x, _, anomalous = Augmentations(anomalous=[augmentation]).views(many, np.random.default_rng(0))
    assert telltales(x, anomalous) == {}


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
        (altered,) = self.altered(constituents, rng)
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
