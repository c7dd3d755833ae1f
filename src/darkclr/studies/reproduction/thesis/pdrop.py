"""Figs. 6.1, 6.7 and 6.8 and Table 6.1 of the thesis: the dropping probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from darkclr.evaluation.published import published
from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import (
    COLUMNS,
    PUBLISHED,
    band,
    distance,
    members,
    number,
    scored_rows,
    spread,
)
from darkclr.studies.reproduction.scales import Scale, thesis
from darkclr.studies.reproduction.scan import (
    rejections,
    scan_numbers,
    scan_panels,
    scan_styles,
    scan_tables,
)
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.studies.reproduction.thesis.curves import at_end, read_curves

if TYPE_CHECKING:  # an extra
    from darkclr.report.figures.comparisons import Line

_DROPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_NEAR = 0.05
_PLATEAU = ("0.3", "0.4", "0.5", "0.6")


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    return {f"multiplicity-{p:g}": thesis(scale, "multiplicity", p) for p in _DROPS}


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import curves_and_points_figure

    drops = [f"{p:g}" for p in _DROPS]
    tables = {p: material.ensemble(f"multiplicity-{p}").table() for p in drops}
    series = {
        "s_NAE of the thesis": (tables, "nae_thesis"),
        "s_CLR": (tables, "norm"),
        "number of constituents *": (tables, "few_constituents"),
        "jet pT *": (tables, "jet_pt"),
    }
    learned: dict[str, dict[str, list[float]]] = {}
    rows = []
    for p in drops:
        ensemble = material.ensemble(f"multiplicity-{p}")
        (own, *_) = ensemble.repetitions
        one: dict[str, list[float]] = {"physical": [], "anomalous": [], "lowest": [], "highest": []}
        for e in own.encoder_numbers:
            ends = at_end(read_curves(own.model(e) / "encoder"))
            of = scored_rows(ensemble, own.model(e))
            z = np.concatenate([of["qcd"].z, of["aachen"].z])
            for key, value in zip(one, (*ends.values(), z.min(), z.max()), strict=True):
                one[key].append(float(value))
        learned[p] = one
        low, high = (published()["thesis_table6_1"]["values"][float(p)][i] for i in (0, 1))
        rows.append(
            {
                "p_drop": p,
                "s(z, z′), last epoch": str(spread(one["physical"])),
                "s(z, z*), last epoch": str(spread(one["anomalous"])),
                "lowest feature": str(spread(one["lowest"])),
                "highest feature": str(spread(one["highest"])),
                PUBLISHED: f"{low}, {high} (thesis, Table 6.1)",
            }
        )

    def between(p: str, high: str, low: str) -> FigureOfMerit:
        """The difference of two of these numbers."""
        return spread(np.subtract(learned[p][high], learned[p][low]))

    claims = []
    for column in COLUMNS:
        aucs = {
            p: number(tables[p], "nae_thesis", "aachen", figure="auc", column=column) for p in drops
        }
        count = number(tables["0.5"], "few_constituents", "aachen", figure="auc", column=column)
        plateau = _mean([aucs[p] for p in _PLATEAU])
        claims += [
            compare(
                f"The AUC has a plateau from 0.3 to 0.6, and is less around it, {column}",
                {f"its mean, and at {p}": (plateau, aucs[p]) for p in ("0.1", "0.2", "0.7")}
                | {
                    f"{_NEAR} and how far {p} is from its mean": (
                        FigureOfMerit(_NEAR, None),
                        distance(aucs[p], plateau),
                    )
                    for p in _PLATEAU
                },
                reason="chains and trainings are shorter than the thesis's",
            ),
            compare(
                f"It is at the AUC of the number of constituents, within {_NEAR}, {column}",
                {
                    f"{_NEAR} and the distance": (
                        FigureOfMerit(_NEAR, None),
                        distance(plateau, count),
                    )
                },
                reason="chains and trainings are shorter than the thesis's",
            ),
        ]
    curves, points = _curves(material, drops), scan_panels(series, drops)
    return Result(
        figure=curves_and_points_figure(
            curves, points, drops,
            x=("signal efficiency ε$_S$", "p$_{drop}$"), y="background rejection 1/ε$_B$",
            logarithmic=rejections(points), styles=scan_styles(series),
        ),
        claims=[
            *claims,
            compare(
                "At 0.1 the two similarities are less apart than at 0.5",
                {"difference of similarities": (
                    between("0.5", "physical", "anomalous"),
                    between("0.1", "physical", "anomalous"))},
                reason="both trainings end early",
            ),
            compare(
                "Where the training does not converge, at 0.1 and 0.2, features range further",
                {f"range at {p} and {q}": (
                    between(p, "highest", "lowest"), between(q, "highest", "lowest"))
                 for p in ("0.1", "0.2") for q in drops[2:]},
                reason="the training is too short for the norm to run away",
            ),
        ],
        tables=scan_tables(series, drops) | {"similarities and ranges of z": rows},
        numbers=scan_numbers(series)
        | {"learned": learned}
        | {"curves": {c: {line.label: line.numbers() for line in of} for c, of in curves.items()}},
    )  # fmt: skip


def _curves(material: Material, drops: Sequence[str]) -> dict[str, list[Line]]:
    """ROC curves of the autoencoder for each dropping probability, and of the yardsticks."""
    from darkclr.report.figures.style import ordered_styles, score_styles

    of = {p: members(material.ensemble(f"multiplicity-{p}")) for p in drops}
    shades = dict(zip(drops, ordered_styles(len(drops)), strict=True))
    yardsticks = {"few_constituents": "number of constituents *", "jet_pt": "jet pT *"}
    styles = score_styles(yardsticks)
    return {
        f"s_NAE of the thesis, {column}": [
            band(of[p], "nae_thesis", "aachen", label=f"p$_{{drop}}$ = {p}", column=column,
                 style=shades[p])
            for p in drops
        ] + [
            band(of["0.5"], score, "aachen", label=label, column=column, style=styles[score])
            for score, label in yardsticks.items()
        ]
        for column in COLUMNS
    }  # fmt: skip


def _mean(of: Sequence[FigureOfMerit]) -> FigureOfMerit:
    """Of independent numbers; unknown if one of them is."""
    values = [one.value for one in of if one.value is not None]
    if len(values) < len(of):
        return FigureOfMerit(None, None)
    error = float(np.linalg.norm([one.error or 0.0 for one in of])) / len(of)
    return FigureOfMerit(float(np.mean(values)), error or None)


STUDY = Study(
    name="thesis-pdrop",
    title="The multiplicity setup over the dropping probability: ROC, similarities, ranges of z",
    source="thesis, Figs. 6.1, 6.7 and 6.8, Table 6.1",
    needs="a training of the multiplicity setup for each probability",
    trainings=_trainings,
    measure=_measure,
    published=("thesis_auc", "thesis_table6_1"),
)
