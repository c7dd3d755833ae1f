from __future__ import annotations

import pytest
import torch

from darkclr.contrastive.encoder.attention import attend, varlen_attention

RUNS = ((1, 2), (3, 4), (7, 1), (8, 3))
N = sum(length * n for length, n in RUNS)
HEADS, DIM = 2, 8


@pytest.fixture
def qkv():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(N, 3 * DIM, generator=generator, dtype=torch.float64, requires_grad=True)


def by_definition(qkv, runs=RUNS):
    """Eq. 4 and 5, jet by jet and head by head."""
    jets = qkv.split([length for length, n in runs for _ in range(n)])
    rows = []
    for jet in jets:
        q, k, v = (x.view(len(jet), HEADS, -1) for x in jet.chunk(3, dim=-1))
        heads = [
            (q[:, h] @ k[:, h].T / (DIM // HEADS) ** 0.5).softmax(-1) @ v[:, h]
            for h in range(HEADS)
        ]
        rows.append(torch.cat(heads, dim=-1))
    return torch.cat(rows)


def with_gradient(result, qkv):
    weights = torch.linspace(-1, 2, result.numel(), dtype=result.dtype).view_as(result)
    return result.detach(), torch.autograd.grad((result * weights).sum(), qkv)[0]


def test_value_and_gradient_are_those_of_the_definition(qkv):
    ours = with_gradient(attend(qkv, RUNS, HEADS, 0.0), qkv)
    expected = with_gradient(by_definition(qkv), qkv)
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def _of_lengths(q, k, v, offsets):
    """Attention of (n, heads, d), and its weights, jet by jet."""
    cuts = offsets.diff().tolist()
    parts = [[x.float().transpose(0, 1) for x in jet] for jet in zip(*(
        x.split(cuts) for x in (q, k, v)), strict=True)]  # fmt: skip
    weights = [(a @ b.mT * a.shape[-1] ** -0.5).softmax(-1) for a, b, _ in parts]
    out = [(w @ c).transpose(0, 1) for w, (_, _, c) in zip(weights, parts, strict=True)]
    return torch.cat(out).to(q.dtype), weights, parts


def _backward(gradient, q, k, v, offsets):
    _, weights, parts = _of_lengths(q, k, v, offsets)
    by = [x.float().transpose(0, 1) for x in gradient.split(offsets.diff().tolist())]
    found = []
    for g, w, (a, b, c) in zip(by, weights, parts, strict=True):
        by_weight = g @ c.mT
        by_score = (by_weight - (by_weight * w).sum(-1, keepdim=True)) * w * a.shape[-1] ** -0.5
        found.append([x.transpose(0, 1) for x in (by_score @ b, by_score.mT @ a, w.mT @ g)])
    return tuple(torch.cat(x).to(q.dtype) for x in zip(*found, strict=True))


@pytest.fixture
def kernels():
    """The CUDA kernels that take packed jets of any length, written out for a CPU.

    They take what theirs take: 32-bit offsets, and a batch of one where it is asked for.
    """
    none = torch.zeros(0)

    def flash(q, k, v, offsets, offsets_k, longest, longest_k, dropout, causal, debug, **_):
        assert offsets.dtype == torch.int32
        assert (q.dim(), longest, causal, dropout) == (3, 8, False, 0.0)
        return _of_lengths(q, k, v, offsets)[0], none, none, none, none

    def flash_back(g, q, k, v, out, sums, offsets, *_, **__):
        return _backward(g, q, k, v, offsets)

    def efficient(q, k, v, bias, offsets, offsets_k, longest, longest_k, dropout, kind, learns,
                  **_):  # fmt: skip
        assert offsets.dtype == torch.int32
        assert (q.shape[0], longest, kind, dropout, learns) == (1, 8, 0, 0.0, True)
        out = _of_lengths(q[0], k[0], v[0], offsets)[0][None]
        seed = torch.zeros((), dtype=torch.int64)
        return out, none, seed, seed, longest, longest

    def efficient_back(g, q, k, v, bias, out, offsets, *_, **__):
        return *(x[None] for x in _backward(g[0], q[0], k[0], v[0], offsets)), none

    library = torch.library.Library("aten", "IMPL")
    for name, kernel in {
        "_flash_attention_forward": flash,
        "_flash_attention_backward": flash_back,
        "_efficient_attention_forward": efficient,
        "_efficient_attention_backward": efficient_back,
    }.items():
        library.impl(name, kernel, "CPU")
    yield
    library._destroy()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.usefixtures("kernels")
def test_kernels_of_variable_length_are_called_as_they_want(qkv, dtype, tolerance):
    x = qkv.detach().to(dtype).requires_grad_()
    ours = with_gradient(varlen_attention(x, RUNS, HEADS, 0.0), x)
    expected = with_gradient(by_definition(qkv), qkv)
    for a, b in zip(ours, expected, strict=True):
        assert (a - b).norm() < tolerance * b.norm()


def test_gradient_with_dropout_is_that_of_finite_differences(qkv):
    def of(qkv):
        torch.manual_seed(3)  # the same masks at every evaluation
        return attend(qkv, RUNS, HEADS, 0.3)

    with torch.random.fork_rng():
        assert torch.autograd.gradcheck(of, (qkv,))


def test_dropout_keeps_the_mean(qkv):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        draws = torch.stack([attend(qkv, RUNS, HEADS, 0.25) for _ in range(400)])
    error = draws.std(0) / len(draws) ** 0.5
    pull = (draws.mean(0) - 0.75 * by_definition(qkv.detach())) / error
    assert pull.abs().max() < 5
    assert pull.std().item() == pytest.approx(1, abs=0.25)


def test_bfloat16_is_near(qkv):
    exact = by_definition(qkv)
    rounded = attend(qkv.bfloat16(), RUNS, HEADS, 0.0)
    assert rounded.dtype == torch.bfloat16
    assert (rounded - exact).norm() / exact.norm() < 0.01


def test_softmax_may_come_back_in_float32(qkv, monkeypatch):
    """As under CUDA's autocast; on CPU it keeps bfloat16."""
    exact = with_gradient(by_definition(qkv), qkv)
    softmax = torch.Tensor.softmax
    monkeypatch.setattr(torch.Tensor, "softmax", lambda x, dim: softmax(x.float(), dim))
    narrow = qkv.detach().bfloat16().requires_grad_()
    for ours, expected in zip(
        with_gradient(attend(narrow, RUNS, HEADS, 0.0), narrow), exact, strict=True
    ):
        assert ours.dtype == torch.bfloat16
        assert (ours - expected).norm() / expected.norm() < 0.02


def test_a_mask_adds_to_the_logits_of_the_constituent_that_is_attended_to(qkv):
    mask = torch.linspace(-2, 2, N, dtype=torch.float64)
    lengths = [length for length, n in RUNS for _ in range(n)]
    expected = []
    for jet, added in zip(qkv.split(lengths), mask.split(lengths), strict=True):
        q, k, v = (x.view(len(jet), HEADS, -1).transpose(0, 1) for x in jet.chunk(3, dim=-1))
        weights = (q @ k.transpose(1, 2) / (DIM // HEADS) ** 0.5 + added).softmax(-1)
        expected.append((weights @ v).transpose(0, 1).flatten(1))
    ours = with_gradient(attend(qkv, RUNS, HEADS, 0.0, mask), qkv)
    for a, b in zip(ours, with_gradient(torch.cat(expected), qkv), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
