"""Optimiser and schedule of a training, and which precision the hardware is fast in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from darkclr.errors import ConfigError
from darkclr.parameters import check_ranges

__all__ = ["Precision", "TrainingConfig", "fast_precision", "use_bfloat16"]

Precision = Literal["auto", "float32", "bfloat16"]


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
        keep: ``best``: the epoch with the lowest training loss, as in the public
            code; or ``last``.
        seed: of initialisation, order of the jets, augmentations and dropout.
        device: ``auto``, ``cpu`` or ``gpu``.
        devices: processes a node, each with its own GPU (or share of the cores) and its own part
            of every batch; ``batch_size`` remains that of all together.
        nodes: machines.
        strategy: how Lightning joins them: ``auto``, ``ddp``, ...
    """

    epochs: int = 150
    batch_size: int = 256
    learning_rate: float = 5e-5
    schedule: Literal["constant", "one_cycle"] = "constant"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-4
    precision: Precision = "float32"
    keep: Literal["best", "last"] = "best"
    seed: int = 1
    device: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"

    def __post_init__(self) -> None:
        check_ranges(
            self,
            "training",
            {
                "epochs": (self.epochs >= 1, "at least 1"),
                "batch_size": (self.batch_size >= 2, "at least 2"),
                "learning_rate": (0 < self.learning_rate < math.inf, "positive and finite"),
                "betas": (
                    len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas),
                    "two numbers of at least 0 and less than 1",
                ),
                "eps": (0 < self.eps < math.inf, "positive and finite"),
                "seed": (self.seed >= 0, "at least 0"),
                "device": (self.device in ("auto", "cpu", "gpu"), "auto, cpu or gpu"),
                "devices": (self.devices >= 1, "at least 1"),
                "nodes": (self.nodes >= 1, "at least 1"),
            },
        )
        if self.batch_size % (self.devices * self.nodes):
            raise ConfigError(
                f"batch_size = {self.batch_size} for {self.devices} devices on {self.nodes} nodes",
                where="training",
                fix="make the batch a multiple of their product",
            )

    @property
    def bfloat16(self) -> bool:
        """Whether to compute in bfloat16, decided by what the hardware can do for ``auto``."""
        return use_bfloat16(self.precision, self.device)


def use_bfloat16(precision: Precision, device: str) -> bool:
    """Whether to multiply matrices in bfloat16 on a device."""
    return (fast_precision(device) if precision == "auto" else precision) == "bfloat16"


def fast_precision(device: str = "auto") -> Literal["float32", "bfloat16"]:
    """bfloat16 where a device multiplies matrices in it, else float32; "auto" is a GPU if any."""
    if device != "cpu" and torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    supported = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if supported else "float32"
