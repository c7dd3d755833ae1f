"""Pictures of several trainings show numbers where they belong."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from darkclr.evaluation.results import FigureOfMerit
from darkclr.report.figures.comparisons import (
    Line,
    curves_and_points_figure,
    lines_figure,
    points_figure,
)
from darkclr.report.figures.style import ordered_styles, score_styles

TICKS = ["128", "256", "512"]
POINTS = {name: [FigureOfMerit(0.7, 0.01)] * 3 for name in ("s_NAE", "s_CLR", "jet pT *")}
SOLID = {name: {"color": "#0072B2"} for name in POINTS}
NONE = {name: {**style, "linestyle": "none"} for name, style in SOLID.items()}


def drawn(axes):
    return {bars.get_label(): bars.lines[0] for bars in axes.containers}


def test_points_that_lines_join_stand_at_their_value_and_yardsticks_are_lines():
    lines = drawn(points_figure({"AUC": POINTS}, TICKS, styles=SOLID).axes[0])
    for name in ("s_NAE", "s_CLR"):
        shifts = np.abs(lines[name].get_xdata() - np.arange(3))
        assert 0 < shifts.max() <= 0.03  # of a tick
        assert lines[name].get_marker() == "o"
    np.testing.assert_array_equal(lines["jet pT *"].get_xdata(), np.arange(3))
    assert lines["jet pT *"].get_marker() == "none"


@pytest.mark.parametrize(("styles", "n"), [(NONE, 3), (SOLID, 1)])
def test_points_without_lines_stand_apart_and_yardsticks_are_points(styles, n):
    points = {name: of[:n] for name, of in POINTS.items()}
    lines = drawn(points_figure({"AUC": points}, TICKS[:n], styles=styles).axes[0])
    assert np.diff([line.get_xdata()[0] for line in lines.values()]) == pytest.approx(0.12)
    assert {line.get_marker() for line in lines.values()} == {"o"}


def test_a_series_may_have_open_points():
    styles = {**SOLID, "s_CLR": {**SOLID["s_CLR"], "markerfacecolor": "white"}}
    lines = drawn(points_figure({"AUC": POINTS}, TICKS, styles=styles).axes[0])
    assert lines["s_CLR"].get_markerfacecolor() == "white"
    assert lines["s_NAE"].get_markerfacecolor() == "#0072B2"


def test_long_names_of_places_do_not_overlap():
    names = [f"{a}\n→ {b}" for a in ("150–300 GeV", "200–400 GeV") for b in ("150–300 GeV",) * 2]
    picture = points_figure({"a": {"s": [FigureOfMerit(0.7, 0.01)] * 4}, "b": {}}, names)
    picture.canvas.draw()
    boxes = [label.get_window_extent() for label in picture.axes[0].get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_curves_stand_over_points_with_one_legend():
    x = np.linspace(0.1, 1, 10)
    curves = {"h": [Line("width 128", x, 1 / x)], "z": [Line("width 128", x, 1 / x)]}
    picture = curves_and_points_figure(
        curves, {"AUC": POINTS}, TICKS, x=("ε", "width"), y="1/ε", styles=SOLID
    )
    h, z, auc = picture.axes[:3]
    assert [axes.get_title(loc="left") for axes in (h, z)] == ["h", "z"]
    assert [axes.get_yscale() for axes in (h, z, auc)] == ["log", "log", "linear"]
    assert [axes.get_xlabel() for axes in (h, z, auc)] == ["ε", "ε", "width"]
    (legend,) = picture.legends
    assert [text.get_text() for text in legend.get_texts()] == list(POINTS)


def test_a_line_without_label_is_drawn_and_not_in_the_legend():
    x = np.linspace(0.1, 1, 10)
    (axes,) = lines_figure({"a": [Line("one", x, x), Line("", x, 2 * x)]}, x="x", y="y").axes
    assert len(axes.lines) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one"]


def test_numbers_of_a_line_are_finite_or_none():
    x, y = np.array([0.1, 0.2]), np.array([1234.56, 1.0])
    line = Line("one", x, y, y, np.array([np.inf, 2.0]))
    assert line.numbers() == {
        "x": [0.1, 0.2], "y": [1235.0, 1.0], "low": [1235.0, 1.0], "high": [None, 2.0]
    }  # fmt: skip
    assert Line("one", x, y).numbers().keys() == {"x", "y"}


def test_the_autoencoder_of_the_thesis_has_a_look_of_its_own():
    names = ("norm", "discriminant", "nae", "nae_onmanifold", "autoencoder", "nae_thesis")
    alone = [str(score_styles([name])[name]) for name in names]
    assert len(set(alone)) == len(names)
    assert str(score_styles(["knn", "nae_thesis"])["nae_thesis"]) == alone[-1]


def test_shades_of_ordered_values_are_different_and_get_darker():
    light = [int(style["color"][1:3], 16) for style in ordered_styles(4)]  # red
    assert light == sorted(set(light), reverse=True)
