"""A layout of files: by which columns it is recognised, and which jets they mean."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import filter as matching
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import ConfigError, DarkclrError, InputError
from darkclr.io.containers import Rows, Table
from darkclr.io.options import ReadOptions
from darkclr.io.raw_jets import RawJets
from darkclr.ragged import to_offsets

__all__ = ["Layout"]


class Layout(ABC):
    """One meaning that columns may have. An instance reads one table from its first row on.

    A layout says which columns it needs, and makes jets of their rows; which container they come
    from makes no difference. A class of yours that extends this one is asked for by its import
    path, ``--layout my_layouts.MyLayout``.

    Args:
        table: with the columns.
        options: how jets are read, for what depends on it.

    Attributes:
        name: by which the layout is asked for.
        title: what it is called in texts.
        required: columns that it needs and by which it is recognised.
        optional: further columns that are read where they are there; ``*`` stands for any text.
        holds_events: its rows are events of particles, of which jets are clustered.
        numbers_events: it numbers events itself; else the rows of a file are their numbers.
        jets_per_row: about how many jets' constituents a row has.
        remedy: what to do where columns are missing.

    Raises:
        InputError: the table lacks columns.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    holds_events: ClassVar[bool] = False
    numbers_events: ClassVar[bool] = False
    jets_per_row: ClassVar[int] = 1

    #: Whether kinds of constituents are asked for, of a layout that knows them.
    kinds: bool = False
    remedy: ClassVar[str | None] = None

    def __init__(self, table: Table, options: ReadOptions) -> None:
        beyond = table.metadata.get("beam_energy")  # of a file that darkclr has checked before
        if isinstance(beyond, float) and options.beam_energy is not None:
            options = replace(options, beam_energy=max(beyond, options.beam_energy))
        self.table, self.options = table, options
        if missing := self.missing(table):
            raise InputError(
                f"missing columns {missing[:8]}",
                where=table.file,
                fix=self.remedy or f"it has {table}",
            )
        self._weight = _named_weight(options.weight, table)
        self._room = _Room(0)

    @abstractmethod
    def read(self, rows: Rows) -> RawJets:
        """The jets, or the events, of some rows."""

    @classmethod
    def looks_for(cls) -> str:
        """By what the layout is recognised."""
        return f"columns {', '.join(cls.required)}"

    @classmethod
    def recognise(cls, table: Table) -> str | None:
        """By what a table is recognised, or None; a part of the columns is enough."""
        present = [column for column in cls.required if column in table.columns]
        return f"it has the columns {', '.join(present)}" if present else None

    @classmethod
    def missing(cls, table: Table) -> list[str]:
        """What the layout needs and the table has not."""
        return [column for column in cls.required if column not in table.columns]

    def columns(self) -> list[str]:
        """The columns to read: those that are required, and the optional ones that are there.

        Raises:
            InputError: an optional column is there and holds no numbers.
        """
        there = dict.fromkeys(self.table.columns)
        found = list(self.required)
        for pattern in self.optional:
            if "*" in pattern:
                found += matching(there, pattern)
            elif pattern in there:
                found.append(pattern)
            elif pattern in self.table.unread:
                raise InputError(
                    f"column {pattern!r} is {self.table.unread[pattern]}",
                    where=self.table.file,
                    fix="write it as numbers (labels are 0, 1 and -1), or leave it out",
                )
        return list(dict.fromkeys(found))

    def provenance(self) -> Mapping[str, Any]:
        """Where the jets come from."""
        return {"file": self.table.file.name, "layout": self.name}

    def batches(self, size: int) -> Iterator[tuple[int, RawJets]]:
        """First row and jets of about ``size`` jets' rows at a time."""
        batch = max(size // self.jets_per_row, 1)
        columns = [*self.columns(), *([self._weight[0]] if self._weight else [])]
        parts: list[RawJets] = []
        start = n = 0
        for rows in self.table.rows(list(dict.fromkeys(columns)), batch):
            if not parts:
                self._room = _Room(-(-batch // max(len(rows), 1)))
            parts.append(self._read(rows))
            n += len(rows)
            if n >= batch:
                yield start, self._together(parts)
                start, n, parts = start + n, 0, []
        if parts:
            yield start, self._together(parts)

    def room(self, n: int) -> NDArray[np.float32]:
        """Memory (3, n) for pt, eta and phi of the constituents of some rows.

        Where a batch comes in many blocks, what is written there need not be copied once more.
        """
        return self._room.take(n)

    def weights(self, rows: Rows, *columns: str) -> NDArray[np.float32] | None:
        """Weights of rows in single precision, (n,); they may be negative.

        Args:
            rows: the rows.
            columns: where the layout has them; the first that is there is read, unless the options
                name another. Of a list of weights the first is the nominal one.

        Returns:
            The weights, or None if there is no such column.

        Raises:
            InputError: rows without a weight; NaN or infinite weights, unless they are skipped.
        """
        name, position = self._weight or (next((c for c in columns if c in rows), None), None)
        if name is None:
            return None
        try:
            values = rows.numbers(name)
        except InputError:
            values = self._weight_of_list(rows, name, position or 0)
        with np.errstate(over="ignore"):
            values = np.asarray(values).astype(np.float32)
        bad = ~np.isfinite(values)
        if bad.any() and not self.options.skip_invalid:
            raise InputError(
                f"{bad.sum()} events have a NaN or infinite weight {name!r}, the first of them in "
                f"row {rows.start + int(bad.argmax())}",
                where=rows.file,
                fix="--skip-invalid leaves them out",
            )
        return values

    def _weight_of_list(self, rows: Rows, name: str, position: int) -> NDArray:
        lengths, (values,) = rows.lists(name)
        short = np.count_nonzero(lengths <= position)
        if short:
            which = f" number {position}" if position else ""
            raise InputError(f"{short} events have no weight{which} in {name!r}", where=rows.file)
        return values[to_offsets(lengths)[:-1] + position]

    def _read(self, rows: Rows) -> RawJets:
        try:
            raw = self.read(rows)
            if raw.weight is None and self._weight and len(raw) == len(rows):
                raw = replace(raw, weight=self.weights(rows))
            return raw
        except DarkclrError:
            raise
        except Exception as error:
            if type(self).__module__.startswith("darkclr."):
                raise  # the file is damaged: the container says so
            raise ConfigError(
                f"the layout failed with {type(error).__name__}: {error}",
                where=f"{type(self).__module__}.{type(self).__qualname__}",
            ) from error

    def _together(self, parts: Sequence[RawJets]) -> RawJets:
        """The jets of all blocks of a batch."""
        if len(parts) == 1:
            return parts[0]

        def column(name: str) -> Any:
            values = [getattr(part, name) for part in parts]
            return None if values[0] is None else np.concatenate(values)

        flat = self._room.filled(parts)
        jets = [part.jet for part in parts if part.jet is not None]
        return RawJets(
            np.concatenate([part.lengths for part in parts]),
            pt=column("pt") if flat is None else flat[0],
            eta=column("eta") if flat is None else flat[1],
            phi=column("phi") if flat is None else flat[2],
            kind=column("kind"),
            mass=parts[0].mass if np.ndim(parts[0].mass) == 0 else column("mass"),
            jet=[np.concatenate(x) for x in zip(*jets, strict=True)] or None,
            **{name: column(name) for name in ("label", "weight", "event", "rank")},
            truth={k: np.concatenate([part.truth[k] for part in parts]) for k in parts[0].truth},
            left_out=sum((Counter(part.left_out) for part in parts), Counter()),
        )


def _named_weight(name: str | None, table: Table) -> tuple[str, int | None] | None:
    """Column and position in its lists of the weights that an option names.

    Raises:
        InputError: there is no such column.
    """
    if name is None:
        return None
    match = re.fullmatch(r"(.+?)(?:\[(\d+)\])?", name)
    assert match is not None
    if match[1] not in table.columns:
        raise InputError(
            f"no column {match[1]!r} of weights", where=table.file, fix=f"it has {table}"
        )
    return match[1], int(match[2]) if match[2] else None


class _Room:
    """Memory for the constituents of a batch, which the blocks fill one behind the other.

    Args:
        n_blocks: number of blocks of the batch.
    """

    def __init__(self, n_blocks: int) -> None:
        self._n_blocks = n_blocks
        self._columns: NDArray[np.float32] | None = None
        self._used = 0

    def take(self, n: int) -> NDArray[np.float32]:
        """The next n columns."""
        if self._columns is None:  # what is not written to is no memory
            self._columns = np.empty((3, 2 * n * self._n_blocks), np.float32)
        start, self._used = self._used, self._used + n
        if self._used > self._columns.shape[1]:
            return np.empty((3, n), np.float32)
        return self._columns[:, start : self._used]

    def filled(self, parts: Sequence[RawJets]) -> NDArray[np.float32] | None:
        """pt, eta and phi of all blocks, if it is these that fill the memory."""
        own = self._columns is not None and all(part.pt.base is self._columns for part in parts)
        if not own or sum(len(part.pt) for part in parts) != self._used:
            return None
        assert self._columns is not None
        return self._columns[:, : self._used]
