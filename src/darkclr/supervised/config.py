"""Parameters of the supervised probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from darkclr.parameters import AtLeast, Positive, check_parameters, check_ranges

__all__ = ["ProbeConfig"]


@dataclass(frozen=True)
class ProbeConfig:
    """Which classifiers read the features, and how they are trained."""

    classifiers: tuple[Literal["linear", "multilayer"], ...] = ("linear", "multilayer")
    """Kinds of classifiers: linear is a logistic regression, multilayer a small network."""
    inverse_penalty: Annotated[float, Positive()] = 1.0
    """C of the logistic regression; the larger it is, the weaker is the L2 penalty."""
    max_iterations: Annotated[int, AtLeast(1)] = 1000
    """Largest number of iterations of the logistic regression, and of epochs of the multilayer
    classifier, which stops when a tenth of its training jets gain nothing for 30 of them."""
    restarts: Annotated[int, AtLeast(1)] = 3
    """Number of starts of the multilayer classifier, of which the one that tells its held-out
    training jets best is taken. A narrow network may be dead from the start, and then says that
    there is nothing to be found."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the multilayer classifier."""

    def __post_init__(self) -> None:
        check_parameters(self, "probe")
        check_ranges(self, "probe", {"classifiers": (len(self.classifiers) > 0, "at least one")})
