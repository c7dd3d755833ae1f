"""Figures of merit of supervised probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.measurement import evaluate
from darkclr.evaluation.results import Metrics, ScoreResult
from darkclr.split import Split
from darkclr.supervised.config import ProbeConfig
from darkclr.supervised.probe import Probed, probe_scores

__all__ = ["probe"]

_TITLES = {
    "raw": "raw constituents",
    "pooled": "pooled representation h",
    "z": "head output z",
}


def probe(
    background: Probed,
    signals: Mapping[str, Probed],
    *,
    split: Split | None = None,
    config: ProbeConfig | None = None,
    evaluation: EvaluationConfig | None = None,
) -> Metrics:
    """Train supervised classifiers on the training parts and measure them on the test parts.

    Args:
        background, signals, split, config: as of
            :func:`~darkclr.supervised.probe.probe_scores`, whose errors are raised.
        evaluation: figures of merit to compute.

    Returns:
        Figures of merit as of :func:`darkclr.evaluation.measurement`, of kind ``probe``.
    """
    config, evaluation = config or ProbeConfig(), evaluation or EvaluationConfig()
    if any(sample.pt is None for sample in (background, *signals.values())):
        evaluation = replace(evaluation, match=None)
    tables = probe_scores(background, signals, split=split, config=config)
    of_signals = [evaluate(table, evaluation) for table in tables.values()]
    scores = {
        score: ScoreResult(
            title="{} on {}".format(score.partition("_")[0], _TITLES[score.partition("_")[2]]),
            baseline=False,
            signals={s: r for m in of_signals for s, r in m.scores[score].signals.items()},
        )
        for score in of_signals[0].scores
    }
    # Not of the kind of anomaly scores, so that nobody takes one for the other.
    return replace(
        of_signals[0],
        kind="probe",
        samples={name: counts for m in of_signals for name, counts in m.samples.items()},
        scores=scores,
        supervised=True,
        probe=asdict(config),
    )
