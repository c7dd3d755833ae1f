"""How augmentations make the views of a jet.

Source: DarkCLR, arXiv:2312.03067, sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from darkclr.augmentations.anomalous import ConstituentDrop
from darkclr.augmentations.base import Augmentation
from darkclr.augmentations.physical import Rotation, Translation
from darkclr.jets import Constituents

__all__ = ["Augmentations"]


@dataclass(frozen=True)
class Augmentations:
    """What makes the three views of a jet, x, x' and x*.

    Every view goes through the ``physical`` ones, each with its own random numbers. The
    anomalous view x* goes through the ``anomalous`` ones *before* that: were it altered
    afterwards, it could be told by its position rather than by its constituents.
    """

    physical: Sequence[Augmentation] = field(default_factory=lambda: [Rotation(), Translation()])
    """Alterations that a representation should not see; every view goes through them."""
    anomalous: Sequence[Augmentation] = field(default_factory=lambda: [ConstituentDrop()])
    """Alterations that a representation should see; the anomalous view goes through them."""
    positive: Sequence[Augmentation] = ()
    """Alterations that a representation should not see either, made on x' alone and before the
    physical ones; JetCLR and the thesis's multiplicity setup split and smear only this view."""

    def views(
        self, constituents: Constituents, rng: np.random.Generator
    ) -> tuple[Constituents, Constituents, Constituents]:
        """Views (x, x', x*) of recentred constituents: two physical and one anomalous."""
        altered = self.altered(constituents, rng)
        x, positive = self.positive_views(constituents, rng)
        return x, positive, self._physical(altered, constituents, rng)

    def positive_views(
        self, constituents: Constituents, rng: np.random.Generator
    ) -> tuple[Constituents, Constituents]:
        """Views (x, x') alone, for a loss without anomalous pairs."""
        x = self._physical(constituents, constituents, rng)
        positive = _chain(self.positive, constituents, constituents, rng)
        return x, self._physical(positive, constituents, rng)

    def altered(self, constituents: Constituents, rng: np.random.Generator) -> Constituents:
        """Anomalous copies without physical augmentations."""
        return _chain(self.anomalous, constituents, constituents, rng)

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Names and parameters as plain data, in the form that a configuration file takes."""
        groups = {"physical": self.physical, "anomalous": self.anomalous}
        if self.positive:
            groups["positive"] = self.positive
        return {
            group: [{"class_path": _import_path(item), "init_args": _plain(item)} for item in items]
            for group, items in groups.items()
        }

    def _physical(
        self, view: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        return _chain(self.physical, view, original, rng)


def _chain(
    augmentations: Sequence[Augmentation],
    view: Constituents,
    original: Constituents,
    rng: np.random.Generator,
) -> Constituents:
    for augmentation in augmentations:
        view = augmentation(view, original, rng)
    return view


def _import_path(item: Augmentation) -> str:
    """Import path; those of this package are named by the package, wherever their file is."""
    module = type(item).__module__
    if module.startswith(f"{__package__}."):
        module = str(__package__)
    return f"{module}.{type(item).__qualname__}"


def _plain(item: Augmentation) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(item).items()}
