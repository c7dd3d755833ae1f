"""Supervised transformer classifier: the encoder's backbone with a head for one logit.

Source: DarkCLR, arXiv:2312.03067, section 5.2 and Table 3: the same transformer with a head of two
layers, binary cross-entropy, the epoch with the best validation loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule
from numpy.typing import NDArray
from torch import Tensor, nn

from darkclr.contrastive.config import EncoderConfig, TrainingConfig
from darkclr.contrastive.encoder.batches import PackedBatch, pack
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import BATCH, encode_constituents, prepare
from darkclr.contrastive.model_directory import (
    Fingerprint,
    begin_model,
    is_finished,
    load_network,
    save_weights,
)
from darkclr.contrastive.training.batches import Batches, Place, Shuffled
from darkclr.contrastive.training.loop import adam, check_machine, fit_resumable, seeded_step
from darkclr.errors import InputError, TrainingError
from darkclr.io.documents import read_yaml
from darkclr.io.tensors import CONFIG
from darkclr.jets import BACKGROUND, SIGNAL, Constituents, Jets
from darkclr.parameters import recorded
from darkclr.reweighting import flat_weights

__all__ = ["Classifier", "train_classifier"]


class Classifier(nn.Module):
    """Logit of a jet being signal; higher = more signal-like."""

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        config = self.encoder.config
        self.encoder.head = nn.Sequential(
            nn.Linear(config.embedding_dim, config.output_dim),
            nn.ReLU(),
            nn.Linear(config.output_dim, 1),
        )

    def forward(self, batch: PackedBatch) -> Tensor:
        """Logits, (n_jets,)."""
        return self.encoder(batch)[1].squeeze(-1)

    def score(self, jets: Jets, batch_size: int = BATCH) -> NDArray[np.float64]:
        """Logit of each jet, (n,)."""
        constituents = prepare(jets.constituents, self.encoder.config)
        return _logits(self, constituents, batch_size).astype(np.float64)


def train_classifier(
    jets: Jets,
    output: str | Path,
    *,
    validation: Jets,
    encoder: EncoderConfig | None = None,
    training: TrainingConfig | None = None,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> Classifier:
    """Train on labelled jets; both classes count equally, weights within a class are honoured.

    With ``training.flat_pt`` each class has a flat spectrum of jet pT.

    Writes ``model.safetensors``, ``config.yaml`` and checkpoints to ``output``; an interrupted
    call goes on, a finished one returns at once. Kept is the epoch with the lowest validation
    loss (``training.keep = "best"``) or the last.

    Args:
        jets, validation: jets with labels 0 and 1.
        output: model directory.
        encoder, training: configuration of network and training.
        progress: called after every step with the number of jets and the loss; the first call
            counts the steps of an earlier call, too.

    Raises:
        InputError: one of the classes is missing.
        TrainingError: fewer jets than a batch, or a directory that holds another training.
    """
    encoder = encoder or EncoderConfig()
    training = training or TrainingConfig()
    output = Path(output)
    for part in (jets, validation):
        if not {BACKGROUND, SIGNAL} <= set(part.label.tolist()):
            raise InputError("a classifier needs jets of label 0 and of label 1")
    if len(jets) < training.batch_size:
        raise TrainingError(
            f"{len(jets)} training jets do not fill a batch of {training.batch_size}",
            fix="generate more jets or lower training.batch_size",
        )
    if not is_finished(output):
        check_machine(training)
    config = {"encoder": recorded(encoder), "training": recorded(training)}
    begin_model(output, config, Fingerprint().add(jets))
    if is_finished(output):
        return load_network(lambda: Classifier(encoder), output, read_yaml(output / CONFIG))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        classifier = Classifier(encoder)
    module = _ClassifierModule(
        classifier, _labelled(jets, encoder, training.flat_pt), training, progress
    )
    module.validation = _labelled(validation, encoder, training.flat_pt)
    if fit_resumable(module, output / "checkpoints", training):
        save_weights(output, classifier)
    return classifier.cpu().eval()


@dataclass(frozen=True)
class _Labelled:
    """Prepared constituents, labels, and weights with equal sums for both classes."""

    constituents: Constituents
    label: NDArray[np.float32]
    weight: NDArray[np.float32]


def _labelled(jets: Jets, config: EncoderConfig, flat_pt: bool) -> _Labelled:
    jets = jets[jets.label >= 0]
    weight = jets.weight.astype(np.float64)
    for label in (BACKGROUND, SIGNAL):
        mine = jets.label == label
        if flat_pt:
            weight[mine] = flat_weights(jets.pt[mine], weight[mine])
        weight[mine] *= 0.5 * len(jets) / weight[mine].sum()
    return _Labelled(
        prepare(jets.constituents, config),
        jets.label.astype(np.float32),
        weight.astype(np.float32),
    )


class _ClassifierModule(LightningModule):
    """Binary cross-entropy on packed batches."""

    def __init__(
        self,
        classifier: Classifier,
        jets: _Labelled,
        training: TrainingConfig,
        progress: Callable[[int, dict[str, float]], None] | None,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.jets = jets
        self.training_config = training
        self.progress = progress
        self.told = 0  # jets that progress knows of
        self.validation: _Labelled

    def train_dataloader(self) -> Any:
        """The batches of each epoch, when it comes."""
        config, share = self.training_config, slice(self.global_rank, None, self.trainer.world_size)
        places = Shuffled(
            len(self.jets.label), config.batch_size, config.seed, lambda: self.current_epoch
        )
        return Batches(_Labels(self.jets, self.classifier.encoder.config, share), places)

    def training_step(self, batch: tuple[PackedBatch, Tensor, Tensor], index: int) -> Tensor:
        """Weighted cross-entropy of one batch."""
        packed, label, weight = batch
        config = self.training_config
        with seeded_step(config.seed, self.global_step, self.device, self.global_rank):
            logits = self.classifier(packed)
        loss = F.binary_cross_entropy_with_logits(logits.float(), label, weight)
        if self.progress is not None and self.global_rank == 0:
            done = (self.global_step + 1) * config.batch_size
            self.progress(done - self.told, {"loss": float(loss.detach())})
            self.told = done
        return loss

    def on_train_epoch_end(self) -> None:
        """Validation loss, by which the best epoch is chosen."""
        logits = torch.from_numpy(_logits(self.classifier, self.validation.constituents))
        self.classifier.train()
        label, weight = (
            torch.from_numpy(x) for x in (self.validation.label, self.validation.weight)
        )
        self.log("epoch_loss", F.binary_cross_entropy_with_logits(logits, label, weight))

    def configure_optimizers(self) -> Any:
        """Adam, with a constant learning rate or one cycle."""
        steps = len(self.jets.label) // self.training_config.batch_size
        return adam(self, self.training_config, steps)


@dataclass(frozen=True)
class _Labels:
    """Packed jets of a batch, their labels and weights, or this process's share of them."""

    jets: _Labelled
    encoder: EncoderConfig
    share: slice

    def __getitem__(self, place: Place) -> tuple[PackedBatch, Tensor, Tensor]:
        rows = place.rows[self.share]
        return (
            pack(self.jets.constituents[rows], self.encoder),
            torch.from_numpy(self.jets.label[rows]),
            torch.from_numpy(self.jets.weight[rows]),
        )


def _logits(
    classifier: Classifier, constituents: Constituents, batch_size: int = BATCH
) -> NDArray[np.float32]:
    device = next(classifier.parameters()).device
    return encode_constituents(classifier.encoder, constituents, batch_size, device)[1][:, 0]
