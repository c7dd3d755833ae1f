"""How augmentations make the views of a jet.

Source: DarkCLR, arXiv:2312.03067, sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from darkclr.augmentations.anomalous import ConstituentDrop
from darkclr.augmentations.base import Augmentation
from darkclr.augmentations.physical import Rotation, Translation
from darkclr.errors import ConfigError
from darkclr.jets import Constituents

__all__ = ["Augmentations", "as_plain_data"]


@dataclass(frozen=True)
class Augmentations:
    """What makes the views of a jet: x, x', and x* for each family of anomalous copies.

    Every view goes through the ``physical`` ones, each with its own random numbers. The
    anomalous views x* go through the ``anomalous`` ones *before* that: were they altered
    afterwards, they could be told by their position rather than by their constituents.
    """

    physical: Sequence[Augmentation] = field(default_factory=lambda: [Rotation(), Translation()])
    """Alterations that a representation should not see; every view goes through them."""
    anomalous: Sequence[Augmentation] | Mapping[str, Sequence[Augmentation]] = field(
        default_factory=lambda: [ConstituentDrop()]
    )
    """Alterations that a representation should see; the anomalous view goes through them, one after
    the other. A mapping names several families of such alterations: each makes a view of its own,
    and the loss drives it away in a direction of its own."""
    positive: Sequence[Augmentation] = ()
    """Alterations that a representation should not see either, made on x' alone and before the
    physical ones; JetCLR and the thesis's multiplicity setup split and smear only this view."""

    def __post_init__(self) -> None:
        if isinstance(self.anomalous, Mapping) and not self.anomalous:
            raise ConfigError(
                "a mapping without a family",
                where="augmentations.anomalous",
                fix="name a family, or give an empty list",
            )

    @property
    def families(self) -> dict[str, Sequence[Augmentation]]:
        """Anomalous alterations by name of their family; a single family is called "dropped"."""
        if isinstance(self.anomalous, Mapping):
            return dict(self.anomalous)
        return {"dropped": self.anomalous}

    def views(
        self, constituents: Constituents, rng: np.random.Generator
    ) -> tuple[Constituents, ...]:
        """Views (x, x', x*, ...) of recentred constituents, one x* for each family."""
        altered = self.altered(constituents, rng)
        views = self.positive_views(constituents, rng)
        return *views, *(self._physical(copies, constituents, rng) for copies in altered)

    def positive_views(
        self, constituents: Constituents, rng: np.random.Generator
    ) -> tuple[Constituents, Constituents]:
        """Views (x, x') alone, for a loss without anomalous pairs."""
        x = self._physical(constituents, constituents, rng)
        positive = _chain(self.positive, constituents, constituents, rng)
        return x, self._physical(positive, constituents, rng)

    def altered(self, constituents: Constituents, rng: np.random.Generator) -> list[Constituents]:
        """Anomalous copies of each family, without physical augmentations."""
        chains = self.families.values()
        return [_chain(chain, constituents, constituents, rng) for chain in chains]

    def to_dict(self) -> dict[str, Any]:
        """Names and parameters as plain data, in the form that a configuration file takes."""
        groups = {"physical": self.physical, "anomalous": self.anomalous}
        if self.positive:
            groups["positive"] = self.positive
        return as_plain_data(groups)

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


def as_plain_data(value: Any) -> Any:
    """A parameter as plain data: augmentations by import path, sequences as lists."""
    if isinstance(value, Augmentation):
        return {"class_path": _import_path(value), "init_args": as_plain_data(vars(value))}
    if isinstance(value, Mapping):
        return {key: as_plain_data(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [as_plain_data(item) for item in value]
    return value
