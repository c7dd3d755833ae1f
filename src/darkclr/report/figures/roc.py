"""ROC curves: background rejection and significance improvement against signal efficiency."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from darkclr.evaluation import Metrics
from darkclr.evaluation.results import Figures, equal
from darkclr.report.figures.style import LineStyle, figure, score_styles, styled

__all__ = ["MINIMUM_BACKGROUND", "rejection_figure", "significance_figure"]

# Below this many (effective) background jets the curve is mostly noise and is not drawn.
MINIMUM_BACKGROUND = 5


def rejection_figure(metrics: Metrics, signal: str, title: str, selection: str = "") -> Figure:
    """1/ε_B (log) against ε_S with 68 % bands, all scores on one signal sample.

    As simulated on the left and at equal pT on the right, if that was measured.

    Args:
        metrics: result of :func:`darkclr.evaluation.measurement`.
        signal: name of the signal sample.
        title: how it is called in the picture.
        selection: energy and selection of the jets, in words.
    """
    with styled():
        picture, panels = _panels(
            metrics, signal, title, selection, lambda _, background: 1 / background
        )
        # A score that knows nothing has ε_B = ε_S.
        chance = np.linspace(0.01, 1, 200)
        for axes in panels:
            axes.plot(chance, 1 / chance, color="#c3c8cf", linewidth=1.2, zorder=1)
            axes.annotate(
                "no discrimination", (0.5, 2), (0, -9), textcoords="offset points",
                color="#7b828c", fontsize=9.5, ha="center", va="top",
            )  # fmt: skip
            axes.set_yscale("log")
            axes.set_ylim(bottom=1)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panels[0].set_ylabel("background rejection 1/ε$_B$")
        return picture


def significance_figure(metrics: Metrics, signal: str, title: str, selection: str = "") -> Figure:
    """ε_S/√ε_B against ε_S with 68 % bands; panels and arguments as :func:`rejection_figure`."""
    with styled():
        picture, panels = _panels(metrics, signal, title, selection, lambda s, b: s / np.sqrt(b))
        for axes in panels:
            axes.axhline(1, color="#c3c8cf", linewidth=1.2, zorder=1)
            axes.set_ylim(bottom=0)
        panels[0].set_ylabel("significance improvement ε$_S$/√ε$_B$")
        return picture


def _panels(
    metrics: Metrics,
    signal: str,
    title: str,
    selection: str,
    function: Callable[[NDArray, NDArray], NDArray],
) -> tuple[Figure, list[Axes]]:
    """The picture with the curves of all scores, one panel a column of the table."""
    results = {
        name: (entry.title, entry.signals[signal])
        for name, entry in metrics.scores.items()
        if signal in entry.signals
    }
    columns: dict[str, dict[str, Figures]] = {
        "as simulated": {name: result for name, (_, result) in results.items()}
    }
    if metrics.matched is not None:
        columns[f"at {equal(metrics.matched)}"] = {
            name: r.matched for name, (_, r) in results.items() if r.matched is not None
        }
    picture = figure(5.4 * len(columns) + 4.6, max(5.2, 0.26 * len(results) + 0.8))
    panels = list(picture.subplots(1, len(columns), sharey=True, squeeze=False)[0])
    styles = score_styles(metrics.scores)
    for axes, (column, of_scores) in zip(panels, columns.items(), strict=True):
        for name, result in of_scores.items():
            _curve(axes, result, function, label=results[name][0], style=styles[name])
        axes.set_xlim(0, 1)
        axes.set_xlabel("signal efficiency ε$_S$")
        axes.set_title(f"signal: {title}, {column}\n{selection}".rstrip(), loc="left")
    handles, _ = panels[0].get_legend_handles_labels()
    labels = [
        f"{label}   " + " / ".join(str(of[name].summary()["auc"]) for of in columns.values())
        for name, (label, _) in results.items()
    ]
    head = "AUC " + " / ".join(columns)
    picture.legend(handles, labels, loc="outside right upper", fontsize=10, title=head)
    return picture, panels


def _curve(
    axes: Axes,
    result: Figures,
    function: Callable[[NDArray, NDArray], NDArray],
    *,
    label: str,
    style: LineStyle,
) -> None:
    curve = result.roc
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
            label=label,
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
