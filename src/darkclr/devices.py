"""Where networks compute: the words of users, and the device of PyTorch that they mean."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from darkclr.errors import ConfigError

__all__ = ["Device", "torch_device"]

#: "auto" is a GPU where there is one; "gpu" and "cuda" are the same.
Device = Literal["auto", "cpu", "gpu", "cuda"]


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
    there = torch.cuda.is_available()
    if name in ("gpu", "cuda") and not there:
        raise ConfigError(
            "there is no GPU that PyTorch can use",
            where="device",
            fix="choose --device cpu or auto",
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")
