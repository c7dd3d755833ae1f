"""Packed batches: the constituents of many jets in one tensor, sorted by length, no padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darkclr.contrastive.config import EncoderConfig
from darkclr.jets import Constituents
from darkclr.ragged import segment_sum

__all__ = ["PackedBatch", "input_pt", "pack"]


@dataclass(frozen=True)
class PackedBatch:
    """Constituents of many jets, those of equally long jets side by side.

    Args:
        features: (n_constituents, 3) float32: pT as :func:`input_pt` gives it, then eta and phi
            relative to the jet axis.
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


def input_pt(constituents: Constituents, config: EncoderConfig) -> NDArray[np.float32]:
    """pT as the network reads it, (n_constituents,): ``config.pt_input`` says which."""
    if config.pt_input == "absolute":
        return constituents.pt / np.float32(config.pt_scale)
    total = segment_sum(constituents.pt, constituents.offsets)
    return (constituents.pt / total[constituents.jet_index]).astype(np.float32)


def pack(constituents: Constituents, config: EncoderConfig, multiple: int = 1) -> PackedBatch:
    """Sort jets by length and put their constituents into one tensor.

    Args:
        constituents: the hardest ones of each jet, relative to its axis.
        config: configuration of the network that reads them.
        multiple: number of which that of the constituents is made a multiple, by jets of one
            constituent behind the others. Libraries keep what they prepare for each shape of a
            product: few shapes spare time, and memory that would else grow with their number.
    """
    order = np.argsort(constituents.lengths, kind="stable")
    ordered = constituents[order]
    lengths, counts = np.unique(ordered.lengths, return_counts=True)
    features = np.stack([input_pt(ordered, config), ordered.eta, ordered.phi], axis=1)
    inverse = np.empty(len(order), dtype=np.int64)
    inverse[order] = np.arange(len(order))
    runs = list(zip(lengths.tolist(), counts.tolist(), strict=True))
    if missing := -len(features) % multiple:
        features = np.concatenate([features, np.ones((missing, 3), np.float32)])
        runs.append((1, missing))
    return PackedBatch(torch.from_numpy(features), tuple(runs), torch.from_numpy(inverse))
