"""Pictures of autoencoders that are trained several times: over epochs, and over signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from darkclr.evaluation.results import FigureOfMerit
from darkclr.report.figures.style import figure, styled

__all__ = ["Panel", "autoencoders_figure"]

Floats = NDArray[np.float64]
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
        auc_map: AUC by mass and invisible share.
    """

    epochs: Floats
    energies: Mapping[str, Floats]
    auc: Floats
    band: tuple[Floats, Floats]
    distance: Floats
    label: str
    chosen: float
    auc_map: Sequence[Sequence[FigureOfMerit]]

    @classmethod
    def of(
        cls,
        histories: Sequence[Mapping[str, Floats]],
        chosen: int,
        curves: Sequence[Floats],
        shown: str,
        distance: tuple[str, str],
        auc_map: Sequence[Sequence[FigureOfMerit]],
    ) -> Panel:
        """Of the histories of all trainings, the first of which is shown.

        Args:
            histories: columns by name.
            chosen: index of the epoch that is kept in the first training.
            curves: AUC averaged over signals, of each training.
            shown: name of the signal whose energy is shown.
            distance: column of what the epoch is chosen by, and its label.
            auc_map: see above.
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
            auc_map,
        )


def autoencoders_figure(
    panels: Mapping[str, Panel], *, masses: Sequence[float], shares: Sequence[float]
) -> Figure:
    """Rows: reconstruction errors, AUC, distance, map of AUC; a column an autoencoder.

    Args:
        panels: by title.
        masses: of the mediator [GeV], rows of the map.
        shares: invisible ones, columns of the map.
    """
    with styled():
        picture = figure(4.9 * len(panels) + 0.5, 14.5)
        grid = picture.subplots(4, len(panels), squeeze=False)
        for column, (title, panel) in zip(grid.T, panels.items(), strict=True):
            for axes in column[:3]:
                axes.axvline(panel.chosen, color="#222222", linestyle=(0, (4, 3)), linewidth=1.1)
                axes.set_xlabel("epoch")
            _energies(column[0], panel)
            column[0].set_title(f"{title}: reconstruction error", loc="left")
            _auc(column[1], panel)
            column[1].set_title(f"{title}: AUC, mean over signals", loc="left")
            column[2].plot(panel.epochs, panel.distance, color="#009E73")
            column[2].set_ylabel(panel.label)
            column[2].set_title(f"{title}: epoch {panel.chosen:g} is kept", loc="left")
            _map(column[3], panel.auc_map, masses, shares)
            column[3].set_title(f"{title}: AUC", loc="left")
        low, high = zip(*(axes.get_ylim() for axes in grid[1]), strict=True)
        for axes in grid[1]:
            axes.set_ylim(min(low), max(high))
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


def _map(
    axes: Axes,
    numbers: Sequence[Sequence[FigureOfMerit]],
    masses: Sequence[float],
    shares: Sequence[float],
) -> None:
    values = np.array([[one.value for one in row] for row in numbers], dtype=float)
    axes.imshow(values, vmin=0.4, vmax=1.0, cmap="viridis", aspect="auto", origin="lower")
    for i, row in enumerate(numbers):
        for j, one in enumerate(row):
            error = "" if one.error is None else f"\n±{one.error:.3f}"
            colour = "white" if values[i, j] < 0.75 else "black"
            axes.text(j, i, f"{values[i, j]:.3f}{error}", ha="center", va="center", color=colour,
                      fontsize=10)  # fmt: skip
    axes.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
    axes.set_yticks(range(len(masses)), [f"{mass / 1000:g}" for mass in masses])
    axes.grid(False)
    axes.set_xlabel("invisible share r_inv")
    axes.set_ylabel("mediator mass [TeV]")
