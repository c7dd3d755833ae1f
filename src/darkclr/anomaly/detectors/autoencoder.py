"""A plain autoencoder on representations: the reconstruction error is the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from darkclr.anomaly.training.trained import Trained
from darkclr.errors import InputError
from darkclr.parameters import LATER, WIDTH, AtLeast, Ranges

__all__ = ["Activation", "Autoencoder", "AutoencoderNetwork", "Reconstruction", "perceptron"]

Activation = Literal["relu", "silu", "elu", "leaky_relu"]
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
}


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


@dataclass(eq=False, repr=False, kw_only=True)
class Reconstruction(Trained):
    """Base: the score is the reconstruction error of an autoencoder.

    Representations enter as they are: the paper transforms nothing before the autoencoder.

    Attributes:
        network_: the trained network.
        scale_: the number that features are divided by.
    """

    # arXiv:2312.03067 section 4: "five layers with neurons from 128 to 8 in powers of two and a
    # three-dimensional bottleneck".
    widths: Annotated[Sequence[int], WIDTH] = (128, 64, 32, 16, 8)
    """Hidden layers of the encoder, outermost first; the decoder mirrors them."""
    bottleneck: Annotated[int, WIDTH] = 3
    """Dimension of the latent space; at least 2 where it is a sphere."""
    activation: Activation = "elu"
    """Function between the layers, which the papers do not name. ELU has a continuous gradient,
    which Langevin chains follow, and no units that die in layers of 3 to 8."""
    rescale: bool = False
    """Whether all features are divided by one number, their root mean square. Directions and ratios
    of norms stay as they are; it is for representations whose size is far from 1 a component."""

    scale_: float = field(init=False)

    _stage: ClassVar[str] = "autoencoder"
    _quantity: ClassVar[str] = "energy"
    _remedy: ClassVar[str] = "lower learning_rate or set rescale"

    @property
    def _spherical(self) -> bool:
        """Whether the latent space is a sphere."""
        return False

    def energy(self, x: Tensor) -> Tensor:
        """Reconstruction error of prepared rows, (n, d) -> (n,)."""
        return self.network_.energy(x)

    def state(self) -> dict[str, NDArray]:
        """Weights and scale."""
        return super().state() | {"scale": np.array([self.scale_])}

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over weights and scale."""
        self.scale_ = float(state["scale"][0])
        return super().restore(state)

    def _learn_preparation(self, X: NDArray) -> None:
        root_mean_square = float(np.sqrt(np.mean(np.square(X, dtype=np.float64))))
        self.scale_ = root_mean_square if self.rescale else 1.0
        if not self.scale_ > 0:
            raise InputError("all features are zero", where="features")

    def _prepared(self, X: ArrayLike) -> NDArray:
        return self._checked(X) / self.scale_

    def _build(self, generator: torch.Generator) -> AutoencoderNetwork:
        return AutoencoderNetwork(
            self.n_features_in_,
            widths=self.widths,
            bottleneck=self.bottleneck,
            activation=self.activation,
            sphere=self._spherical,
            generator=generator,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class Autoencoder(Reconstruction):
    """Reconstruction error of an autoencoder trained on background (arXiv:2312.03067 section 4).

    Attributes:
        history_: epoch, stage, train_energy, validation_energy.
    """

    epochs: Annotated[int, AtLeast(1)] = 50
    """Passes over the training rows."""
    early_stopping: bool = False
    """Whether the weights of the epoch with the smallest validation error stay instead of those of
    the last epoch."""
    patience: Annotated[int | None, AtLeast(1), LATER] = None
    """Number of epochs without a smaller validation error after which the training ends, at a
    constant learning rate and with early_stopping; null: it takes all epochs."""

    @property
    def _keeps_best(self) -> bool:
        return self.early_stopping

    @property
    def _patience(self) -> int | None:
        return self.patience

    def _ranges(self) -> Ranges:
        possible = self.patience is None or self.early_stopping
        return {"patience": (possible, "null without early_stopping")}


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
