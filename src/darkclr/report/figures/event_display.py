"""A jet in the η-φ plane, with its copies, its neighbours and its scores: a figure from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from darkclr.jets import KINDS, Constituents
from darkclr.report.figures.style import figure, styled

__all__ = ["Panel", "ShownJet", "event_display"]

_AREA = 1800.0  # points² of a constituent that carries the whole pT of its jet, in the large panel
_SMALLEST = 5.0
_PT_RANGE = (0.5, 100.0)  # GeV, of the colours: the same in all pictures
# Without its yellow end, which white paper swallows.
_COLOURS = ListedColormap(colormaps["viridis_r"](np.linspace(0.15, 1, 256)))
_SHAPES = {
    "charged hadron": "o",
    "neutral hadron": "s",
    "photon": "^",
    "electron": "P",
    "muon": "X",
    "other": "D",
}
_INK, _FAINT = "#444b55", "#c3c8ce"


@dataclass(frozen=True)
class Panel:
    """A jet beside the one that is shown.

    Args:
        title: what it is.
        constituents: one jet, relative to its axis, or to that of the jet that is shown.
        note: a second line.
    """

    title: str
    constituents: Constituents
    note: str = ""


@dataclass(frozen=True)
class ShownJet:
    """A jet with all that stands beside it.

    Args:
        title: which jet it is.
        constituents: the jet, relative to its axis.
        facts: numbers of the jet by name, as text.
        scores: title of each score -> value and p-value, as text.
        copies: what augmentations make of it.
        neighbours: the jets that are most like it.
        radius: of its clustering, if it is known.
        warning: what a reader should know first.
    """

    title: str
    constituents: Constituents
    facts: Mapping[str, str]
    scores: Mapping[str, tuple[str, str]]
    copies: Sequence[Panel] = ()
    neighbours: Sequence[Panel] = ()
    radius: float | None = None
    warning: str = ""


def event_display(jet: ShownJet) -> Figure:
    """The jet large, its copies above its neighbours, and its scores as text.

    The area of a constituent is its share of the pT of the jet, its colour is its pT, and its shape
    its kind where that is known. All small panels have the same window.
    """
    n_columns = max(len(jet.copies), len(jet.neighbours), 1)
    beside = [panel.constituents for panel in (*jet.copies, *jet.neighbours)]
    own, common = (_reach(parts, jet.radius) for parts in ([jet.constituents], beside))
    with styled():
        picture = figure(5.6 + 2.5 * n_columns + 4.4, 6.0)
        grid = picture.add_gridspec(2, n_columns + 2, width_ratios=[2.2, *[1.0] * n_columns, 1.8])
        large = picture.add_subplot(grid[:, 0])
        _draw(large, jet.constituents, own, jet.radius, _AREA)
        large.set(xlabel="η − η(jet)", ylabel="φ − φ(jet) [rad]")
        large.set_title(jet.title, loc="left", fontweight="bold")
        _name_shapes(large, [jet.constituents, *beside])
        for row, panels in enumerate((jet.copies, jet.neighbours)):
            for column, panel in enumerate(panels):
                axes = picture.add_subplot(grid[row, 1 + column])
                _draw(axes, panel.constituents, common, jet.radius, _AREA / 4)
                axes.tick_params(labelsize=9)
                axes.set_title(f"{panel.title}\n{panel.note}", fontsize=9.5, color=_INK)
                if column:
                    axes.tick_params(labelleft=False)
        text = picture.add_subplot(grid[:, -1])
        text.set_axis_off()
        _write(text, jet)
        colours = ScalarMappable(LogNorm(*_PT_RANGE), _COLOURS)
        bar = picture.colorbar(
            colours, ax=large, location="bottom", shrink=0.8, aspect=35, pad=0.01, extend="both"
        )
        bar.set_label("pT of a constituent [GeV]; its area is its share of the jet", fontsize=10.5)
        bar.ax.tick_params(labelsize=9)
    return picture


def _reach(parts: Sequence[Constituents], radius: float | None) -> float:
    """Half of the width of a window in which all constituents are, and the circle of the radius."""
    furthest = (float(np.abs([*part.eta, *part.phi]).max(initial=0)) for part in parts)
    return 1.08 * max([radius or 0.1, *furthest])


def _draw(axes: Axes, jet: Constituents, reach: float, radius: float | None, area: float) -> None:
    """The constituents of one jet around its axis, the softest on top."""
    size = np.maximum(area * jet.pt / max(float(jet.pt.sum()), 1e-9), _SMALLEST)
    kinds = np.zeros(len(jet.pt), dtype=np.int8) if jet.kind is None else jet.kind
    for kind in np.unique(kinds):
        of = kinds == kind
        axes.scatter(
            jet.eta[of],
            jet.phi[of],
            s=size[of],
            c=jet.pt[of],
            marker=_SHAPES[KINDS[kind]] if jet.kind is not None else "o",
            cmap=_COLOURS,
            norm=LogNorm(*_PT_RANGE),
            edgecolor="white",
            linewidth=0.5,
            alpha=0.9,
            zorder=2,
        )
    axes.plot(0, 0, marker="+", color=_INK, markersize=9, zorder=1)
    if radius is not None:
        axes.add_patch(Circle((0, 0), radius, fill=False, color=_FAINT, linestyle="--", zorder=1))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), box_aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))


def _name_shapes(axes: Axes, jets: Sequence[Constituents]) -> None:
    """Which shape is which kind, of the kinds that are drawn."""
    there = {KINDS[number] for jet in jets if jet.kind is not None for number in jet.kind}
    for name in (name for name in _SHAPES if name in there):
        axes.plot(
            [], [], label=name, marker=_SHAPES[name], color=_INK, linestyle="none", markersize=6
        )
    if there:
        axes.legend(loc="lower right", fontsize=9, framealpha=0.85)


def _write(axes: Axes, jet: ShownJet) -> None:
    """Facts and scores in lines, from the top."""
    step, y = 0.047, 0.99

    def line(*cells: tuple[float, str, str], **style: Any) -> None:
        nonlocal y
        for x, side, text in cells:
            axes.text(
                x, y, text, ha=side, va="top", transform=axes.transAxes, parse_math=False, **style
            )  # fmt: skip
        y -= step

    for name, fact in jet.facts.items():
        line((0, "left", name), (1, "right", fact), fontsize=10.5)
    if jet.warning:
        line((0, "left", jet.warning), fontsize=10.5, color="#D55E00", fontweight="bold")
    y -= step / 2
    line((0, "left", "score"), (0.79, "right", "value"), (1, "right", "p-value"), fontsize=10)
    axes.plot([0, 1], [y + 0.2 * step] * 2, color=_INK, linewidth=0.8, transform=axes.transAxes)
    for title, (value, p_value) in jet.scores.items():
        line(
            (0, "left", title if len(title) <= 32 else f"{title[:31]}…"),
            (0.79, "right", value),
            (1, "right", p_value),
            fontsize=9.5,
        )
