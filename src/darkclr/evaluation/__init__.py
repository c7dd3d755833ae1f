"""Scores -> figures of merit: ROC, background rejection, significance improvement, uncertainty."""

from typing import TYPE_CHECKING

from darkclr.lazy_names import lazy_names

if TYPE_CHECKING:
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
    from darkclr.evaluation.measurement import evaluate
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "EncoderFacts": "darkclr.evaluation.ensemble",
        "EnsembleMetrics": "darkclr.evaluation.ensemble",
        "EvaluationConfig": "darkclr.evaluation.config",
        "FigureOfMerit": "darkclr.evaluation.results",
        "Metrics": "darkclr.evaluation.results",
        "ScoreFacts": "darkclr.evaluation.ensemble",
        "comparison": "darkclr.evaluation.ensemble",
        "ensemble_rows": "darkclr.evaluation.ensemble",
        "evaluate": "darkclr.evaluation.measurement",
        "markdown": "darkclr.evaluation.ensemble",
        "read_metrics": "darkclr.evaluation.metrics_file",
        "readable_rows": "darkclr.evaluation.ensemble",
        "show_summary": "darkclr.evaluation.summary",
        "to_json": "darkclr.evaluation.metrics_file",
        "write_metrics": "darkclr.evaluation.metrics_file",
    },
)
