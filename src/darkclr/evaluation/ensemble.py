"""Several runs of one configuration -> mean and spread of their figures of merit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from darkclr.errors import InputError
from darkclr.evaluation.summary import summary_rows

__all__ = ["ensemble_rows"]


def ensemble_rows(metrics: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows like those of :func:`summary_rows`: value = mean, error = standard deviation over runs.

    The error is the spread over seeds alone; that of the test sample, which all runs share, is in
    each run's own metrics. A mean is ``None`` where one of the runs has no value.

    Raises:
        InputError: fewer than two runs, or runs with different scores or signals.
    """
    if len(metrics) < 2:
        raise InputError(f"{len(metrics)} runs make no ensemble", mend="give two or more")
    by_run = [{(row["signal"], row["score"]): row for row in summary_rows(m)} for m in metrics]
    if any(rows.keys() != by_run[0].keys() for rows in by_run):
        raise InputError("the runs have different scores or signals")
    rows = []
    for key, first in by_run[0].items():
        row = {name: first[name] for name in ("signal", "score", "title", "baseline")}
        for name, number in first.items():
            if isinstance(number, dict):
                row[name] = _mean_and_spread([rows_[key][name]["value"] for rows_ in by_run])
        rows.append(row)
    return rows


def _mean_and_spread(values: Sequence[float | None]) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {"value": None, "error": None}
    return {"value": float(np.mean(known)), "error": float(np.std(known, ddof=1))}
