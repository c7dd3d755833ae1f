"""Which jets are in a batch, in which order, and that it does not matter who makes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from short_training import SHORT
from toy import toy_jets

from darkclr.augmentations import Augmentation, Augmentations
from darkclr.contrastive.config import LossConfig, TrainingConfig
from darkclr.contrastive.training.batches import Batches, Shuffled, Views
from darkclr.contrastive.training.prepared import PreparedJets

N, SIZE = 60, 20
JETCLR = LossConfig(name="nt_xent")


@dataclass(frozen=True)
class Watched(Augmentation):
    """Alters nothing, and notes the generator that it was given."""

    seen: list

    def __call__(self, constituents, original, rng):
        self.seen.append(rng.random())
        return constituents


@pytest.fixture
def prepared(tiny, tmp_path) -> PreparedJets:
    """Jets whose weight is a number of their own."""
    jets = toy_jets(N, seed=6, mean=5)
    return PreparedJets.of([replace(jets, weight=np.arange(1, N + 1, dtype="f4"))], tiny, tmp_path)


def epoch_of(prepared, tiny, epoch, augmentations=None, seed=1) -> Batches:
    """An epoch of views that are the jets themselves."""
    augmentations = augmentations or Augmentations(physical=(), anomalous=())
    views = Views(prepared, augmentations, tiny, JETCLR, seed)
    return Batches(views, Shuffled(N, SIZE, seed, lambda: epoch))


def order_of(batches: Batches) -> list[float]:
    return torch.cat([weight for _, weight in batches]).tolist()


def test_each_epoch_has_all_jets_in_an_order_of_its_own(prepared, tiny):
    orders = [order_of(epoch_of(prepared, tiny, i)) for i in range(3)]
    for order in orders:
        assert sorted(order) == sorted(prepared.weight.tolist())
    assert len(set(map(tuple, orders))) == 3
    assert order_of(epoch_of(prepared, tiny, 1)) == orders[1]
    assert order_of(epoch_of(prepared, tiny, 1, seed=8)) != orders[1]


def test_weights_are_those_of_the_jets_beside_them(prepared, tiny):
    first = prepared.constituents.offsets[:-1]
    weight_of = dict(zip(prepared.constituents.pt[first], prepared.weight, strict=True))
    for batch, weight in epoch_of(prepared, tiny, 0):
        starts, begin = [], 0
        for length, n in batch.runs:
            starts += [begin + length * i for i in range(n)]
            begin += length * n
        hardest = batch.features[torch.tensor(starts)[batch.inverse], 0] * tiny.pt_scale
        for pt, own in zip(hardest[:SIZE].tolist(), weight.tolist(), strict=True):
            nearest = min(weight_of, key=lambda known: abs(known - pt))
            assert weight_of[nearest] == own


def test_no_two_batches_of_any_epochs_share_random_numbers(prepared, tiny):
    seen: list[float] = []
    augmentations = Augmentations(physical=(Watched(seen),), anomalous=())
    for epoch in range(2):
        list(epoch_of(prepared, tiny, epoch, augmentations))
    assert len(seen) == 2 * 2 * N // SIZE
    assert len(set(seen)) == len(seen)


def test_views_that_are_made_by_others_are_the_same(prepared, tiny):
    epoch = [0]
    views = Views(prepared, Augmentations(), tiny, LossConfig(), seed=1)
    batches = Batches(views, Shuffled(N, SIZE, 1, lambda: epoch[0]))
    ahead = batches.made_by(2)
    state = torch.get_rng_state()
    for epoch[0] in (0, 1, 7):
        expected, found = list(batches), list(ahead)
        assert len(found) == len(ahead) == len(batches) == N // SIZE
        for (one, weight), (other, own) in zip(expected, found, strict=True):
            assert torch.equal(one.features, other.features)
            assert torch.equal(one.inverse, other.inverse)
            assert one.runs == other.runs
            assert torch.equal(weight, own)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_training_does_not_depend_on_who_makes_its_views(learn, tmp_path):
    pytest.importorskip("lightning")
    one = learn(tmp_path / "one", training=replace(SHORT, epochs=3))
    assert learn(tmp_path / "two", training=replace(SHORT, epochs=3, workers=2)) == one


def test_a_cpu_makes_its_views_itself():
    assert TrainingConfig(device="cpu").view_workers == 0
    assert TrainingConfig(device="cpu", workers=3).view_workers == 3


def test_jetclr_has_two_views(prepared, tiny):
    for loss, n_views in ((JETCLR, 2), (LossConfig(), 3)):
        views = Views(prepared, Augmentations(), tiny, loss, seed=1)
        batch, _ = next(iter(Batches(views, Shuffled(N, SIZE, 1, lambda: 0))))
        assert len(batch.inverse) == n_views * SIZE
