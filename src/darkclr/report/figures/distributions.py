"""Histograms: scores, numbers of constituents, similarities of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from darkclr.report.figures.style import LineStyle, figure, sample_style, styled

__all__ = ["constituents_figure", "norm_figure", "score_figure", "similarity_figure"]

Floats = NDArray[np.floating]
Weighted = tuple[NDArray, NDArray]  # values (n,) and weights (n,)

_BACKGROUND_FILL = {"color": "#c9ced6", "edge": "#5b616b"}
_DROPPED: LineStyle = {"color": "#0072B2", "linestyle": (0, (4, 1.5))}
# A density that spans more than this factor wants one too.
_DECADES = 100.0
_POSITIVE: LineStyle = {"color": "#009E73", "linestyle": "-"}
# A score whose upper tail is that many times its median from zero wants a logarithmic axis.
_LONG_TAIL = 8.0


def score_figure(
    title: str, background: Weighted, signals: Mapping[str, Weighted], name: str, unit: str = ""
) -> Figure:
    """Density of one score for background and each signal sample.

    Args:
        title: of the score.
        background: scores and weights of the background jets.
        signals: the same, by title of the signal sample.
        name: title of the background sample.
        unit: of the score; none by default.
    """
    with styled():
        picture = figure(5.6, 4.0)
        axes = picture.subplots()
        edges, logarithmic = _score_edges([background[0], *(v for v, _ in signals.values())])
        _filled(axes, background, edges, name, logarithmic)
        for position, (signal, sample) in enumerate(signals.items()):
            style = sample_style(position)
            _line(axes, sample, edges, signal, style, logarithmic)
        if logarithmic:
            axes.set_xscale("log")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel(f"score{unit and f' [{unit}]'}   → more anomalous")
        axes.set_title(title, loc="left")
        _density_axis(axes, "density in log$_{10}$(score)" if logarithmic else "density")
        return picture


def constituents_figure(
    background: Weighted,
    dropped: Weighted | None,
    signals: Mapping[str, Weighted],
    name: str,
) -> Figure:
    """Number of constituents of background jets, their dropped copies and the signals.

    The dropped copies are what the network takes for anomalies; the picture shows how far they
    resemble the signal.

    Args:
        background, dropped: numbers and weights of background jets and of their anomalous copies.
        signals: the same, by title of the signal sample.
        name: title of the background sample.
    """
    with styled():
        picture = figure(6.8, 4.4)
        axes = picture.subplots()
        parts = [background, *signals.values(), *([dropped] if dropped else [])]
        top = max(int(np.quantile(n, 0.999)) for n, _ in parts if len(n))
        width = max(1, round(top / 60))
        edges = np.arange(0, top + width + 1, width) - 0.5
        _filled(axes, background, edges, _with_mean(name, background))
        if dropped is not None:
            label = _with_mean(f"{name}, constituents dropped", dropped)
            _line(axes, dropped, edges, label, _DROPPED)
        for position, (signal, sample) in enumerate(signals.items()):
            _line(axes, sample, edges, _with_mean(signal, sample), sample_style(position))
        axes.set_xlim(0, edges[-1])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("number of constituents")
        axes.set_ylabel("share of jets per constituent")
        axes.legend(loc="upper right")
        return picture


def similarity_figure(positive: Floats, anomalous: Floats, background: Floats | None) -> Figure:
    """Cosine similarities of the pairs of views: s(z, z'), s(z, z*), and of different jets.

    Training pulls the first to +1 and pushes the second to -1. If different jets all lie at +1
    the encoder has collapsed.

    Args:
        positive: (n,) s(z, z') of two physical views of a jet.
        anomalous: (n,) s(z, z*) of a jet and its anomalous view.
        background: (m,) similarities of two different background jets, if known.
    """
    with styled():
        picture = figure(6.8, 4.4)
        axes = picture.subplots()
        edges = np.linspace(-1, 1, _n_bins(positive, anomalous) + 1)

        for name, values, style in (
            ("two different background jets", background, None),
            ("jet and its physical view", positive, _POSITIVE),
            ("jet and its dropped view", anomalous, _DROPPED),
        ):
            if values is None:
                continue
            label = f"{name}   mean {np.mean(values):+.2f}".replace("-", "−")
            if style is None:
                _filled(axes, _unweighted(values), edges, label)
            else:
                _line(axes, _unweighted(values), edges, label, style)
        axes.set_xlim(-1.03, 1.03)
        axes.set_xlabel("cosine similarity")
        _density_axis(axes, "density")
        return picture


def norm_figure(norm: Floats, anomalous: Floats) -> Figure:
    """Norms ‖z‖ of background jets and of their own dropped copies.

    The score ‖z‖ works only if the copies are the longer vectors.

    Args:
        norm, anomalous: (n,) norms of the jets and of their dropped copies.
    """
    with styled():
        picture = figure(6.8, 4.4)
        axes = picture.subplots()
        top = float(np.quantile(np.concatenate([norm, anomalous]), 0.999))
        edges = np.linspace(0, top, _n_bins(norm, anomalous) + 1)
        jets, copies = _unweighted(norm), _unweighted(anomalous)
        _filled(axes, jets, edges, _with_mean("background", jets))
        _line(axes, copies, edges, _with_mean("dropped copies", copies), _DROPPED)
        axes.set_xlim(0, edges[-1])
        axes.set_xlabel("norm ‖z‖")
        _density_axis(axes, "density")
        return picture


def _score_edges(parts: Sequence[NDArray]) -> tuple[NDArray, bool]:
    """Bins that hold 99.8 % of the jets; what lies outside is put into the outermost ones."""
    values, n_bins = np.concatenate(parts), _n_bins(*parts)
    low, median, high = np.quantile(values, [0.001, 0.5, 0.999])
    if np.all(values == np.round(values)):
        # Integers, such as -N: each bin holds equally many of them.
        width = max(1, round((high - low) / 50))
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + width, width), False
    if low == high:
        return np.linspace(low - 0.5, low + 0.5, 12), False
    if low > 0 and high / median > _LONG_TAIL:
        return np.geomspace(low, high, n_bins + 1), True
    return np.linspace(low, high, n_bins + 1), False


def _n_bins(*parts: NDArray) -> int:
    """As many bins as the smallest class can fill."""
    return int(np.clip(2.5 * min(len(part) for part in parts) ** (1 / 3), 20, 60))


def _unweighted(values: NDArray) -> Weighted:
    return values, np.ones(len(values))


def _density(sample: Weighted, edges: NDArray, logarithmic: bool) -> NDArray:
    inside = np.clip(sample[0], edges[0], np.nextafter(edges[-1], -np.inf))
    counts = np.histogram(inside, bins=edges, weights=sample[1])[0]
    return counts / counts.sum() / np.diff(np.log10(edges) if logarithmic else edges)


def _filled(
    axes: Axes, sample: Weighted, edges: NDArray, label: str, logarithmic: bool = False
) -> None:
    axes.stairs(
        _density(sample, edges, logarithmic), edges, fill=True, label=label,
        facecolor=_BACKGROUND_FILL["color"], edgecolor=_BACKGROUND_FILL["edge"], linewidth=1.0,
    )  # fmt: skip


def _line(
    axes: Axes,
    sample: Weighted,
    edges: NDArray,
    label: str,
    style: LineStyle,
    logarithmic: bool = False,
) -> None:
    density = _density(sample, edges, logarithmic)
    axes.stairs(density, edges, label=label, linewidth=1.9, baseline=None, **style)


def _density_axis(axes: Axes, label: str) -> None:
    """Density, logarithmic where it spans decades, with room for the legend above the data."""
    heights = np.concatenate([np.asarray(p.get_data().values) for p in _stairs(axes)])
    low, high = heights[heights > 0].min(), heights.max()
    n_lines = 1 if len(_stairs(axes)) == 2 else len(_stairs(axes))
    share = 0.06 + 0.075 * n_lines  # of the height of the picture, for the legend
    if high / low > _DECADES:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.5, high * (1.5 * high / low) ** (share / (1 - share)))
    else:
        axes.set_ylim(0, high / (1 - share))
    axes.set_ylabel(label)
    axes.legend(loc="upper center", ncols=2 if n_lines == 1 else 1)


def _stairs(axes: Axes) -> list:
    return [patch for patch in axes.patches if hasattr(patch, "get_data")]


def _with_mean(name: str, sample: Weighted) -> str:
    return f"{name}   mean {np.average(sample[0], weights=sample[1]):.1f}"
