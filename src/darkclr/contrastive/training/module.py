"""The Lightning module: views of each jet, one packed pass, contrastive loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule

from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.contrastive.encoder.batches import PackedBatch
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.losses import LossTerms, contrastive_loss
from darkclr.contrastive.pairs import Pairs, pair_views, summarise_pairs, view_similarities
from darkclr.contrastive.training.batches import Batches, Shuffled, Views
from darkclr.contrastive.training.history import History
from darkclr.contrastive.training.loop import adam, seeded_step
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.errors import TrainingError

__all__ = ["ContrastiveModule"]


class ContrastiveModule(LightningModule):
    """The training step: the views that the loss needs, one packed pass, the loss."""

    def __init__(
        self,
        encoder: EncoderConfig,
        augmentations: Augmentations,
        loss: LossConfig,
        training: TrainingConfig,
        output: Path,
        progress: Callable[[int, dict[str, float]], None] | None,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(encoder)
        self.augmentations = augmentations
        self.loss = loss
        self.training_config = training
        self.history = History(output / "history.csv")
        self.progress = progress
        self.told = 0  # jets that progress knows of
        self.train_jets: PreparedJets
        self.validation_jets: PreparedJets

    def train_dataloader(self) -> Any:
        """The batches of each epoch, when it comes."""
        config = self.training_config
        views = Views(
            self.train_jets,
            self.augmentations,
            self.encoder.config,
            self.loss,
            config.seed,
            self.global_rank,
            self.trainer.world_size,
        )
        places = Shuffled(
            len(self.train_jets), config.batch_size, config.seed, lambda: self.current_epoch
        )
        return Batches(views, places).made_by(config.view_workers)

    def training_step(
        self, batch: tuple[PackedBatch, torch.Tensor], batch_index: int
    ) -> torch.Tensor:
        """Loss of one batch."""
        packed, weight = batch
        with seeded_step(
            self.training_config.seed, self.global_step, self.device, self.global_rank
        ):
            _, z = self.encoder(packed)
        n_families = len(self.augmentations.families) if self.loss.needs_anomalous else 0
        original, physical, *families = z.chunk(2 + n_families)
        anomalous = torch.stack(families) if n_families > 1 else next(iter(families), None)
        terms = contrastive_loss(original, physical, anomalous, self.loss, weight)
        self._record(terms)
        return terms.loss

    def _record(self, terms: LossTerms) -> None:
        # Means over all processes, so that each of them keeps the same history.
        there = {name: term for name, term in terms._asdict().items() if term is not None}
        stacked = torch.stack(list(there.values())).detach()
        means = self.trainer.strategy.reduce(stacked, reduce_op="mean")
        values = dict(zip(there, means.tolist(), strict=True))
        if not math.isfinite(values["loss"]):
            raise TrainingError(
                f"the loss is {values['loss']} at step {self.global_step}",
                fix="lower training.learning_rate or use training.precision=float32",
            )
        self.history.step(self.global_step, self.current_epoch, values)
        if self.logger is not None:
            self.logger.log_metrics(values, self.global_step)
        if self.progress is not None and self.global_rank == 0:
            done = (self.global_step + 1) * self.training_config.batch_size
            self.progress(done - self.told, values)
            self.told = done

    @cached_property
    def watched(self) -> Pairs:
        """The views of the validation jets, the same in every epoch."""
        return pair_views(
            self.validation_jets.constituents, self.augmentations, self.training_config.seed
        )

    def on_train_epoch_end(self) -> None:
        """Watch the validation jets and write the history."""
        self.encoder.eval()
        pairs = view_similarities(self.encoder, self.watched)
        self.encoder.train()
        summary = summarise_pairs(pairs, self.validation_jets.weight)
        self.history.epoch(self.current_epoch, summary, write=self.global_rank == 0)
        if self.logger is not None:
            watched = {f"validation_{name}": value for name, value in summary.items()}
            self.logger.log_metrics(watched, self.global_step)
        self.log("epoch_loss", self.history.epoch_mean(self.current_epoch, "loss"))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history travels with the checkpoint, so both always agree."""
        checkpoint["history"] = self.history.rows

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint stopped."""
        self.history.rows = checkpoint["history"]

    def configure_optimizers(self) -> Any:
        """Adam, with a constant learning rate or one cycle."""
        steps = len(self.train_jets) // self.training_config.batch_size
        return adam(self, self.training_config, steps)
