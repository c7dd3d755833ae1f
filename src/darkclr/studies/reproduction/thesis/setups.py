"""Figs. 6.8 and 6.9 of the thesis: the multiplicity and the minimal setup."""

from __future__ import annotations

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import COLUMNS, band, members, number
from darkclr.studies.reproduction.scales import both_setups
from darkclr.studies.reproduction.scan import scan_numbers, scan_tables
from darkclr.studies.reproduction.study import Material, Result, Study

_SETUPS = {"multiplicity": "multiplicity-0.5", "minimal": "minimal-0.5"}


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import lines_figure
    from darkclr.report.figures.style import sample_style, score_styles

    tables = {setup: material.ensemble(name).table() for setup, name in _SETUPS.items()}
    series = {
        "s_NAE of the thesis": (tables, "nae_thesis"),
        "s_CLR": (tables, "norm"),
        "number of constituents *": (tables, "few_constituents"),
        "jet pT *": (tables, "jet_pt"),
    }

    def auc(setup: str, column: str, score: str = "nae_thesis") -> FigureOfMerit:
        return number(tables[setup], score, "aachen", figure="auc", column=column)

    styles = score_styles(["few_constituents", "jet_pt"])
    panels = {}
    for column in COLUMNS:
        of = {setup: members(material.ensemble(name)) for setup, name in _SETUPS.items()}
        panels[f"p$_{{drop}}$ = 0.5, {column}"] = [
            band(metrics, "nae_thesis", "aachen", label=f"s_NAE, {setup} setup", column=column,
                 style=sample_style(i))
            for i, (setup, metrics) in enumerate(of.items())
        ] + [
            band(of["minimal"], score, "aachen", label=label, column=column, style=styles[score])
            for score, label in (
                ("few_constituents", "number of constituents *"), ("jet_pt", "jet pT *"))
        ]  # fmt: skip
    return Result(
        figure=lines_figure(
            panels, x="signal efficiency ε$_S$", y="background rejection 1/ε$_B$",
            logarithmic=panels,
        ),
        claims=[
            compare(
                f"s_NAE is better in the minimal than in the multiplicity setup, {column}",
                {
                    "AUC": (auc("minimal", column), auc("multiplicity", column)),
                    "AUC of the minimal setup, and that of chance": (
                        auc("minimal", column), FigureOfMerit(0.5, None)),
                },
                reason="without a norm penalty anomalous jets have the shorter z, of which an "
                "autoencoder has small errors",
            )
            for column in COLUMNS
        ] + [
            compare(
                f"In the minimal setup it is better than the number of constituents, {column}",
                {"AUC": (auc("minimal", column), auc("minimal", column, "few_constituents"))},
                reason="as above",
            )
            for column in COLUMNS
        ],
        tables=scan_tables(series, list(_SETUPS)),
        numbers=scan_numbers(series)
        | {"curves": {c: {line.label: line.numbers() for line in of} for c, of in panels.items()}},
        remarks=[
            "The thesis has 0.661 ± 0.039 in the multiplicity setup, p_drop 0.4, three fits, "
            "and 0.767 ± 0.034 in the minimal one, over five fits on one representation, on "
            f"another simulation. Drawn here: encoders {tables['minimal'].encoders}, fits on each "
            f"{tables['minimal'].densities}."
        ],
    )  # fmt: skip


STUDY = Study(
    name="thesis-setups",
    title="The autoencoder of the thesis on its multiplicity and on its minimal setup",
    source="thesis, Figs. 6.8 and 6.9",
    needs="a training of each setup at p_drop 0.5",
    trainings=both_setups,
    measure=_measure,
    published=("thesis_auc", "thesis_table5_2", "thesis_table5_3"),
)
