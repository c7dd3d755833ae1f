"""The encoder as one writes it first: padded jets, masks, ``torch.nn.TransformerEncoder``."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from darkclr.contrastive.encoder import Encoder
from darkclr.jets import Constituents

__all__ = ["PlainEncoder", "padded"]


class PlainEncoder(nn.Module):
    """Post-norm transformer with ReLU, key-padding mask and masked sum, weights of ``encoder``."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        config = encoder.config
        layer = nn.TransformerEncoderLayer(
            config.embedding_dim,
            config.n_heads,
            config.feedforward_dim,
            dropout=0.0,
            activation="relu",
            batch_first=True,
            norm_first=False,
        )
        self.embedding = nn.Linear(3, config.embedding_dim)
        self.transformer = nn.TransformerEncoder(layer, config.n_layers, enable_nested_tensor=False)
        self.head = nn.Sequential(
            nn.Linear(config.embedding_dim, config.output_dim),
            nn.ReLU(),
            nn.Linear(config.output_dim, config.output_dim),
        )
        self.double().load_state_dict(
            {self.name_of(name): value.double() for name, value in encoder.state_dict().items()}
        )

    @staticmethod
    def name_of(name: str) -> str:
        """Name of a parameter of ``Encoder`` in this implementation."""
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

    def forward(self, features: Tensor, is_padding: Tensor) -> tuple[Tensor, Tensor]:
        """(n, length, 3), (n, length) -> pooled and z."""
        x = self.transformer(self.embedding(features), src_key_padding_mask=is_padding)
        pooled = x.masked_fill(is_padding[..., None], 0.0).sum(1)
        return pooled, self.head(pooled)


def padded(
    constituents: Constituents, pt_scale: float, length: int, fill: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Features (n, length, 3) and padding mask (n, length)."""
    features = torch.full((len(constituents), length, 3), fill, dtype=torch.float64)
    is_padding = torch.ones(len(constituents), length, dtype=torch.bool)
    offsets = constituents.offsets
    for i in range(len(constituents)):
        rows = slice(offsets[i], offsets[i + 1])
        n = offsets[i + 1] - offsets[i]
        # The division is made in float32, as the network's input is.
        columns = (constituents.pt / np.float32(pt_scale), constituents.eta, constituents.phi)
        for j, values in enumerate(columns):
            features[i, :n, j] = torch.from_numpy(values[rows]).double()
        is_padding[i, :n] = False
    return features, is_padding
