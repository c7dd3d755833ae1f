"""The Lightning module: views of each jet, one packed pass, contrastive loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule

from darkclr.augmentations import Augmentations
from darkclr.contrastive.batches import PackedBatch, pack
from darkclr.contrastive.encoder import Encoder, EncoderConfig
from darkclr.contrastive.history import History
from darkclr.contrastive.losses import LossConfig, LossTerms, contrastive_loss
from darkclr.contrastive.pairs import pair_similarities, summarise_pairs
from darkclr.contrastive.training_config import TrainingConfig
from darkclr.errors import TrainingError
from darkclr.jets import Constituents

__all__ = ["ContrastiveModule", "EpochOfBatches", "adam", "seeded_step"]


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
        self.train_constituents: Constituents
        self.validation_constituents: Constituents

    def train_dataloader(self) -> Iterator[PackedBatch]:
        """The batches of the current epoch; Lightning asks anew for every epoch."""
        return EpochOfBatches(  # type: ignore[return-value]
            self.train_constituents,
            self.augmentations,
            self.encoder.config.pt_scale,
            self.training_config,
            self.current_epoch,
            self.loss.needs_anomalous,
        )

    def training_step(self, batch: PackedBatch, batch_index: int) -> torch.Tensor:
        """Loss of one batch."""
        with seeded_step(self.training_config.seed, self.global_step, self.device):
            _, z = self.encoder(batch)
        views = z.chunk(3 if self.loss.needs_anomalous else 2)
        terms = contrastive_loss(
            views[0], views[1], views[2] if self.loss.needs_anomalous else None, self.loss
        )
        if not torch.isfinite(terms.loss):
            raise TrainingError(
                f"the loss is {float(terms.loss.detach())} at step {self.global_step}",
                mend="lower training.learning_rate or use training.precision=float32",
            )
        self._record(terms, len(views[0]))
        return terms.loss

    def _record(self, terms: LossTerms, n_jets: int) -> None:
        values = {
            name: float(value.detach())
            for name, value in terms._asdict().items()
            if value is not None
        }
        self.history.step(self.global_step, self.current_epoch, values)
        if self.progress is not None:
            self.progress(n_jets, values)

    def on_train_epoch_end(self) -> None:
        """Watch the validation jets and write the history."""
        self.encoder.eval()
        pairs = pair_similarities(
            self.encoder,
            self.validation_constituents,
            self.augmentations,
            self.training_config.seed,
        )
        self.encoder.train()
        self.history.epoch(self.current_epoch, summarise_pairs(pairs))
        self.log("epoch_loss", self.history.epoch_mean(self.current_epoch, "loss"))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history travels with the checkpoint, so both always agree."""
        checkpoint["history"] = self.history.rows

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint stopped."""
        self.history.rows = checkpoint["history"]

    def configure_optimizers(self) -> Any:
        """Adam, with a constant learning rate or one cycle."""
        steps = len(self.train_constituents) // self.training_config.batch_size
        return adam(self, self.training_config, steps)


@dataclass(frozen=True)
class EpochOfBatches:
    """Batches of views of shuffled jets, x, x' and perhaps x*; a function of seed and epoch."""

    constituents: Constituents
    augmentations: Augmentations
    pt_scale: float
    config: TrainingConfig
    epoch: int
    with_anomalous: bool = True

    def __len__(self) -> int:
        """Number of full batches; the rest of the jets waits for another epoch's order."""
        return len(self.constituents) // self.config.batch_size

    def __iter__(self) -> Iterator[PackedBatch]:
        size, seed = self.config.batch_size, self.config.seed
        order = np.random.default_rng([seed, self.epoch]).permutation(len(self.constituents))
        for i in range(len(self)):
            rng = np.random.default_rng([seed, self.epoch, i])
            jets = self.constituents[order[i * size : (i + 1) * size]]
            make = (
                self.augmentations.views
                if self.with_anomalous
                else self.augmentations.positive_views
            )
            views = make(jets, rng)
            yield pack(Constituents.concatenate(views), self.pt_scale)


def adam(module: torch.nn.Module, config: TrainingConfig, steps_per_epoch: int) -> Any:
    """Adam and its schedule in the form that Lightning takes."""
    optimiser = torch.optim.Adam(
        module.parameters(), lr=config.learning_rate, betas=config.betas, eps=config.eps
    )
    if config.schedule == "constant":
        return optimiser
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=config.learning_rate,
        total_steps=config.epochs * steps_per_epoch,
        cycle_momentum=False,
    )
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


@contextmanager
def seeded_step(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Random numbers of torch (dropout) that depend on seed and step alone.

    So a resumed training repeats them, and nobody else's generator is touched.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        state = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)
        torch.manual_seed(int(state[0] >> np.uint64(1)))
        yield
