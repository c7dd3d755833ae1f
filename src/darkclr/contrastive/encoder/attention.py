"""Self-attention over packed constituents: jets of equal length attend side by side.

Two ways to the same numbers, chosen by what is there: variable-length kernels on CUDA; elsewhere
matrix product, softmax, matrix product for each run of equally long jets, with a hand-written
backward. On CPU torch's fused kernel is made for long sequences and takes up to twice as long for
jets, its backward longer still, and autograd would copy every query, key and value several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from darkclr.contrastive.encoder.dropout import keep_mask, kept_share

__all__ = ["Runs", "attend", "varlen_attention"]

#: (length, n_jets) of each run of equally long jets, one after the other.
Runs = tuple[tuple[int, int], ...]

# CUDA's limit of the dimension of a grid along which the kernels count jets.
_MOST_JETS = 65_535


def attend(
    qkv: Tensor, runs: Runs, n_heads: int, dropout: float, mask: Tensor | None = None
) -> Tensor:
    """Scaled dot-product attention among the constituents of each jet (paper eq. 4 and 5).

    Dropped weights are zero and the others are *not* divided by :func:`kept_share`: the caller
    does so, where it costs nothing.

    Args:
        qkv: (n_constituents, 3 * dim), queries, keys and values.
        runs: (length, n_jets) of each run of equally long jets.
        n_heads: number of heads.
        dropout: share of the attention weights that is dropped.
        mask: (n_constituents,) added to the logits of the constituent that is attended to, if
            any; no gradient flows into it.

    Returns:
        (n_constituents, dim).
    """
    if qkv.is_cuda and mask is None and _has_kernel(qkv, runs, n_heads):  # takes no mask
        rescaled = varlen_attention(qkv, runs, n_heads, dropout)
        return rescaled * kept_share(dropout) if dropout else rescaled
    return _RunAttention.apply(qkv, runs, n_heads, dropout, mask)


def varlen_attention(qkv: Tensor, runs: Runs, n_heads: int, dropout: float) -> Tensor:
    """The same by torch's CUDA kernels of variable length: one call for all lengths.

    These are the operators that nested tensors call; with nested tensors around them four layers
    cost a batch tens of milliseconds on the processor, more than a GPU takes for all its work.
    Weights that are kept are divided by their share, as torch does.
    """
    offsets, longest = _offsets(runs, qkv.device), max(runs)[0]
    lengths = offsets, offsets, longest, longest
    q, k, v = (part.unflatten(-1, (n_heads, -1)).contiguous() for part in qkv.chunk(3, dim=-1))
    if qkv.dtype == torch.float32:
        learns = torch.is_grad_enabled() and qkv.requires_grad
        attended = torch.ops.aten._efficient_attention_forward(
            q[None], k[None], v[None], None, *lengths, dropout, 0, learns
        )[0][0]
    else:
        attended = torch.ops.aten._flash_attention_forward(
            q, k, v, *lengths, dropout, False, False
        )[0]
    return attended.flatten(1)


def _has_kernel(qkv: Tensor, runs: Runs, n_heads: int) -> bool:
    """Whether there is a kernel for so many jets, this width of a head, number format, device."""
    width = qkv.shape[-1] // 3 // n_heads
    if sum(n_jets for _, n_jets in runs) > _MOST_JETS:
        return False
    if qkv.dtype == torch.float32:
        return width % 4 == 0
    return width % 8 == 0 and width <= 256 and torch.cuda.get_device_capability(qkv.device)[0] >= 8


@lru_cache(maxsize=1)
def _offsets(runs: Runs, device: torch.device) -> Tensor:
    """Where each jet begins, (n_jets + 1,) int32: the same in all layers of a batch."""
    counts = torch.tensor([n for _, n in runs])
    lengths = torch.tensor([length for length, _ in runs]).repeat_interleave(counts)
    return F.pad(lengths.cumsum(0), (1, 0)).to(device, torch.int32)


class _RunAttention(torch.autograd.Function):
    """Matrix product, softmax, matrix product, run by run; backward written out."""

    @staticmethod
    def forward(
        ctx: Any, qkv: Tensor, runs: Runs, n_heads: int, dropout: float, mask: Tensor | None
    ) -> Tensor:
        dim = qkv.shape[-1] // 3
        scale = (dim // n_heads) ** -0.5
        attended = qkv.new_empty(len(qkv), dim)
        added = _masks(mask, runs, qkv.dtype)
        masks: tuple[Tensor, ...] = ()
        if dropout:
            sizes = [n_heads * n_jets * length**2 for length, n_jets in runs]
            masks = keep_mask((sum(sizes),), dropout, qkv).split(sizes)
        saved = []
        for i, ((length, n_jets), part, target) in enumerate(
            zip(runs, _parts(qkv, runs), _parts(attended, runs), strict=True)
        ):
            qkv_heads = _by_head(part, n_jets, length, 3, n_heads)
            q, k, v = qkv_heads
            q.mul_(scale)
            logits = q @ k.transpose(1, 2)
            if mask is not None:
                logits.view(n_jets, n_heads, length, length).add_(added[i])  # type: ignore[arg-type]
            weights = logits.softmax(-1).to(qkv.dtype)  # CUDA's autocast takes it in float32
            kept = weights * masks[i].view_as(weights) if dropout else weights
            _from_head(kept @ v, target, n_jets, length, 1, n_heads)
            saved += [qkv_heads, weights]
        ctx.save_for_backward(*saved, *masks)
        ctx.settings = runs, n_heads, scale
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        runs, n_heads, scale = ctx.settings
        saved = ctx.saved_tensors
        masks = saved[2 * len(runs) :]
        result = gradient.new_empty(len(gradient), 3 * gradient.shape[-1])
        for i, ((length, n_jets), part, target) in enumerate(
            zip(runs, _parts(gradient, runs), _parts(result, runs), strict=True)
        ):
            (q, k, v), weights = saved[2 * i : 2 * i + 2]
            by_output = _by_head(part, n_jets, length, 1, n_heads)[0]
            by_heads = torch.empty_like(saved[2 * i])
            by_q, by_k, by_v = by_heads
            by_kept = by_output @ v.transpose(1, 2)
            if masks:
                mask = masks[i].view_as(weights)
                torch.bmm((weights * mask).transpose(1, 2), by_output, out=by_v)
                by_kept *= mask
            else:
                torch.bmm(weights.transpose(1, 2), by_output, out=by_v)
            by_score = torch._softmax_backward_data(by_kept, weights, -1, weights.dtype)
            torch.bmm(by_score, k, out=by_q)
            by_q.mul_(scale)
            torch.bmm(by_score.transpose(1, 2), q, out=by_k)
            _from_head(by_heads, target, n_jets, length, 3, n_heads)
        return result, None, None, None, None


def _parts(packed: Tensor, runs: Runs) -> tuple[Tensor, ...]:
    return packed.split([length * n_jets for length, n_jets in runs])


def _masks(mask: Tensor | None, runs: Runs, dtype: torch.dtype) -> Sequence[Tensor | None]:
    """For each run, (n_jets, 1, 1, length): the same for all heads and all that attend."""
    if mask is None:
        return [None] * len(runs)
    return [
        part.view(n_jets, 1, 1, length).to(dtype)
        for (length, n_jets), part in zip(runs, _parts(mask.detach(), runs), strict=True)
    ]


def _by_head(packed: Tensor, n_jets: int, length: int, kinds: int, n_heads: int) -> Tensor:
    """(n_jets * length, kinds * dim) -> (kinds, n_jets * n_heads, length, dim / n_heads)."""
    x = packed.view(n_jets, length, kinds, n_heads, -1).permute(2, 0, 3, 1, 4)
    return x.clone(memory_format=torch.contiguous_format).view(kinds, n_jets * n_heads, length, -1)


def _from_head(
    by_head: Tensor, target: Tensor, n_jets: int, length: int, kinds: int, n_heads: int
) -> None:
    """The way back, into ``target``."""
    x = by_head.view(kinds, n_jets, n_heads, length, -1).permute(1, 3, 0, 2, 4)
    target.view(n_jets, length, kinds, n_heads, -1).copy_(x)
