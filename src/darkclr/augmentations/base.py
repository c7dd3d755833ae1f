"""What an augmentation is, and the place where they work: relative to the jet axis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from darkclr.jets import Constituents
from darkclr.kinematics import centroid, delta_phi
from darkclr.parameters import check_parameters

__all__ = ["Augmentation", "recentre"]


class Augmentation(ABC):
    """Base of all augmentations.

    An augmentation is a frozen dataclass, so that its name and parameters can be recorded; ranges
    that its fields declare (:mod:`darkclr.parameters`) are checked here.
    """

    def __post_init__(self) -> None:
        check_parameters(self, type(self).__name__)

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
