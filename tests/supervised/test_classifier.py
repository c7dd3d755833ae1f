"""The classifier finds a difference that is there, and is as reproducible as the encoder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from toy import toy_jets

pytest.importorskip("lightning")

from darkclr.contrastive.config import EncoderConfig, TrainingConfig
from darkclr.errors import InputError, TrainingError
from darkclr.jets import Jets
from darkclr.supervised.classifier import _labelled, train_classifier

ENCODER = EncoderConfig(embedding_dim=16, feedforward_dim=32, output_dim=16, n_layers=1)
TRAINING = TrainingConfig(epochs=5, batch_size=32, learning_rate=3e-3, device="cpu")


def labelled(n: int, seed: int) -> Jets:
    """Signal has half the constituents."""
    background = toy_jets(n, seed=seed, mean=30, label=0)
    return Jets.concatenate([background, toy_jets(n, seed=seed + 1, mean=15, label=1)])


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("classifier")


@pytest.fixture(scope="module")
def trained(directory):
    return train_classifier(
        labelled(300, 0), directory, validation=labelled(80, 2), encoder=ENCODER, training=TRAINING
    )


def test_signal_scores_higher(trained):
    jets = labelled(200, 4)
    assert roc_auc_score(jets.label, trained.score(jets)) > 0.85


def test_order_of_constituents_and_jets_does_not_matter(trained):
    jets = labelled(20, 6)
    backwards = np.arange(len(jets))[::-1]
    np.testing.assert_allclose(
        trained.score(jets[backwards]), trained.score(jets)[backwards], atol=1e-5
    )


def test_a_finished_training_is_read_back_bitwise(trained, directory):
    again = train_classifier(
        labelled(300, 0), directory, validation=labelled(80, 2), encoder=ENCODER, training=TRAINING
    )
    jets = labelled(50, 8)
    np.testing.assert_array_equal(again.score(jets), trained.score(jets))


def test_same_seed_same_scores(trained, tmp_path):
    again = train_classifier(
        labelled(300, 0), tmp_path, validation=labelled(80, 2), encoder=ENCODER, training=TRAINING
    )
    jets = labelled(50, 8)
    np.testing.assert_array_equal(again.score(jets), trained.score(jets))


def test_classes_count_equally_whatever_their_weights(tmp_path):
    """Ten times the weight of all signal jets changes nothing: classes are balanced."""
    jets = labelled(100, 0)
    heavy = Jets.concatenate([jets[jets.label == 0], jets[jets.label == 1]])
    heavy.weight[heavy.label == 1] *= 10
    scores = [
        train_classifier(
            part, tmp_path / name, validation=part, encoder=ENCODER, training=TRAINING
        ).score(jets)
        for name, part in (("light", jets), ("heavy", heavy))
    ]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-4)


def test_one_class_or_too_few_jets_are_refused(tmp_path):
    jets = labelled(20, 0)
    with pytest.raises(InputError, match="label 0 and of label 1"):
        train_classifier(jets[jets.label == 0], tmp_path, validation=jets)
    with pytest.raises(TrainingError, match="do not fill a batch"):
        train_classifier(jets, tmp_path, validation=jets)


def test_classes_of_a_flat_spectrum_differ_in_pt_no_more():
    jets = labelled(5000, 0)
    u = np.random.default_rng(0).random(len(jets))
    hard = np.where(jets.label == 1, 150 + 150 * u**0.5, 150 + 150 * u**2).astype(np.float32)
    jets = replace(jets, pt=hard)
    for flat in (False, True):
        weight = _labelled(jets, ENCODER, flat).weight
        means = [np.average(hard[jets.label == i], weights=weight[jets.label == i]) for i in (0, 1)]
        assert weight[jets.label == 0].sum() == pytest.approx(len(jets) / 2, rel=1e-4)
        assert (abs(means[1] - means[0]) < 3) == flat
