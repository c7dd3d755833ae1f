"""Figs. 6.1 and 6.4 of the thesis: similarities of pairs in the course of the training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import distance, spread
from darkclr.studies.reproduction.scales import setup_title, thesis_setups
from darkclr.studies.reproduction.study import Material, Result, Study

_PAIRS = {
    "alignment": "physical pair s(z, z′)",
    "anomaly_similarity": "anomalous pair s(z, z*)",
}
_CHANGE = 0.1
_COLOURS = {"alignment": "#E69F00", "anomaly_similarity": "#0072B2"}  # the thesis's


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import Line, lines_figure
    from darkclr.report.run_files import read_history

    curves: dict[str, dict[str, NDArray]] = {}
    panels, rows = {}, []
    for name in material.trainings:
        (own, *_) = material.ensemble(name).repetitions
        histories = [
            read_history(own.model(e) / "encoder" / "history.csv", ("step", *_PAIRS))
            for e in own.encoder_numbers
        ]
        steps = np.isfinite(histories[0]["alignment"])  # those of steps, rather than of epochs
        of = {pair: np.stack([h[pair][steps] for h in histories]) for pair in _PAIRS}
        curves[name] = of | {"step": histories[0]["step"][steps]}
        panels[setup_title(name)] = [
            Line(label, curves[name]["step"], mean, mean - error, mean + error,
                 {"color": _COLOURS[pair]})
            for pair, label in _PAIRS.items()
            for mean, error in [(of[pair].mean(axis=0), of[pair].std(axis=0))]
        ]  # fmt: skip
        rows.append(
            {"training": setup_title(name)}
            | {f"{label} at the end": str(_at_end(of[pair])) for pair, label in _PAIRS.items()}
        )

    def apart(name: str, share: float) -> FigureOfMerit:
        """Difference of the similarities after a share of the training."""
        of = curves[name]["alignment"] - curves[name]["anomaly_similarity"]
        return spread(of[:, int(share * (of.shape[1] - 1))])

    ends = {name: {pair: _at_end(of[pair]) for pair in _PAIRS} for name, of in curves.items()}
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
                {f"p_drop {p} and {q}": (apart(f"multiplicity-{p}", 1 / 3),
                                         apart(f"multiplicity-{q}", 1 / 3))
                 for p, q in (("0.3", "0.1"), ("0.5", "0.3"), ("0.7", "0.5"))},
                reason="the learning rate still rises in the first third of short schedules",
            ),
            compare(
                "Without splitting and smearing the training is another one: at 0.5 the "
                f"similarities end {_CHANGE} or more apart from those with them",
                {"change of the difference": (
                    replace(distance(apart("minimal-0.5", 1), apart("multiplicity-0.5", 1)),
                            error=apart("minimal-0.5", 1).error),
                    FigureOfMerit(_CHANGE, None))},
                reason="both trainings come to their end",
            ),
        ],
        tables={"cosine similarities": rows},
        numbers={
            name: {key: values.tolist() for key, values in of.items()}
            for name, of in curves.items()
        },
    )  # fmt: skip


def _at_end(of: NDArray) -> FigureOfMerit:
    return spread(of[:, -1])


STUDY = Study(
    name="thesis-similarity",
    title="Cosine similarities of physical and anomalous pairs against the step of the training",
    source="thesis, Figs. 6.1 and 6.4",
    needs="the multiplicity setup at four dropping probabilities, and the minimal setup",
    trainings=thesis_setups,
    measure=_measure,
)
