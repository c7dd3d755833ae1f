"""What makes a step: the order of the jets, the views, the seeds, the learning rate."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from short_training import SHORT
from toy import toy_jets

from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import LossConfig, TrainingConfig
from darkclr.contrastive.training.prepared import PreparedJets

pytest.importorskip("lightning")

from darkclr.contrastive.training import module as training_module
from darkclr.contrastive.training.loop import adam, seeded_step
from darkclr.contrastive.training.module import ContrastiveModule

N, SIZE = 60, 20
CONFIG = replace(SHORT, batch_size=SIZE)


@pytest.fixture
def prepared(tiny, tmp_path) -> PreparedJets:
    """Jets whose weight is a number of their own."""
    jets = toy_jets(N, seed=6, mean=5)
    return PreparedJets.of([replace(jets, weight=np.arange(1, N + 1, dtype="f4"))], tiny, tmp_path)


def test_dropout_differs_by_seed_step_and_process():
    def draw(*where) -> float:
        seed, step, rank = where
        with seeded_step(seed, step, torch.device("cpu"), rank):
            return torch.rand(1, dtype=torch.float64).item()

    places = list(product((0, 1), repeat=3))
    draws = [draw(*place) for place in places]
    assert len(set(draws)) == len(places)
    assert [draw(*place) for place in places] == draws


def test_the_training_seeds_each_step_by_its_number(learn, tmp_path, monkeypatch, tiny):
    steps = []

    def watched(seed, step, device, rank):
        steps.append((seed, step))
        return seeded_step(seed, step, device, rank)

    monkeypatch.setattr(training_module, "seeded_step", watched)
    learn(tmp_path, encoder=replace(tiny, dropout=0.5))
    assert steps == [(SHORT.seed, i) for i in range(2 * (300 // SHORT.batch_size))]


def test_dropout_is_on_in_every_epoch(learn, tmp_path, monkeypatch, tiny):
    modes = []
    forward = training_module.Encoder.forward

    def watched(self, batch):
        if torch.is_grad_enabled():
            modes.append(self.training)
        return forward(self, batch)

    monkeypatch.setattr(training_module.Encoder, "forward", watched)
    learn(tmp_path, encoder=replace(tiny, dropout=0.5))
    assert modes == [True] * 12


def rates(config: TrainingConfig, steps_per_epoch: int) -> list[float]:
    parameter = torch.nn.Parameter(torch.zeros(1))
    holder = torch.nn.ParameterList([parameter])
    made = adam(holder, config, steps_per_epoch)
    if not isinstance(made, dict):
        return [made.param_groups[0]["lr"]]
    optimiser, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    assert made["lr_scheduler"]["interval"] == "step"
    values = []
    for _ in range(config.epochs * steps_per_epoch):
        values.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return values


def test_one_cycle_rises_for_a_third_of_the_steps_and_falls_to_nothing():
    config = TrainingConfig(epochs=10, learning_rate=0.02, schedule="one_cycle", device="cpu")
    values = rates(config, 10)
    top = int(np.argmax(values))
    assert values[top] == pytest.approx(0.02)
    assert 25 <= top <= 34
    assert values[0] == pytest.approx(0.02 / 25)
    assert values[-1] < 1e-4 * 0.02
    assert (np.diff(values[: top + 1]) > 0).all()
    assert (np.diff(values[top:]) < 0).all()
    assert rates(replace(config, schedule="constant"), 10) == [0.02]


def test_the_cycle_is_as_long_as_the_training(prepared, tiny, tmp_path):
    config = replace(CONFIG, schedule="one_cycle", epochs=7)
    module = ContrastiveModule(tiny, Augmentations(), LossConfig(), config, tmp_path, None)
    module.train_jets = prepared
    schedule = module.configure_optimizers()["lr_scheduler"]["scheduler"]
    assert schedule.total_steps == 7 * (N // SIZE)


def test_the_schedule_reaches_the_training(learn, tmp_path):
    constant = learn(tmp_path / "constant")
    cycle = learn(tmp_path / "cycle", training=replace(SHORT, schedule="one_cycle"))
    assert cycle["model.safetensors"] != constant["model.safetensors"]
