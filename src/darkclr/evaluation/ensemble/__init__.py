"""Encoders × densities of one configuration: means, spreads, and the table of all scores."""

from darkclr.evaluation.ensemble.spreads import Spread, ensemble_rows
from darkclr.evaluation.ensemble.table import (
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
    "ScoreFacts",
    "Spread",
    "comparison",
    "ensemble_rows",
    "markdown",
    "readable_rows",
]
