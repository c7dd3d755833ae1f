"""Transformer encoder: packed constituents -> representation of each jet.

Source: DarkCLR, arXiv:2312.03067, section 3.3 and Table 1. There is no padding and hence nothing
to mask: jets of equal length attend side by side, all other layers see constituents only.
"""

from __future__ import annotations

import hashlib
import json

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn

from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.attention import Runs, attend
from darkclr.contrastive.encoder.batches import PackedBatch
from darkclr.contrastive.encoder.dropout import keep_mask, kept_share, relu_dropped
from darkclr.contrastive.encoder.fused import linear
from darkclr.domain import Domain
from darkclr.parameters import recorded

__all__ = ["Block", "Encoder", "SelfAttention"]


class SelfAttention(nn.Module):
    """Multi-head self-attention among the constituents of each jet (paper eq. 4 and 5)."""

    def __init__(self, dim: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.query_key_value.weight)
        nn.init.zeros_(self.query_key_value.bias)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor, runs: Runs, mask: Tensor | None = None) -> Tensor:
        """x + attention(x), (n_constituents, dim); ``mask`` (n_constituents,) adds to the logits.

        It belongs to the constituent that is attended to.
        """
        dropout = self.dropout if self.training else 0.0
        attended = attend(linear(x, self.query_key_value), runs, self.n_heads, dropout, mask)
        return _plus_branch(x, attended, self.output, dropout)


class Block(nn.Module):
    """Self-attention and feed-forward layer, each with residual and norm after it."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        dim = config.embedding_dim
        self.dropout = config.dropout
        self.attention = SelfAttention(dim, config.n_heads, config.dropout)
        self.norm_attention = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, config.feedforward_dim)
        self.contract = nn.Linear(config.feedforward_dim, dim)
        self.norm_feedforward = nn.LayerNorm(dim)

    def forward(self, x: Tensor, runs: Runs, mask: Tensor | None = None) -> Tensor:
        """(n_constituents, dim) -> the same shape; ``mask`` as in :class:`SelfAttention`."""
        dropout = self.dropout if self.training else 0.0
        x = self.norm_attention(self.attention(x, runs, mask))
        if dropout:
            hidden = relu_dropped(self.expand(x), dropout)
        else:
            hidden = linear(x, self.expand, relu=True)
        return self.norm_feedforward(_plus_branch(x, hidden, self.contract, dropout))


def _plus_branch(x: Tensor, branch: Tensor, layer: nn.Linear, dropout: float) -> Tensor:
    """x plus ``layer`` of a ``branch`` with entries dropped but not rescaled, its output dropped.

    Both factors 1 / kept share are applied to the weights, which are few and in float32.
    """
    if not dropout:
        return linear(branch, layer, residual=x)
    factor = 1 / kept_share(dropout)
    y = F.linear(branch, layer.weight * factor**2, layer.bias * factor)
    return x + y * keep_mask(y.shape, dropout, y)


class Encoder(nn.Module):
    """f: jet -> representation; invariant under the order of the constituents.

    Embedding, transformer blocks, sum over constituents, head of two layers (paper Fig. 2).

    Attributes:
        domain: which jets it was trained on; None if it was not, or if nobody knows.
    """

    domain: Domain | None = None

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EncoderConfig()
        self.embedding = nn.Linear(3, config.embedding_dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.head = nn.Sequential(
            nn.Linear(config.embedding_dim, config.output_dim),
            nn.ReLU(),
            nn.Linear(config.output_dim, config.output_dim),
        )

    def forward(self, batch: PackedBatch) -> tuple[Tensor, Tensor]:
        """Pooled representation h, (n_jets, pooled_dim), and head output z, (n_jets, d_z)."""
        sums = self.pool(batch)
        z = self.head(sums[-1])
        if self.config.pooling == "last":
            return sums[-1], z
        lengths = [length for length, n_jets in batch.runs for _ in range(n_jets)]
        n_constituents = torch.tensor(lengths, device=z.device)[batch.inverse]
        return torch.cat([*sums, sums[-1] / n_constituents[:, None]], dim=1), z

    def digest(self) -> str:
        """Digest of architecture and weights, 16 digits: representations name their encoder so."""
        config = json.dumps(recorded(self.config), sort_keys=True).encode()
        return hashlib.sha256(config + save(self.state_dict())).hexdigest()[:16]

    def pool(self, batch: PackedBatch) -> list[Tensor]:
        """Sums over constituents, (n_jets, d_r) each: after the last block, or after every one."""
        x = self.embedding(batch.features)
        mask = None
        if self.config.pt_mask_power:
            pt = batch.features[:, 0]
            mask = self.config.pt_mask_power * pt.log()
        sums = []
        for block in self.blocks:
            x = block(x, batch.runs, mask)
            if block is self.blocks[-1] or self.config.pooling == "all":
                sums.append(_sums(x * pt[:, None] if self.config.pt_mask_power else x, batch))
        return sums


def _sums(x: Tensor, batch: PackedBatch) -> Tensor:
    """(n_constituents, d) -> (n_jets, d)."""
    sums = [
        part.view(n_jets, length, -1).sum(1)
        for (length, n_jets), part in zip(
            batch.runs, x.split([n * m for n, m in batch.runs]), strict=True
        )
    ]
    return torch.cat(sums)[batch.inverse]
