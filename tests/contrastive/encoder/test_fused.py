from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from darkclr.contrastive.encoder.fused import linear

LIMITS = {torch.float64: 1e-14, torch.float32: 1e-5, torch.bfloat16: 2e-2}


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("with_residual", [True, False])
def test_linear_then_relu_then_residual(dtype, grad, relu, with_residual):
    torch.manual_seed(0)
    layer = nn.Linear(40, 30).to(dtype)
    x, residual = torch.randn(100, 40).to(dtype), torch.randn(100, 30).to(dtype)
    with torch.set_grad_enabled(grad):
        y = linear(x, layer, relu=relu, residual=residual if with_residual else None)
    expected = F.linear(x.double(), layer.weight.double(), layer.bias.double())
    expected = expected.relu() if relu else expected
    expected = expected + residual.double() if with_residual else expected
    assert y.dtype == dtype
    assert y.requires_grad is grad
    assert (y - expected).norm() < LIMITS[dtype] * expected.norm()


def test_autocast_holds_for_inputs_of_another_type():
    layer, x = nn.Linear(3, 5), torch.randn(7, 3)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        first = linear(x, layer)
        second = linear(first, nn.Linear(5, 5), residual=first)
    assert first.dtype == second.dtype == torch.bfloat16


def test_processors_without_bfloat16_take_the_plain_way(monkeypatch):
    layer, x = nn.Linear(4, 5).bfloat16(), torch.randn(7, 4).bfloat16()
    with torch.no_grad():
        fused = linear(x, layer, relu=True)
        monkeypatch.setattr("darkclr.contrastive.encoder.fused._known", lambda dtype: False)
        plain = linear(x, layer, relu=True)
    torch.testing.assert_close(fused, plain, rtol=1e-2, atol=1e-2)
