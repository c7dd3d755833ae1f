"""Dropout whose masks cost little: zeros and ones from few random bits, scale left to the caller.

Source: Srivastava et al., JMLR 15 (2014) 1929. An entry that survives is not divided by its
probability here: the linear layer that follows has few weights, and takes the factor in.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["keep_mask", "kept_share", "relu_dropped"]

# Whether an entry is dropped is decided by 16 random bits.
_LEVELS = 1 << 16


def kept_share(dropout: float) -> float:
    """Exact probability of an entry to survive: dropout is rounded to 1/65536."""
    return 1 - round(dropout * _LEVELS) / _LEVELS


def keep_mask(shape: tuple[int, ...], dropout: float, like: Tensor) -> Tensor:
    """Independent zeros and ones in the type and on the device of ``like``, ones kept.

    The seed is drawn from torch's generator. On CPU that generator needs several nanoseconds a
    draw, which for the masks of a step is as long as its matrix products; there four entries
    share one 64-bit word of a faster one.
    """
    if like.device.type != "cpu":
        return torch.empty(shape, dtype=like.dtype, device=like.device).bernoulli_(
            kept_share(dropout)
        )
    n = math.prod(shape)
    seed = int(torch.randint(1 << 62, ()))
    bits = np.random.SFC64(seed).random_raw(-(-n // 4)).view(np.int16)[:n]
    first_kept = round(dropout * _LEVELS) - _LEVELS // 2  # int16 starts at -32768
    mask = torch.empty(n, dtype=like.dtype)
    return torch.ge(torch.from_numpy(bits), first_kept, out=mask).view(shape)


def relu_dropped(x: Tensor, dropout: float) -> Tensor:
    """ReLU, then entries of ``x`` dropped, the others not rescaled."""
    return _ReluDropped.apply(x, dropout) if dropout else F.relu(x)


class _ReluDropped(torch.autograd.Function):
    """The output is zero where the gradient is: neither mask nor input need be kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dropout: float) -> Tensor:
        y = F.relu(x).mul_(keep_mask(x.shape, dropout, x))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return torch.ops.aten.threshold_backward(gradient, ctx.saved_tensors[0], 0), None
