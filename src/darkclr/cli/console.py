"""What the command line prints: progress bars with rates, tables, lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

__all__ = ["bar", "error", "line", "table", "unicode"]

_out = Console()
_err = Console(stderr=True)

# A terminal with room for a note behind a bar.
_WIDE = 120


class _Rate(ProgressColumn):
    """Units a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "")
        return Text("" if speed is None else f"{speed:,.3g} {unit}/s", style="cyan")


@contextmanager
def bar(
    title: str, total: float | None, unit: str = "jets", *, keep: bool = True
) -> Iterator[Callable[..., None]]:
    """A progress bar; the block gets ``advance(n, note="")``.

    A stream has no known total; a bar that is not kept vanishes with the end of the block.
    """
    columns: list[ProgressColumn] = [
        TextColumn("{task.description:<18}", markup=False),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    if _err.width >= _WIDE:
        columns.append(TextColumn("{task.fields[note]}", style="dim", markup=False))
    progress = Progress(*columns, console=_err, refresh_per_second=4, transient=not keep)
    task = progress.add_task(title, total=total, unit=unit, note="")

    def advance(n: float = 1, note: str = "") -> None:
        progress.update(task, advance=n, note=note)

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


def unicode() -> bool:
    """The terminal takes more than ASCII."""
    return _out.encoding.lower().startswith("utf")


def line(text: str) -> None:
    """One line of output, without mark-up: file names and provenance may hold brackets."""
    _out.print(text, highlight=False, markup=False, soft_wrap=True)


def error(text: object) -> None:
    """One line on standard error, without mark-up."""
    _err.print(f"darkclr: {' '.join(str(text).split())}", style="red", markup=False, soft_wrap=True)


def table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """A table; the keys of the first row are the columns."""
    if not rows:
        return
    drawn = Table(title=escape(title), title_justify="left")
    for i, name in enumerate(rows[0]):
        drawn.add_column(name, justify="left" if i == 0 else "right")
    for row in rows:
        drawn.add_row(*(escape(str(value)) for value in row.values()))
    _out.print(drawn)
