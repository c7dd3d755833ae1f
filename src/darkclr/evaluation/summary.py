"""The summary table: one row a score and signal sample, for the command line and the report."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["format_number", "summary_rows"]


def summary_rows(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the summary table: by signal sample, baselines first, then by falling AUC.

    Each row has ``signal``, ``score`` (name), ``title``, ``baseline``, ``auc`` and, for each
    quoted signal efficiency e, ``rejection_e``, and ``max_sic``; a figure of merit is a mapping of
    ``value``, ``error`` and, where no background passes, ``lower_bound``.
    Write them with :func:`format_number`.
    """
    rows = []
    for score, entry in metrics["scores"].items():
        for signal, result in entry["signals"].items():
            row = {
                "signal": signal,
                "score": score,
                "title": entry["title"],
                "baseline": entry["baseline"],
                "auc": {"value": result["auc"], "error": result["auc_error"]},
            }
            for efficiency, number in result["background_rejection"].items():
                row[f"rejection_{efficiency}"] = number
            row["max_sic"] = result["maximum_significance_improvement"]
            rows.append(row)
    signals = list(dict.fromkeys(row["signal"] for row in rows))
    return sorted(
        rows,
        key=lambda row: (
            signals.index(row["signal"]),
            not row["baseline"],
            -row["auc"]["value"],
        ),
    )


def format_number(number: dict[str, Any]) -> str:
    """Value ± error, rounded to two digits of the error; a bound or a dash where there is none.

    >>> format_number({"value": 0.75731, "error": 0.00412})
    '0.757 ± 0.004'
    >>> format_number({"value": 58.93, "error": 3.21})
    '58.9 ± 3.2'
    >>> format_number({"value": 412.7, "error": 61.3})
    '413 ± 61'
    >>> format_number({"value": None, "error": None, "lower_bound": 1668.9})
    '> 1670'
    >>> format_number({"value": None, "error": None})
    '–'
    """
    value, error = number["value"], number["error"]
    if value is None:
        bound = number.get("lower_bound")
        return "–" if bound is None else f"> {_significant(bound, 3)}"
    if not error:
        return f"{value:.4g}"
    # AUC to three decimals at least costs nothing; larger numbers show two digits of the error.
    decimals = max(0, 1 - math.floor(math.log10(error)))
    decimals = min(decimals, 3) if abs(value) <= 1 else decimals
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def _significant(value: float, digits: int) -> str:
    return f"{round(value, digits - 1 - math.floor(math.log10(abs(value)))):.0f}"
