"""What the command line prints: progress bars with rates, tables, lines.

Without a terminal, as in a batch job, a bar is a line every minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from darkclr.errors import InputError
from darkclr.names import visible
from darkclr.reporter import Advance

if TYPE_CHECKING:  # help comes without it
    from rich.console import Console
    from rich.text import Text

__all__ = ["bar", "line", "table", "unicode"]

_NUMBER = "0123456789+-−–."  # what a cell with a number, or none, begins with

# A terminal with room for a note behind a bar.
_WIDE = 120

#: Seconds between two lines of progress where there is no terminal.
INTERVAL = 60.0


@cache
def output() -> Console:
    """Standard output; what is no terminal has lines of any length."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 10_000
    return console


@cache
def errors() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def bar(
    title: str, total: float | None, unit: str = "jets", *, keep: bool = True
) -> Iterator[Advance]:
    """A progress bar; the block gets ``advance(n, note="")``.

    A stream has no known total; a bar that is not kept vanishes with the end of the block.
    """
    with (_drawn if errors().is_terminal else _told)(title, total, unit, keep) as advance:
        yield advance


@contextmanager
def _drawn(title: str, total: float | None, unit: str, keep: bool) -> Iterator[Advance]:
    """A bar on a terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: list[ProgressColumn] = [
        TextColumn("{task.description:<18}", markup=False),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", style="cyan", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    if errors().width >= _WIDE:
        columns.append(TextColumn("{task.fields[note]}", style="dim", markup=False))
    progress = Progress(*columns, console=errors(), refresh_per_second=4, transient=not keep)
    task = progress.add_task(visible(title), total=total, rate="", note="")

    def advance(n: float = 1, note: str = "") -> None:
        progress.update(task, advance=n, note=visible(note))
        speed = progress.tasks[0].finished_speed or progress.tasks[0].speed
        if speed is not None:
            progress.update(task, rate=f"{speed:,.3g} {unit}/s")

    progress.start()
    try:
        yield advance
    except BaseException:
        # The error's line is the only one that stays: no bar, and not the stop's empty line.
        progress.live.transient = True
        progress.live.stop()
        raise
    if keep:
        progress.stop()
    else:
        progress.live.stop()


@contextmanager
def _told(title: str, total: float | None, unit: str, keep: bool) -> Iterator[Advance]:
    """A line every :data:`INTERVAL`, and one at the end if the bar is kept.

    The first step gives no rate, as on a terminal: what an earlier call has done may be in it.
    """
    start = time.monotonic()
    done, told = 0.0, start
    first: tuple[float, float] | None = None

    def say(note: str) -> None:
        now = time.monotonic()
        amount = f"{done:,.0f}" if total is None else f"{done:,.0f} of {total:,.0f}"
        since, before = first if first is not None and first[1] < done else (start, 0.0)
        rate = (done - before) / (now - since) if now > since else 0.0
        parts = f"{title}: {amount} {unit} in {_duration(now - start)}"
        if rate:
            parts += f", {rate:,.3g} {unit}/s"
        if rate and total is not None and done < total:
            parts += f", {_duration((total - done) / rate)} left"
        errors().print(_literal(f"{parts}; {note}" if note else parts), soft_wrap=True)

    def advance(n: float = 1, note: str = "") -> None:
        nonlocal done, told, first
        done += n
        first = first or (time.monotonic(), done)
        if time.monotonic() - told >= INTERVAL:
            told = time.monotonic()
            say(note)

    yield advance
    if keep:
        say("")


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> _duration(75.4), _duration(7322)
    ('1:15', '2:02:02')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def unicode() -> bool:
    """The terminal takes more than ASCII."""
    return output().encoding.lower().startswith("utf")


def line(text: str) -> None:
    """One line of output, without mark-up: strangers' files may hold brackets and escapes."""
    _written(lambda: output().print(_literal(text), soft_wrap=True))


def table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """A table; the keys of the first row are the columns, and the first names the rows.

    On a terminal without room for them words go on in the next line; nothing is cut.
    """
    if not rows:
        return
    from rich import box
    from rich.table import Table

    drawn = Table(
        title=_literal(title) if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for i, name in enumerate(rows[0]):
        cells = [str(list(row.values())[i]) for row in rows]
        if i and all(cell[:1] in _NUMBER for cell in cells):
            drawn.add_column(_literal(name), justify="right", no_wrap=True)
        else:
            longest = max((len(word) for cell in cells for word in cell.split()), default=1)
            least = min(longest, 12 if i else 24)
            drawn.add_column(_literal(name), overflow="fold", min_width=least)
    for row in rows:
        drawn.add_row(*(_literal(value) for value in row.values()))
    _written(lambda: output().print(drawn, crop=False))


def _literal(text: object) -> Text:
    """What strangers may have written, without mark-up, names of emoji and escapes."""
    from rich.text import Text

    return Text(visible(text))


def _written(write: Callable[[], None]) -> None:
    try:
        write()
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise InputError(
            f"cannot be written ({problem.strerror or problem})", where="standard output"
        ) from problem
