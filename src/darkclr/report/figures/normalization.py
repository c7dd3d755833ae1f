"""Has a normalized autoencoder learned the density? Samples beside data, and how near they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from darkclr.report.figures.style import figure, styled

__all__ = ["density_figure"]

_DATA, _SAMPLES, _COPIES = "#D55E00", "#0072B2", "#009E73"


def density_figure(samples: Mapping[str, NDArray], history: Mapping[str, NDArray]) -> Figure:
    """Points and energies of validation jets and of samples; their distance over the epochs.

    Args:
        samples: ``kind`` ("data" or "samples"), ``direction_1``, ``direction_2``, ``energy``.
        history: ``epoch``, ``stage``; of the stage "normalisation" as far as they are there
            ``energy_movers_distance`` and ``dropped_auc``.

    The distance of jets to other jets, which that of samples can reach, is a dashed line where
    ``excess_distance`` says it.
    """
    kinds = (("data", "jets", _DATA), ("samples", "samples of the model", _SAMPLES))
    with styled():
        picture = figure(9.6, 6.6)
        (points, energies), (distance, auc) = picture.subplots(2, 2)
        positive = samples["energy"][samples["energy"] > 0]
        low, high = positive.min(), positive.max()
        bins = np.geomspace(low, max(high, 1.01 * low), 40)
        for kind, label, color in kinds:
            there = samples["kind"] == kind
            points.plot(
                samples["direction_1"][there], samples["direction_2"][there], ".",
                color=color, markersize=3, alpha=0.6, label=label,
            )  # fmt: skip
            energies.hist(
                samples["energy"][there], bins=bins, histtype="step", linewidth=1.5,
                color=color, label=label,
            )  # fmt: skip
        points.set_xlabel("first principal direction of the jets")
        points.set_ylabel("second principal direction")
        points.set_title("representation", loc="left")
        points.legend(loc="best", markerscale=3)
        energies.set_xscale("log")
        energies.set_xlabel("energy E")
        energies.set_ylabel("jets or samples in a bin")
        energies.set_title("energies", loc="left")
        normalised = history["stage"] == "normalisation"
        columns = {name: values[normalised] for name, values in history.items()}
        _curve(distance, columns, "energy_movers_distance", _SAMPLES)
        if "excess_distance" in columns:
            floor = columns["energy_movers_distance"] - columns["excess_distance"]
            distance.plot(columns["epoch"], floor, color=_DATA, linestyle="--", label="other jets")
            distance.legend(loc="best")
        distance.set_title("energy mover's distance, jets to samples", loc="left")
        distance.set_ylabel("distance in the representation")
        distance.set_ylim(0, 1.08 * distance.dataLim.y1)
        _curve(auc, columns, "dropped_auc", _COPIES)
        auc.set_title("AUC of E, jets against their dropped copies", loc="left")
        auc.set_ylabel("AUC")
        return picture


def _curve(axes: Axes, columns: Mapping[str, NDArray], name: str, color: str) -> None:
    if name in columns:
        axes.plot(columns["epoch"], columns[name], color=color, marker="o", markersize=4)
    else:
        axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center")
    axes.set_xlabel("epoch of the normalisation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
