"""Scans draw each score in the colour that it has everywhere."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from ensemble_table import ensemble_table

from darkclr.report.figures.style import score_styles
from darkclr.studies.reproduction.scan import scan_figure, scan_numbers, series_of_scores

VALUES = ("1", "2")


SCORES = ("discriminant", "norm", "nae", "autoencoder", "few_constituents", "jet_pt", "nae_thesis")
OTHERS = ("nae_1", "nae_2", "knn_1", "knn_2")
TABLES = dict.fromkeys(VALUES, ensemble_table({name: name for name in (*SCORES, *OTHERS)}))


def lines(series):
    axes = scan_figure(series, VALUES, x="a value").axes[0]
    return {bars.get_label(): bars.lines[0] for bars in axes.containers}


def test_scores_have_their_colour_whatever_stands_beside_them():
    for series in (
        series_of_scores(TABLES),
        {"s_NAE of the thesis": (TABLES, "nae_thesis"), "s_CLR": (TABLES, "norm")},
    ):
        for name, line in lines(series).items():
            score = series[name][1]
            assert line.get_color() == score_styles([score])[score]["color"]
            assert line.get_markerfacecolor() == line.get_color()


def test_a_score_that_comes_again_has_its_colour_dashes_and_open_points():
    series = {"DarkCLR, s_NAE": (TABLES, "nae"), "JetCLR, s_NAE": (TABLES, "nae")}
    first, second = lines(series).values()
    assert first.get_color() == second.get_color() == score_styles(["nae"])["nae"]["color"]
    assert (first.get_linestyle(), second.get_linestyle()) == ("-", "--")
    assert second.get_markerfacecolor() == "white"


def test_scores_that_differ_in_what_they_read_are_the_same_score():
    series = {
        name: (TABLES, {value: f"{name}_{value}" for value in VALUES}) for name in ("nae", "knn")
    }
    nae, knn = lines(series).values()
    assert nae.get_color() == score_styles(["nae"])["nae"]["color"]
    assert nae.get_markerfacecolor() == nae.get_color()  # once
    assert knn.get_color() != nae.get_color()
    assert scan_numbers(series)["knn"]["2"]["as simulated"]["auc"][0] == 0.7
