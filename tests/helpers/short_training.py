"""A training of seconds, ways to stop it, and what it leaves behind."""

from __future__ import annotations

import csv

from darkclr.contrastive.config import TrainingConfig

SHORT = TrainingConfig(epochs=2, batch_size=50, learning_rate=1e-2, device="cpu", seed=3)
RESULTS = ("model.safetensors", "config.yaml", "history.csv", "pairs.parquet")


def history_of(output):
    with (output / "history.csv").open() as file:
        return list(csv.DictReader(file))


class Stop(Exception):
    pass


def stop_at(step, problem):
    """A callback that raises at a step, counted from 0."""
    steps = []

    def progress(n, terms):
        steps.append(n)
        if len(steps) == step + 1:
            raise problem

    return progress
