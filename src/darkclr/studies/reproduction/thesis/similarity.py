"""Figs. 6.1 and 6.4 of the thesis: similarities of pairs in the course of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import distance, spread
from darkclr.studies.reproduction.scales import setup_title, thesis_setups
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.studies.reproduction.thesis.curves import PAIRS, at_end, read_curves

_TITLES = {
    "alignment": "physical pair s(z, z′)",
    "anomaly_similarity": "anomalous pair s(z, z*)",
}
_CHANGE = 0.1
_COLOURS = {"alignment": "#E69F00", "anomaly_similarity": "#0072B2"}  # the thesis's


def _measure(material: Material) -> Result:
    curves = {}
    for name in material.trainings:
        (own, *_) = material.ensemble(name).repetitions
        curves[name] = [read_curves(own.model(e) / "encoder") for e in own.encoder_numbers]
    return _result(curves)


def _result(curves: Mapping[str, Sequence[Mapping[str, NDArray]]]) -> Result:
    """By training: the curves of each encoder."""
    from darkclr.report.figures.comparisons import Line, lines_figure

    panels, rows, ends = {}, [], {}
    for name, of in curves.items():
        panels[setup_title(name)] = [
            Line(label, of[0]["step"], mean, mean - error, mean + error, {"color": _COLOURS[pair]})
            for pair, label in _TITLES.items()
            for values in [np.stack([one[pair] for one in of])]
            for mean, error in [(values.mean(axis=0), values.std(axis=0, ddof=min(len(of) - 1, 1)))]
        ]
        ends[name] = {pair: spread([at_end(one)[pair] for one in of]) for pair in PAIRS}
        rows.append(
            {"training": setup_title(name)}
            | {f"{label}, last epoch": str(ends[name][pair]) for pair, label in _TITLES.items()}
        )

    def early(name: str) -> FigureOfMerit:
        """Difference of the similarities after a third of the training."""
        return spread([
            float(np.interp(one["step"][-1] / 3, one["step"], one[PAIRS[0]] - one[PAIRS[1]]))
            for one in curves[name]
        ])  # fmt: skip

    def apart(name: str) -> FigureOfMerit:
        """The same in the end."""
        return spread([at_end(one)[PAIRS[0]] - at_end(one)[PAIRS[1]] for one in curves[name]])

    high = [name for name in curves if name != "multiplicity-0.1"]
    return Result(
        figure=lines_figure(panels, x="step", y="cosine similarity", columns=3),
        claims=[
            compare(
                "Physical pairs end more alike than anomalous pairs, from a dropping probability "
                "of 0.3 on",
                {setup_title(name): (ends[name]["alignment"], ends[name]["anomaly_similarity"])
                 for name in high},
                reason="the training is short",
            ),
            compare(
                "A jet and its anomalous copy are mapped to different points: their similarity "
                "ends below zero, from a dropping probability of 0.5 on",
                {setup_title(name): (FigureOfMerit(0.0, None), ends[name]["anomaly_similarity"])
                 for name in high if name != "multiplicity-0.3"},
                reason="the training is short",
            ),
            compare(
                "The larger the dropping probability, the quicker the training converges: after a "
                "third of it the similarities are further apart",
                {f"p_drop {p} and {q}": (early(f"multiplicity-{p}"), early(f"multiplicity-{q}"))
                 for p, q in (("0.3", "0.1"), ("0.5", "0.3"), ("0.7", "0.5"))},
                reason="the learning rate still rises in the first third of short schedules",
            ),
            compare(
                "Without splitting and smearing the training is another one: at 0.5 the "
                f"similarities end {_CHANGE} or more apart from those with them",
                {"change of the difference": (
                    distance(apart("minimal-0.5"), apart("multiplicity-0.5")),
                    FigureOfMerit(_CHANGE, None))},
                reason="both trainings come to their end",
            ),
        ],
        tables={"cosine similarities": rows},
        numbers={
            name: [{key: values.tolist() for key, values in one.items()} for one in of]
            for name, of in curves.items()
        },
    )  # fmt: skip


STUDY = Study(
    name="thesis-similarity",
    title="Cosine similarities of physical and anomalous pairs against the step of the training",
    source="thesis, Figs. 6.1 and 6.4",
    needs="the multiplicity setup at four dropping probabilities, and the minimal setup",
    trainings=thesis_setups,
    measure=_measure,
)
