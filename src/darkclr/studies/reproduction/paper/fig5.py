"""Fig. 5: DarkCLR and JetCLR over the dimension of the representation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from darkclr.evaluation.ensemble.table import Table
from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.config import EnsembleConfig, RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import COLUMNS, number
from darkclr.studies.reproduction.scales import Scale, scanned
from darkclr.studies.reproduction.scan import scan_figure, scan_numbers, scan_tables
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.studies.variants import variant

__all__ = ["darkclr_trainings"]

_SCORES = ("norm", "nae")
_LONGER = 4  # JetCLR needs four times the steps: docs/results.md


def darkclr_trainings(scale: Scale) -> dict[str, EnsembleConfig]:
    """A training for each width of the head."""
    config = scanned(scale, _SCORES)
    return {
        f"width-{width}": replace(config, encoder=replace(config.encoder, output_dim=width))
        for width in scale.widths
    }


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    own = darkclr_trainings(scale)
    longer = {
        name: replace(config, training=replace(
            config.training, epochs=_LONGER * config.training.epochs))
        for name, config in own.items()
    }  # fmt: skip
    jetclr = Path("representations/jetclr")
    return own | {f"jetclr-{name}": variant(config, jetclr) for name, config in longer.items()}


def _measure(material: Material) -> Result:
    widths = [str(width) for width in material.scale.widths]
    tables = {name: material.ensemble(name).table() for name in material.trainings}
    darkclr = {width: tables[f"width-{width}"] for width in widths}
    jetclr = {width: tables[f"jetclr-width-{width}"] for width in widths}
    series = {
        "DarkCLR, s_NAE": (darkclr, "nae"),
        "JetCLR, s_NAE": (jetclr, "nae"),
        "DarkCLR, s_CLR": (darkclr, "norm"),
        "JetCLR, s_CLR": (jetclr, "norm"),
        "number of constituents *": (darkclr, "few_constituents"),
        "jet pT *": (darkclr, "jet_pt"),
    }
    claims = [
        compare(
            f"{title} is better with anomalous pairs than without at every dimension, {column}",
            {
                f"{name} at {width}": (
                    number(darkclr[width], score, "aachen", figure=figure, column=column),
                    number(jetclr[width], score, "aachen", figure=figure, column=column),
                )
                for figure, name in (("auc", "AUC"), ("rejection_0.2", "rejection"))
                for width in widths
            },
            reason="short trainings; the encoder reads fractions of jet pT and cannot follow it",
            ours=score == "norm",  # a curve of the figure, of which the text says nothing
        )
        for score, title in (("nae", "s_NAE"), ("norm", "s_CLR"))
        for column in COLUMNS
    ]  # fmt: skip

    def aucs(tables: Mapping[str, Table], column: str) -> list[FigureOfMerit]:
        return [number(tables[w], "nae", "aachen", figure="auc", column=column) for w in widths]

    def extent(tables: Mapping[str, Table], column: str) -> FigureOfMerit:
        of = aucs(tables, column)
        return FigureOfMerit(float(np.ptp([one.value or np.nan for one in of])), of[0].error)

    for column in COLUMNS:
        without = aucs(jetclr, column)
        claims += [
            compare(
                f"Without anomalous pairs s_NAE varies between dimensions more than with, {column}",
                {"range of the AUC": (extent(jetclr, column), extent(darkclr, column))},
                reason="one training a dimension: the ranges are those of seeds",
            ),
            compare(
                f"Without anomalous pairs s_NAE is better for large dimensions alone, {column}",
                {f"AUC at {widths[-1]} and {widths[0]}": (without[-1], without[0])},
                reason="the paper goes to 1000 dimensions",
            ),
        ]
    return Result(
        figure=scan_figure(series, widths, x="dimension of z"),
        claims=claims,
        tables=scan_tables(series, widths),
        numbers=scan_numbers(series),
        remarks=[
            f"JetCLR is trained {_LONGER} times as long, which it needs here: the paper does not "
            "say that it was.",
            "It is the published JetCLR: beside the anomalous pairs, it lacks the norm penalty, it "
            "has another loss, and its views are split and smeared, too. What makes the difference "
            "is not told apart here; an AUC of s_CLR below 0.5 is a norm that orders jets the "
            "other way round, as it does with anomalous pairs and without the penalty.",
        ],
    )


STUDY = Study(
    name="fig5",
    title="DarkCLR and JetCLR, which has no anomalous pairs, over the dimension of z",
    source="DarkCLR, Fig. 5",
    needs="a training of both for each dimension",
    trainings=_trainings,
    measure=_measure,
)
