"""Scores -> figures of merit: ROC, background rejection, significance improvement, uncertainty."""

from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.ensemble import ensemble_rows
from darkclr.evaluation.evaluate import evaluate
from darkclr.evaluation.metrics_file import read_metrics, to_json, write_metrics
from darkclr.evaluation.results import FigureOfMerit, Metrics
from darkclr.evaluation.table import (
    EncoderFacts,
    EnsembleMetrics,
    ScoreFacts,
    comparison,
    markdown,
    readable_rows,
)

__all__ = [
    "EncoderFacts",
    "EnsembleMetrics",
    "EvaluationConfig",
    "FigureOfMerit",
    "Metrics",
    "ScoreFacts",
    "comparison",
    "ensemble_rows",
    "evaluate",
    "markdown",
    "read_metrics",
    "readable_rows",
    "to_json",
    "write_metrics",
]
