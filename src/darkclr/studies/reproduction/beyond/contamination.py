"""Signal among the background that is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from darkclr.evaluation.ensemble.table import Table
from darkclr.evaluation.results import FigureOfMerit
from darkclr.io import read_jets, write_jets
from darkclr.jets import Jets
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import COLUMNS, number
from darkclr.studies.reproduction.scales import Scale, scanned, training_jets
from darkclr.studies.reproduction.scan import (
    scan_figure,
    scan_numbers,
    scan_tables,
    series_of_scores,
)
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.studies.run import Run

_SHARES = {f"contamination-{share:g}": share for share in (0.0, 0.001, 0.01, 0.05, 0.1)}
_MIXED = "mixed_in"  # signal jets that are in no test
_ALLOWED = 0.01
_SCORES = ("discriminant", "norm", "nae", "autoencoder")


def _trainings(scale: Scale) -> Mapping[str, RunConfig]:
    config = scanned(scale, _SCORES)
    samples = training_jets(scale, ("aachen",))
    largest = max(_SHARES.values()) * config.split.train * 1.1  # parts have their shares roughly
    other = replace(samples["aachen"], seed=2, n_jets=round(scale.background * largest))
    return dict.fromkeys(_SHARES, replace(config, samples=samples | {_MIXED: other}))


def _mix(name: str, run: Run) -> None:
    """Put signal jets in the place of a share of the background's training jets, unlabelled."""
    path, share = run.sample("qcd"), _SHARES[name]
    jets = read_jets(path)
    if "contamination" in jets.provenance or not share:
        return
    training = np.flatnonzero(run.config.split.part(jets.event, "train"))
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(training, round(share * len(training)), replace=False))
    signal = read_jets(run.sample(_MIXED))[: len(rows)]
    signal = replace(
        signal,
        event=jets.event[rows],
        rank=jets.rank[rows],
        label=jets.label[rows],
        weight=jets.weight[rows],
        truth={key: values[rows] for key, values in jets.truth.items()},
    )
    kept = np.ones(len(jets), dtype=np.bool_)
    kept[rows] = False
    mixed = Jets.concatenate([jets[kept], signal])
    write_jets(replace(mixed, provenance={**jets.provenance, "contamination": share}), path)


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
                f"1 % of signal in the training costs the discriminant less than {_ALLOWED} in "
                f"AUC, {column}",
                {
                    f"{_ALLOWED} and the loss": (
                        FigureOfMerit(_ALLOWED, None),
                        _lost(tables, column),
                    )
                },
                reason="the spread between trainings is of this size",
                ours=True,
            )
            for column in COLUMNS
        ],
        tables=scan_tables(series, values),
        numbers=scan_numbers(series),
        remarks=["Signal jets of another seed replace background jets, and are not tested on."],
    )  # fmt: skip


def _lost(tables: Mapping[str, Table], column: str) -> FigureOfMerit:
    """AUC without signal less that with 1 % of it."""
    clean, mixed = (
        number(tables[value], "discriminant", "aachen", figure="auc", column=column).value
        for value in ("0 %", "1 %")
    )
    return FigureOfMerit(None if clean is None or mixed is None else clean - mixed, None)


STUDY = Study(
    name="contamination",
    title="What signal among the training jets costs",
    source="new",
    needs="a training for each share of signal",
    trainings=_trainings,
    measure=_measure,
    alter=_mix,
)
