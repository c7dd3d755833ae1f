"""Where a long task says how far it is: handed in by who calls, silent if nothing is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Advance", "Reporter", "Silent"]


class Advance(Protocol):
    """Moves a bar on."""

    def __call__(self, n: float = 1, note: str = "") -> None:
        """By ``n`` units; the note stands behind the bar."""


class Reporter(Protocol):
    """What a task reports to; :mod:`darkclr.cli.console` is the one of the command line."""

    def line(self, text: str) -> None:
        """Say one thing."""

    def table(self, title: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Show rows; the keys of the first are the columns."""

    def bar(
        self, title: str, total: float | None, unit: str = "jets", *, keep: bool = True
    ) -> AbstractContextManager[Advance]:
        """A bar for the time of a block, which gets the function that moves it on.

        Args:
            title: what is done.
            total: how many units there will be; None if nobody knows.
            unit: what is counted.
            keep: whether the bar stays when the block has ended.
        """


class Silent:
    """A reporter that says nothing.

    >>> with Silent().bar("train", 100) as advance:
    ...     advance(10, "loss 1.2")
    """

    def line(self, text: str) -> None:
        """Nothing."""

    def table(self, title: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Nothing."""

    @contextmanager
    def bar(
        self, title: str, total: float | None, unit: str = "jets", *, keep: bool = True
    ) -> Iterator[Advance]:
        """No bar."""
        yield lambda n=1, note="": None
