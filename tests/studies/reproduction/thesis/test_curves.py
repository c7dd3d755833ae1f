"""Similarities in the course of a training: means over steps, and over the last epoch."""

from __future__ import annotations

import numpy as np
import pytest

from darkclr.studies.reproduction.thesis.curves import PAIRS, at_end, merged


def history(n_epochs: int, steps: int, every: int = 10):
    """Rows of `every` steps, the last one of an epoch of what is left."""
    rows = []
    for epoch in range(n_epochs):
        ends = [*range(every, steps, every), steps]
        rows += [(epoch * steps + end - 1, epoch) for end in ends]
    step, epoch = np.array(rows, dtype=float).T
    # The similarity of a step is its number, so that means are known.
    mean = np.array([np.arange(a + 1, b + 1).mean() if b > a else np.nan
                     for a, b in zip(np.append(-1, step[:-1]), step, strict=True)])  # fmt: skip
    return {"step": step, "epoch": epoch, PAIRS[0]: mean, PAIRS[1]: -mean}


@pytest.mark.parametrize("steps", [91, 90, 95, 7])
def test_rows_of_few_steps_go_with_the_row_before_and_all_steps_count_once(steps):
    of = merged(history(3, steps))
    n_steps = np.diff(of["step"], prepend=-1)
    assert n_steps.sum() == 3 * steps
    assert (2 * n_steps > n_steps.max()).all()
    assert (n_steps * of[PAIRS[0]]).sum() == pytest.approx(sum(range(3 * steps)))
    for last, n, mean in zip(of["step"], n_steps, of[PAIRS[0]], strict=True):
        assert mean == pytest.approx(last - (n - 1) / 2)


@pytest.mark.parametrize("steps", [91, 95, 7])
def test_the_end_is_the_mean_over_the_last_epoch(steps):
    end = at_end(merged(history(3, steps)))
    assert end[PAIRS[0]] == pytest.approx(2 * steps + (steps - 1) / 2)
    assert end[PAIRS[1]] == -end[PAIRS[0]]
