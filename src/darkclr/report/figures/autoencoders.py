"""Pictures of autoencoders that are trained several times: over epochs, and over signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from darkclr.evaluation.results import FigureOfMerit
from darkclr.report.figures.style import figure, styled

__all__ = ["AucMap", "Panel", "autoencoders_figure"]

Floats = NDArray[np.float64]
#: AUC by mass of the mediator and invisible share.
AucMap: TypeAlias = Sequence[Sequence[FigureOfMerit]]
_COLUMNS = ("as simulated", "at equal pT")
_COLOURS = {"background": "#222222", "signal": "#D55E00", "negative samples": "#0072B2"}


@dataclass(frozen=True, eq=False)
class Panel:
    """What is shown of an autoencoder.

    Args:
        epochs: (n,) of one representative training.
        energies: (n,) of that training, by what they are of.
        auc: (n,) of that training, averaged over signals.
        band: (m,) mean and (m,) standard deviation of it over all trainings, as far as all go.
        distance: (n,) of that training between data and samples, or the validation error of an
            autoencoder without samples.
        label: of the distance.
        chosen: the epoch that is kept in that training.
    """

    epochs: Floats
    energies: Mapping[str, Floats]
    auc: Floats
    band: tuple[Floats, Floats]
    distance: Floats
    label: str
    chosen: float

    @classmethod
    def of(
        cls,
        histories: Sequence[Mapping[str, Floats]],
        chosen: int,
        curves: Sequence[Floats],
        shown: str,
        distance: tuple[str, str],
    ) -> Panel:
        """Of the histories of all trainings, the first of which is shown.

        Args:
            histories: columns by name.
            chosen: index of the epoch that is kept in the first training.
            curves: AUC averaged over signals, of each training.
            shown: name of the signal whose energy is shown.
            distance: column of what the epoch is chosen by, and its label.
        """
        together = np.stack([curve[: min(map(len, curves))] for curve in curves])
        first = histories[0]
        energies = {"background": first["background_energy"], "signal": first[f"{shown}_energy"]}
        if "validation_negative_energy" in first:
            energies["negative samples"] = first["validation_negative_energy"]
        return cls(
            first["epoch"],
            energies,
            curves[0],
            (together.mean(axis=0), together.std(axis=0)),
            first[distance[0]],
            distance[1],
            float(first["epoch"][chosen]),
        )


def autoencoders_figure(
    panels: Mapping[str, Panel],
    maps: Mapping[str, tuple[AucMap, AucMap]],
    *,
    masses: Sequence[float],
    shares: Sequence[float],
) -> Figure:
    """Rows: reconstruction errors, AUC, distance, maps of AUC as simulated and at equal pT.

    Args:
        panels: by title, a column each in the first three rows.
        maps: by title, of yardsticks too, a column each in the last two rows.
        masses: of the mediator [GeV], rows of the maps.
        shares: invisible ones, columns of the maps.
    """
    with styled():
        picture = figure(4.9 * len(panels) + 0.5, 17.5)
        above, below = picture.subfigures(2, 1, squeeze=False, height_ratios=(3, 2))[:, 0]
        curves = above.subplots(3, len(panels), squeeze=False)
        for column, (title, panel) in zip(curves.T, panels.items(), strict=True):
            for axes in column:
                axes.axvline(panel.chosen, color="#222222", linestyle=(0, (4, 3)), linewidth=1.1)
                axes.set_xlabel("epoch")
            _energies(column[0], panel)
            column[0].set_title(f"{title}: reconstruction error", loc="left")
            _auc(column[1], panel)
            column[1].set_title(f"{title}: AUC as simulated, mean over signals", loc="left")
            column[2].plot(panel.epochs, panel.distance, color="#009E73")
            column[2].set_ylabel(panel.label)
            column[2].set_title(f"{title}: epoch {panel.chosen:g} is kept", loc="left")
        low, high = zip(*(axes.get_ylim() for axes in curves[1]), strict=True)
        for axes in curves[1]:
            axes.set_ylim(min(low), max(high))
        grid = below.subplots(2, len(maps), squeeze=False)
        for column, (title, both) in zip(grid.T, maps.items(), strict=True):
            for axes, numbers, how in zip(column, both, _COLUMNS, strict=True):
                _map(axes, numbers, masses, shares)
                axes.set_title(f"{title}\nAUC, {how}", loc="left", fontsize=11)
        for axes in grid[:, 0]:
            axes.set_ylabel("mediator mass [TeV]")
        for axes in grid[1]:
            axes.set_xlabel("invisible share r_inv")
        return picture


def _energies(axes: Axes, panel: Panel) -> None:
    for name, values in panel.energies.items():
        axes.plot(panel.epochs, values, label=name, color=_COLOURS[name], linewidth=1.5)
    axes.set_yscale("log")
    axes.set_ylabel("mean reconstruction error")
    axes.legend(loc="best", fontsize=9)


def _auc(axes: Axes, panel: Panel) -> None:
    axes.plot(panel.epochs, panel.auc, color="#D55E00", linewidth=1.3, label="one training")
    mean, deviation = panel.band
    epochs = panel.epochs[: len(mean)]
    mean, deviation = mean[: len(epochs)], deviation[: len(epochs)]
    axes.plot(epochs, mean, color="#555555", linewidth=1.0, label="mean of all, and spread")
    axes.fill_between(epochs, mean - deviation, mean + deviation, color="#555555", alpha=0.2, lw=0)
    axes.set_ylabel("AUC")
    axes.legend(loc="best", fontsize=9)


def _map(axes: Axes, numbers: AucMap, masses: Sequence[float], shares: Sequence[float]) -> None:
    values = np.array([[one.value for one in row] for row in numbers], dtype=float)
    axes.imshow(values, vmin=0.4, vmax=1.0, cmap="viridis", aspect="auto", origin="lower")
    for i, row in enumerate(numbers):
        for j, one in enumerate(row):
            value = "–" if one.value is None else f"{one.value:.3f}"
            error = "" if one.error is None else f"\n±{one.error:.3f}"
            colour = "white" if values[i, j] < 0.75 else "black"
            axes.text(j, i, value + error, ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
    axes.set_yticks(range(len(masses)), [f"{mass / 1000:g}" for mass in masses])
    axes.grid(False)
