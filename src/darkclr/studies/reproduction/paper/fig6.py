"""Fig. 6: the linear classifier test over the width of the head (appendix A)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import N_CONSTITUENTS
from darkclr.studies.probe import probe
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.paper.fig5 import darkclr_trainings
from darkclr.studies.reproduction.readings import COLUMNS, REJECTION, distance, number
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.supervised.config import ProbeConfig
from darkclr.supervised.probe import Probed, flat_constituents

_FEATURES = {
    "last": "h after the last block",
    "pooled": "all that is pooled",
    "z": "head output z",
    "raw": "raw constituents",
}
_SAME = 0.02
_YARDSTICKS = {"few_constituents": "number of constituents", "jet_pt": "jet pT"}
_SERIES = _FEATURES | _YARDSTICKS


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import points_figure
    from darkclr.report.figures.style import sample_style, score_styles

    widths = [str(width) for width in material.scale.widths]
    found: dict[str, dict[str, dict[str, FigureOfMerit]]] = {f: {} for f in _SERIES}
    for width in widths:
        ensemble = material.ensemble(f"width-{width}")
        (own, *_) = ensemble.repetitions
        rows = ensemble.run.representations(own.model(1))
        encoder = ensemble.config.encoder
        samples = {}
        for name in ("qcd", "aachen"):
            sample = Probed.from_representations(rows[name])
            pooled = sample.features["pooled"]
            last = pooled[:, encoder.last_sum]  # the paper pools after the last block
            samples[name] = replace(sample, features={"last": last, **sample.features})
        if width == widths[0]:
            from darkclr.augmentations import recentre

            for name, sample in samples.items():
                jets = ensemble.run.jets(name)
                flat = flat_constituents(
                    recentre(jets.constituents.hardest(N_CONSTITUENTS)), encoder
                )
                samples[name] = replace(sample, features={**sample.features, "raw": flat})
        metrics = probe(
            samples["qcd"],
            {"aachen": samples["aachen"]},
            split=ensemble.config.split,
            config=ProbeConfig(classifiers=("linear",)),
            evaluation=ensemble.config.evaluation,
        )
        for name, score in metrics.scores.items():
            result = score.signals["aachen"]
            for column in COLUMNS:
                of = result if column == COLUMNS[0] else result.matched
                if of is not None:
                    feature = name.partition("_")[2]
                    for figure, value in of.summary().items():
                        found[feature].setdefault(f"{figure}, {column}", {})[width] = value
        table = ensemble.table()
        for yardstick in _YARDSTICKS:
            for figure in ("auc", REJECTION):
                for column in COLUMNS:
                    found[yardstick].setdefault(f"{figure}, {column}", {})[width] = number(
                        table, yardstick, "aachen", figure=figure, column=column
                    )
    for values in found["raw"].values():  # which do not depend on the head
        values |= dict.fromkeys(widths, values[widths[0]])

    def at(feature: str, width: str, figure: str = f"auc, {COLUMNS[0]}") -> FigureOfMerit:
        return found[feature].get(figure, {}).get(width, FigureOfMerit(None, None))

    narrow, wide = widths[0], widths[-1]

    def extent(feature: str) -> FigureOfMerit:
        values = [at(feature, width).value or np.nan for width in widths]
        return FigureOfMerit(float(np.ptp(values)), at(feature, wide).error)

    yardsticks = score_styles(_YARDSTICKS)
    styles = {title: sample_style(i) for i, title in enumerate(_FEATURES.values())}
    styles |= {title: yardsticks[score] for score, title in _YARDSTICKS.items()}
    return Result(
        figure=points_figure(
            {
                f"{label}, {column}": {
                    title: [at(feature, width, f"{figure}, {column}") for width in widths]
                    for feature, title in _SERIES.items()
                }
                for figure, label in (("auc", "AUC"), (REJECTION, "1/ε$_B$ at ε$_S$ = 0.2"))
                for column in COLUMNS
            },
            widths, x="width of the head", styles=styles,
        ),
        claims=[
            compare(
                "What is before the head is informative whatever the width of the head, its output "
                "changes with it: it needs a larger dimension",
                {
                    "range of the AUC, of z and of h": (extent("z"), extent("last")),
                    f"AUC of z at {wide} and {narrow}": (at("z", wide), at("z", narrow)),
                },
                reason="it is saturated at the narrowest head",
            ),
            compare(
                f"At the widest head z has saturated to the AUC of h, within {_SAME}",
                {f"{_SAME} and the difference": (
                    FigureOfMerit(_SAME, None),
                    replace(distance(at("z", wide), at("last", wide)),
                            error=at("z", wide).error))},
                reason="the paper goes to 1000",
            ),
            compare(
                "Both are simpler than the constituents: a linear classifier does better on them",
                {title: (at(f, wide), at("raw", wide)) for f, title in _FEATURES.items()
                 if f in ("last", "z")},
                reason="the training is short",
            ),
        ],
        tables={
            f"AUC / rejection at ε_S = 0.2 of a linear classifier with labels, {column}": [
                {"score": f"{title} *"}
                | {
                    width: f"{at(feature, width, f'auc, {column}')} / "
                    f"{at(feature, width, f'{REJECTION}, {column}')}"
                    for width in widths
                }
                for feature, title in _SERIES.items()
            ]
            for column in COLUMNS
        },
        numbers={
            feature: {
                figure: {width: [one.value, one.error] for width, one in values.items()}
                for figure, values in of.items()
            }
            for feature, of in found.items()
        },
        remarks=["It reads labels: for looking only, never for choosing a representation."],
        not_run=[f"widths above {wide}; the paper goes to 1000"] if int(wide) < 1000 else [],
    )  # fmt: skip


STUDY = Study(
    name="fig6",
    title="Linear classifier test on constituents, pooled representation and head output",
    source="DarkCLR, Fig. 6 and appendix A",
    needs="a training for each width of the head, those of fig5",
    trainings=darkclr_trainings,
    measure=_measure,
    published=("fig6",),
)
