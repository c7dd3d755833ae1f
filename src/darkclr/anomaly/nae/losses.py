"""What a normalized autoencoder minimises, given data and samples of the model."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Annotated, Literal, Self

from torch import Tensor, nn

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.transport import wasserstein_loss
from darkclr.parameters import LATER, AtLeast, Positive, check_parameters

__all__ = ["LossName", "LossParameters", "NormalizationLoss", "log_cosh"]

LossName = Literal["energy_difference", "log_cosh", "wasserstein"]


@dataclass(eq=False, repr=False, kw_only=True)
class LossParameters:
    """What is minimised during the normalisation."""

    loss: LossName = "energy_difference"
    """What is minimised: the difference of the energies of data and samples, its log cosh (CMS
    2023), or their Wasserstein distance (CMS 2026)."""
    negative_energy_penalty: Annotated[float, AtLeast(0)] = 0.0
    """Weight of mean(E_-²) in the loss, against samples whose energy runs away (arXiv:2105.05735,
    with weight 1 in arXiv:2206.14225)."""
    positive_energy_weight: Annotated[float, AtLeast(0)] = 0.1
    """Weight α of the energy of data in log_cosh."""
    energy_unit: Annotated[float | None, Positive(), LATER] = None
    """Energy E₀ that is 1 in log_cosh; null: E₊ before the normalisation."""


@dataclass(eq=False, kw_only=True)
class NormalizationLoss(LossParameters):
    """A loss of data and samples.

    - "energy_difference": E₊ - E₋ (arXiv:2312.03067 eq. 9), the gradient of the likelihood;
    - "log_cosh": log cosh((E₊ - E₋)/E₀) + α E₊/E₀ (CMS 2023, EPS-HEP), which is content once the
      energies agree, where the difference alone may fall without limit. E₀ makes it independent of
      the size of the representation; CMS has E₀ = 1 for inputs of unit variance;
    - "wasserstein": W₂² between data and samples, differentiated through the chain (CMS 2026,
      arXiv:2510.02168).

    Raises:
        ConfigError: an unknown name or a negative weight.
    """

    unit: Annotated[float, Positive()] = 1.0
    """The energy E₀."""

    def __post_init__(self) -> None:
        check_parameters(self, "NormalizedAutoencoder")

    @classmethod
    def of(cls, parameters: LossParameters, unit: float) -> Self:
        """The loss that a detector's parameters name."""
        names = [field.name for field in fields(LossParameters)]
        unit = unit if parameters.energy_unit is None else parameters.energy_unit
        return cls(**{name: getattr(parameters, name) for name in names}, unit=unit)

    @property
    def through(self) -> bool:
        """Whether the samples must carry a gradient."""
        return self.loss == "wasserstein"

    def __call__(
        self, network: AutoencoderNetwork, data: Tensor, samples: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, and the mean energies E₊ and E₋.

        Args:
            network: whose weights are trained.
            data: (n, d).
            samples: (n, d); with a gradient where :attr:`through`.
        """
        positive, energies = network.energy(data).mean(), network.energy(samples)
        distance = wasserstein_loss(data, samples) if self.loss == "wasserstein" else None
        return self.of_energies(positive, energies, distance), positive, energies.mean()

    def of_energies(self, positive: Tensor, energies: Tensor, distance: Tensor | None) -> Tensor:
        """The loss of the mean energy of data, the energies of samples, (n,), and their W₂²."""
        negative = energies.mean()
        if self.loss == "wasserstein":
            assert distance is not None
            loss = distance
        elif self.loss == "log_cosh":
            loss = log_cosh((positive - negative) / self.unit)
            loss = loss + self.positive_energy_weight * positive / self.unit
        else:
            loss = positive - negative
        if self.negative_energy_penalty:
            loss = loss + self.negative_energy_penalty * energies.square().mean()
        return loss


def log_cosh(x: Tensor) -> Tensor:
    """log cosh x without overflow.

    >>> log_cosh(Tensor([0.0, 1000.0]))
    tensor([  0.0000, 999.3068])
    """
    return x.abs() + nn.functional.softplus(-2 * x.abs()) - math.log(2)
