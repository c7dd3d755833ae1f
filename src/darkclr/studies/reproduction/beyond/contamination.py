"""Signal among the background that is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from darkclr.evaluation.ensemble.table import Table
from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import COLUMNS, distance, number
from darkclr.studies.reproduction.scales import Scale, usual
from darkclr.studies.reproduction.scan import (
    scan_figure,
    scan_numbers,
    scan_tables,
    series_of_scores,
)
from darkclr.studies.reproduction.study import Material, Result, Study

_SHARES = {f"contamination-{share:g}": share for share in (0.0, 0.001, 0.01, 0.05, 0.1)}
_ALLOWED = 0.01


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    return {name: replace(usual(scale), contamination=share) for name, share in _SHARES.items()}


def _measure(material: Material) -> Result:
    values = [f"{100 * share:g} %" for share in _SHARES.values()]
    tables = {
        value: material.ensemble(name).table() for value, name in zip(values, _SHARES, strict=True)
    }
    series = series_of_scores(tables)
    return Result(
        figure=scan_figure(series, values, x="share of signal among the training jets"),
        claims=[
            compare(
                f"1 % of signal in the training changes the AUC of the discriminant by less than "
                f"{_ALLOWED}, {column}",
                {
                    f"{_ALLOWED} and the change": (
                        FigureOfMerit(_ALLOWED, None),
                        _change(tables, column),
                    )
                },
                reason="the spread between trainings is of this size",
                ours=True,
            )
            for column in COLUMNS
        ],
        tables=scan_tables(series, values),
        numbers=scan_numbers(series),
        remarks=["Signal jets replace background jets; those that may do so are not tested on."],
    )  # fmt: skip


def _change(tables: Mapping[str, Table], column: str) -> FigureOfMerit:
    """Of the AUC by 1 % of signal."""
    clean, mixed = (
        number(tables[value], "discriminant", "aachen", figure="auc", column=column)
        for value in ("0 %", "1 %")
    )
    return distance(clean, mixed, score="discriminant")


STUDY = Study(
    name="contamination",
    title="What signal among the training jets costs",
    source="new",
    needs="a training for each share of signal",
    trainings=_trainings,
    measure=_measure,
)
