"""Jets -> altered jets: physical augmentations (positive) and anomalous ones (negative).

An augmentation is a small object that is called with packed constituents::

    altered = augmentation(constituents, original, rng)

``constituents`` are relative to the jet axis (see :func:`recentre`), ``original`` are those of
the jet before any alteration, and ``rng`` is the only source of randomness. To add one of your
own, derive from :class:`Augmentation` and name it in the configuration by its import path.

Source: DarkCLR, arXiv:2312.03067, section 3.2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import ConfigError
from darkclr.jets import Constituents
from darkclr.kinematics import centroid, delta_phi, segment_sum

__all__ = [
    "Augmentation",
    "Augmentations",
    "ConstituentDrop",
    "Rotation",
    "Translation",
    "recentre",
]


class Augmentation(ABC):
    """Base of all augmentations; parameters are constructor arguments."""

    @abstractmethod
    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Altered constituents of the same jets, never an empty jet."""


@dataclass(frozen=True)
class Rotation(Augmentation):
    """Rotate each jet in the eta-phi plane about the origin by a random angle.

    Args:
        max_angle: the angle is uniform in [0, max_angle] [rad].
    """

    max_angle: float = 2 * np.pi

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Rotated constituents."""
        angle = rng.uniform(0, self.max_angle, len(constituents)).astype(np.float32)
        angle = angle[constituents.jet_index]
        cos, sin = np.cos(angle), np.sin(angle)
        return replace(
            constituents,
            eta=(cos * constituents.eta - sin * constituents.phi).astype(np.float32, copy=False),
            phi=(sin * constituents.eta + cos * constituents.phi).astype(np.float32, copy=False),
        )


@dataclass(frozen=True)
class Translation(Augmentation):
    """Shift each jet in the eta-phi plane.

    The shift in eta and in phi is uniform in a window of half-width ``width`` times the distance
    between the two furthest constituents of the *original* jet, so that all views of a jet,
    dropped ones too, are shifted by the same rule.

    Args:
        width: half-width of the window in units of that distance.
    """

    width: float = 1.0

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Shifted constituents; coordinates stay relative, so phi needs no wrapping."""
        window = self.width * original.diameter
        shift = (rng.uniform(-1, 1, (2, len(window))) * window).astype(np.float32)
        shift = shift[:, constituents.jet_index]
        return replace(
            constituents, eta=constituents.eta + shift[0], phi=constituents.phi + shift[1]
        )


@dataclass(frozen=True)
class ConstituentDrop(Augmentation):
    """Drop each constituent with a fixed probability and rescale pT to the jet's.

    The summed pT is kept, the jet is recentred and re-sorted. If all constituents of a jet were
    dropped, its hardest one stays.

    Args:
        probability: p_drop.
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.probability < 1:
            raise ConfigError(
                f"probability = {self.probability}",
                where="ConstituentDrop",
                mend="choose a number in [0, 1)",
            )

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Constituents that survive, with the summed pT of all."""
        survives = rng.random(len(constituents.pt)) >= self.probability
        emptied = np.bincount(constituents.jet_index[survives], minlength=len(constituents)) == 0
        survives[_hardest(constituents)[emptied]] = True
        kept = constituents.keep(survives)
        scale = segment_sum(constituents.pt, constituents.offsets) / segment_sum(
            kept.pt, kept.offsets
        )
        pt = (kept.pt * scale[kept.jet_index]).astype(np.float32)
        return recentre(replace(kept, pt=pt).sorted())


@dataclass(frozen=True)
class Augmentations:
    """What makes the three views of a jet.

    Every view goes through the ``physical`` ones, each with its own random numbers. The
    anomalous view goes through the ``anomalous`` ones *before* that: were it altered afterwards,
    it could be told by its position rather than by its constituents.

    Args:
        physical: alterations that a representation should not see.
        anomalous: alterations that it should see.
    """

    physical: Sequence[Augmentation] = field(default_factory=lambda: [Rotation(), Translation()])
    anomalous: Sequence[Augmentation] = field(default_factory=lambda: [ConstituentDrop()])

    def views(
        self, constituents: Constituents, rng: np.random.Generator
    ) -> tuple[Constituents, Constituents, Constituents]:
        """Views (x, x', x*) of recentred constituents: two physical and one anomalous."""
        altered = self.altered(constituents, rng)
        return (
            self._physical(constituents, constituents, rng),
            self._physical(constituents, constituents, rng),
            self._physical(altered, constituents, rng),
        )

    def altered(self, constituents: Constituents, rng: np.random.Generator) -> Constituents:
        """Anomalous copies without physical augmentations."""
        altered = constituents
        for augmentation in self.anomalous:
            altered = augmentation(altered, constituents, rng)
        return altered

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Names and parameters as plain data, in the form that a configuration file takes."""
        return {
            group: [
                {
                    "class_path": f"{type(item).__module__}.{type(item).__qualname__}",
                    "init_args": dict(vars(item)),
                }
                for item in getattr(self, group)
            ]
            for group in ("physical", "anomalous")
        }

    def _physical(
        self, view: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        for augmentation in self.physical:
            view = augmentation(view, original, rng)
        return view


def recentre(constituents: Constituents) -> Constituents:
    """Coordinates relative to each jet's own pT-weighted centroid, phi unwrapped around it."""
    eta, phi = centroid(constituents.pt, constituents.eta, constituents.phi, constituents.offsets)
    ids = constituents.jet_index
    return replace(
        constituents,
        eta=(constituents.eta - eta[ids]).astype(np.float32),
        phi=delta_phi(constituents.phi.astype(np.float64), phi[ids]).astype(np.float32),
    )


def _hardest(constituents: Constituents) -> NDArray[np.int64]:
    """Index of the hardest constituent of each jet, (n_jets,)."""
    order = np.lexsort((-constituents.pt, constituents.jet_index))
    return order[constituents.offsets[:-1]]
