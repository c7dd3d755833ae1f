"""Table 3 and Fig. 4: five signals, without labels and with those of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from darkclr.evaluation.ensemble.table import Table
from darkclr.evaluation.published import published, published_row
from darkclr.evaluation.results import FigureOfMerit, Metrics
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import Claim, compare
from darkclr.studies.reproduction.readings import (
    COLUMNS,
    REJECTION,
    TITLES,
    band,
    in_column,
    members,
    number,
    numbers_of,
    ratio,
    rows_of,
)
from darkclr.studies.reproduction.scales import SIGNALS, Scale, robustness
from darkclr.studies.reproduction.study import Material, Result, Study

if TYPE_CHECKING:  # an extra
    from darkclr.report.figures.comparisons import Line

_CLASSIFIER = "supervised_aachen"
_OTHERS = tuple(signal for signal in SIGNALS if signal != "aachen")
# Scores whose names in the configuration are not those of the catalogue, and so have no title.
_NAMED = {
    "discriminant_and_pt": "discriminant given pT, combined with jet pT",
    "norm_given_pt": "s_CLR given pT",
    "knn_given_pt": "kNN distance given pT",
}


def _ceilings(scale: Scale) -> RunConfig:
    """A classifier of each signal: `configs/overlays/ceilings.yaml`."""
    config = robustness(scale)
    classifier = replace(config.training, epochs=scale.classifier_epochs, flat_pt=True, keep="best")
    changed = {
        "supervised": list(SIGNALS),
        "classifier": classifier,
        "scores": {"discriminant": {"given": "pt"}},
    }
    return RunConfig(**{f.name: getattr(config, f.name) for f in fields(RunConfig)} | changed)


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    return {"robustness": robustness(scale), "ceilings": _ceilings(scale)}


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import lines_figure
    from darkclr.report.figures.style import sample_style

    ensemble, ceilings = material.ensemble("robustness"), material.trainings["ceilings"]
    table, (with_labels,) = _titled(ensemble.table()), members(ceilings)

    def classifier(
        signal: str, column: str, trained_on: str = "aachen"
    ) -> Mapping[str, FigureOfMerit]:
        found = with_labels.scores[f"supervised_{trained_on}"].signals[signal]
        of_column = in_column(found, column)
        return {} if of_column is None else of_column.summary()

    claims: list[Claim] = []
    tables = {}
    panels = {}
    for column in COLUMNS:
        of_classifier = {s: classifier(s, column).get(REJECTION) for s in SIGNALS}
        known = {s: value for s, value in of_classifier.items() if value is not None}

        def count(signal: str, column: str = column) -> FigureOfMerit:
            return number(table, "few_constituents", signal, column=column)

        claims += [
            compare(
                f"A classifier that is trained on Aachen loses rejection on all other signals, "
                f"{column}",
                {TITLES[s]: (known["aachen"], known[s]) for s in _OTHERS if s in known},
                reason="another simulation, a shorter training of the classifier",
            ),
            compare(
                f"From Aachen to another signal s_NAE loses a smaller factor of rejection than the "
                f"classifier, {column}",
                {
                    TITLES[s]: (
                        ratio(known["aachen"], known[s]),
                        ratio(
                            number(table, "nae", "aachen", column=column),
                            number(table, "nae", s, column=column),
                        ),
                    )
                    for s in _OTHERS
                    if s in known
                },
                reason="signals are less or more like QCD: the number of constituents loses "
                + ", ".join(
                    f"{ratio(count('aachen'), count(s)).value or 0:.3g} ({TITLES[s]})"
                    for s in _OTHERS
                ),
            ),
            compare(
                f"s_NAE rejects more than a classifier that is trained on Aachen on all other "
                f"signals, {column}",
                {
                    TITLES[s]: (number(table, "nae", s, column=column), known[s])
                    for s in _OTHERS
                    if s in known
                },
                reason="s_NAE on z of pT fractions is below the number of constituents"
                + (
                    "; the published one reads absolute pT, and signals are harder than QCD"
                    if column == COLUMNS[0]
                    else ", the classifier above it"
                ),
            ),
            compare(
                f"s_NAE rejects less for a smaller invisible share and heavier mesons, {column}",
                {
                    f"{TITLES[a]} and {TITLES[b]}": (
                        number(table, "nae", a, column=column),
                        number(table, "nae", b, column=column),
                    )
                    for a, b in (
                        ("aachen", "rinv05"),
                        ("rinv05", "rinv02"),
                        ("aachen", "m10"),
                        ("m10", "m20"),
                    )
                },
                reason="differences below the spread of five encoders",
            ),
            compare(
                f"The discriminant given pT rejects more than a classifier that is trained on "
                f"Aachen on all other signals, {column}",
                {
                    TITLES[s]: (number(table, "discriminant", s, column=column), known[s])
                    for s in _OTHERS
                    if s in known
                },
                reason="labels of Aachen hold more on signals like it",
                ours=True,
            ),
            compare(
                f"The discriminant given pT rejects more than the number of constituents, {column}",
                {
                    TITLES[s]: (
                        number(table, "discriminant", s, column=column),
                        number(table, "few_constituents", s, column=column),
                    )
                    for s in SIGNALS
                },
                reason="short trainings",
                ours=True,
            ),
        ]
        more = {(_CLASSIFIER, s): classifier(s, column) for s in SIGNALS} | {
            ("supervised", s): classifier(s, column, trained_on=s) for s in SIGNALS
        }
        tables[f"AUC / rejection at ε_S = 0.2, {column}"] = rows_of(
            table, SIGNALS, column=column, more=more, published=("table3",)
        )
        for title, of, score in (
            ("classifier trained on Aachen", [with_labels], _CLASSIFIER),
            ("s_NAE", members(ensemble), "nae"),
            ("discriminant given pT", members(ensemble), "discriminant"),
        ):
            panels[f"{title}, {column}"] = [
                band(of, score, s, label=TITLES[s], column=column, style=sample_style(i))
                for i, s in enumerate(SIGNALS)
            ] + _yardsticks(members(ensemble), column)
    return Result(
        figure=lines_figure(
            panels, x="signal efficiency ε$_S$", y="background rejection 1/ε$_B$",
            logarithmic=panels, bottom=1, columns=3,
        ),
        claims=claims,
        tables=tables,
        numbers={
            "rows": numbers_of(table),
            "classifiers": {
                f"{trained} on {s}, {column}": {
                    name: [one.value, one.error]
                    for name, one in classifier(s, column, trained).items()
                }
                for column in COLUMNS
                for trained in SIGNALS
                for s in SIGNALS
            },
            "curves": {
                title: {line.label: line.numbers() for line in lines if line.label and len(line.x)}
                for title, lines in panels.items()
            },
        },
        remarks=[
            f"Mean ± standard deviation over {table.encoders} encoders × {table.densities} "
            "densities; of yardsticks and classifiers the error of the test jets. In the picture "
            "bands of scores are that standard deviation; those of the classifier, which is "
            "trained once, are 68 % of the bootstrap of the test jets. Dashed lines are the number "
            "of constituents, for the signal of their colour.",
            _of_classifiers(ceilings.config),
            "The published numbers compared by the same rule: "
            + "; ".join(_published_order(s) for s in SIGNALS)
            + ".",
        ],
    )  # fmt: skip


def _yardsticks(of_members: Sequence[Metrics], column: str) -> list[Line]:
    """The number of constituents for each signal, in its colour, with one entry in the legend."""
    from darkclr.report.figures.comparisons import Line
    from darkclr.report.figures.style import sample_style

    dashes = {"linestyle": (0, (3, 1.5)), "linewidth": 1.0}
    curves = [
        band(of_members, "few_constituents", signal, label="", column=column,
             style={**sample_style(i), **dashes})
        for i, signal in enumerate(SIGNALS)
    ]  # fmt: skip
    none = np.array([])
    entry = Line("number of constituents *", none, none, style={"color": "#222222", **dashes})
    return [*curves, entry]


def _titled(table: Table) -> Table:
    """The table with titles in place of names of the configuration."""
    rows = [replace(row, title=_NAMED.get(row.title, row.title)) for row in table.rows]
    return replace(table, rows=rows)


def _of_classifiers(config: RunConfig) -> str:
    """In what the training and the test of the classifiers differ from those of the paper."""
    assert config.classifier is not None
    n_signal, split = config.looks["aachen"].n_jets, config.split
    paper = published()["section5_2_classifier"]["values"]
    return (
        "The classifiers have the network of the encoder. Each is trained on "
        f"{config.n_training_jets} QCD jets and {round(n_signal * split.train)} jets of its signal "
        f"({paper['n_jets']} each in the paper) in {config.classifier.epochs} epochs "
        f"({paper['epochs']}). Background and signal are weighted to flat spectra of jet pT, of "
        "which the paper says nothing: the classifiers cannot use jet pT, and as simulated this "
        "costs them rejection that the paper's did not lose. They are tested on the test part of "
        f"each signal, {round(n_signal * split.test)} jets of {n_signal}; s_NAE, "
        "the other scores without labels, and yardsticks are tested on all of them."
    )


def _published_order(signal: str) -> str:
    """s_NAE against the classifier that is trained on Aachen, as published."""
    own, other = (
        (published_row(signal, score, tables=("table3",)) or {})[REJECTION]
        for score in ("nae", _CLASSIFIER)
    )
    assert isinstance(own, FigureOfMerit)
    assert isinstance(other, FigureOfMerit)
    return compare("", {TITLES[signal]: (own, other)}, reason="").found


STUDY = Study(
    name="table3",
    title="Five dark showers: what is trained on background alone against labels of one of them",
    source="DarkCLR, Table 3 and Fig. 4",
    needs="the ensemble of five signals, and a classifier of each signal",
    trainings=_trainings,
    measure=_measure,
    published=("table3",),
)
