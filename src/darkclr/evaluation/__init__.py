"""Scores -> figures of merit: ROC, background rejection, significance improvement, uncertainty."""

from darkclr.evaluation.ensemble import ensemble_rows
from darkclr.evaluation.evaluate import EvaluationConfig, evaluate
from darkclr.evaluation.metrics_file import read_metrics, write_metrics
from darkclr.evaluation.summary import format_number, summary_rows
from darkclr.evaluation.table import comparison, markdown, readable_rows

__all__ = [
    "EvaluationConfig",
    "comparison",
    "ensemble_rows",
    "evaluate",
    "format_number",
    "markdown",
    "read_metrics",
    "readable_rows",
    "summary_rows",
    "write_metrics",
]
