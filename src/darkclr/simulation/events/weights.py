"""Which of several weights of events is taken: the nominal one, or one that is named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from darkclr.errors import ConfigError

__all__ = ["Weight", "named_weight", "nominal_weight"]

# What generators call the weight without variations; MadGraph appends the scale of the merging.
_NOMINAL = re.compile(
    r"(default|nominal|weight|central( value)?|baseline|0?)(_merging=[\d.]+)?", re.IGNORECASE
)
# Factors of both scales in a name, such as MUF=1.0_MUR=1.0 or muR=0.10000E+01 muF=0.10000E+01.
_SCALE = re.compile(r"mu_?[rf]\s*=?\s*(\d[\d.]*(?:e[+-]?\d+)?)", re.IGNORECASE)
_ONE = re.compile(r"1(\.0*)?|0?\.10*e\+?0*1|1(\.0*)?e\+?0+", re.IGNORECASE)
_FIRST_OF_MADGRAPH = "1001"
_N_NAMES = 8


@dataclass(frozen=True)
class Weight:
    """The weight of events that is taken, of several.

    Args:
        name: its name; None for the weight that an event of a Les Houches file has itself.
        number: its position among the weights.
        of: number of weights.
    """

    name: str | None
    number: int
    of: int

    def __str__(self) -> str:
        """Which weight it is, in words."""
        name = "the event's own" if self.name is None else repr(self.name)
        return f"events have {self.of} weights, of which {name} is taken"


def nominal_weight(names: Sequence[str]) -> Weight:
    """The nominal weight, by the names that generators give it; without one of these the first.

    Without a name of its own it is the weight whose scales are both 1, or MadGraph's first number.

    >>> str(nominal_weight(["muR=2", "Weight_MERGING=0.000"]))
    "events have 2 weights, of which 'Weight_MERGING=0.000' is taken"
    """
    for test in (_NOMINAL.fullmatch, _has_scales_of_one, _FIRST_OF_MADGRAPH.__eq__):
        for number, name in enumerate(names):
            if test(name.strip()):
                return Weight(name, number, len(names))
    return Weight(names[0], 0, len(names))


def _has_scales_of_one(name: str) -> bool:
    """Whether a name has both scales, and their factors are 1."""
    factors = _SCALE.findall(name)
    return len(factors) == 2 and all(_ONE.fullmatch(factor) for factor in factors)


def named_weight(name: str, described: Mapping[str, str], where: object) -> Weight:
    """A weight by its name or its description.

    Args:
        name: what was asked for.
        described: the names of all weights, and what the file says of them.
        where: name of the file.

    Raises:
        ConfigError: no weight or several have this name.
    """
    names = list(described)
    found = [x for x in names if x == name] or [x for x in names if described[x] == name]
    if len(found) != 1:
        known = ", ".join(
            f"{x!r}" + f" ({text})" * (text != x) for x, text in [*described.items()][:_N_NAMES]
        )
        more = f", ... ({len(names)} in all)" if len(names) > _N_NAMES else ""
        raise ConfigError(
            f"{'several weights are' if found else 'no weight is'} called {name!r}",
            where=where,
            fix=f"it has {known}{more}" if names else "its events have one weight; leave it out",
        )
    return Weight(found[0], names.index(found[0]), len(names))
