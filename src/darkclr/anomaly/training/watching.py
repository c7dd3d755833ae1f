"""Jets that are scored after each epoch of a fit, for pictures: nothing that is kept sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        together = np.concatenate([self.background, *self.signals.values()])
        ends = np.cumsum([len(self.background), *map(len, self.signals.values())])[:-1]
        background, *signals = np.split(self.detector.score_samples(together), ends)
        ordered = np.sort(background)
        columns = {"background_energy": float(background.mean())}
        for name, signal in zip(self.signals, signals, strict=True):
            columns[f"{name}_energy"] = float(signal.mean())
            columns[f"{name}_auc"] = _auc(ordered, signal)
        return columns


def _auc(ordered: NDArray, signal: NDArray) -> float:
    """Chance that a signal is above background, ties half; NaN while a training diverges."""
    if not (np.isfinite(ordered).all() and np.isfinite(signal).all()):
        return float("nan")
    below = [np.searchsorted(ordered, signal, side=side).mean() for side in ("left", "right")]
    return float(sum(below) / (2 * len(ordered)))
