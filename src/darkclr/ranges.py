"""Ranges of parameters, and what is said of one that is out of its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from darkclr.errors import ConfigError

__all__ = ["Ranges", "check_ranges"]

#: By parameter: whether its value is in the range, and what it must be.
Ranges: TypeAlias = Mapping[str, tuple[bool, str]]


def check_ranges(owner: object, where: str, ranges: Ranges) -> None:
    """Refuse a parameter that is out of its range.

    No comparison with NaN is true: a range that says what is good, ``0 < x < inf``, refuses it.

    Args:
        owner: has the parameters as attributes.
        where: for the message.
        ranges: of the parameters.

    Raises:
        ConfigError: one is out of its range; the first is named.

    >>> from types import SimpleNamespace
    >>> check_ranges(SimpleNamespace(rate=-1), "training", {"rate": (-1 > 0, "positive")})
    Traceback (most recent call last):
    darkclr.errors.ConfigError: training: rate = -1; it must be positive
    """
    for name, (good, wanted) in ranges.items():
        if not good:
            raise ConfigError(
                f"{name} = {getattr(owner, name)!r}", where=where, mend=f"it must be {wanted}"
            )
