"""What scores that are trained over epochs share: parameters, rows, loop, state of the network."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from darkclr.anomaly.detector import Progress, Seeded
from darkclr.anomaly.training.checkpoint import Checkpoint
from darkclr.anomaly.training.rows import SCORING_ROWS, batches, kept_aside, mean_over
from darkclr.devices import DEVICE, Device, torch_device
from darkclr.errors import TrainingError
from darkclr.parameters import AtLeast, Between, Positive

__all__ = ["Trained", "Training", "clone_state"]

logger = logging.getLogger(__name__)

_PREFIX = "network."


@dataclass(eq=False)
class Training:
    """A training under way.

    Args:
        generator: source of the weights, of the rows that are kept aside, of their order.
        checkpoint: what an interrupted training goes on from.
        progress: called with each row of the history.
        history: one row an epoch.
    """

    generator: torch.Generator
    checkpoint: Checkpoint
    progress: Progress | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    def record(self, *rows: dict[str, Any]) -> None:
        """Append rows to the history and tell whoever watches."""
        for row in rows:
            self.history.append(row)
            logger.debug("%s", row)
            if self.progress is not None:
                self.progress(row)


@dataclass(eq=False, repr=False, kw_only=True)
class Trained(Seeded):
    """Base: a network whose loss on background is minimised with Adam.

    Attributes:
        network_: the trained network.
        history_: epoch, stage, and the loss of training and validation rows.
    """

    epochs: Annotated[int, AtLeast(1)] = 30
    """Passes over the training rows."""
    learning_rate: Annotated[float, Positive()] = 1e-3
    """Learning rate of Adam at the start; it falls to zero along a cosine."""
    batch_size: Annotated[int, AtLeast(1)] = 512
    """Rows a step."""
    validation_fraction: Annotated[float, Between(0, 1)] = 0.1
    """Share of the rows that is kept aside to watch the training."""
    device: Device = DEVICE
    """Where to compute: auto is a GPU where there is one; gpu and cuda are the same."""

    network_: Any = field(init=False)

    #: What the history calls the training and what is minimised.
    _stage: ClassVar[str]
    _quantity: ClassVar[str] = "loss"
    #: What to do about a loss that is infinite.
    _remedy: ClassVar[str]
    #: Norm to which the gradient of a batch is cut.
    _largest_gradient: ClassVar[float] = math.inf

    @property
    def n_epochs(self) -> int:
        """Epochs of the training."""
        return self.epochs

    @property
    def _keeps_best(self) -> bool:
        """Whether the weights of the epoch with the smallest validation loss stay."""
        return True

    @property
    def _patience(self) -> int | None:
        """Epochs without a smaller validation loss after which the training ends, if it does."""
        return None

    def energy(self, x: Tensor) -> Tensor:
        """Anomaly score of prepared rows, (n, k) -> (n,)."""
        raise NotImplementedError

    def objective(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """What is minimised, of prepared rows, (n, k) -> (n,): the energy unless said otherwise."""
        del generator
        return self.energy(x)

    def _learn_preparation(self, X: NDArray) -> None:
        """Take scales from the rows of the fit."""
        raise NotImplementedError

    def _prepared(self, X: ArrayLike) -> NDArray:
        """Rows as the network reads them, (n, d) -> (n, k)."""
        raise NotImplementedError

    def _build(self, generator: torch.Generator) -> nn.Module:
        """The network before its training."""
        raise NotImplementedError

    def check(self) -> Self:
        """Itself, if its parameters are in their ranges and there is such a device.

        Raises:
            ConfigError: they are not, or there is none.
            MissingExtraError: a package that it needs is not installed.
        """
        super().check()
        torch_device(self.device)
        return self

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
        checkpoint_directory: Path | None = None,
    ) -> Self:
        """Train on background rows X (n, d).

        Args:
            X: background rows.
            y: not read.
            progress: called after each epoch with its row of the history.
            checkpoint_directory: where the state is kept after each epoch. A fit that was killed
                goes on from it to the same result, to the last bit.

        Raises:
            ConfigError: a parameter is out of its range.
            InputError: X is not finite, or has too few rows.
            TrainingError: the loss became infinite.
            MissingExtraError: a package is not installed.
        """
        super().fit(X)
        X = self._checked(X)
        checkpoint = Checkpoint(checkpoint_directory, self._identity(), X)
        training = self._begin(checkpoint, progress)
        train, validation = self._parted(X, training.generator)
        self.network_ = self._build(training.generator).to(train.device)
        self._minimise(train, validation, self.epochs, training)
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Anomaly score of each row, (n,)."""
        rows, device = self._tensor(X), torch_device(self.device)
        self.network_.to(device)
        with torch.no_grad():
            parts = [self.energy(part.to(device)).cpu() for part in rows.split(SCORING_ROWS)]
        return torch.cat(parts).double().numpy()

    def state(self) -> dict[str, NDArray]:
        """Weights of the network, and what prepares its rows."""
        weights = {_PREFIX + k: v.cpu().numpy() for k, v in self.network_.state_dict().items()}
        return super().state() | weights

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over weights and preparation."""
        super().restore(state)
        self.network_ = self._build(torch.Generator())
        self.network_.load_state_dict(
            {
                name.removeprefix(_PREFIX): torch.from_numpy(np.array(values))
                for name, values in state.items()
                if name.startswith(_PREFIX)
            }
        )
        return self

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint belongs to; random numbers are others on another kind of device."""
        return self.get_params() | {"device": torch_device(self.device).type}

    def _begin(self, checkpoint: Checkpoint, progress: Progress | None) -> Training:
        training = Training(torch.Generator().manual_seed(self.seed), checkpoint, progress)
        self.history_ = training.history
        return training

    def _parted(self, X: NDArray, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Prepared training and validation rows on the device; scales come from both."""
        train, validation = kept_aside(X, self.validation_fraction, generator)
        self._learn_preparation(X)
        rows = self._tensor(X).to(torch_device(self.device))
        return rows[train], rows[validation]

    def _tensor(self, X: ArrayLike) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(self._prepared(X), dtype=np.float32))

    def _minimise(self, train: Tensor, validation: Tensor, epochs: int, training: Training) -> None:
        """Minimise the mean loss over background, from where the checkpoint stands."""
        network, generator, checkpoint = self.network_, training.generator, training.checkpoint
        optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate)
        # Without it the loss, and the order of the scores, still jump from epoch to epoch.
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(epochs, 1))
        patience = self._patience
        noise = torch.Generator(train.device).manual_seed(self.seed)
        best: tuple[float, dict[str, Tensor], int] = (math.inf, {}, 0)
        if "minimisation" in checkpoint:
            state = checkpoint["minimisation"]
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            generator.set_state(state["generator"])
            noise.set_state(state["noise"])
            best = tuple(state["best"])  # type: ignore[assignment]
            training.record(*state["history"])
        for epoch in range(len(training.history) + 1, epochs + 1):
            if patience is not None and epoch > best[2] + patience:
                break
            total = 0.0
            for batch in batches(train, self.batch_size, generator):
                loss = self.objective(batch, noise).mean()
                optimizer.zero_grad()
                loss.backward()
                if math.isfinite(self._largest_gradient):
                    nn.utils.clip_grad_norm_(network.parameters(), self._largest_gradient)
                optimizer.step()
                total += loss.item() * len(batch)
            if patience is None:
                schedule.step()
            # Its own noise, the same in every epoch: epochs are compared.
            watch = torch.Generator(train.device).manual_seed(self.seed + 1)
            held = mean_over(validation, lambda rows: self.objective(rows, watch))  # noqa: B023
            learned = total / len(train)
            if not math.isfinite(learned + held):
                raise TrainingError(
                    f"the {self._quantity} is infinite in epoch {epoch}",
                    where=type(self).__name__,
                    fix=self._remedy,
                )
            if self._keeps_best and held < best[0]:
                best = (held, clone_state(network), epoch)
            training.record(
                {
                    "epoch": epoch,
                    "stage": self._stage,
                    f"train_{self._quantity}": learned,
                    f"validation_{self._quantity}": held,
                }
            )
            checkpoint.update(
                minimisation={
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": generator.get_state(),
                    "noise": noise.get_state(),
                    "best": list(best),
                    "history": training.history,
                }
            )
        if self._keeps_best:
            network.load_state_dict(best[1])


def clone_state(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights that later steps do not touch."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
