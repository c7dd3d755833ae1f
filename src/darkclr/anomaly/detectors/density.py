"""What densities with a network share: training rows, epochs, the best one, the state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from darkclr.anomaly.detectors.autoencoder import resolve_device, training_ranges
from darkclr.anomaly.detectors.detector import Progress
from darkclr.anomaly.detectors.epochs import SCORING_ROWS, batches, clone_state, kept_aside, record
from darkclr.anomaly.detectors.gaussian import Whitening
from darkclr.errors import TrainingError
from darkclr.parameters import Ranges

__all__ = ["Density"]


class Density(Whitening):
    """Base: a network whose loss on background is minimised with Adam.

    The weights of the epoch with the smallest loss on rows that are kept aside stay.

    Args:
        epochs: passes over the training rows.
        learning_rate: of Adam at the start; it falls to zero along a cosine.
        batch_size: rows a step.
        n_components: as in :class:`~darkclr.anomaly.detectors.gaussian.Whitening`.
        validation_fraction: share of the rows that is kept aside.
        seed: of weights, order of the rows, validation rows.
        device: "auto", "cpu" or "cuda".

    Attributes:
        network_: the trained network.
        history_: epoch, stage, train_loss, validation_loss.
    """

    network_: Any

    #: Norm to which the gradient of a batch is cut.
    _largest_gradient = math.inf

    def __init__(
        self,
        *,
        epochs: int,
        learning_rate: float,
        batch_size: int,
        n_components: int | None,
        validation_fraction: float,
        seed: int,
        device: str,
    ) -> None:
        super().__init__(n_components)
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.seed = seed
        self.device = device

    @property
    def n_epochs(self) -> int:
        """Epochs of the training."""
        return self.epochs

    def loss(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """What is minimised, of prepared rows, (n, k) -> (n,)."""
        raise NotImplementedError

    def energy(self, x: Tensor) -> Tensor:
        """Anomaly score of prepared rows, (n, k) -> (n,)."""
        raise NotImplementedError

    def _build(self, generator: torch.Generator) -> nn.Module:
        raise NotImplementedError

    def _learn_preparation(self, X: NDArray) -> None:
        """Take scales from the training rows."""
        self._fit_whitening(X, None)

    def _prepared(self, X: ArrayLike) -> NDArray:
        """Rows as the network reads them, (n, d) -> (n, k)."""
        return self._whitened(X)

    def _ranges(self) -> Ranges:
        return {**super()._ranges(), **training_ranges(self)}

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, progress: Progress | None = None
    ) -> Self:
        """Train on background rows X (n, d).

        Raises:
            ConfigError: a parameter out of its range.
            InputError: X is not finite, or has too few rows.
            TrainingError: the loss became infinite.
            MissingExtraError: a package is not installed.
        """
        super().fit(X)
        X = self._checked(X)
        generator = torch.Generator().manual_seed(self.seed)
        train, validation = kept_aside(X, self.validation_fraction, generator)
        self._learn_preparation(X)
        device = resolve_device(self.device)
        rows = self._tensor(X).to(device)
        self.network_ = self._build(generator).to(device)
        self._train(rows[train], rows[validation], generator, progress)
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Anomaly score of each row, (n,)."""
        device = resolve_device(self.device)
        self.network_.to(device)
        with torch.no_grad():
            parts = [
                self.energy(part.to(device)).cpu() for part in self._tensor(X).split(SCORING_ROWS)
            ]
        return torch.cat(parts).double().numpy()

    def state(self) -> dict[str, NDArray]:
        """Weights and preparation."""
        weights = {f"network.{k}": v.cpu().numpy() for k, v in self.network_.state_dict().items()}
        return super().state() | weights

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over weights and preparation."""
        super().restore(state)
        self.network_ = self._build(torch.Generator())
        prefix = "network."
        self.network_.load_state_dict(
            {
                k.removeprefix(prefix): torch.from_numpy(np.array(v))
                for k, v in state.items()
                if k.startswith(prefix)
            }
        )
        return self

    def _tensor(self, X: ArrayLike) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(self._prepared(X), dtype=np.float32))

    def _train(
        self,
        train: Tensor,
        validation: Tensor,
        generator: torch.Generator,
        progress: Progress | None,
    ) -> None:
        optimizer = torch.optim.Adam(self.network_.parameters(), lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.epochs)
        noise = torch.Generator(train.device).manual_seed(self.seed)
        best: tuple[float, dict[str, Tensor]] = (float("inf"), {})
        for epoch in range(1, self.epochs + 1):
            total = 0.0
            for batch in batches(train, self.batch_size, generator):
                loss = self.loss(batch, noise).mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.network_.parameters(), self._largest_gradient)
                optimizer.step()
                total += loss.item() * len(batch)
            schedule.step()
            # Its own noise, the same in every epoch: epochs are compared.
            watch = torch.Generator(train.device).manual_seed(self.seed + 1)
            with torch.no_grad():
                held = torch.cat([self.loss(p, watch) for p in validation.split(SCORING_ROWS)])
            row: dict[str, Any] = {
                "epoch": epoch,
                "stage": type(self).__name__,
                "train_loss": total / len(train),
                "validation_loss": held.double().mean().item(),
            }
            if not np.isfinite(row["train_loss"] + row["validation_loss"]):
                raise TrainingError(
                    f"the loss is infinite in epoch {epoch}",
                    where=type(self).__name__,
                    fix="lower learning_rate or n_components",
                )
            if row["validation_loss"] < best[0]:
                best = (row["validation_loss"], clone_state(self.network_))
            record(self.history_, row, progress)
        self.network_.load_state_dict(best[1])
