"""A table of an ensemble in which all scores have the same numbers."""

from __future__ import annotations

from collections.abc import Mapping

from darkclr.evaluation.ensemble.table import Table, TableRow
from darkclr.evaluation.results import FigureOfMerit

FIGURES = {"auc": FigureOfMerit(0.7, 0.01), "rejection_0.2": FigureOfMerit(30.0, 2.0)}


def ensemble_table(titles: Mapping[str, str]) -> Table:
    """On Aachen, of two encoders; titles by score."""
    rows = [
        TableRow(
            representation=None, signal="aachen", score=score, title=title, baseline=False,
            reads="z", parameters=None, fit_minutes=None, published=None, natural=FIGURES,
            gluons=None, natural_matched=FIGURES, gluons_matched=None,
        )
        for score, title in titles.items()
    ]  # fmt: skip
    return Table("table", 2, 1, None, None, {}, [], rows)
