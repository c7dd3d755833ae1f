"""Batches of any length -> chunks of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, Self, TypeVar

__all__ = ["Rows", "in_chunks"]


class Rows(Protocol):
    """Rows that can be cut and joined: :class:`darkclr.jets.Jets`, or representations."""

    def __len__(self) -> int:
        """Number of rows."""

    def __getitem__(self, index: Any) -> Self:
        """Rows by slice."""

    @staticmethod
    def concatenate(parts: Sequence[Any]) -> Any:
        """All rows of all parts, in order."""


T = TypeVar("T", bound=Rows)


def in_chunks(batches: Iterable[T], size: int) -> Iterator[T]:
    """The rows of all batches, ``size`` at a time; only the last chunk is shorter, none is empty.

    So what is done chunk by chunk depends on the rows, and not on files, batches and cuts.
    """
    waiting: list[T] = []
    n = 0
    for batch in batches:
        if not len(batch):
            continue
        waiting.append(batch)
        n += len(batch)
        if n < size:
            continue
        rows = _joined(waiting)
        whole = n - n % size
        for start in range(0, whole, size):
            yield rows[start : start + size]
        waiting, n = [rows[whole:]] if n > whole else [], n - whole
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[T]) -> T:
    return parts[0] if len(parts) == 1 else parts[0].concatenate(parts)
