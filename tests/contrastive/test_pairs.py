from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.augmentations import Augmentations, ConstituentDrop, PtReweighting
from darkclr.contrastive.pairs import encoder_verdict, pair_similarities, summarise_pairs


@pytest.fixture
def encoder(make_encoder):
    return make_encoder().float()


def test_similarities_are_cosines_of_the_views(encoder, encoding, make_encoder, constituents):
    pairs = pair_similarities(encoder, constituents, Augmentations(), seed=5)
    views = Augmentations().views(constituents, np.random.default_rng(5))
    z, physical, anomalous = (encoding(make_encoder())(view) for view in views)
    for name, a, b in (
        ("positive_similarity", z, physical),
        ("anomalous_similarity", z, anomalous),
        ("background_similarity", z, np.roll(z, 1, axis=0)),
    ):
        expected = [x @ y / np.sqrt((x @ x) * (y @ y)) for x, y in zip(a, b, strict=True)]
        np.testing.assert_allclose(pairs[name], expected, atol=1e-4)
    np.testing.assert_allclose(pairs["norm"], np.linalg.norm(z, axis=1), rtol=1e-4)
    np.testing.assert_allclose(
        pairs["anomalous_norm"], np.linalg.norm(anomalous, axis=1), rtol=1e-4
    )


def test_without_augmentations_all_views_coincide(encoder, constituents):
    pairs = pair_similarities(encoder, constituents, Augmentations([], []), seed=0)
    for name in ("positive_similarity", "anomalous_similarity"):
        np.testing.assert_allclose(pairs[name], 1, atol=1e-5)
    assert summarise_pairs(pairs)["norm_auc"] == pytest.approx(0.5)
    assert pairs["background_similarity"].std() > 1e-4


def test_a_constant_encoder_is_seen_to_have_collapsed(encoder, constituents):
    with torch.no_grad():
        encoder.head[2].weight.zero_()
        encoder.head[2].bias.fill_(0.7)
    pairs = pair_similarities(encoder, constituents, Augmentations(), seed=0)
    np.testing.assert_allclose(pairs["background_similarity"], 1, atol=1e-6)
    summary = summarise_pairs(pairs)
    assert summary["background_similarity"] == pytest.approx(1)
    assert summary["alignment"] == summary["anomaly_similarity"] == pytest.approx(1)


def test_norm_auc_is_one_if_dropped_copies_are_longer():
    rng = np.random.default_rng(0)
    pairs = {
        name: rng.uniform(-1, 1, 50)
        for name in ("positive_similarity", "anomalous_similarity", "background_similarity")
    }
    pairs |= {"norm": rng.uniform(1, 2, 50), "anomalous_norm": rng.uniform(2, 3, 50)}
    assert summarise_pairs(pairs)["norm_auc"] == 1
    pairs |= {"norm": pairs["anomalous_norm"], "anomalous_norm": pairs["norm"]}
    assert summarise_pairs(pairs)["norm_auc"] == 0


def test_the_anomalous_view_is_the_configured_one(encoder, constituents):
    similarity = [
        pair_similarities(encoder, constituents, Augmentations([], [ConstituentDrop(p)]), seed=0)[
            "anomalous_similarity"
        ].mean()
        for p in (0.0, 0.3, 0.9)
    ]
    assert similarity[0] > similarity[1] > similarity[2]


def test_jets_take_turns_with_several_families(encoder, constituents):
    """With nothing random, each pair is one of the family alone."""

    def pairs(anomalous):
        return pair_similarities(encoder, constituents, Augmentations([], anomalous), seed=0)

    alone = [pairs([PtReweighting(power)]) for power in (0.5, 2.0, 3.0)]
    together = pairs({str(power): [PtReweighting(power)] for power in (0.5, 2.0, 3.0)})
    turn = np.arange(len(constituents)) % 3
    for name in alone[0]:
        expected = np.choose(turn, [one[name] for one in alone])
        np.testing.assert_allclose(together[name], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("similarity", "shift", "collapsed", "inverted", "text"),
    [
        (0.3, 0.5, False, False, "longer than background"),
        (0.999, 0.5, True, False, "has collapsed"),
        (0.3, -0.5, False, True, "the norm is inverted"),
        (0.3, 0.0, False, False, "as long as background"),
    ],
)
def test_verdict_finds_collapse_and_an_inverted_norm(similarity, shift, collapsed, inverted, text):
    norm = np.linspace(0, 1, 500)
    pairs = {
        "positive_similarity": np.full(500, 0.9),
        "anomalous_similarity": np.full(500, -0.5),
        "background_similarity": np.full(500, similarity),
        "norm": norm,
        "anomalous_norm": norm + shift,
    }
    verdict = encoder_verdict(pairs)
    assert (verdict.collapsed, verdict.inverted) == (collapsed, inverted)
    assert text in verdict.sentence()


def test_means_are_weighted():
    rng = np.random.default_rng(1)
    names = ("positive_similarity", "anomalous_similarity", "background_similarity", "norm")
    pairs = {name: rng.uniform(0, 1, 30) for name in (*names, "anomalous_norm")}
    weight = rng.uniform(0, 3, 30).astype(np.float32)
    summary = summarise_pairs(pairs, weight)
    told = ("alignment", "anomaly_similarity", "background_similarity", "norm")
    for name, column in zip(told, names, strict=True):
        expected = (weight * pairs[column]).sum() / weight.sum()
        assert summary[name] == pytest.approx(expected, rel=1e-5)
