"""Similarities of pairs in the course of a training, from its history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["PAIRS", "at_end", "merged", "read_curves"]

#: Columns of a history: a physical and an anomalous pair.
PAIRS = ("alignment", "anomaly_similarity")


def read_curves(encoder: Path) -> dict[str, NDArray]:
    """The last step and epoch of each row of steps, and the mean similarities of its steps.

    Epochs end with rows of few steps, whose means fluctuate: they go with the row before.

    Args:
        encoder: directory of a trained encoder.
    """
    from darkclr.report.run_files import read_history  # an extra

    return merged(read_history(encoder / "history.csv", ("step", "epoch", *PAIRS)))


def merged(history: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Rows of a history, those of few steps with the row before."""
    step = history["step"]
    n_steps = np.diff(step, prepend=-1)
    start = np.flatnonzero((2 * n_steps > n_steps.max()) | (step == step[0]))
    last = np.append(start[1:], len(step)) - 1
    counts = np.add.reduceat(n_steps, start)
    return {
        "step": step[last],
        "epoch": history["epoch"][last],
        **{name: np.add.reduceat(n_steps * history[name], start) / counts for name in PAIRS},
    }


def at_end(curves: Mapping[str, NDArray]) -> dict[str, float]:
    """Mean similarities over the last epoch: one batch of it fluctuates."""
    mine, n_steps = curves["epoch"] == curves["epoch"][-1], np.diff(curves["step"], prepend=-1)
    return {name: float(np.average(curves[name][mine], weights=n_steps[mine])) for name in PAIRS}
