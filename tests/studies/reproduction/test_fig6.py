"""The picture of the linear classifier test."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("lightning")
pytest.importorskip("matplotlib")

from darkclr.evaluation.results import FigureOfMerit
from darkclr.report.figures.comparisons import Line
from darkclr.studies.reproduction.paper.fig6 import _FEATURES, _ONCE, _SERIES, _figure
from darkclr.studies.reproduction.readings import COLUMNS, REJECTION

WIDTHS = ["128", "1000"]


def test_roc_curves_of_the_paper_stand_beside_auc_and_rejection():
    x = np.linspace(0.1, 1, 10)
    curves = {
        column: {f: {w: Line(t, x, 1 / x) for w in WIDTHS} for f, t in _SERIES.items()}
        for column in COLUMNS
    }
    one = dict.fromkeys(WIDTHS, FigureOfMerit(0.7, 0.01))
    keys = [f"{figure}, {column}" for figure in ("auc", REJECTION) for column in COLUMNS]
    found = {feature: dict.fromkeys(keys, one) for feature in _SERIES}
    picture = _figure(curves, found, WIDTHS)
    before, after, *_, auc = picture.axes[:5]
    assert before.get_title(loc="left").startswith("h before the head")
    assert after.get_title(loc="left").startswith("z after the head")
    for axes in (before, after):
        labels = [line.get_label() for line in axes.lines]
        assert labels == [
            *(f"head of width {width}" for width in WIDTHS), *(_SERIES[name] for name in _ONCE)
        ]  # fmt: skip
    # Purple as in the paper, in all panels.
    (raw,) = (line for line in before.lines if line.get_label() == _FEATURES["raw"])
    (same,) = (bars.lines[0] for bars in auc.containers if bars.get_label() == _FEATURES["raw"])
    assert raw.get_color() == same.get_color() == "#CC79A7"
    # Yardsticks are marked.
    (legend,) = picture.legends
    marked = [t.get_text() for t in legend.get_texts() if t.get_text().endswith(" *")]
    assert marked == ["number of constituents *", "jet pT *"]
