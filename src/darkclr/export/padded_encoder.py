"""The encoder on padded constituents, and all that comes before it, in operations of ONNX."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from darkclr.contrastive.encoder.transformer import Block, Encoder
from darkclr.export.tensors import delta_phi

__all__ = ["PaddedEncoder"]


class PaddedEncoder(nn.Module):
    """What :func:`~darkclr.contrastive.encoding.encode` does, on jets padded to equal length.

    Args:
        encoder: a trained encoder, whose weights it shares.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, constituents: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled representation, (n_jets, pooled_dim), and head output z, (n_jets, d_z).

        Args:
            constituents: (n_jets, n, 3) float32, pT [GeV], eta and phi in any order; places whose
                pT is not positive are empty. A jet without constituents comes out as NaN.
        """
        features = self._prepared(constituents)
        pt = features[..., 0]
        power = self.encoder.config.pt_mask_power
        mask = (power * pt.log() if power else torch.zeros_like(pt)).where(pt > 0, -math.inf)
        packing = _Packing(pt > 0)
        x = self.encoder.embedding(packing.pack(features))
        share = pt if power else (pt > 0).float()
        sums = []
        for block in self.encoder.blocks:
            x = _through(block, x, packing, mask)  # type: ignore[arg-type]
            sums.append((packing.pad(x) * share[..., None]).sum(dim=1))
        z = self.encoder.head(sums[-1])
        if self.encoder.config.pooling == "last":
            return sums[-1], z
        n_constituents = (pt > 0).float().sum(dim=1, keepdim=True)
        return torch.cat([*sums, sums[-1] / n_constituents], dim=1), z

    def _prepared(self, constituents: Tensor) -> Tensor:
        """Features of the N_c hardest constituents about their centroid, (n_jets, n, 3).

        As :func:`~darkclr.contrastive.encoding.prepare`, hardest first. Without a constituent,
        the centroid is 0 / 0.
        """
        config = self.encoder.config
        pt = constituents[..., 0].clamp(min=0)
        # Sorting promises nothing for equal pT: the first one is made harder by less than float32
        # resolves, up to 2^16 constituents.
        place = torch.arange(pt.shape[1], device=pt.device)
        order = (pt * (1 - 2.0**-40 * place.double())).sort(dim=1, descending=True).indices
        order = order[:, : config.n_constituents]
        pt, eta, phi = (x.gather(1, order) for x in (pt, *constituents[..., 1:].unbind(dim=-1)))
        eta, phi = eta.double(), phi.double()
        share = pt.double() / pt.double().sum(dim=1, keepdim=True)
        phi = delta_phi(phi, phi[:, :1])
        eta = eta - (share * eta).sum(dim=1, keepdim=True)
        phi = delta_phi(phi, (share * phi).sum(dim=1, keepdim=True))
        read = share.float() if config.pt_input == "fraction" else pt / config.pt_scale
        return torch.stack([read, eta.float(), phi.float()], dim=-1)


class _Packing:
    """Constituents side by side without the empty places, and back.

    So all layers but the attention see constituents only. The first place of a jet is always
    kept: a jet is never without a place, and NaN of an empty jet stays in it.
    """

    def __init__(self, there: Tensor) -> None:
        kept = torch.cat([torch.ones_like(there[:, :1]), there[:, 1:]], dim=1)
        self._shape = kept.shape
        self._places = kept.flatten().nonzero()[:, 0]
        self._positions = kept.flatten().cumsum(0) - 1

    def pack(self, padded: Tensor) -> Tensor:
        """(n_jets, n, d) -> (n_constituents, d)."""
        return padded.flatten(0, 1).index_select(0, self._places)

    def pad(self, packed: Tensor) -> Tensor:
        """(n_constituents, d) -> (n_jets, n, d); empty places repeat the jet's last constituent."""
        return packed.index_select(0, self._positions).unflatten(0, self._shape)


def _through(block: Block, x: Tensor, packing: _Packing, mask: Tensor) -> Tensor:
    """:meth:`darkclr.contrastive.encoder.Block.forward`, (n_constituents, dim) -> the same."""
    attention = block.attention
    heads = packing.pad(attention.query_key_value(x)).unflatten(-1, (3, attention.n_heads, -1))
    q, k, v = heads.permute(2, 0, 3, 1, 4)  # each (n_jets, heads, n, dim / heads)
    logits = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask[:, None, None, :]
    attended = (logits.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
    x = block.norm_attention(x + attention.output(packing.pack(attended)))
    return block.norm_feedforward(x + block.contract(block.expand(x).relu()))
