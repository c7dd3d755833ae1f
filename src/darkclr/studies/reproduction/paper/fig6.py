"""Fig. 6: the linear classifier test over the width of the head (appendix A)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from darkclr.evaluation.results import FigureOfMerit
from darkclr.jets import N_CONSTITUENTS
from darkclr.studies.probe import probe
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.paper.fig5 import darkclr_trainings
from darkclr.studies.reproduction.readings import (
    COLUMNS,
    REJECTION,
    band,
    distance,
    in_column,
    members,
    number,
    spread,
)
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.supervised.config import ProbeConfig
from darkclr.supervised.probe import Probed, flat_constituents

if TYPE_CHECKING:  # extras
    from matplotlib.figure import Figure

    from darkclr.report.figures.comparisons import Line

_FEATURES = {
    "last": "h after the last block",
    "pooled": "all that is pooled",
    "z": "head output z",
    "raw": "raw constituents",
}
_SAME = 0.02
_YARDSTICKS = {"few_constituents": "number of constituents *", "jet_pt": "jet pT *"}
_SERIES = _FEATURES | _YARDSTICKS
_PANELS = {"last": "h before the head", "z": "z after the head"}  # left and right in the paper
_ONCE = ("raw", *_YARDSTICKS)  # which do not depend on the head
# Raw constituents as in the paper, the others as in other pictures of the same.
_COLOURS = {"last": "#D55E00", "pooled": "#E69F00", "z": "#56B4E9", "raw": "#CC79A7"}

Found = Mapping[str, Mapping[str, Mapping[str, FigureOfMerit]]]


def _measure(material: Material) -> Result:
    widths = [str(width) for width in material.scale.widths]
    found: dict[str, dict[str, dict[str, FigureOfMerit]]] = {f: {} for f in _SERIES}
    curves: dict[str, dict[str, dict[str, Line]]] = {column: {} for column in COLUMNS}
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
                of = in_column(result, column)
                if of is not None:
                    feature = name.partition("_")[2]
                    curves[column].setdefault(feature, {})[width] = band(
                        [metrics], name, "aachen", label=_FEATURES[feature], column=column
                    )
                    for figure, value in of.summary().items():
                        found[feature].setdefault(f"{figure}, {column}", {})[width] = value
        table = ensemble.table()
        for yardstick, title in _YARDSTICKS.items():
            for column in COLUMNS if width == widths[0] else ():
                line = band(members(ensemble), yardstick, "aachen", label=title, column=column)
                curves[column][yardstick] = {width: line}
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

    # h does not depend on the width of the head: its classifiers tell trainings apart.
    of_trainings = spread([at("last", width).value or np.nan for width in widths]).error or 0.0

    def judged(feature: str, width: str) -> FigureOfMerit:
        """The AUC, its error with that of another training."""
        one = at(feature, width)
        return FigureOfMerit(one.value, float(np.hypot(one.error or 0.0, of_trainings)))

    def extent(feature: str) -> FigureOfMerit:
        values = [judged(feature, width) for width in widths]
        return distance(*(f(values, key=lambda one: one.value or np.nan) for f in (min, max)))

    return Result(
        figure=_figure(curves, found, widths),
        claims=[
            compare(
                "What is before the head is informative whatever the width of the head, its output "
                "changes with it: it needs a larger dimension",
                {
                    "range of the AUC, of z and of h": (extent("z"), extent("last")),
                    f"AUC of z at {wide} and {narrow}": (judged("z", wide), judged("z", narrow)),
                },
                reason="it is saturated at the narrowest head",
            ),
            compare(
                f"At the widest head z has saturated to the AUC of h, within {_SAME}",
                {f"{_SAME} and the difference": (
                    FigureOfMerit(_SAME, None), distance(judged("z", wide), judged("last", wide)))},
                reason="the paper goes to 1000",
            ),
            compare(
                "Both are simpler than the constituents: a linear classifier does better on them",
                {title: (judged(f, wide), at("raw", wide)) for f, title in _FEATURES.items()
                 if f in ("last", "z")},
                reason="the training is short",
            ),
        ],
        tables={
            f"AUC / rejection at ε_S = 0.2 of a linear classifier with labels, {column}": [
                {"score": title}
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
        }
        | {
            "curves": {
                column: {
                    feature: {width: line.numbers() for width, line in of_feature.items()}
                    for feature, of_feature in of.items()
                    if feature in (*_PANELS, *_ONCE)  # what is drawn
                }
                for column, of in curves.items()
            }
        },
        remarks=[
            "It reads labels: for looking only, never for choosing a representation. The text of "
            "the paper does not name the axes of Fig. 6: it has the representation before the head "
            "on the left and the output on the right, one curve a dimension, and raw constituents "
            "in purple. The upper panels show that as ROC curves, with bands of the bootstrap of "
            "the test jets; the lower ones show AUC and rejection against the width. One encoder a "
            "width is trained; claims add to the errors the spread of the AUC of h, which does not "
            f"depend on the width, {of_trainings:.4f}. Classifiers "
            "are tested on the test part of the signal, yardsticks on all of it."
        ],
        not_run=[f"widths above {wide}; the paper goes to 1000"] if int(wide) < 1000 else [],
    )  # fmt: skip


def _figure(
    curves: Mapping[str, Mapping[str, Mapping[str, Line]]], found: Found, widths: Sequence[str]
) -> Figure:
    """ROC curves as in the paper, and AUC and rejection against the width.

    Args:
        curves: by column, feature or yardstick, and width.
        found: AUC and rejection by feature or yardstick, what it is, and width.
        widths: in order.
    """
    from darkclr.report.figures.comparisons import curves_and_points_figure
    from darkclr.report.figures.style import ordered_styles, score_styles

    styles = score_styles(_YARDSTICKS) | {f: {"color": c} for f, c in _COLOURS.items()}
    shades = dict(zip(widths, ordered_styles(len(widths)), strict=True))
    unknown = FigureOfMerit(None, None)
    return curves_and_points_figure(
        {
            f"{title}, {column}": [
                replace(line, label=f"head of width {width}", style=shades[width])
                for width, line in of[feature].items()
            ]
            + [replace(of[other][widths[0]], style=styles[other]) for other in _ONCE]
            for column, of in curves.items()
            for feature, title in _PANELS.items()
        },
        {
            f"{label}, {column}": {
                title: [found[f].get(f"{figure}, {column}", {}).get(w, unknown) for w in widths]
                for f, title in _SERIES.items()
            }
            for figure, label in (("auc", "AUC"), (REJECTION, "1/ε$_B$ at ε$_S$ = 0.2"))
            for column in COLUMNS
        },
        widths,
        x=("signal efficiency ε$_S$", "width of the head"),
        y="background rejection 1/ε$_B$",
        styles={title: styles[feature] for feature, title in _SERIES.items()},
    )


STUDY = Study(
    name="fig6",
    title="Linear classifier test on constituents, pooled representation and head output",
    source="DarkCLR, Fig. 6 and appendix A",
    needs="a training for each width of the head, those of fig5",
    trainings=darkclr_trainings,
    measure=_measure,
    published=("fig6",),
)
