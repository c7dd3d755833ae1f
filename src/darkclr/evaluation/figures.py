"""A ROC curve and its replicas -> figures of merit with their errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.bootstrap import central_interval, half_width
from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.metrics import (
    Roc,
    background_rejection,
    rejection_lower_bound,
    significance_improvement,
)
from darkclr.evaluation.results import Curve, FigureOfMerit, Maximum

__all__ = ["Column"]

Floats = NDArray[np.float64]

# Where the ROC curve is sampled: fixed, so that replicas and scores can be compared point by point.
_GRID = np.round(np.linspace(0.01, 1.0, 100), 2)


class Column:
    """A score on a signal with the background weighted in one way: the sample, then replicas.

    Args:
        config: what is measured.
    """

    def __init__(self, config: EvaluationConfig) -> None:
        self._config = config
        self._grid = np.concatenate([_GRID, config.signal_efficiencies])
        self._auc = np.full(1 + config.n_bootstrap, np.nan)
        self._efficiency = np.full((1 + config.n_bootstrap, len(self._grid)), np.nan)

    def fill(self, i: int, background: Floats, signal: Floats) -> None:
        """Note the curve of the sample (0) or a replica, from weights added up by threshold."""
        roc = Roc.of(background, signal)
        self._auc[i] = roc.auc
        self._efficiency[i] = roc.background_efficiency_at(self._grid)

    def figures(self, n_effective: float) -> dict[str, Any]:
        """The fields of :class:`~darkclr.evaluation.results.Figures`.

        Args:
            n_effective: effective number of background jets.
        """
        quoted = np.array(self._config.signal_efficiencies)
        curve, at_quoted = np.split(self._efficiency, [len(_GRID)], axis=1)
        low, high = central_interval(curve[1:])
        rejection, improvement = (
            {
                f"{e:g}": _number(value, error, bound)
                for e, value, error in zip(quoted, values[0], half_width(values[1:]), strict=True)
            }
            for values, bound in (
                (background_rejection(at_quoted), rejection_lower_bound(n_effective)),
                (significance_improvement(quoted, at_quoted), None),
            )
        )
        return {
            "n_background_effective": n_effective,
            "auc": float(self._auc[0]),
            "auc_error": _finite(half_width(self._auc[1:])),
            "background_rejection": rejection,
            "significance_improvement": improvement,
            "maximum_significance_improvement": self._maximum(curve, n_effective),
            "roc": Curve(
                tuple(_GRID.tolist()),
                tuple(curve[0].tolist()),
                tuple(map(_finite, low)),
                tuple(map(_finite, high)),
            ),
        }

    def _maximum(self, curve: Floats, n_effective: float) -> Maximum:
        """Largest ε_S/√ε_B on the grid where enough background passes."""
        allowed = curve[0] * n_effective >= self._config.minimum_background
        if not np.any(allowed):
            return Maximum(None, None)
        values, *replicas = significance_improvement(_GRID[allowed], curve[:, allowed])
        # Each replica may have its maximum elsewhere: the search is part of the uncertainty.
        error = _finite(half_width(np.max(replicas, axis=1)))
        best = int(np.argmax(values))
        return Maximum(float(values[best]), error, signal_efficiency=float(_GRID[allowed][best]))


def _number(value: float, error: float, bound: float | None) -> FigureOfMerit:
    if np.isfinite(value):
        return FigureOfMerit(float(value), _finite(error))
    return FigureOfMerit(None, None, bound)


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
