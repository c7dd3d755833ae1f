"""Encoders × densities of one configuration -> means and spreads of their figures of merit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.evaluation.summary import summary_rows

__all__ = ["ensemble_rows"]


def ensemble_rows(metrics: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows like those of :func:`summary_rows`, of all members together.

    Members of one encoder are not independent of each other, so the spreads are given apart. Each
    figure of merit is a mapping of

    - ``value``: mean over all members,
    - ``error``: standard deviation over all members,
    - ``encoders``: standard deviation of the encoders' means; each is a mean over the densities, so
      that a part of their spread, its square over their number, is still in there,
    - ``densities``: root of the mean over encoders of the variance over their densities,
    - ``bootstrap``: mean of the members' own errors. They share the test jets: it does not shrink
      with their number.

    Variances have n - 1 in the denominator; a spread of one is null. All are null where a member
    has no value.

    Args:
        metrics: of the members, ``metrics[encoder][density]``; as many densities for each encoder.

    Raises:
        InputError: no members, another number of densities, different scores or signals.
    """
    if not metrics or not metrics[0] or any(len(row) != len(metrics[0]) for row in metrics):
        raise InputError(
            f"{[len(row) for row in metrics]} densities for {len(metrics)} encoders make no table",
            where="ensemble",
            fix="give the same number of densities, at least one, for each encoder",
        )
    members = [
        [{(row["signal"], row["score"]): row for row in summary_rows(m)} for m in of_encoder]
        for of_encoder in metrics
    ]
    first = members[0][0]
    if any(rows.keys() != first.keys() for of_encoder in members for rows in of_encoder):
        raise InputError("the members have different scores or signals", where="ensemble")
    rows = []
    for key, example in first.items():
        row = {name: example[name] for name in ("signal", "score", "title", "baseline")}
        for name, number in example.items():
            if isinstance(number, dict):
                numbers = [[rows_[key][name] for rows_ in of_encoder] for of_encoder in members]
                row[name] = _together(numbers)
        rows.append(row)
    signals = list(dict.fromkeys(row["signal"] for row in rows))
    return sorted(
        rows,
        key=lambda row: (signals.index(row["signal"]), not row["baseline"], -row["auc"]["value"]),
    )


def _together(numbers: list[list[dict[str, Any]]]) -> dict[str, float | None]:
    """Mean, spreads and error of a figure of merit of each member."""
    value, error = (
        np.array([[number[key] for number in row] for row in numbers], dtype=np.float64)
        for key in ("value", "error")
    )  # (encoders, densities) each; null is NaN
    # A score of jets knows no encoder, and one that draws nothing no density: the same number
    # several times has no spread, and counts once; the last bits make no difference.
    distinct = value
    if np.isclose(value, value[:1], rtol=1e-9, atol=0).all():
        distinct = distinct[:1]
    if np.isclose(value, value[:, :1], rtol=1e-9, atol=0).all():
        distinct = distinct[:, :1]
    spreads = {
        "value": np.mean(value),
        "error": np.sqrt(_variance(distinct.ravel())),
        "encoders": np.sqrt(_variance(distinct.mean(axis=1))),
        "densities": np.sqrt(np.mean(_variance(distinct.T))),
        "bootstrap": np.mean(error),
    }
    return {name: float(x) if np.isfinite(x) else None for name, x in spreads.items()}


def _variance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the first axis, with n - 1 in the denominator; NaN for n = 1."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    # Relative to the first: equal values have no spread, not one of rounding.
    return np.asarray(np.var(values - values[0], axis=0, ddof=1))
