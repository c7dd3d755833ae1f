"""The Lightning module: three views of each jet, one packed pass, AnomCLR+ loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.pytorch import LightningModule

from darkclr.augmentations import Augmentations
from darkclr.contrastive.batches import PackedBatch, pack
from darkclr.contrastive.encoder import Encoder, EncoderConfig
from darkclr.contrastive.history import History
from darkclr.contrastive.losses import LossConfig, LossTerms, anomclr_plus
from darkclr.contrastive.pairs import pair_similarities, summarise_pairs
from darkclr.errors import TrainingError
from darkclr.jets import Constituents

if TYPE_CHECKING:
    from darkclr.contrastive.training import TrainingConfig

__all__ = ["ContrastiveModule", "EpochOfBatches"]


class ContrastiveModule(LightningModule):
    """The training step: three views of each jet, one packed pass, AnomCLR+ loss."""

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
        )

    def training_step(self, batch: PackedBatch, batch_index: int) -> torch.Tensor:
        """Loss of one batch."""
        # Dropout's random numbers depend on the step alone, so a resumed run repeats them.
        with torch.random.fork_rng(_devices(self.device)):
            torch.manual_seed(_step_seed(self.training_config.seed, self.global_step))
            _, z = self.encoder(batch)
        terms = anomclr_plus(*z.chunk(3), self.loss)
        if not torch.isfinite(terms.loss):
            raise TrainingError(
                f"the loss is {float(terms.loss)} at step {self.global_step}",
                mend="lower training.learning_rate or use training.precision=float32",
            )
        self._record(terms, len(z) // 3)
        return terms.loss

    def _record(self, terms: LossTerms, n_jets: int) -> None:
        values = {name: float(value.detach()) for name, value in terms._asdict().items()}
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
        config = self.training_config
        optimiser = torch.optim.Adam(
            self.parameters(), lr=config.learning_rate, betas=config.betas, eps=config.eps
        )
        if config.schedule == "constant":
            return optimiser
        steps = config.epochs * (len(self.train_constituents) // config.batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=config.learning_rate, total_steps=steps, cycle_momentum=False
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


@dataclass(frozen=True)
class EpochOfBatches:
    """Batches of three views, x, x' and x*, of shuffled jets; a function of seed and epoch."""

    constituents: Constituents
    augmentations: Augmentations
    pt_scale: float
    config: TrainingConfig
    epoch: int

    def __len__(self) -> int:
        """Number of full batches; the rest of the jets waits for another epoch's order."""
        return len(self.constituents) // self.config.batch_size

    def __iter__(self) -> Iterator[PackedBatch]:
        size, seed = self.config.batch_size, self.config.seed
        order = np.random.default_rng([seed, self.epoch]).permutation(len(self.constituents))
        for i in range(len(self)):
            rng = np.random.default_rng([seed, self.epoch, i])
            jets = self.constituents[order[i * size : (i + 1) * size]]
            views = self.augmentations.views(jets, rng)
            yield pack(Constituents.concatenate(views), self.pt_scale)


def _devices(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []


def _step_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
