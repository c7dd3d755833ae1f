"""What an augmentation is, and the place where they work: relative to the jet axis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from darkclr.jets import Constituents
from darkclr.kinematics import centroid, delta_phi

__all__ = ["Augmentation", "recentre"]


class Augmentation(ABC):
    """Base of all augmentations; parameters are constructor arguments."""

    @abstractmethod
    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Altered constituents of the same jets, never an empty jet."""


def recentre(constituents: Constituents) -> Constituents:
    """Coordinates relative to each jet's own pT-weighted centroid, phi unwrapped around it."""
    eta, phi = centroid(constituents.pt, constituents.eta, constituents.phi, constituents.offsets)
    ids = constituents.jet_index
    return replace(
        constituents,
        eta=(constituents.eta - eta[ids]).astype(np.float32),
        phi=delta_phi(constituents.phi.astype(np.float64), phi[ids]).astype(np.float32),
    )
