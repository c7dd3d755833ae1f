"""Encoders × densities of one configuration -> means and spreads of their figures of merit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.evaluation.results import FigureOfMerit, Metrics, Row, sorted_rows

__all__ = ["Spread", "ensemble_rows"]


@dataclass(frozen=True, kw_only=True)
class Spread(FigureOfMerit):
    """A figure of merit of all members; its value is their mean, its error their spread.

    Variances have n - 1 in the denominator; a spread of one is None. All are None where a member
    has no value.

    Args:
        encoders: standard deviation of the encoders' means; each is a mean over the densities, so
            that a part of their spread, its square over their number, is still in there.
        densities: root of the mean over encoders of the variance over their densities.
        bootstrap: mean of the members' own errors. They share the test jets: it does not shrink
            with their number.
    """

    encoders: float | None
    densities: float | None
    bootstrap: float | None


def ensemble_rows(metrics: Sequence[Sequence[Metrics]]) -> list[Row]:
    """Rows like those of :meth:`Metrics.rows`, of all members together, with their spreads.

    Members of one encoder are not independent of each other, so the spreads are given apart.

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
        [{(row.signal, row.score): row for row in m.rows()} for m in of_encoder]
        for of_encoder in metrics
    ]
    first = members[0][0]
    if any(rows.keys() != first.keys() for of_encoder in members for rows in of_encoder):
        raise InputError("the members have different scores or signals", where="ensemble")
    if len({m.matched for of_encoder in metrics for m in of_encoder}) > 1:
        raise InputError(
            "the members are not all measured at equal pT",
            where="ensemble",
            fix="evaluate them anew with one evaluation.match",
        )
    rows = []
    for key, example in first.items():
        of_members = [[rows[key] for rows in of_encoder] for of_encoder in members]
        figures = {
            name: _together([[row.figures[name] for row in rows] for rows in of_members])
            for name in example.figures
        }
        matched = example.matched and {
            name: _together([[(row.matched or {})[name] for row in rows] for rows in of_members])
            for name in example.matched
        }
        rows.append(replace(example, figures=figures, matched=matched))
    return sorted_rows(rows)


def _together(numbers: Sequence[Sequence[FigureOfMerit]]) -> Spread:
    """Mean, spreads and error of a figure of merit of each member."""
    value = np.array([[n.value for n in row] for row in numbers], dtype=np.float64)
    error = np.array([[n.error for n in row] for row in numbers], dtype=np.float64)
    # (encoders, densities) each; None is NaN.
    # A score of jets knows no encoder, and one that draws nothing no density: the same number
    # several times has no spread, and counts once; the last bits make no difference.
    distinct = value
    if np.isclose(value, value[:1], rtol=1e-9, atol=0).all():
        distinct = distinct[:1]
    if np.isclose(value, value[:, :1], rtol=1e-9, atol=0).all():
        distinct = distinct[:, :1]
    return Spread(
        value=_finite(np.mean(value)),
        error=_finite(np.sqrt(_variance(distinct.ravel()))),
        encoders=_finite(np.sqrt(_variance(distinct.mean(axis=1)))),
        densities=_finite(np.sqrt(np.mean(_variance(distinct.T)))),
        bootstrap=_finite(np.mean(error)),
    )


def _finite(x: np.floating | NDArray[np.float64]) -> float | None:
    return float(x) if np.isfinite(x) else None


def _variance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the first axis, with n - 1 in the denominator; NaN for n = 1."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    # Relative to the first: equal values have no spread, not one of rounding.
    return np.asarray(np.var(values - values[0], axis=0, ddof=1))
