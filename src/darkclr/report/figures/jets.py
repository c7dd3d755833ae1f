"""Jets in the η-φ plane, before and after each augmentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from darkclr.augmentations import Augmentation, Augmentations, recentre
from darkclr.jets import N_CONSTITUENTS, Constituents, Jets
from darkclr.report.figures.style import figure, styled

__all__ = ["augmentations_figure", "shown_augmentations", "typical_jets"]

_SHOWN_QUANTILES = (0.2, 0.5, 0.8)  # of the number of constituents

_ORIGINAL, _VIEW = "#8a8f98", "#0072B2"
_AREA = 900.0  # points² of a constituent that carries the whole pT of its jet
_SHOWN_SHARE = 0.1  # of the jet's pT, of the constituent in the legend
_CONSTITUENT: dict[str, Any] = {"facecolor": _VIEW, "edgecolor": "white", "alpha": 0.85}
_AXIS: dict[str, Any] = {"marker": "+", "color": "#444b55", "markersize": 9, "zorder": 1}
_RING: dict[str, Any] = {"facecolor": "none", "edgecolor": _ORIGINAL, "alpha": 0.8}


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
        picture = figure(2.75 * n_columns + 0.5, 2.7 * n_rows + 1.1)
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
                    _draw(axes, jet, total, **_CONSTITUENT)
                    count = len(jet.pt)
                else:
                    view = views[title][row]
                    count = len(view.pt)
                    _draw(axes, jet, total, **_RING)
                    _draw(axes, view, total, **_CONSTITUENT)
                axes.set(xlim=(-reach, reach), ylim=(-reach, reach), box_aspect=1)
                for axis in (axes.xaxis, axes.yaxis):
                    axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))
                axes.plot(0, 0, **_AXIS)
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
                    axes.set_ylabel(f"pT = {total:.0f} GeV\n\nΔφ [rad]")
        _legend(picture)
        return picture


def typical_jets(jets: Jets) -> Constituents:
    """Three jets, with few, middling and many constituents."""
    order = np.argsort(jets.n_constituents, kind="stable")
    rows = order[[int(q * (len(order) - 1)) for q in _SHOWN_QUANTILES]]
    return jets.constituents[rows].hardest(N_CONSTITUENTS)


def shown_augmentations(augmentations: Augmentations) -> dict[str, Augmentation]:
    """Each augmentation and the anomalous view of each family, by the title of its column."""
    families = augmentations.families
    columns: dict[str, Augmentation] = {
        re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(a).__name__).lower(): a
        for a in chain(augmentations.physical, augmentations.positive, *families.values())
    }
    for i, name in enumerate(families):
        title = "anomalous view" if len(families) == 1 else f"view of family {name}"
        columns[title] = _AnomalousView(augmentations.views, i)
    return columns


class _AnomalousView(Augmentation):
    """All that the anomalous view of a family goes through, as one augmentation."""

    def __init__(self, views: Callable, family: int) -> None:
        self.views, self.family = views, family

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        return self.views(original, rng)[2 + self.family]


def _draw(axes: Axes, jet: Constituents, total: float, **style: Any) -> None:
    axes.scatter(
        jet.eta, jet.phi, s=np.maximum(_AREA * jet.pt / total, 3), linewidth=0.8, zorder=2, **style
    )


def _legend(picture: Figure) -> None:
    """What circles, their areas, rings and crosses are."""
    circles = [
        picture.axes[0].scatter([], [], s=_AREA * _SHOWN_SHARE, linewidth=0.8, **style)
        for style in (_CONSTITUENT, _RING)
    ]
    cross = Line2D([], [], linestyle="none", **_AXIS)
    entries = {
        f"constituent; area: its share of jet pT, here {100 * _SHOWN_SHARE:g} %": circles[0],
        "constituent of the original jet": circles[1],
        "axis of the original jet; N: number of constituents": cross,
    }
    columns = 3 if picture.get_figwidth() > 11 else 1
    picture.legend(
        entries.values(), entries, loc="outside lower center", ncols=columns, fontsize=11
    )
