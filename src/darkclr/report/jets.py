"""Jets in the η-φ plane, before and after each augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from darkclr.augmentations import Augmentation, recentre
from darkclr.jets import Constituents
from darkclr.report.style import figure, styled

__all__ = ["augmentations_figure"]

_ORIGINAL, _VIEW = "#8a8f98", "#0072B2"
_AREA = 900.0  # points² of a constituent that carries the whole pT of its jet


def augmentations_figure(
    constituents: Constituents, augmentations: Mapping[str, Augmentation], *, seed: int = 0
) -> Figure:
    """A row a jet: as it is, then after each augmentation (blue) over the original (grey).

    Args:
        constituents: a few jets, packed, anywhere in η and φ.
        augmentations: what to show, by the title of its column.
        seed: of the augmentations.
    """
    rng = np.random.default_rng(seed)
    original = recentre(constituents)
    views = {title: apply(original, original, rng) for title, apply in augmentations.items()}
    n_rows, n_columns = len(original), 1 + len(views)
    with styled():
        picture = figure(2.75 * n_columns + 0.5, 2.7 * n_rows + 0.7)
        grid = picture.subplots(n_rows, n_columns, squeeze=False, sharex="row", sharey="row")
        for row in range(n_rows):
            jet = original[row]
            total = float(jet.pt.sum())
            # The window holds all views of this jet, so that columns can be compared.
            reach = 1.1 * max(
                float(np.max(np.abs(np.concatenate([part[row].eta, part[row].phi]))))
                for part in (original, *views.values())
            )
            for column, (axes, title) in enumerate(
                zip(grid[row], ["original", *views], strict=True)
            ):
                if column == 0:
                    _draw(axes, jet, total, facecolor=_VIEW, edgecolor="white", alpha=0.85)
                    count = len(jet.pt)
                else:
                    view = views[title][row]
                    count = len(view.pt)
                    _draw(axes, jet, total, facecolor="none", edgecolor=_ORIGINAL, alpha=0.8)
                    _draw(axes, view, total, facecolor=_VIEW, edgecolor="white", alpha=0.85)
                axes.set(xlim=(-reach, reach), ylim=(-reach, reach), box_aspect=1)
                for axis in (axes.xaxis, axes.yaxis):
                    axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))
                axes.plot(0, 0, marker="+", color="#444b55", markersize=9, zorder=1)
                axes.text(
                    0.04, 0.04, f"N = {count}", transform=axes.transAxes,
                    fontsize=10, color="#444b55",
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5},
                )  # fmt: skip
                if row == 0:
                    axes.set_title(title)
                if row == n_rows - 1:
                    axes.set_xlabel("Δη")
                if column == 0:
                    axes.set_ylabel(f"$p_T$ = {total:.0f} GeV\n\nΔφ [rad]")
        return picture


def _draw(axes: Axes, jet: Constituents, total: float, **style: Any) -> None:
    axes.scatter(
        jet.eta, jet.phi, s=np.maximum(_AREA * jet.pt / total, 3), linewidth=0.8, zorder=2, **style
    )
