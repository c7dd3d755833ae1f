"""A plain autoencoder on representations: the reconstruction error is the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from darkclr.anomaly.detectors.checkpoint import Checkpoint
from darkclr.anomaly.detectors.detector import Detector, Progress
from darkclr.anomaly.detectors.epochs import (
    SCORING_ROWS,
    batches,
    clone_state,
    kept_aside,
    mean_energy,
    record,
)
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.parameters import Ranges

__all__ = ["Activation", "Autoencoder", "AutoencoderNetwork"]

Activation = Literal["relu", "silu", "elu", "leaky_relu"]
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
}

# arXiv:2312.03067 section 4: "five layers with neurons from 128 to 8 in powers of two and a
# three-dimensional bottleneck"; shared by the plain and the normalized autoencoder.
PAPER_WIDTHS = (128, 64, 32, 16, 8)
PAPER_BOTTLENECK = 3


class AutoencoderNetwork(nn.Module):
    """Encoder d -> widths -> bottleneck and its mirror image, linear at bottleneck and output.

    Args:
        n_features: d.
        widths: hidden layers of the encoder, outermost first.
        bottleneck: dimension of the latent space.
        activation: between the layers; the papers name none.
        sphere: latent points are projected on the unit sphere (arXiv:2206.14225), which makes the
            latent space compact: a chain in it can start from the uniform distribution.
        generator: source of the initial weights (the defaults of ``nn.Linear``).
    """

    def __init__(
        self,
        n_features: int,
        *,
        widths: Sequence[int],
        bottleneck: int,
        activation: str,
        sphere: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        sizes = [n_features, *widths, bottleneck]
        self.bottleneck = bottleneck
        self.sphere = sphere
        self.encoder = perceptron(sizes, ACTIVATIONS[activation], generator)
        self.decoder = perceptron(sizes[::-1], ACTIVATIONS[activation], generator)

    def encode(self, z: Tensor) -> Tensor:
        """Latent points, (n, d) -> (n, bottleneck)."""
        latent = self.encoder(z)
        return nn.functional.normalize(latent, dim=-1) if self.sphere else latent

    def decode(self, latent: Tensor) -> Tensor:
        """Reconstructions, (n, bottleneck) -> (n, d)."""
        return self.decoder(latent)

    def energy(self, z: Tensor) -> Tensor:
        """Reconstruction error E(z) = mean((z - z')²), (n, d) -> (n,).

        Eq. 8 of arXiv:2312.03067 writes a norm; its text and the thesis (eq. 3.25) use the mean
        squared error, and so do we. The order of the scores is the same.
        """
        return (z - self.decode(self.encode(z))).square().mean(dim=-1)

    def latent_energy(self, latent: Tensor) -> Tensor:
        """H(b) = E(d(b)), (n, bottleneck) -> (n,) (thesis eq. 4.9)."""
        return self.energy(self.decode(latent))


class Autoencoder(Detector):
    """Reconstruction error of an autoencoder trained on background (arXiv:2312.03067 section 4).

    Representations enter as they are: the paper transforms nothing before the autoencoder.

    Args:
        epochs: passes over the training rows.
        learning_rate: of Adam at the start; it falls to zero along a cosine.
        batch_size: rows a step.
        widths: hidden layers of the encoder, mirrored in the decoder.
        bottleneck: dimension of the latent space.
        activation: between the layers; the papers name none. ELU has a continuous gradient, which
            Langevin chains follow, and no units that die in layers of 3 to 8.
        validation_fraction: share of the rows that is kept aside to watch the training.
        early_stopping: end with the weights of the epoch with the smallest validation error
            instead of those of the last epoch.
        rescale: divide all features by one number, their root mean square. Directions and ratios
            of norms stay as they are; for representations whose size is far from 1 a component.
        seed: of weights, order of the rows, validation rows.
        device: "auto", "cpu" or "cuda".

    Attributes:
        network_: the trained network.
        scale_: the number that features are divided by.
        history_: epoch, stage, train_energy, validation_energy.
    """

    def __init__(
        self,
        epochs: int = 50,
        learning_rate: float = 1e-3,
        batch_size: int = 512,
        widths: Sequence[int] = PAPER_WIDTHS,
        bottleneck: int = PAPER_BOTTLENECK,
        activation: Activation = "elu",
        validation_fraction: float = 0.1,
        early_stopping: bool = False,
        rescale: bool = False,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.widths = widths
        self.bottleneck = bottleneck
        self.activation = activation
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.rescale = rescale
        self.seed = seed
        self.device = device

    @property
    def n_epochs(self) -> int:
        """Epochs of the training."""
        return self.epochs

    _spherical = False

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
            ConfigError: a parameter out of its range.
            InputError: X is not finite, or too short.
            TrainingError: the reconstruction error became infinite.
        """
        super().fit(X)
        checkpoint = Checkpoint(checkpoint_directory, self.get_params(), np.asarray(X))
        generator = torch.Generator().manual_seed(self.seed)
        train, validation = self._prepare(X, generator)
        self.network_ = self._build(generator).to(train.device)
        self._train_reconstruction(train, validation, self.epochs, generator, progress, checkpoint)
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Reconstruction error of each row, (n,), in units of scaled X²."""
        X = self._checked(X)
        device = resolve_device(self.device)
        self.network_.to(device)
        with torch.no_grad():
            parts = [
                self.network_.energy(self._tensor(X[i : i + SCORING_ROWS], device)).cpu()
                for i in range(0, len(X), SCORING_ROWS)
            ]
        return torch.cat(parts).double().numpy()

    def state(self) -> dict[str, NDArray]:
        """Weights and scale."""
        weights = {f"network.{k}": v.cpu().numpy() for k, v in self.network_.state_dict().items()}
        return super().state() | {"scale": np.array([self.scale_])} | weights

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over weights and scale."""
        super().restore(state)
        self.scale_ = float(state["scale"][0])
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

    def _ranges(self) -> Ranges:
        return {
            **super()._ranges(),
            **training_ranges(self),
            "widths": (all(width >= 1 for width in self.widths), "numbers of at least 1"),
            "bottleneck": (self.bottleneck >= 1, "at least 1"),
            "activation": (self.activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"),
        }

    def _prepare(self, X: ArrayLike, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Scaled training and validation rows on the device."""
        X = self._checked(X)
        train, validation = kept_aside(X, self.validation_fraction, generator)
        root_mean_square = float(np.sqrt(np.mean(np.square(X, dtype=np.float64))))
        self.scale_ = root_mean_square if self.rescale else 1.0
        if not self.scale_ > 0:
            raise InputError("all features are zero", where="features")
        device = resolve_device(self.device)
        return self._tensor(X[train], device), self._tensor(X[validation], device)

    def _tensor(self, X: NDArray, device: torch.device) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(X / self.scale_, dtype=np.float32)).to(device)

    def _build(self, generator: torch.Generator) -> AutoencoderNetwork:
        return AutoencoderNetwork(
            self.n_features_in_,
            widths=self.widths,
            bottleneck=self.bottleneck,
            activation=self.activation,
            sphere=self._spherical,
            generator=generator,
        )

    def _train_reconstruction(
        self,
        train: Tensor,
        validation: Tensor,
        epochs: int,
        generator: torch.Generator,
        progress: Progress | None,
        checkpoint: Checkpoint,
    ) -> None:
        """Minimise the mean E(z) over the background with Adam."""
        optimizer = torch.optim.Adam(self.network_.parameters(), lr=self.learning_rate)
        # Without it the error, and the order of the scores, still jump from epoch to epoch.
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        best: tuple[float, dict[str, Tensor]] = (float("inf"), {})
        if "reconstruction" in checkpoint:
            state = checkpoint["reconstruction"]
            self.network_.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            generator.set_state(state["generator"])
            best = tuple(state["best"])  # type: ignore[assignment]
            for row in state["history"]:
                record(self.history_, row, progress)
        for epoch in range(len(self.history_) + 1, epochs + 1):
            total = 0.0
            for batch in batches(train, self.batch_size, generator):
                loss = self.network_.energy(batch).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
            schedule.step()
            row = {
                "epoch": epoch,
                "stage": "autoencoder",
                "train_energy": total / len(train),
                "validation_energy": mean_energy(self.network_, validation),
            }
            if not np.isfinite(row["train_energy"] + row["validation_energy"]):
                raise TrainingError(
                    f"the reconstruction error is infinite in epoch {epoch}",
                    where=type(self).__name__,
                    fix="lower learning_rate or set rescale",
                )
            if self.early_stopping and row["validation_energy"] < best[0]:
                best = (row["validation_energy"], clone_state(self.network_))
            record(self.history_, row, progress)
            checkpoint.update(
                reconstruction={
                    "network": self.network_.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": generator.get_state(),
                    "best": list(best),
                    "history": self.history_,
                }
            )
        if self.early_stopping:
            self.network_.load_state_dict(best[1])


def training_ranges(detector: Any) -> Ranges:
    """Ranges of what all trainings over epochs are told.

    Raises:
        ConfigError: there is no such device.
    """
    resolve_device(detector.device)
    return {
        "epochs": (detector.epochs >= 1, "at least 1"),
        "learning_rate": (0 < detector.learning_rate < np.inf, "positive and finite"),
        "batch_size": (detector.batch_size >= 1, "at least 1"),
        "validation_fraction": (0 < detector.validation_fraction < 1, "between 0 and 1"),
    }


def resolve_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU where there is one.

    Raises:
        ConfigError: there is none of that name, or it has no float64.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name, dtype=torch.float64).device
    except (AssertionError, ImportError, RuntimeError, TypeError) as error:
        raise ConfigError(f"no device {name!r}", where="device", fix="take 'auto'") from error


def perceptron(
    sizes: Sequence[int], activation: type[nn.Module], generator: torch.Generator
) -> nn.Sequential:
    """Linear layers of these sizes with activations between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        # skip_init: nn.Linear would draw its weights from the global random state.
        linear = nn.utils.skip_init(nn.Linear, n_in, n_out)
        bound = n_in**-0.5
        nn.init.uniform_(linear.weight, -bound, bound, generator=generator)
        nn.init.uniform_(linear.bias, -bound, bound, generator=generator)
        layers += [linear, activation()]
    return nn.Sequential(*layers[:-1])
