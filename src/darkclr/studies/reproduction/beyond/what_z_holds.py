"""What the representation holds: observables of jets from z, and what scores follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from darkclr.evaluation.published import published_row
from darkclr.evaluation.results import FigureOfMerit
from darkclr.io.parquet import read_table
from darkclr.studies.ensemble import Ensemble
from darkclr.studies.probe import probe
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import (
    COLUMNS,
    PUBLISHED,
    distance,
    number,
    over_trainings,
    scored_rows,
    spread,
)
from darkclr.studies.reproduction.scales import robustness, thesis
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.substructure import OBSERVABLES, observables
from darkclr.supervised.config import ProbeConfig
from darkclr.supervised.probe import Probed

_JETS = 4000
_FEATURES = {"z": "head output z", "pooled": "pooled h"}
_OF_THESIS = "z of the multiplicity setup"
_SAME = 0.02
_SCORES = {
    "norm": "s_CLR",
    "nae": "s_NAE",
    "discriminant": "discriminant given pT",
    "few_constituents": "number of constituents *",
    "jet_pt": "jet pT *",
}


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import points_figure

    ensemble = material.ensemble("robustness")
    (own, *_) = ensemble.repetitions
    config = ensemble.config
    jets = ensemble.run.jets("qcd").part("test", config.split)[:_JETS]
    names = [*OBSERVABLES, "jet pT"]
    values = np.column_stack([observables(jets.constituents, list(OBSERVABLES)), jets.pt])
    explained: dict[str, list[NDArray]] = {feature: [] for feature in _FEATURES}
    followed: dict[str, list[NDArray]] = {score: [] for score in _SCORES}
    for e in own.encoder_numbers:
        rows = scored_rows(ensemble, own.model(e))["qcd"][:_JETS]
        assert (rows.event == jets.event).all()
        for feature in _FEATURES:
            explained[feature].append(_explained(getattr(rows, feature), values))
        table = read_table(own.folder(e, 1) / "scores.parquet").slice(0, len(jets))
        for score in _SCORES:
            of = table[score].to_numpy()
            followed[score].append(np.array([spearmanr(of, v)[0] for v in values.T]))

    def over(found: list[NDArray]) -> list[FigureOfMerit]:
        return [spread(np.nan_to_num(column)) for column in np.stack(found, axis=1)]

    held = {title: over(explained[feature]) for feature, title in _FEATURES.items()}
    of_multiplicity = _of_thesis(material)
    held[_OF_THESIS] = over(of_multiplicity)
    follows = {title: over(followed[score]) for score, title in _SCORES.items()}
    z, of_thesis = (
        dict(zip(names, held[title], strict=True)) for title in (_FEATURES["z"], _OF_THESIS)
    )
    second, of_thesis_second = (
        max(of.keys() - {"n_constituents"}, key=lambda name: of[name].value or 0.0)
        for of in (z, of_thesis)
    )
    readable = [name.replace("_", " ") for name in names]
    multiplicity = material.ensemble("multiplicity-0.5")
    with_labels = _with_labels(multiplicity)
    counting = {
        column: number(
            multiplicity.table(), "few_constituents", "aachen", figure="auc", column=column
        )
        for column in COLUMNS
    }
    return Result(
        figure=points_figure(
            {"R² of the rank of the observable": held, "rank correlation with the score": follows},
            readable, slanted=True, styles=_styles(),
        ),
        claims=[
            compare(
                "In the multiplicity setup the number of constituents is the primary feature that "
                "z holds",
                {f"R² of it and of {of_thesis_second}": (
                    of_thesis["n_constituents"], of_thesis[of_thesis_second])},
                reason="the training is short",
            ),
            *(
                compare(
                    "In the multiplicity setup a classifier with labels on z has the AUC of the "
                    f"number of constituents, within {_SAME}, {column}",
                    {f"{_SAME} and the distance": (
                        FigureOfMerit(_SAME, None),
                        distance(with_labels[column], counting[column]))},
                    reason="z holds more than the number, as its other observables say",
                )
                for column in COLUMNS
            ),
            compare(
                "It is of DarkCLR, too, whose views do not change the number",
                {f"R² of it and of {second}": (z["n_constituents"], z[second])},
                reason="z holds more than one feature",
                ours=True,
            ),
        ],
        tables={
            f"R² of ranks by linear regression, {len(jets)} QCD jets; rank correlation of scores": [
                {"observable": name}
                | {f"R², {title}": str(of[i]) for title, of in held.items()}
                | {title: str(of[i]) for title, of in follows.items()}
                for i, name in enumerate(readable)
            ],
            "AUC on Aachen": [
                {"score": f"classifier with labels on {_OF_THESIS}"}
                | {column: str(with_labels[column]) for column in COLUMNS}
                | {PUBLISHED: _published("multilayer_z", "multiplicity")},
                {"score": "number of constituents *"}
                | {column: str(counting[column]) for column in COLUMNS}
                | {PUBLISHED: _published("few_constituents")},
            ],
        },
        numbers={
            "observables": names,
            "explained": {
                k: np.stack(v).tolist()
                for k, v in (explained | {_OF_THESIS: of_multiplicity}).items()
            },
            "with_labels": {
                title: {column: [one.value, one.error] for column, one in of.items()}
                for title, of in (("multilayer", with_labels), ("few_constituents", counting))
            },
            "followed": {k: np.nan_to_num(np.stack(v)).tolist() for k, v in followed.items()},
        },
    )  # fmt: skip


def _with_labels(ensemble: Ensemble) -> dict[str, FigureOfMerit]:
    """AUC of classifiers that learn labels on z, by column: its spread, and that of test jets."""
    found: dict[str, list[FigureOfMerit]] = {column: [] for column in COLUMNS}
    (own, *_) = ensemble.repetitions
    for e in own.encoder_numbers:
        rows = ensemble.run.representations(own.model(e))
        of = {name: Probed.from_representations(rows[name]) for name in ("qcd", "aachen")}
        qcd, aachen = (replace(one, features={"z": one.features["z"]}) for one in of.values())
        metrics = probe(
            qcd,
            {"aachen": aachen},
            split=ensemble.config.split,
            config=ProbeConfig(classifiers=("multilayer",)),
            evaluation=ensemble.config.evaluation,
        )
        result = metrics.scores["multilayer_z"].signals["aachen"]
        for column, figures in zip(COLUMNS, (result, result.matched), strict=True):
            if figures is not None:
                found[column].append(figures.summary()["auc"])
    return {column: over_trainings(figures) for column, figures in found.items()}


def _published(score: str, representation: str | None = None) -> str:
    row = published_row("aachen", score, representation)
    assert row is not None
    return f"{row['auc']} ({row['source']})"


def _of_thesis(material: Material) -> list[NDArray]:
    """R² of the observables from z of the multiplicity setup, by encoder."""
    ensemble = material.ensemble("multiplicity-0.5")
    (own, *_) = ensemble.repetitions
    jets = ensemble.run.jets("qcd").part("test", ensemble.config.split)[:_JETS]
    values = np.column_stack([observables(jets.constituents, list(OBSERVABLES)), jets.pt])
    found = []
    for e in own.encoder_numbers:
        rows = scored_rows(ensemble, own.model(e))["qcd"][:_JETS]
        assert (rows.event == jets.event).all()
        found.append(_explained(rows.z, values))
    return found


def _styles() -> dict[str, dict[str, str]]:
    """Points without lines: observables have no order."""
    from darkclr.report.figures.style import score_styles

    scores = score_styles(_SCORES)
    styles = {title: scores[score]["color"] for score, title in _SCORES.items()}
    titles = (*_FEATURES.values(), _OF_THESIS)
    colours = dict(zip(titles, ("#56B4E9", "#E69F00", "#CC79A7"), strict=True)) | styles
    return {title: {"color": colour, "linestyle": "none"} for title, colour in colours.items()}


def _explained(features: NDArray, values: NDArray) -> NDArray[np.float64]:
    """R² of held-out jets for each observable, by a linear regression on ranks of it."""
    targets = np.argsort(np.argsort(values, axis=0), axis=0) / len(values)
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=(1.0, 100.0, 10_000.0)))
    predicted = cross_val_predict(model, features, targets, cv=3)
    residual = np.var(targets - predicted, axis=0)
    return np.asarray(1 - residual / np.var(targets, axis=0))


STUDY = Study(
    name="what-z-holds",
    title="Observables of jets from the representation, and observables that scores follow",
    source="new; thesis, section 6.2.1",
    needs="the ensemble of five signals, and a training of the multiplicity setup",
    trainings=lambda scale: {
        "robustness": robustness(scale),
        "multiplicity-0.5": thesis(scale, "multiplicity", 0.5),
    },
    measure=_measure,
    published=("thesis_auc",),
)
