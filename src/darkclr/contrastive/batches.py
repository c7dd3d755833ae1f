"""Packed batches: the constituents of many jets in one tensor, sorted by length, no padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darkclr.jets import Constituents

__all__ = ["PackedBatch", "pack"]


@dataclass(frozen=True)
class PackedBatch:
    """Constituents of many jets, those of equally long jets side by side.

    Args:
        features: (n_constituents, 3) float32: pT / pt_scale, eta, phi relative to the jet axis.
        runs: (length, n_jets) of each run of equally long jets, in the order of ``features``.
        inverse: (n_jets,) int64; jet *i* of the caller is jet ``inverse[i]`` of the batch.
    """

    features: Tensor
    runs: tuple[tuple[int, int], ...]
    inverse: Tensor

    def to(self, device: torch.device | str) -> PackedBatch:
        """The same batch on another device."""
        return PackedBatch(self.features.to(device), self.runs, self.inverse.to(device))


def pack(constituents: Constituents, pt_scale: float) -> PackedBatch:
    """Sort jets by length and put their constituents into one tensor.

    Args:
        constituents: relative to the jet axis, cut to the hardest that the network reads.
        pt_scale: unit of pT [GeV].
    """
    order = np.argsort(constituents.lengths, kind="stable")
    ordered = constituents[order]
    lengths, counts = np.unique(ordered.lengths, return_counts=True)
    features = np.stack([ordered.pt / np.float32(pt_scale), ordered.eta, ordered.phi], axis=1)
    inverse = np.empty(len(order), dtype=np.int64)
    inverse[order] = np.arange(len(order))
    return PackedBatch(
        torch.from_numpy(features),
        tuple(zip(lengths.tolist(), counts.tolist(), strict=True)),
        torch.from_numpy(inverse),
    )
