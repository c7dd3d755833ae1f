"""A table of scores of which everything is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from darkclr.evaluation import EvaluationConfig

N = 2000
FAST = EvaluationConfig(n_bootstrap=40)


def scores_table(seed: int = 0, **columns) -> pa.Table:
    """QCD and two signals; ``good`` separates by one standard deviation, ``blind`` not at all."""
    rng = np.random.default_rng(seed)
    sample = np.repeat(["qcd", "aachen", "light"], N)
    label = (sample != "qcd").astype(np.int8)
    event = np.tile(np.repeat(np.arange(N // 2), 2), 3)
    rank = np.tile([0, 1], 3 * N // 2).astype(np.int8)
    data = {
        "id": [f"{s}:{e}:{r}" for s, e, r in zip(sample, event, rank, strict=True)],
        "sample": sample,
        "event": event,
        "rank": rank,
        "label": label,
        "weight": np.ones(3 * N, np.float32),
        "pt": rng.uniform(150, 300, 3 * N).astype(np.float32),
        "n_constituents": rng.poisson(30, 3 * N),
        "good": rng.normal(label * np.where(sample == "light", 2.0, 1.0)),
        "blind": rng.normal(size=3 * N),
    }
    return pa.table(data | columns)
