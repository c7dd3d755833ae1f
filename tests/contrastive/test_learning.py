"""The encoder learns what it is asked to: a training of some seconds on toy jets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from invariance import check_invariance, cosine_similarity
from toy import toy_jets

pytest.importorskip("lightning")

from darkclr.augmentations import Augmentations, ConstituentDrop, Rotation, Translation
from darkclr.contrastive.config import EncoderConfig, TrainingConfig
from darkclr.contrastive.encoding import encode_constituents, prepare
from darkclr.contrastive.pairs import pair_similarities
from darkclr.contrastive.training.train import train

pytestmark = pytest.mark.slow

ENCODER = EncoderConfig(
    n_constituents=40,
    pt_scale=100.0,
    embedding_dim=32,
    feedforward_dim=64,
    output_dim=32,
    n_layers=2,
    dropout=0.0,
)
# The summed pT tells nothing of the number of constituents, as in a sample of jets.
TOYS = {"mean": 14, "spread": 0.4, "shortest": 3, "longest": 40, "pt_range": (150, 300)}


@pytest.fixture(scope="module")
def unseen():
    return prepare(toy_jets(500, seed=2, **TOYS).constituents, ENCODER)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(
        toy_jets(1500, seed=1, **TOYS),
        tmp_path_factory.mktemp("learning"),
        validation=toy_jets(100, seed=3, **TOYS),
        encoder=ENCODER,
        training=TrainingConfig(
            epochs=8,
            batch_size=64,
            learning_rate=3e-3,
            schedule="one_cycle",
            keep="last",
            device="cpu",
        ),
    )


def encode_with(encoder):
    return lambda constituents: encode_constituents(encoder, constituents)[1]


@pytest.mark.parametrize("augmentation", [Rotation(), Translation()])
def test_rotated_and_shifted_copies_are_the_same_jet(trained, unseen, augmentation):
    check_invariance(encode_with(trained), unseen, augmentation, minimum=0.9)


def test_dropped_copies_point_the_other_way(trained, unseen):
    encode = encode_with(trained)
    dropped = ConstituentDrop()(unseen, unseen, np.random.default_rng(0))
    assert cosine_similarity(encode(unseen), encode(dropped)).mean() < 0


def test_different_jets_do_not_coincide(trained, unseen):
    pairs = pair_similarities(trained, unseen, Augmentations(), seed=0)
    assert pairs["positive_similarity"].mean() > 0.9
    assert pairs["anomalous_similarity"].mean() < 0
    assert pairs["background_similarity"].mean() < 0.8
    assert pairs["background_similarity"].std() > 0.2


def test_the_check_fails_for_a_collapsed_encoder(trained, unseen):
    collapsed = type(trained)(trained.config)
    collapsed.load_state_dict(trained.state_dict())
    with torch.no_grad():
        collapsed.head[2].weight.zero_()
    with pytest.raises(AssertionError, match=r"different jets: 1\.000"):
        check_invariance(encode_with(collapsed), unseen, Rotation())


def test_the_check_fails_for_an_encoder_that_sees_the_angle(unseen):
    def sees_the_angle(c):
        first = c.offsets[:-1]
        return np.stack([c.eta[first], c.phi[first]], axis=1)

    with pytest.raises(AssertionError, match=r"similarity -?0\.\d+ < 0\.9"):
        check_invariance(sees_the_angle, unseen, Rotation())
