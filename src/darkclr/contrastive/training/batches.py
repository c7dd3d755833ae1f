"""Batches of a training: which jets, in which order, and who makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig, LossConfig
from darkclr.contrastive.encoder.batches import PackedBatch, pack
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.jets import Constituents

__all__ = ["Batches", "Place", "Shuffled", "Views"]


class Place(NamedTuple):
    """Which batch: a function of it makes the same batch at any time and in any process.

    Args:
        epoch: number of the epoch, counted from 0.
        number: of the batch in the epoch, counted from 0.
        rows: (batch_size,) numbers of its jets.
    """

    epoch: int
    number: int
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Shuffled:
    """The full batches of the current epoch; the rest of the jets waits for another order.

    Args:
        n_jets: number of jets.
        batch_size: number of jets in a batch.
        seed: of the order.
        epoch: tells which epoch it is.
    """

    n_jets: int
    batch_size: int
    seed: int
    epoch: Callable[[], int]

    def __len__(self) -> int:
        """Number of batches."""
        return self.n_jets // self.batch_size

    def __iter__(self) -> Iterator[Place]:
        epoch, size = self.epoch(), self.batch_size
        order = np.random.default_rng([self.seed, epoch]).permutation(self.n_jets)
        for i in range(len(self)):
            yield Place(epoch, i, order[i * size : (i + 1) * size])


@dataclass(frozen=True)
class Views:
    """Views x, x' and perhaps some x* of the jets of a batch, packed, and the jets' weights.

    Args:
        jets: all training jets.
        augmentations: augmentations that make the views.
        encoder: configuration of the network that reads them.
        loss: which says whether there are x*.
        seed: of the augmentations.
        rank: number of this process, which takes its share of every batch.
        world_size: number of processes; it divides the batch size.
    """

    jets: PreparedJets
    augmentations: Augmentations
    encoder: EncoderConfig
    loss: LossConfig
    seed: int
    rank: int = 0
    world_size: int = 1

    def __getitem__(self, place: Place) -> tuple[PackedBatch, torch.Tensor]:
        rng = np.random.default_rng([self.seed, place.epoch, place.number])
        augmentations = self.augmentations
        make = augmentations.views if self.loss.needs_anomalous else augmentations.positive_views
        # Of the whole batch, so that they do not depend on the number of processes.
        views: tuple[Constituents, ...] = make(self.jets.constituents[place.rows], rng)
        mine = slice(self.rank, None, self.world_size)
        if self.world_size > 1:
            views = tuple(view[mine] for view in views)
        weight = torch.from_numpy(self.jets.weight[place.rows][mine])
        return pack(Constituents.concatenate(views), self.encoder), weight


class _Source(Protocol):
    def __getitem__(self, place: Place) -> Any: ...


@dataclass(frozen=True)
class Batches:
    """The batches of an epoch, one after the other.

    Args:
        source: makes the batch of a place.
        places: of the current epoch.
    """

    source: _Source
    places: Shuffled

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.places)

    def __iter__(self) -> Iterator[Any]:
        return (self.source[place] for place in self.places)

    def made_by(self, workers: int) -> Batches | DataLoader:
        """The same batches, made ahead by so many processes that live as long as the training."""
        if not workers:
            return self
        return DataLoader(
            self.source,  # type: ignore[arg-type]
            batch_size=None,
            sampler=self.places,
            num_workers=workers,
            persistent_workers=True,
            multiprocessing_context="fork",  # they share the jets
            generator=torch.Generator(),  # nobody else's is touched
        )
