"""How many jets the training needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from darkclr.split import Split
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import COLUMNS, number
from darkclr.studies.reproduction.scales import USUAL, Scale, configuration, usual
from darkclr.studies.reproduction.scan import (
    scan_figure,
    scan_numbers,
    scan_tables,
    series_of_scores,
)
from darkclr.studies.reproduction.study import Material, Result, Study

_FRACTIONS = (0.125, 0.25, 0.5, 1.0)
_LEAST = 150  # training jets: a p-value given pT is learned on at least 100


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    config = usual(scale)
    return {
        _name(fraction): replace(
            config,
            split=_split(config.split, fraction),
            # As many steps for each.
            training=replace(config.training, epochs=round(config.training.epochs / fraction)),
        )
        for fraction in _fractions(scale)
    }


def _name(fraction: float) -> str:
    return USUAL if fraction == 1 else f"size-{fraction:g}"


def _fractions(scale: Scale) -> list[float]:
    """Those of the training jets of the scale that leave enough of them."""
    all_jets = scale.background * configuration(scale).split.train
    return [fraction for fraction in _FRACTIONS if fraction * all_jets >= _LEAST]


def _split(split: Split, fraction: float) -> Split:
    """A part of the training jets; the others go to the validation part, the test stays."""
    if fraction == 1:
        return split
    train = fraction * split.train
    return replace(split, train=train, validation=1 - split.test - train)


def _measure(material: Material) -> Result:
    split = configuration(material.scale).split
    n_jets = {
        _name(f): round(material.scale.background * split.train * f)
        for f in _fractions(material.scale)
    }
    values = [str(n) for n in n_jets.values()]
    tables = {str(n): material.ensemble(name).table() for name, n in n_jets.items()}
    series = series_of_scores(tables)
    return Result(
        figure=scan_figure(series, values, x="number of training jets"),
        claims=[
            compare(
                f"With as many steps, {values[-1]} jets make {title} better than {values[0]}, "
                f"{column}",
                {"AUC": tuple(
                    number(tables[n], score, "aachen", figure="auc", column=column)
                    for n in (values[-1], values[0]))},
                reason="views are drawn anew in each epoch, so that few jets go far",
                ours=True,
            )
            for score, title in (("discriminant", "the discriminant"), ("nae", "s_NAE"))
            for column in COLUMNS
        ],
        tables=scan_tables(series, values),
        numbers=scan_numbers(series),
        remarks=["Fewer jets are seen in more epochs: the number of steps is the same."],
    )  # fmt: skip


STUDY = Study(
    name="training-size",
    title="Scores over the number of training jets",
    source="new",
    needs="a training for each number of jets",
    trainings=_trainings,
    measure=_measure,
)
