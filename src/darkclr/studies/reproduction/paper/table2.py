"""Table 2: s_NAE against what came before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.config import EnsembleConfig, RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import (
    COLUMNS,
    distance,
    number,
    numbers_of,
    rows_of,
)
from darkclr.studies.reproduction.scales import Scale, configuration, preset, training_jets
from darkclr.studies.reproduction.study import Material, Result, Study

_SIMILAR = 0.05  # as the published ones are
_BEFORE = {
    "dirichlet_vae_images": "Dirichlet VAE",
    "flow_efp": "INN",
    "nae_images": "NAE on jet images",
}
_SHOWN = _BEFORE | {
    "nae": "s_NAE",
    "norm": "s_CLR",
    "discriminant": "discriminant",
    "few_constituents": "constituents *",
    "jet_pt": "jet pT *",
    "supervised": "with labels *",
}


def _training(scale: Scale) -> EnsembleConfig:
    if not scale.images:  # a preset has all scores, with lengths of their own
        config = preset("table2")
        return replace(config, samples={**config.samples, **training_jets(scale, ())})
    config = configuration(scale)
    images = {name: dict(options) for name, options in scale.images.items()}
    return replace(config, scores=(config.scores or {}) | images)


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    return {"table2": _training(scale)}


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import points_figure

    table = material.ensemble("table2").table()
    claims = [
        compare(
            f"s_NAE rejects more than all methods before it, {column}",
            {
                title: tuple(number(table, s, "aachen", column=column) for s in ("nae", score))
                for score, title in _BEFORE.items()
            },
            reason="an autoencoder on z is fitted in minutes here; the NAE on images is trained "
            "as long, on the jets themselves",
        )
        for column in COLUMNS
    ] + [
        compare(
            f"The AUC of all methods is similar, within {_SIMILAR}, {column}",
            {
                title: (
                    FigureOfMerit(_SIMILAR, None),
                    distance(*(
                        number(table, s, "aachen", figure="auc", column=column)
                        for s in ("nae", score)
                    )),
                )
                for score, title in _BEFORE.items()
            },
            reason="the NAE on images is trained on the jets themselves",
        )
        for column in COLUMNS
    ] + [
        compare(
            f"The discriminant rejects more than all methods before it, {column}",
            {
                title: tuple(
                    number(table, s, "aachen", column=column) for s in ("discriminant", score)
                )
                for score, title in _BEFORE.items()
            },
            reason="short trainings",
            ours=True,
        )
        for column in COLUMNS
    ]  # fmt: skip
    shown = [name for name in _SHOWN if any(row.score == name for row in table.rows)]
    panels = {
        label: {
            column: [
                number(table, score, "aachen", figure=figure, column=column) for score in shown
            ]
            for column in COLUMNS
        }
        for figure, label in (("auc", "AUC"), ("rejection_0.2", "1/ε$_B$ at ε$_S$ = 0.2"))
    }
    styles = {
        COLUMNS[0]: {"color": "#0072B2", "linestyle": "none"},
        COLUMNS[1]: {"color": "#D55E00", "linestyle": "none"},
    }
    return Result(
        figure=points_figure(
            panels,
            [_SHOWN[score] for score in shown],
            styles=styles,
            logarithmic=[list(panels)[1]],
            slanted=True,
        ),
        claims=claims,
        tables={
            f"AUC / rejection at ε_S = 0.2, {column}": rows_of(
                table, ("aachen",), column=column, published=("table2",)
            )
            for column in COLUMNS
        },
        numbers={"rows": numbers_of(table)},
        remarks=[
            f"Mean ± standard deviation over {table.encoders} encoders × {table.densities} "
            f"densities, of scores on jets over {table.densities} fits; of yardsticks the error of "
            "the test jets. Claims count both errors."
        ],
    )


STUDY = Study(
    name="table2",
    title="s_NAE against Dirichlet VAE, INN and the NAE on jet images, on the same jets",
    source="DarkCLR, Table 2",
    needs="an ensemble with all scores on jets and representations",
    trainings=_trainings,
    measure=_measure,
    published=("table2", "thesis_auc"),
)
