"""One of several augmentations for each jet, so that a single view holds several kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from darkclr.augmentations.base import Augmentation
from darkclr.jets import Constituents
from darkclr.parameters import AtLeast, check_ranges

__all__ = ["OneOf"]


@dataclass(frozen=True)
class OneOf(Augmentation):
    """Alter each jet by one of several augmentations, drawn at random."""

    choices: Sequence[Augmentation]
    """The augmentations that are drawn from."""
    shares: Annotated[Sequence[float] | None, AtLeast(0)] = None
    """Relative frequency of each augmentation; equal ones if null."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = self._shares
        good = len(shares) == len(self.choices) and sum(shares) > 0
        wanted = "a number for each of the choices, not all of them 0"
        check_ranges(self, "OneOf", {"shares": (good, wanted)})

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Jets in their order, each altered by the augmentation that was drawn for it."""
        shares = np.array(self._shares, dtype=np.float64)
        drawn = rng.choice(len(shares), len(constituents), p=shares / shares.sum())
        rows = [np.flatnonzero(drawn == i) for i in range(len(shares))]
        altered = [
            augmentation(constituents[mine], original[mine], rng)
            for augmentation, mine in zip(self.choices, rows, strict=True)
            if len(mine)
        ]
        return Constituents.concatenate(altered)[np.argsort(np.concatenate(rows))]

    @property
    def _shares(self) -> Sequence[float]:
        return [1.0] * len(self.choices) if self.shares is None else self.shares
