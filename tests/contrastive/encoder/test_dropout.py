from __future__ import annotations

import pytest
import torch

from darkclr.contrastive.encoder.dropout import keep_mask, kept_share, relu_dropped

N = 1 << 20


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        yield


@pytest.mark.parametrize("dropout", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_probability_is_exact_to_one_in_65536(dropout, dtype):
    share = kept_share(dropout)
    assert abs(share - (1 - dropout)) <= 0.5 / 65536
    mask = keep_mask((N,), dropout, torch.empty(0, dtype=dtype))
    assert mask.dtype == dtype
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    error = (share * (1 - share) / N) ** 0.5
    assert abs(mask.double().mean().item() - share) < 4 * error


def test_entries_are_independent():
    mask = keep_mask((N,), 0.3, torch.empty(0)).double() - kept_share(0.3)
    variance = mask.square().mean()
    for lag in (1, 2, 3, 4, 5, 64, 512, 65536):  # four entries share a word of random bits
        correlation = (mask[lag:] * mask[:-lag]).mean() / variance
        assert abs(correlation) < 5 / N**0.5
    other = keep_mask((N,), 0.3, torch.empty(0)).double() - kept_share(0.3)
    assert abs((mask * other).mean() / variance) < 5 / N**0.5


def test_masks_are_a_function_of_torch_s_seed():
    first = keep_mask((7, 9), 0.5, torch.empty(0))
    assert not torch.equal(keep_mask((7, 9), 0.5, torch.empty(0)), first)
    torch.manual_seed(1)
    assert torch.equal(keep_mask((7, 9), 0.5, torch.empty(0)), first)


def test_relu_and_dropout_together():
    x = torch.randn(200, 30, dtype=torch.float64, requires_grad=True)
    y = relu_dropped(x, 0.4)
    torch.manual_seed(1)
    torch.randn(200, 30, dtype=torch.float64)
    mask = keep_mask(x.shape, 0.4, x)
    assert torch.equal(y, x.relu() * mask)
    gradient = torch.randn_like(x)
    (ours,) = torch.autograd.grad(y, x, gradient)
    assert torch.equal(ours, gradient * mask * (x > 0))
    assert torch.equal(relu_dropped(x, 0.0), x.relu())
