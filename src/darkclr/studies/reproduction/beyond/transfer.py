"""Trained on one kind of jets, tested on another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from darkclr.anomaly.scoring import load_scores, score_table
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import load_encoder
from darkclr.evaluation.measurement import evaluate
from darkclr.evaluation.results import FigureOfMerit, Metrics
from darkclr.studies.config import RunConfig
from darkclr.studies.ensemble import Ensemble
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import (
    COLUMNS,
    REJECTION,
    distance,
    in_column,
    with_spread,
)
from darkclr.studies.reproduction.scales import USUAL, Scale, training_jets, usual
from darkclr.studies.reproduction.study import Material, Result, Study

__all__ = ["transfer_study"]

_SCORES = {
    "discriminant": "discriminant given pT",
    "norm": "s_CLR",
    "nae": "s_NAE",
    "few_constituents": "number of constituents *",
    "jet_pt": "jet pT *",
}
_ARTICLES = {"discriminant": "the "}
_ALLOWED = 0.02


def transfer_study(name: str, title: str, kinds: Mapping[str, Mapping[str, object]]) -> Study:
    """A study of trainings on several kinds of jets, each tested on all of them.

    Args:
        name, title: of the study.
        kinds: options of the simulation by what the kind is called; the usual one has none.
    """
    names = {kind: f"{name}-{i}" if kinds[kind] else USUAL for i, kind in enumerate(kinds)}

    def trainings(scale: Scale) -> Mapping[str, RunConfig]:
        return {
            names[kind]: replace(usual(scale), samples=training_jets(scale, ("aachen",), **options))
            for kind, options in kinds.items()
        }

    def measure(material: Material) -> Result:
        ensembles = {kind: material.ensemble(names[kind]) for kind in kinds}
        found = {
            (a, b): _tested(trained, tested)
            for a, trained in ensembles.items()
            for b, tested in ensembles.items()
        }
        return _result(found, list(kinds))

    return Study(
        name=name,
        title=title,
        source="new",
        needs="a training on each kind of jets",
        trainings=trainings,
        measure=measure,
    )


def _tested(trained: Ensemble, tested: Ensemble) -> Metrics:
    """The first encoder and its scores on the test jets of another training."""
    (own, *_) = trained.repetitions
    encoder = load_encoder(own.model(1) / "encoder")
    config = tested.config
    rows = {
        name: encode(
            encoder,
            jets.part("test", config.split) if name == config.background else jets,
        )
        for name in config.samples
        for jets in [tested.run.jets(name)]
    }
    return evaluate(score_table(rows, load_scores(own.folder(1, 1) / "scores")), config.evaluation)


def _result(found: Mapping[tuple[str, str], Metrics], kinds: list[str]) -> Result:
    from darkclr.report.figures.comparisons import points_figure
    from darkclr.report.figures.style import score_styles

    colours = score_styles(_SCORES)
    styles = {
        title: {"color": colours[score]["color"], "linestyle": "none"}
        for score, title in _SCORES.items()
    }

    def number(a: str, b: str, score: str, figure: str, column: str) -> FigureOfMerit:
        figures = in_column(found[a, b].scores[score].signals["aachen"], column)
        if figures is None:
            return FigureOfMerit(None, None)
        return with_spread(figures.summary()[figure], score, figure)

    pairs = [(a, b) for b in kinds for a in kinds]
    ticks = [f"{a}\n→ {b}" for a, b in pairs]
    values: Callable[[str, str, str], list[FigureOfMerit]] = lambda s, f, c: [  # noqa: E731
        number(a, b, s, f, c) for a, b in pairs
    ]
    panels = {
        f"{label}, {column}": {
            title: values(score, figure, column) for score, title in _SCORES.items()
        }
        for figure, label in (("auc", "AUC"), (REJECTION, "1/ε$_B$ at ε$_S$ = 0.2"))
        for column in COLUMNS
    }
    claims = []
    for column in COLUMNS:
        for score, title in _SCORES.items():
            if title.endswith("*"):
                continue
            differences = {
                f"trained on {a}, tested on {b}, allowed and found difference": (
                    FigureOfMerit(_ALLOWED, None),
                    distance(number(a, b, score, "auc", column),
                             number(b, b, score, "auc", column), score=score))
                for a, b in pairs
                if a != b
            }  # fmt: skip
            claims.append(
                compare(
                    f"Trained on other jets, {_ARTICLES.get(score, '')}{title} has the AUC of a "
                    f"training on the tested kind, within {_ALLOWED}, {column}",
                    differences,
                    reason="the representation depends on what it was trained on, or one training "
                    "each does not decide",
                    ours=True,
                )
            )
    return Result(
        figure=points_figure(
            panels, ticks, x="trained on → tested on", styles=styles,
            logarithmic=[p for p in panels if not p.startswith("AUC")],
        ),
        claims=claims,
        tables={
            f"AUC / rejection at ε_S = 0.2 on Aachen, trained on → tested on, {column}": [
                {"score": title}
                | {
                    f"{a} → {b}": f"{number(a, b, score, 'auc', column)} / "
                    f"{number(a, b, score, REJECTION, column)}"
                    for a, b in pairs
                }
                for score, title in _SCORES.items()
            ]
            for column in COLUMNS
        },
        numbers={
            f"{a} on {b}": {
                score: {
                    column: {
                        figure: [one.value, one.error]
                        for figure in ("auc", REJECTION)
                        for one in [number(a, b, score, figure, column)]
                    }
                    for column in COLUMNS
                }
                for score in _SCORES
            }
            for a, b in pairs
        },
        remarks=[
            "Encoder and scores are trained on QCD jets of the first kind; they are tested on the "
            "test part of QCD jets and on Aachen jets of the second kind."
        ],
    )  # fmt: skip
