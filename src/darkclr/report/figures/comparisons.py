"""Pictures of several trainings together: curves with bands, scans, matrices, densities."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from darkclr.evaluation.results import FigureOfMerit
from darkclr.report.figures.style import LineStyle, figure, sample_style, styled

__all__ = [
    "Line",
    "curves_and_points_figure",
    "densities_figure",
    "lines_figure",
    "matrices_figure",
    "points_figure",
]

Floats = NDArray[np.floating]

# Shift from series to series, in ticks: that of points which lines join must not look like another
# value of x.
_APART, _JOINED = 0.12, 0.03
_TICK, _LETTER = 0.85, 0.11  # width of a tick at least, and of a letter of its name [inch]


@dataclass(frozen=True)
class Line:
    """A curve, with a band if there is one.

    Args:
        label: in the legend; an empty one has no entry there.
        x, y: (n,) its points.
        low, high: (n,) the band.
        style: colour and dashes.
    """

    label: str
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    style: LineStyle = field(default_factory=dict)

    def numbers(self) -> dict[str, list[float | None]]:
        """What is drawn as plain data, of four digits; None where there is no such number."""
        columns = {"x": self.x, "y": self.y, "low": self.low, "high": self.high}
        return {
            name: [float(f"{value:.4g}") if np.isfinite(value) else None for value in values]
            for name, values in columns.items()
            if values is not None
        }


def lines_figure(
    panels: Mapping[str, Sequence[Line]],
    *,
    x: str,
    y: str | Sequence[str],
    logarithmic: Collection[str] = (),
    bottom: float | None = None,
    columns: int | None = None,
) -> Figure:
    """Panels side by side, or in rows.

    Args:
        panels: curves by title of the panel.
        x, y: labels of the axes; several of y if each panel has its own.
        logarithmic: titles of the panels whose y is.
        bottom: lower end of y.
        columns: how many panels stand side by side; all if None.
    """
    shared, columns = isinstance(y, str), columns or len(panels)
    with styled():
        picture, grid = _grid(len(panels), columns, (4.9, 4.4), (0.6, 0.2), sharey=shared)
        for i, (axes, (title, lines)) in enumerate(zip(grid, panels.items(), strict=True)):
            _curves(axes, title, lines, x=x, logarithmic=title in logarithmic)
            if bottom is not None:
                axes.set_ylim(bottom=bottom)
            if not shared or i % columns == 0:
                axes.set_ylabel(y if isinstance(y, str) else y[i])
        return picture


def points_figure(
    panels: Mapping[str, Mapping[str, Sequence[FigureOfMerit]]],
    ticks: Sequence[str],
    *,
    x: str = "",
    logarithmic: Collection[str] = (),
    styles: Mapping[str, LineStyle] | None = None,
    slanted: bool = False,
) -> Figure:
    """Numbers with errors at a few places, a panel a figure of merit.

    Where points are joined, yardsticks, whose labels end in an asterisk, are lines without points.

    Args:
        panels: by label of y, then by label of the series: a number for each tick.
        ticks: names of the places.
        x: label of them.
        logarithmic: the panels whose y is.
        styles: of the series; without lines if ``linestyle`` is ``none``.
        slanted: whether the names of the places need room.
    """
    styles = _styles(panels, styles)
    with styled():
        longest = max(len(line) for tick in ticks for line in tick.split("\n"))
        room = _TICK if slanted else max(_TICK, _LETTER * longest)
        width = max(4.6, room * len(ticks) + 1.5)
        columns = min(len(panels), 2 if width < 9 else 1)
        picture, grid = _grid(len(panels), columns, (width, 3.9), (0.6, 0.9))
        for axes, (label, of_series) in zip(grid, panels.items(), strict=True):
            _points(axes, of_series, ticks, styles, slanted=slanted)
            axes.set(xlabel=x, ylabel=label)
            if label in logarithmic:
                _logarithmic(axes)
        _legend(picture, grid, "outside upper center")
        return picture


def curves_and_points_figure(
    curves: Mapping[str, Sequence[Line]],
    points: Mapping[str, Mapping[str, Sequence[FigureOfMerit]]],
    ticks: Sequence[str],
    *,
    x: tuple[str, str],
    y: str,
    logarithmic: Collection[str] = (),
    styles: Mapping[str, LineStyle] | None = None,
) -> Figure:
    """Panels of :func:`lines_figure`, logarithmic from one on, over those of :func:`points_figure`.

    Args:
        curves: by title of the panel, two in a row.
        points: by label of y, then by label of the series: a number for each tick.
        ticks: names of the places of the points.
        x: labels of the axes of curves and of points.
        y: label of the curves.
        logarithmic: the panels of points whose y is.
        styles: of the series of points.
    """
    styles = _styles(points, styles)
    with styled():
        picture, grid = _grid(len(curves) + len(points), 2, (5.4, 3.9), (0.6, 0.6))
        above, below = grid[: len(curves)], grid[len(curves) :]
        for axes, (title, lines) in zip(above, curves.items(), strict=True):
            _curves(axes, title, lines, x=x[0], logarithmic=True)
            axes.set_ylim(bottom=1)
            axes.set_ylabel(y)
        for axes, (label, of_series) in zip(below, points.items(), strict=True):
            _points(axes, of_series, ticks, styles)
            axes.set(xlabel=x[1], ylabel=label)
            if label in logarithmic:
                _logarithmic(axes)
        _legend(picture, below, "outside lower center")
        return picture


def matrices_figure(
    panels: Mapping[str, Floats],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    x: str,
    y: str,
    label: str,
) -> Figure:
    """Matrices of numbers between -1 and 1 as colours, three in a row.

    Args:
        panels: (n, m) by title.
        rows, columns: what stands where equally wide ranges of rows and columns begin.
        x, y: what columns and rows are.
        label: of the colours.
    """
    with styled():
        picture, grid = _grid(len(panels), min(len(panels), 3), (4.7, 4.6), (1.2, 0.2))
        for axes, (title, matrix) in zip(grid, panels.items(), strict=True):
            image = axes.imshow(
                matrix, vmin=-1, vmax=1, cmap="RdBu", aspect="auto", interpolation="nearest",
                extent=(0, len(columns), len(rows), 0),
            )  # fmt: skip
            axes.set_xticks(np.arange(len(columns)), columns)
            axes.set_yticks(np.arange(len(rows)), rows)
            axes.grid(False)
            axes.set_title(title, loc="left")
            axes.set_xlabel(x)
            axes.set_ylabel(y)
        picture.colorbar(image, ax=picture.axes, label=label)
        return picture


def densities_figure(
    panels: Mapping[str, Mapping[str, Floats]], *, x: Sequence[str], columns: int
) -> Figure:
    """Histograms of the same quantity of several samples, a panel each quantity.

    Args:
        panels: values (n,) by title of the panel, then by sample.
        x: label of the quantity of each panel.
        columns: panels in a row.
    """
    with styled():
        picture, grid = _grid(len(panels), columns, (4.9, 4.3), (0.4, 0.0))
        for axes, (title, samples), label in zip(grid, panels.items(), x, strict=True):
            low, high = np.quantile(np.concatenate(list(samples.values())), [0.002, 0.998])
            edges = np.linspace(low, high if high > low else low + 1, 51)
            for i, (name, values) in enumerate(samples.items()):
                density = np.histogram(np.clip(values, low, high), edges, density=True)[0]
                if i == 0:
                    axes.stairs(density, edges, fill=True, color="#c9ced6", label=name)
                else:
                    axes.stairs(density, edges, label=name, linewidth=1.8, **sample_style(i - 1))
            axes.set_title(title, loc="left")
            axes.set_xlabel(label)
            axes.set_ylabel("density")
            axes.legend(loc="best", fontsize=9)
        return picture


def _grid(
    n: int,
    columns: int,
    panel: tuple[float, float],
    margin: tuple[float, float],
    *,
    sharey: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A picture of n panels in rows; sizes are width and height [inch]."""
    rows = -(-n // columns)
    picture = figure(panel[0] * columns + margin[0], panel[1] * rows + margin[1])
    grid = picture.subplots(rows, columns, sharey=sharey, squeeze=False).ravel()
    for axes in grid[n:]:
        axes.set_axis_off()
    return picture, list(grid[:n])


def _curves(axes: Axes, title: str, lines: Sequence[Line], *, x: str, logarithmic: bool) -> None:
    for line in lines:
        (drawn,) = axes.plot(line.x, line.y, label=line.label, **line.style)
        if line.low is not None and line.high is not None:
            axes.fill_between(
                line.x, line.low, line.high, color=drawn.get_color(), alpha=0.18, linewidth=0
            )
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="best", fontsize=9)


def _styles(
    panels: Mapping[str, Mapping[str, Any]], styles: Mapping[str, LineStyle] | None
) -> Mapping[str, LineStyle]:
    """Those that are given, or one by position for each series."""
    series = dict.fromkeys(name for panel in panels.values() for name in panel)
    return styles or {name: sample_style(i) for i, name in enumerate(series)}


def _points(
    axes: Axes,
    of_series: Mapping[str, Sequence[FigureOfMerit]],
    ticks: Sequence[str],
    styles: Mapping[str, LineStyle],
    *,
    slanted: bool = False,
) -> None:
    lines = {name: styles[name].get("linestyle", "-") for name in of_series}
    joined = len(ticks) > 1 and set(lines.values()) != {"none"}
    yardsticks = [name for name in of_series if joined and name.endswith(" *")]
    shifted = [name for name in of_series if name not in yardsticks]
    for name, numbers in of_series.items():
        shift = 0.0
        if name in shifted:
            middle = (len(shifted) - 1) / 2
            shift = (_JOINED if joined else _APART) * (shifted.index(name) - middle)
        values = np.array([n.value for n in numbers], dtype=float)
        errors = np.array([n.error or 0.0 for n in numbers])
        color = styles[name]["color"]
        axes.errorbar(
            np.arange(len(ticks)) + shift, values, yerr=errors, label=name,
            marker="o" if name in shifted else "none", markersize=5, capsize=2.5, linewidth=1.2,
            color=color, markerfacecolor=styles[name].get("markerfacecolor", color),
            linestyle=lines[name],
        )  # fmt: skip
    turned: dict[str, Any] = {"rotation": 35, "ha": "right", "fontsize": 9} if slanted else {}
    axes.set_xticks(range(len(ticks)), ticks, **turned)
    axes.set_xlim(-0.5, len(ticks) - 0.5)


def _logarithmic(axes: Axes) -> None:
    """A logarithmic y with numbers at 2 and 5, too."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[0] in "25" else "")


def _legend(
    picture: Figure,
    grid: Sequence[Axes],
    place: Literal["outside upper center", "outside lower center"],
) -> None:
    """One legend of the series of all panels."""
    drawn: dict[str, Any] = {}
    for axes in grid:
        handles, labels = axes.get_legend_handles_labels()
        drawn |= {str(n): handle for n, handle in zip(labels, handles, strict=True)}
    picture.legend(
        list(drawn.values()), list(drawn), loc=place, ncols=min(4, len(drawn)), fontsize=9.5
    )
