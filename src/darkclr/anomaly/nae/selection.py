"""Which epoch of a normalisation is kept. No rule sees anything but background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

__all__ = ["Selection", "selected_epoch"]

Selection = Literal[
    "energy_difference", "dropped_auc", "energy_movers_distance", "wasserstein", "last"
]

# The quantity that the best epoch has smallest, from a row of the history.
_SMALLEST = {
    "energy_difference": lambda row: abs(row["energy_difference"]),
    "dropped_auc": lambda row: -row["dropped_auc"],
    "wasserstein": lambda row: row["wasserstein"],
}

# A rise is this many times the noise above the smallest value so far, in so many epochs in a row.
_NOISE, _IN_A_ROW = 3.0, 3


def selected_epoch(rows: Sequence[Mapping[str, Any]], rule: Selection, burn_in: int) -> int:
    """The epoch that a rule takes of those after the burn-in, 0 if there is none yet.

    - "energy_difference": E₊ - E₋ closest to zero on validation rows (arXiv:2312.03067), of means
      without the largest 5 %, see :mod:`~darkclr.anomaly.nae.robust`;
    - "dropped_auc": largest AUC between validation rows and the background's own dropped copies
      (thesis section 4.5.1);
    - "energy_movers_distance": smallest distance between data and samples before it rises (CMS
      2023: "just before the EMD increase"). Each epoch has the median of itself and its two
      neighbours, so the last one is no candidate. It rises where three such medians in a row are
      above the smallest so far by three times the noise, which the second differences of the
      curve tell, whether it falls or not;
    - "wasserstein": smallest Wasserstein loss between data and samples (CMS 2026);
    - "last".

    The answer for the first k epochs is k, k - 1 or the answer for k - 1: whoever keeps the weights
    of the last epoch and of the answer has the right ones at the end.

    Args:
        rows: of the history, one an epoch of the normalisation, in order.
        rule: of the five.
        burn_in: epochs that are no candidates.

    >>> rows = [{"epoch": e, "wasserstein": w} for e, w in enumerate((1, 4, 2, 3), start=1)]
    >>> selected_epoch(rows, "wasserstein", burn_in=1)
    3
    """
    candidates = [row for row in rows if row["epoch"] > burn_in]
    if not candidates:
        return 0
    if rule == "last":
        return candidates[-1]["epoch"]
    if rule == "energy_movers_distance":
        distance = np.array([row["energy_movers_distance"] for row in candidates])
        return candidates[_before_the_rise(distance)]["epoch"]
    return min(candidates, key=_SMALLEST[rule])["epoch"]


def _before_the_rise(curve: np.ndarray) -> int:
    """Index of the smallest running median of three before they rise for good."""
    if len(curve) < 3:
        return 0
    smooth = np.median(np.stack([curve[:-2], curve[1:-1], curve[2:]]), axis=0)
    best = above = 0
    for i in range(1, len(smooth)):
        if smooth[i] < smooth[best]:
            best = i
        # Of what is known by then: later epochs do not change what was decided.
        high = smooth[i] > smooth[best] + _NOISE * _noise(curve[: i + 3])
        above = above + 1 if high else 0
        if above == _IN_A_ROW:
            break
    return best + 1


def _noise(curve: np.ndarray) -> float:
    """Standard deviation of what fluctuates about a curve without much curvature."""
    second = np.abs(np.diff(curve, 2))
    return float(np.median(second)) / (0.6745 * 6**0.5)
