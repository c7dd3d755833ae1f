"""What cuts on the scores do to the spectra of the background."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from darkclr.evaluation import Metrics
from darkclr.report.figures.style import figure, score_styles, styled

__all__ = ["QUANTITIES", "sculpting_figure"]

#: Spectra that are looked at, as they are called on an axis.
QUANTITIES = {"pt": "jet $p_T$ [GeV]", "mass": "jet mass [GeV]"}
# What counts as flat, and the ends of the axis, at which what lies beyond is drawn.
_FLAT = 0.2
_LOW, _HIGH = 0.1, 10.0


def sculpting_figure(metrics: Metrics, quantity: str) -> Figure:
    """Share of background above a cut in bins of pT or mass, over that of all, a panel a cut.

    Args:
        metrics: result of :func:`darkclr.evaluation.measurement`.
        quantity: of :data:`QUANTITIES`.
    """
    measured = {
        name: entry.sculpting[quantity]
        for name, entry in metrics.scores.items()
        if entry.sculpting and entry.sculpting.get(quantity)
    }
    cuts = list(dict.fromkeys(cut for of_score in measured.values() for cut in of_score))
    styles = score_styles(metrics.scores)
    with styled():
        picture = figure(4.2 * len(cuts) + 3.2, max(4.6, 0.26 * len(measured) + 0.8))
        panels = picture.subplots(1, len(cuts), sharey=True, squeeze=False)[0]
        for axes, cut in zip(panels, cuts, strict=True):
            axes.axhspan(1 - _FLAT, 1 + _FLAT, color="#eef0f3", zorder=0)
            axes.axhline(1, color="#c3c8cf", linewidth=1.2, zorder=1)
            for name, of_score in measured.items():
                if cut not in of_score:
                    continue
                found, style = of_score[cut], styles[name]
                edges = np.array(found.edges)
                ratio, error = (
                    np.array(values) / found.background_efficiency
                    for values in (found.share, found.error)
                )
                axes.stairs(
                    ratio.clip(_LOW, _HIGH), edges, baseline=None, linewidth=1.7, zorder=3, **style
                )
                axes.errorbar(
                    (edges[1:] + edges[:-1]) / 2, ratio, error,
                    fmt="none", color=style["color"], linewidth=1.0, alpha=0.7, zorder=2,
                )  # fmt: skip
            axes.set_xlabel(QUANTITIES[quantity])
            axes.set_title(f"ε$_B$ = {float(cut):.3g}", loc="left")
        panels[0].set_yscale("log")
        panels[0].set_ylim(_LOW / 1.1, _HIGH * 1.1)
        panels[0].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panels[0].set_ylabel("share of background above the cut / ε$_B$")
        handles = [
            panels[0].plot([], [], label=metrics.scores[name].title, **styles[name])[0]
            for name in measured
        ]
        picture.legend(handles=handles, loc="outside right upper", fontsize=9)
        return picture
