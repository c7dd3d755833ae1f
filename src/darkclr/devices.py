"""Where networks compute and in which precision: the words of users, and what they mean.

The words are read without PyTorch, so that help and errors come at once.
"""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from darkclr.errors import ConfigError

if TYPE_CHECKING:
    import torch

__all__ = [
    "DEVICE",
    "PRECISION",
    "Device",
    "Precision",
    "fast_precision",
    "torch_device",
    "use_bfloat16",
]

_log = logging.getLogger(__name__)

_NVIDIA = Path("/dev/nvidiactl")  # the driver is there

#: "auto" is a GPU where there is one; "gpu" and "cuda" are the same.
Device = Literal["auto", "cpu", "gpu", "cuda"]

#: What is taken unless something else is asked for.
DEVICE: Device = "auto"

#: "auto" is bfloat16 where the hardware multiplies matrices in it.
Precision = Literal["auto", "float32", "bfloat16"]

#: What is taken unless something else is asked for.
PRECISION: Precision = "float32"


def torch_device(name: str) -> torch.device:
    """The device that a word of :data:`Device` means.

    Raises:
        ConfigError: it is no such word, or there is no GPU.

    >>> torch_device("cpu")
    device(type='cpu')
    """
    if name not in get_args(Device):
        raise ConfigError(
            f"no device {name!r}", where="device", fix=f"choose of {', '.join(get_args(Device))}"
        )
    import torch

    there = torch.cuda.is_available()
    if name == "auto" and not there and _NVIDIA.exists():
        _tell_unused()
    if name in ("gpu", "cuda") and not there:
        raise ConfigError(
            "there is no GPU that PyTorch can use",
            where="device",
            fix="choose --device cpu or auto",
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def use_bfloat16(precision: Precision, device: str) -> bool:
    """Whether to multiply matrices in bfloat16 on a device; where that is slow, it is told."""
    if precision == "float32":
        return False
    fast = fast_precision(device) == "bfloat16"
    if not fast and precision == "bfloat16":
        _tell_slow()
    return fast or precision == "bfloat16"


@cache
def _tell_unused() -> None:
    """Once a process."""
    import torch

    made = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    _log.warning(
        "there is an NVIDIA GPU, but PyTorch %s is made %s and cannot use it; install another one "
        "or a newer driver, or take the device cpu",
        torch.__version__,
        made,
    )


@cache
def _tell_slow() -> None:
    """Once a process."""
    _log.warning(
        "this hardware does not compute in bfloat16, and emulates it at a fraction of the speed of "
        "float32; take the precision auto"
    )


def fast_precision(device: str = DEVICE) -> Literal["float32", "bfloat16"]:
    """bfloat16 where a device multiplies matrices in it, else float32; "auto" is a GPU if any."""
    import torch

    if device != "cpu" and torch.cuda.is_available():
        # Older ones emulate it.
        there = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if there else "float32"
    supported = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if supported else "float32"
