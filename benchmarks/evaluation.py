"""Time and peak memory of an evaluation of many jets.

    python benchmarks/evaluation.py [--jets 10000000] [--scores 6]

Writes half as many background and half as many signal jets with scores that are drawn, two jets an
event, and evaluates the file in this process: figures of merit as simulated and at equal pT, cuts
on spectra of pT and mass, 200 replicas of the bootstrap. Before it stands equality: the AUC of the
first score is that of scikit-learn.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from darkclr.evaluation import evaluate

CHUNK = 500_000


def toy_scores(label: int, first: int, n: int, n_scores: int, rng: np.random.Generator) -> pa.Table:
    event = (first + np.arange(n)) // 2
    rank = (np.arange(n) % 2).astype(np.int8)
    sample = ("qcd", "signal")[label]
    pt = (150 + rng.exponential(40 + 30 * label, n)).astype(np.float32)
    columns = {
        "id": [f"{sample}:{e}:{r}" for e, r in zip(event, rank, strict=True)],
        "sample": [sample] * n,
        "event": event,
        "rank": rank,
        "label": np.full(n, label, np.int8),
        "weight": np.ones(n, np.float32),
        "pt": pt,
        "mass": (pt * rng.beta(2, 8, n)).astype(np.float32),
    }
    for i in range(n_scores):
        columns[f"score_{i}"] = rng.normal(0.3 * (i + 1) * label, 1, n) + pt / 100
    return pa.table(columns)


def write(path: Path, n: int, n_scores: int) -> None:
    rng = np.random.default_rng(0)
    writer = None
    for label in (0, 1):
        for first in range(0, n // 2, CHUNK):
            size = min(CHUNK, n // 2 - first)
            table = toy_scores(label, first, size, n_scores, rng)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
    assert writer is not None
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=int, default=10_000_000)
    parser.add_argument("--scores", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        write(path, arguments.jets, arguments.scores)
        wall, cpu = time.perf_counter(), time.process_time()
        metrics = evaluate(path)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        table = pq.read_table(path, columns=["label", "score_0"])
    found = metrics.scores["score_0"].signals["signal"].auc
    expected = roc_auc_score(table["label"], table["score_0"])
    print(f"AUC {found:.9f}, by scikit-learn {expected:.9f}")
    print(
        f"{arguments.jets} jets, {arguments.scores} scores: {cpu:.0f} s of one core, "
        f"{wall:.0f} s on the clock, {memory:.2f} GB"
    )


if __name__ == "__main__":
    main()
