"""Optimiser and schedule of a training, and which precision the hardware is fast in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from darkclr.errors import ConfigError

__all__ = ["TrainingConfig", "fast_precision"]


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser and schedule; the defaults are Table 1 of the paper.

    Args:
        epochs: passes over the training jets.
        batch_size: jets a step; each enters as three views.
        learning_rate: of Adam; the peak for ``one_cycle``.
        schedule: ``constant``, or ``one_cycle``: up in the first third, then down to zero.
        betas: of Adam.
        eps: of Adam.
        precision: ``float32``, ``bfloat16`` (autocast), or ``auto``: bfloat16 where the hardware
            computes in it.
        keep: ``best``: the epoch with the lowest training loss, as in the paper; or ``last``.
        seed: of initialisation, order of the jets, augmentations and dropout.
        device: ``auto``, ``cpu`` or ``gpu``.
    """

    epochs: int = 150
    batch_size: int = 256
    learning_rate: float = 5e-5
    schedule: Literal["constant", "one_cycle"] = "constant"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-4
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    keep: Literal["best", "last"] = "best"
    seed: int = 1
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2 or self.learning_rate <= 0:
            raise ConfigError(
                "epochs >= 1, batch_size >= 2 and learning_rate > 0 are needed", where="training"
            )

    @property
    def bfloat16(self) -> bool:
        """Whether to compute in bfloat16, decided by what the hardware can do for ``auto``."""
        precision = fast_precision() if self.precision == "auto" else self.precision
        return precision == "bfloat16"


def fast_precision() -> Literal["float32", "bfloat16"]:
    """bfloat16 where the hardware multiplies matrices in it, else float32."""
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    supported = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if supported else "float32"
