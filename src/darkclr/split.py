"""How events are parted into training, validation and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import ConfigError
from darkclr.parameters import AtLeast, check_parameters

__all__ = ["Split", "splitmix64", "uniform_hash"]


@dataclass(frozen=True)
class Split:
    """Shares of the events for training, validation and test.

    Jets of one event always fall into the same part, whatever file or order they come in.
    """

    train: float = 0.6
    """Share of the events that train encoder and scores."""
    validation: float = 0.1
    """Share that watches the training and selects among epochs."""
    test: float = 0.3
    """Share that is scored in the end."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Another seed gives another split."""

    def __post_init__(self) -> None:
        shares = (self.train, self.validation, self.test)
        if not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-9):  # NaN is neither
            raise ConfigError(
                f"the shares train + validation + test = {sum(shares):g}",
                where="split",
                fix="give three numbers between 0 and 1 that add up to 1",
            )
        check_parameters(self, "split")

    def part(self, event: NDArray[np.int64], name: str) -> NDArray[np.bool_]:
        """Mask of the events in one part ('train', 'validation', 'test', 'all')."""
        edges = {
            "train": (0.0, self.train),
            "validation": (self.train, self.train + self.validation),
            "test": (self.train + self.validation, 2.0),
            "all": (0.0, 2.0),
        }
        if name not in edges:
            raise ConfigError(f"no part {name!r}", where="split", fix=f"choose of {list(edges)}")
        low, high = edges[name]
        u = uniform_hash(event, self.seed)
        return (u >= low) & (u < high)


def uniform_hash(event: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each event that depends on event and seed alone."""
    with np.errstate(over="ignore"):
        x = event.astype(np.uint64) + np.uint64(seed) * _GOLDEN
    return (splitmix64(x) >> np.uint64(11)).astype(np.float64) / 2.0**53


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def splitmix64(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The number that the generator splitmix64 draws from each state: all bits depend on all bits.

    Source: S. Vigna, https://prng.di.unimi.it/splitmix64.c.

    >>> int(splitmix64(np.array([1234567], dtype=np.uint64))[0])
    6457827717110365317
    """
    with np.errstate(over="ignore"):
        x = state + _GOLDEN
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        return x ^ (x >> np.uint64(31))
