"""Two processes with gradient averaging do what one does."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from toy import toy_jets

pytest.importorskip("lightning")

from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import LossConfig, TrainingConfig
from darkclr.contrastive.losses import contrastive_loss
from darkclr.contrastive.training.batches import Batches, Shuffled, Views
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.contrastive.training.train import train
from darkclr.errors import ConfigError

CONFIG = TrainingConfig(epochs=2, batch_size=60, learning_rate=1e-3, device="cpu", seed=3)


@pytest.fixture(scope="module")
def jets():
    sample = toy_jets(130, seed=1, mean=12, longest=20)
    return replace(sample, weight=np.linspace(0.1, 3, len(sample), dtype=np.float32))


@pytest.mark.parametrize("world_size", [2, 3])
def test_mean_gradient_of_the_shares_is_that_of_the_batch(jets, make_encoder, world_size, tmp_path):
    encoder = make_encoder()
    prepared = PreparedJets.of([jets], encoder.config, tmp_path)

    def gradient(rank, n):
        views = Views(prepared, Augmentations(), encoder.config, LossConfig(), CONFIG.seed, rank, n)
        places = Shuffled(len(prepared), CONFIG.batch_size, CONFIG.seed, lambda: 0)
        packed, weight = next(iter(Batches(views, places)))
        packed = replace(packed, features=packed.features.double())
        assert len(weight) == 60 // n
        encoder.zero_grad()
        loss = contrastive_loss(*encoder(packed)[1].chunk(3), LossConfig(), weight).loss
        loss.backward()
        return torch.cat([p.grad.flatten() for p in encoder.parameters()])

    whole = gradient(0, 1)
    shares = torch.stack([gradient(rank, world_size) for rank in range(world_size)])
    assert (shares.mean(0) - whole).norm() < 1e-6 * whole.norm()
    assert (shares[0] - whole).norm() > 1e-2 * whole.norm()


def test_two_processes_train_as_one(jets, tiny, tmp_path):
    validation = jets[:40]
    for name, changes in {
        "one": {},
        "two": {"devices": 2, "strategy": "ddp_fork"},
    }.items():
        train(
            jets,
            tmp_path / name,
            validation=validation,
            encoder=tiny,
            training=replace(CONFIG, **changes),
        )
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-5, atol=1e-6)
    histories = []
    for name in ("one", "two"):
        with (tmp_path / name / "history.csv").open() as file:
            histories.append([[float(x) for x in row.values()] for row in csv.DictReader(file)])
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-4, atol=1e-5)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ConfigError, match="batch_size = 256 for 3 devices on 1 nodes"):
        TrainingConfig(devices=3)
