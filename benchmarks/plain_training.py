"""The training step as one writes it first: the yardstick of ``training.py`` and of the tests.

Jets padded to the number of constituents that is read, ``nn.TransformerEncoder`` in its default
layout (sequence first) with an additive mask, one pass for each of the three views, and the matrix
of all similarities of two views, as the public code of the contrastive papers has it.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkclr.contrastive.config import LossConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.jets import Constituents

__all__ = ["PlainEncoder", "all_pairs_loss", "name_of", "padded"]


class PlainEncoder(nn.Module):
    """The network of Table 1 with the weights of ``encoder``."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        config = encoder.config
        layer = nn.TransformerEncoderLayer(
            config.embedding_dim, config.n_heads, config.feedforward_dim, dropout=config.dropout
        )
        self.embedding = nn.Linear(3, config.embedding_dim)
        self.transformer = nn.TransformerEncoder(layer, config.n_layers, enable_nested_tensor=False)
        self.head = nn.Sequential(
            nn.Linear(config.embedding_dim, config.output_dim),
            nn.ReLU(),
            nn.Linear(config.output_dim, config.output_dim),
        )
        self.load_state_dict({name_of(n): value for n, value in encoder.state_dict().items()})

    def forward(self, features: Tensor, is_padding: Tensor) -> tuple[Tensor, Tensor]:
        """(n, length, 3) and (n, length) -> pooled (n, d_r) and z (n, d_z)."""
        mask = torch.zeros(is_padding.shape, dtype=features.dtype)
        mask = mask.masked_fill(is_padding, float("-inf"))
        x = self.embedding(features).transpose(0, 1)  # (length, n, d_r)
        x = self.transformer(x, src_key_padding_mask=mask).transpose(0, 1)
        pooled = x.masked_fill(is_padding[..., None], 0.0).sum(1)
        return pooled, self.head(pooled)


def name_of(name: str) -> str:
    """Name of a parameter of ``Encoder`` in the plain implementation."""
    for ours, theirs in (
        ("blocks.", "transformer.layers."),
        ("attention.query_key_value.", "self_attn.in_proj_"),
        ("attention.output", "self_attn.out_proj"),
        ("norm_attention", "norm1"),
        ("norm_feedforward", "norm2"),
        ("expand", "linear1"),
        ("contract", "linear2"),
    ):
        name = name.replace(ours, theirs)
    return name


def padded(
    constituents: Constituents, pt_scale: float, length: int, fill: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Features (n, length, 3), ``fill`` where there is none, and padding mask (n, length)."""
    position = np.arange(len(constituents.pt)) - constituents.offsets[constituents.jet_index]
    place = constituents.jet_index, position
    features = np.full((len(constituents), length, 3), fill, dtype=np.float32)
    features[place] = np.stack(
        [constituents.pt / np.float32(pt_scale), constituents.eta, constituents.phi], axis=1
    )
    is_padding = np.ones((len(constituents), length), dtype=bool)
    is_padding[place] = False
    return torch.from_numpy(features), torch.from_numpy(is_padding)


def all_pairs_loss(z: Tensor, physical: Tensor, anomalous: Tensor, config: LossConfig) -> Tensor:
    """AnomCLR+ loss from two matrices (2n, 2n), of which one diagonal each is used."""

    def paired(other: Tensor) -> Tensor:
        both = torch.cat([z, other])
        matrix = F.cosine_similarity(both[:, None], both[None], dim=2)
        return torch.diag(matrix, len(z)).mean()

    penalty = config.norm_penalty * torch.linalg.vector_norm(z, dim=-1).mean()
    return (paired(anomalous) - paired(physical)) / config.temperature + penalty
