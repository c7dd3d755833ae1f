"""Jets that are scored after each epoch of a fit, for pictures: nothing that is kept sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from darkclr.anomaly.detector import Detector, Progress

__all__ = ["Watch"]


@dataclass(frozen=True, eq=False)
class Watch:
    """Columns of the history: energies of background and signals, and the AUC between them.

    It stands behind the training as its ``progress``: it is told of an epoch when that is over,
    draws no random number, and changes nothing but the row that it is told. Rows that a fit takes
    from its checkpoint have the columns already.

    Args:
        detector: that is being fitted.
        background: (n, d) columns of background jets of which the fit knows nothing.
        signals: the same of signals, by name.
        progress: who else is told.
    """

    detector: Detector
    background: NDArray
    signals: Mapping[str, NDArray]
    progress: Progress | None = None

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Add ``background_energy``, and ``NAME_energy`` and ``NAME_auc`` of each signal."""
        if "background_energy" not in row:
            assert isinstance(row, dict)
            row.update(self._columns())
        if self.progress is not None:
            self.progress(row)

    def _columns(self) -> dict[str, float]:
        background = self.detector.score_samples(self.background)
        columns = {"background_energy": float(background.mean())}
        for name, X in self.signals.items():
            signal = self.detector.score_samples(X)
            columns[f"{name}_energy"] = float(signal.mean())
            columns[f"{name}_auc"] = _auc(background, signal)
        return columns


def _auc(background: NDArray, signal: NDArray) -> float:
    """NaN while a training diverges."""
    scores = np.concatenate([background, signal])
    if not np.isfinite(scores).all():
        return float("nan")
    return float(roc_auc_score(np.repeat([0, 1], [len(background), len(signal)]), scores))
