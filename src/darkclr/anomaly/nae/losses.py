"""What a normalized autoencoder minimises, given data and samples of the model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.transport import wasserstein_loss
from darkclr.errors import ConfigError
from darkclr.parameters import check_ranges

__all__ = ["LossName", "NormalizationLoss", "log_cosh"]

LossName = Literal["energy_difference", "log_cosh", "wasserstein"]


@dataclass(frozen=True)
class NormalizationLoss:
    """A loss of data and samples.

    - "energy_difference": E₊ - E₋ (arXiv:2312.03067 eq. 9), the gradient of the likelihood;
    - "log_cosh": log cosh((E₊ - E₋)/E₀) + α E₊/E₀ (CMS 2023, EPS-HEP), which is content once the
      energies agree, where the difference alone may fall without limit. E₀ makes it independent of
      the size of the representation; CMS has E₀ = 1 for inputs of unit variance;
    - "wasserstein": W₂² between data and samples, differentiated through the chain (CMS 2026,
      arXiv:2510.02168).

    Args:
        name: of the three.
        negative_energy_penalty: weight of mean(E₋²), against samples whose energy runs away
            (arXiv:2105.05735, with weight 1 in arXiv:2206.14225).
        positive_energy_weight: α of "log_cosh".
        unit: E₀.

    Raises:
        ConfigError: an unknown name or a negative weight.
    """

    name: LossName = "energy_difference"
    negative_energy_penalty: float = 0.0
    positive_energy_weight: float = 0.1
    unit: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in ("energy_difference", "log_cosh", "wasserstein"):
            raise ConfigError(
                f"loss = {self.name!r}",
                where="NormalizedAutoencoder",
                fix="choose of energy_difference, log_cosh, wasserstein",
            )
        check_ranges(
            self,
            "NormalizedAutoencoder",
            {
                name: (0 <= getattr(self, name) < math.inf, "at least 0 and finite")
                for name in ("negative_energy_penalty", "positive_energy_weight")
            },
        )

    @property
    def through(self) -> bool:
        """Whether the samples must carry a gradient."""
        return self.name == "wasserstein"

    def __call__(
        self, network: AutoencoderNetwork, data: Tensor, samples: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, and the mean energies E₊ and E₋.

        Args:
            network: whose weights are trained.
            data: (n, d).
            samples: (n, d); with a gradient where :attr:`through`.
        """
        positive = network.energy(data).mean()
        energies = network.energy(samples)
        negative = energies.mean()
        if self.name == "wasserstein":
            loss = wasserstein_loss(data, samples)
        elif self.name == "log_cosh":
            loss = log_cosh((positive - negative) / self.unit)
            loss = loss + self.positive_energy_weight * positive / self.unit
        else:
            loss = positive - negative
        if self.negative_energy_penalty:
            loss = loss + self.negative_energy_penalty * energies.square().mean()
        return loss, positive, negative


def log_cosh(x: Tensor) -> Tensor:
    """log cosh x without overflow.

    >>> log_cosh(Tensor([0.0, 1000.0]))
    tensor([  0.0000, 999.3068])
    """
    return x.abs() + nn.functional.softplus(-2 * x.abs()) - math.log(2)
