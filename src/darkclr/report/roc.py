"""ROC curves: background rejection and significance improvement against signal efficiency."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from darkclr.evaluation import Metrics
from darkclr.report.style import figure, score_styles, styled

__all__ = ["rejection_figure", "significance_figure"]

# Below this many (effective) background jets the curve is mostly noise and is not drawn.
MINIMUM_BACKGROUND = 5
# Curves whose names fit beside them.
_BESIDE = 9


def rejection_figure(metrics: Metrics, signal: str, title: str) -> Figure:
    """1/ε_B (log) against ε_S with 68 % bands, all scores on one signal sample.

    Args:
        metrics: result of :func:`darkclr.evaluation.evaluate`.
        signal: name of the signal sample.
        title: how it is called in the picture.
    """
    with styled():
        picture = figure(6.4, 5.2)
        axes = picture.subplots()
        # A score that knows nothing has ε_B = ε_S.
        chance = np.linspace(0.01, 1, 200)
        axes.plot(chance, 1 / chance, color="#c3c8cf", linewidth=1.2, zorder=1)
        axes.annotate(
            "no discrimination", (0.5, 2), (0, -9), textcoords="offset points",
            color="#7b828c", fontsize=9.5, ha="center", va="top",
        )  # fmt: skip
        _curves(axes, metrics, signal, lambda _, background: 1 / background, with_auc=True)
        axes.set_yscale("log")
        axes.set_ylim(bottom=1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_ylabel("background rejection 1/ε$_B$")
        _finish(axes, title)
        if not _many(picture):
            axes.legend(loc="upper right")
        return picture


def significance_figure(metrics: Metrics, signal: str, title: str) -> Figure:
    """ε_S/√ε_B against ε_S with 68 % bands, all scores on one signal sample."""
    with styled():
        picture = figure(6.4, 5.2)
        axes = picture.subplots()
        axes.axhline(1, color="#c3c8cf", linewidth=1.2, zorder=1)
        _curves(axes, metrics, signal, lambda s, background: s / np.sqrt(background))
        axes.set_ylim(bottom=0)
        axes.set_ylabel("significance improvement ε$_S$/√ε$_B$")
        _finish(axes, title)
        # No corner of this picture is free for sure.
        if not _many(picture):
            picture.legend(loc="outside lower center", ncols=2, fontsize=9.5)
        return picture


def _many(picture: Figure) -> bool:
    """Whether there are more curves than a legend beside them has room for: it is drawn outside."""
    n = len(picture.axes[0].get_legend_handles_labels()[0])
    if n <= _BESIDE:
        return False
    picture.set_size_inches(10.4, max(5.6, 0.24 * n))
    picture.legend(loc="outside right upper", fontsize=9)
    return True


def _curves(
    axes: Axes,
    metrics: Metrics,
    signal: str,
    function: Callable[[NDArray, NDArray], NDArray],
    *,
    with_auc: bool = False,
) -> None:
    styles = score_styles(metrics.scores)
    for score, entry in metrics.scores.items():
        result = entry.signals.get(signal)
        if result is None:
            continue
        curve, style = result.roc, styles[score]
        efficiency, background, low, high = (
            np.array(values, dtype=float)
            for values in (
                curve.signal_efficiency,
                curve.background_efficiency,
                curve.low,
                curve.high,
            )
        )
        drawn = background * result.n_background_effective >= MINIMUM_BACKGROUND
        with np.errstate(divide="ignore", invalid="ignore"):
            axes.plot(
                efficiency[drawn],
                function(efficiency, background)[drawn],
                label=entry.title + (f"   AUC {result.auc:.3f}" if with_auc else ""),
                zorder=3,
                **style,
            )
            axes.fill_between(
                efficiency,
                function(efficiency, high),
                function(efficiency, low),
                where=drawn & (low > 0),
                color=style["color"],
                alpha=0.16,
                linewidth=0,
                zorder=2,
            )


def _finish(axes: Axes, title: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_xlabel("signal efficiency ε$_S$")
    axes.set_title(f"signal: {title}", loc="left")
