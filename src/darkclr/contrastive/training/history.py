"""History of a training as a CSV table: terms of the loss by step, validation by epoch."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from darkclr.io.atomic import atomic_path

__all__ = ["History"]


class History:
    """Rows of ``step, epoch, ...``: means over intervals of steps, and one row an epoch.

    Args:
        path: the CSV file, rewritten at every end of an epoch.
        interval: steps that are averaged into a row.
    """

    def __init__(self, path: Path, interval: int = 10) -> None:
        self.path = path
        self.interval = interval
        self.rows: list[dict[str, float]] = []
        self._pending: list[dict[str, float]] = []

    def step(self, step: int, epoch: int, values: dict[str, float]) -> None:
        """Take the terms of one training step."""
        self._pending.append({"step": step, "epoch": epoch, **values})
        if len(self._pending) == self.interval:
            self._flush()

    def epoch(self, epoch: int, values: dict[str, float], *, write: bool = True) -> None:
        """Add an epoch's validation to its last row and write the file, in one process only."""
        self._flush()
        self.rows[-1] |= {f"validation_{name}": value for name, value in values.items()}
        if not write:
            return
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with (
            atomic_path(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)

    def epoch_mean(self, epoch: int, name: str) -> float:
        """Mean of a term over the steps of one epoch; its last row may be one of few steps."""
        columns = ([row[key] for row in self.rows] for key in ("epoch", "step", name))
        epochs, steps, values = map(np.array, columns)
        n_steps, mine = np.diff(steps, prepend=-1), epochs == epoch
        return float(np.average(values[mine], weights=n_steps[mine]))

    def _flush(self) -> None:
        if self._pending:
            self.rows.append(
                {
                    "step": self._pending[-1]["step"],
                    "epoch": self._pending[-1]["epoch"],
                    **{
                        name: float(np.mean([row[name] for row in self._pending]))
                        for name in self._pending[0]
                        if name not in ("step", "epoch")
                    },
                }
            )
            self._pending = []
