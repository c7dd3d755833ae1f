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
        inverse: (n_jets,) int64; jet *i* of the caller is jet ``inverse[i]`` of the batch. Jets
            that none points to are not the caller's.
    """

    features: Tensor
    runs: tuple[tuple[int, int], ...]
    inverse: Tensor

    def to(self, device: torch.device | str) -> PackedBatch:
        """The same batch on another device."""
        return PackedBatch(self.features.to(device), self.runs, self.inverse.to(device))


def pack(constituents: Constituents, pt_scale: float, multiple: int = 1) -> PackedBatch:
    """Sort jets by length and put their constituents into one tensor.

    Args:
        constituents: relative to the jet axis, cut to the hardest that the network reads.
        pt_scale: unit of pT [GeV].
        multiple: of which the number of constituents is made one, by jets of one constituent
            behind the others. Libraries keep what they prepare for each shape of a product:
            few shapes spare time, and memory that would else grow with their number.
    """
    order = np.argsort(constituents.lengths, kind="stable")
    ordered = constituents[order]
    lengths, counts = np.unique(ordered.lengths, return_counts=True)
    features = np.stack([ordered.pt / np.float32(pt_scale), ordered.eta, ordered.phi], axis=1)
    inverse = np.empty(len(order), dtype=np.int64)
    inverse[order] = np.arange(len(order))
    runs = list(zip(lengths.tolist(), counts.tolist(), strict=True))
    if missing := -len(features) % multiple:
        features = np.concatenate([features, np.ones((missing, 3), np.float32)])
        runs.append((1, missing))
    return PackedBatch(torch.from_numpy(features), tuple(runs), torch.from_numpy(inverse))
