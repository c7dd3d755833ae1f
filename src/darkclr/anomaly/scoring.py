"""Representations and fitted scores -> the table of scores, one row a jet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.registry import SCORES, FittedScore
from darkclr.contrastive.representations import Representations
from darkclr.errors import InputError

__all__ = ["load_scores", "score_table"]


def score_table(
    samples: Mapping[str, Representations],
    scores: Sequence[FittedScore],
    supervised: Mapping[str, NDArray] | None = None,
) -> pa.Table:
    """One row a jet: who it is and its raw scores (higher = more anomalous).

    Args:
        samples: representations by name of the sample; dropped copies are left out.
        scores: fitted scores, one column each, named as in the registry.
        supervised: a further column ``supervised`` by sample, one value an original row.

    Returns:
        Columns id ("sample:event:rank"), sample, event, rank, label, weight, pt, n_constituents,
        and a float64 column for each score.
    """
    tables = []
    for name, rows in samples.items():
        kept = rows[~rows.dropped]
        columns: dict[str, Any] = {
            "id": [f"{name}:{e}:{r}" for e, r in zip(kept.event, kept.rank, strict=True)],
            "sample": [name] * len(kept),
        }
        columns |= {
            column: getattr(kept, column)
            for column in ("event", "rank", "label", "weight", "pt", "n_constituents")
        }
        columns |= {score.name: score.score(kept).astype(np.float64) for score in scores}
        if supervised is not None:
            columns["supervised"] = supervised[name].astype(np.float64)
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def load_scores(directory: str | Path) -> list[FittedScore]:
    """All scores of a model directory, in the order of the registry.

    Raises:
        InputError: there are none, or one is broken.
    """
    directory = Path(directory)
    names = [name for name in SCORES if (directory / name / "model.safetensors").exists()]
    if not names:
        raise InputError("holds no fitted scores", where=directory, mend="run `darkclr fit` first")
    return [FittedScore.load(directory / name) for name in names]
