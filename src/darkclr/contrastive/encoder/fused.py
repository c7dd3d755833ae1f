"""Linear layers with what follows them, in one pass over memory where no gradient is asked for."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["linear"]


def linear(
    x: Tensor, layer: nn.Linear, *, relu: bool = False, residual: Tensor | None = None
) -> Tensor:
    """``layer(x)``, then a ReLU, then the residual added.

    On CPU and without a gradient oneDNN adds bias and residual and cuts off negative values while
    the product is still in the processor's registers; on wide inputs of few features each pass
    over memory costs as much as a tenth of the product. It is what ``torch.compile`` would put
    here, without a compiler. Elsewhere these are operations of their own.

    Args:
        x: (n, in_features).
        layer: the layer.
        relu: whether negative values become zero.
        residual: (n, out_features), in the type of ``x``.
    """
    if _can_fuse(x) and (residual is None or residual.dtype == x.dtype):
        weight, bias = layer.weight.to(x.dtype), layer.bias.to(x.dtype)
        operations = torch.ops.mkldnn
        if residual is not None and not relu:
            return operations._linear_pointwise.binary(x, residual, weight, bias, "add")
        y = operations._linear_pointwise(x, weight, bias, "relu" if relu else "none", [], "")
    else:
        y = layer(x)
        y = F.relu(y) if relu else y
    return y if residual is None else y + residual


def _can_fuse(x: Tensor) -> bool:
    autocast = torch.is_autocast_enabled("cpu")
    if x.device.type != "cpu" or torch.is_grad_enabled():
        return False
    return _known(x.dtype) and (not autocast or x.dtype == torch.get_autocast_dtype("cpu"))


@cache
def _known(dtype: torch.dtype) -> bool:
    """Whether oneDNN is there, with this type on this processor."""
    if not torch.backends.mkldnn.is_available() or not hasattr(
        torch.ops.mkldnn, "_linear_pointwise"
    ):
        return False
    if dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return dtype == torch.float32
