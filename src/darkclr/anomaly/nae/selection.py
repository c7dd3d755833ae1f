"""Which epoch of a normalisation is kept. No rule sees anything but background."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

__all__ = ["Selection", "selected_epoch"]

Selection = Literal[
    "energy_difference", "dropped_auc", "energy_movers_distance", "wasserstein", "last"
]

# The quantity that the best epoch has smallest, from a row of the history.
_SMALLEST = {
    "energy_difference": lambda row: abs(
        row["validation_energy"] - row["validation_negative_energy"]
    ),
    "dropped_auc": lambda row: -row["dropped_auc"],
    "wasserstein": lambda row: row["wasserstein"],
}

# Between epochs of one model the distance of 512 rows fluctuates by a few per cent: a rise is more.
_RISE = 1.2


def selected_epoch(rows: Sequence[Mapping[str, Any]], rule: Selection, burn_in: int) -> int:
    """The epoch that a rule takes of those after the burn-in, 0 if there is none yet.

    - "energy_difference": abs(E₊ - E₋) closest to zero on validation rows (arXiv:2312.03067);
    - "dropped_auc": largest AUC between validation rows and the background's own dropped copies
      (thesis section 4.5.1);
    - "energy_movers_distance": the last epoch before the distance between data and samples rises
      above 1.2 times its smallest value so far (CMS 2023: "just before the EMD increase");
    - "wasserstein": smallest Wasserstein loss between data and samples (CMS 2026);
    - "last".

    The answer for the first k epochs is either k or the answer for k - 1: whoever keeps the weights
    of an epoch when it is selected has the right ones at the end.

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
        smallest, best = math.inf, candidates[0]["epoch"]
        for row in candidates:
            if row["energy_movers_distance"] > _RISE * smallest:
                break
            smallest, best = min(smallest, row["energy_movers_distance"]), row["epoch"]
        return best
    return min(candidates, key=_SMALLEST[rule])["epoch"]
