"""Scans: one training a value, and the same numbers of each as points and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from darkclr.evaluation.ensemble.table import Table
from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.readings import COLUMNS, REJECTION, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "rejections",
    "scan_figure",
    "scan_numbers",
    "scan_panels",
    "scan_styles",
    "scan_tables",
    "series_of_scores",
]

_LABELS = {"auc": "AUC", REJECTION: "1/ε$_B$ at ε$_S$ = 0.2"}
_AGAIN = {"linestyle": (0, (5, 2)), "markerfacecolor": "white"}
# By label: tables by value, and the score, or the scores by value.
Series = Mapping[str, tuple[Mapping[str, Table], str | Mapping[str, str]]]


def series_of_scores(tables: Mapping[str, Table]) -> Series:
    """The discriminant, the paper's scores, and the yardsticks, of the same tables by value."""
    scores = {
        "discriminant given pT": "discriminant",
        "s_CLR": "norm",
        "s_NAE": "nae",
        "s_AE *": "autoencoder",
        "number of constituents *": "few_constituents",
        "jet pT *": "jet_pt",
    }
    return {title: (tables, score) for title, score in scores.items()}


def scan_figure(series: Series, values: Sequence[str], *, x: str) -> Figure:
    """AUC and rejection of each series against the values, in both columns.

    Args:
        series: by label: tables by value, and the score, or that of each value.
        values: in order.
        x: what is scanned.
    """
    from darkclr.report.figures.comparisons import points_figure  # an extra

    panels = scan_panels(series, values)
    styles = scan_styles(series)
    return points_figure(panels, values, x=x, logarithmic=rejections(panels), styles=styles)


def rejections(panels: Iterable[str]) -> list[str]:
    """Those of the panels that show rejections, which have a logarithmic axis."""
    return [label for label in panels if label.startswith(_LABELS[REJECTION])]


def scan_panels(series: Series, values: Sequence[str]) -> dict[str, dict[str, list[FigureOfMerit]]]:
    """AUC and rejection by panel and series, a number for each value."""
    return {
        f"{label}, {column}": {
            name: [
                number(tables[value], _name(score, value), "aachen", figure=figure, column=column)
                if value in tables
                else FigureOfMerit(None, None)
                for value in values
            ]
            for name, (tables, score) in series.items()
        }
        for figure, label in _LABELS.items()
        for column in COLUMNS
    }


def scan_tables(series: Series, values: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """AUC / rejection of each series at each value, a table for each column."""
    return {
        f"AUC / rejection at ε_S = 0.2 on Aachen, {column}": [
            {"score": name}
            | {
                value: _cell(tables[value], _name(score, value), column) if value in tables else "–"
                for value in values
            }
            for name, (tables, score) in series.items()
        ]
        for column in COLUMNS
    }


def scan_numbers(series: Series) -> dict[str, Any]:
    """The same as plain data: value and error of AUC and rejection, by series, value, column."""
    return {
        name: {
            value: {
                column: {
                    figure: [one.value, one.error]
                    for figure in _LABELS
                    for one in [
                        number(table, _name(score, value), "aachen", figure=figure, column=column)
                    ]
                }
                for column in COLUMNS
            }
            for value, table in tables.items()
        }
        for name, (tables, score) in series.items()
    }


def scan_styles(series: Series) -> dict[str, dict[str, Any]]:
    """Scores have the colour that they have everywhere; where one comes again, dashes and rings."""
    from darkclr.report.figures.style import score_styles

    scores = {name: _score(score) for name, (_, score) in series.items()}
    colours, found = score_styles(dict.fromkeys(scores.values())), {}
    for i, (name, score) in enumerate(scores.items()):
        again = score in list(scores.values())[:i]
        found[name] = {**colours[score], **(_AGAIN if again else {})}
    return found


def _score(score: str | Mapping[str, str]) -> str:
    """The score of which a series is, without the value at the end of its name."""
    if isinstance(score, str):
        return score
    value, name = next(iter(score.items()))
    return name.removesuffix(f"_{value}")


def _name(score: str | Mapping[str, str], value: str) -> str:
    return score if isinstance(score, str) else score[value]


def _cell(table: Table, score: str, column: str) -> str:
    figures = (number(table, score, "aachen", figure=f, column=column) for f in _LABELS)
    return " / ".join(str(figure) for figure in figures)
