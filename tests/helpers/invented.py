"""Figures of merit that nobody measured."""

from __future__ import annotations

from darkclr.evaluation import EvaluationConfig, FigureOfMerit, Metrics
from darkclr.evaluation.results import (
    Curve,
    Matched,
    Maximum,
    Provenance,
    SampleCounts,
    ScoreResult,
    SignalResult,
)


def invented_metrics(
    score: str,
    *,
    auc: float,
    rejection: FigureOfMerit,
    title: str = "invented",
    auc_at_equal_pt: float | None = None,
) -> Metrics:
    """One score on one signal, aachen, whose rejection is quoted at 0.2."""
    figures = {
        "n_background_effective": 9.0,
        "auc_error": 0.01,
        "background_rejection": {"0.2": rejection},
        "significance_improvement": {},
        "maximum_significance_improvement": Maximum(2.0, 0.1),
        "roc": Curve((), (), (), ()),
    }
    matched = None
    if auc_at_equal_pt is not None:
        matched = Matched(auc=auc_at_equal_pt, by="pt", uncovered=0.0, **figures)
    result = SignalResult(auc=auc, n_background=9, n_signal=9, matched=matched, **figures)
    return Metrics(
        kind="metrics",
        config=EvaluationConfig(signal_efficiencies=(0.2,)),
        provenance=Provenance({}, {}),
        samples={"qcd": SampleCounts(9, 9, 0, 9, 9.0)},
        n_unlabelled=0,
        scores={score: ScoreResult(title, False, {"aachen": result})},
    )
