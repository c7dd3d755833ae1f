"""Figs. 6.1 and 6.4 of the thesis: similarities of pairs in the course of the training."""

from __future__ import annotations

import numpy as np

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.claims import compare
from darkclr.studies.reproduction.readings import spread
from darkclr.studies.reproduction.scales import robustness
from darkclr.studies.reproduction.study import Material, Result, Study

_PAIRS = {
    "alignment": "physical pair s(z, z′)",
    "anomaly_similarity": "anomalous pair s(z, z*)",
}


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import Line, lines_figure
    from darkclr.report.run_files import read_history

    (own, *_) = material.ensemble("robustness").repetitions
    histories = [
        read_history(own.model(e) / "encoder" / "history.csv", ("step", *_PAIRS))
        for e in own.encoder_numbers
    ]
    rows = np.isfinite(histories[0]["alignment"])  # those of steps, rather than of epochs
    step = histories[0]["step"][rows]
    curves = {name: np.stack([h[name][rows] for h in histories]) for name in _PAIRS}
    colours = {"alignment": "#E69F00", "anomaly_similarity": "#0072B2"}  # the thesis's
    lines = []
    for name, label in _PAIRS.items():
        mean, error = curves[name].mean(axis=0), curves[name].std(axis=0)
        style = {"color": colours[name]}
        lines.append(Line(label, step, mean, mean - error, mean + error, style))
    last = {name: spread(of[:, -1]) for name, of in curves.items()}
    separation = curves["alignment"] - curves["anomaly_similarity"]
    third = spread(separation[:, np.searchsorted(step, step[-1] / 3)] / separation[:, -1])
    rows_of_table = [
        {
            "encoder": str(e),
            "s(z, z′) at the end": f"{curves['alignment'][i, -1]:.3f}",
            "s(z, z*) at the end": f"{curves['anomaly_similarity'][i, -1]:.3f}",
        }
        for i, e in enumerate(own.encoder_numbers)
    ]
    short = "the training is short"
    return Result(
        figure=lines_figure(
            {f"mean of {len(histories)} encoders, p_drop = 0.5": lines},
            x="step", y="cosine similarity",
        ),
        claims=[
            compare(
                "Physical pairs end more alike than anomalous pairs",
                {"at the end": (last["alignment"], last["anomaly_similarity"])},
                reason=short,
            ),
            compare(
                "The anomalous copy is mapped to another point: its similarity ends below zero",
                {"0 and s(z, z*)": (FigureOfMerit(0.0, None), last["anomaly_similarity"])},
                reason=short,
            ),
            compare(
                "At a high dropping probability the training converges quickly: half of the "
                "separation is reached in the first third",
                {"share of the separation, and a half": (third, FigureOfMerit(0.5, None))},
                reason="the learning rate rises in the first third of short schedules",
            ),
        ],
        tables={"cosine similarities": rows_of_table},
        numbers={
            "step": step.tolist(),
            **{name: of.tolist() for name, of in curves.items()},
        },
        not_run=["p_drop 0.1, 0.3 and 0.7 here; they are in thesis-pdrop"],
    )  # fmt: skip


STUDY = Study(
    name="thesis-similarity",
    title="Cosine similarities of physical and anomalous pairs against the step of the training",
    source="thesis, Figs. 6.1 and 6.4",
    needs="the encoders of the ensemble of five signals",
    trainings=lambda scale: {"robustness": robustness(scale)},
    measure=_measure,
)
