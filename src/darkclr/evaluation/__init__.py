"""Scores -> figures of merit: ROC, background rejection, significance improvement, uncertainty."""

from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.ensemble import (
    EncoderFacts,
    EnsembleMetrics,
    ScoreFacts,
    comparison,
    ensemble_rows,
    markdown,
    readable_rows,
)
from darkclr.evaluation.evaluate import evaluate
from darkclr.evaluation.metrics_file import read_metrics, to_json, write_metrics
from darkclr.evaluation.results import FigureOfMerit, Metrics
from darkclr.evaluation.summary import show_summary

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
    "show_summary",
    "to_json",
    "write_metrics",
]
