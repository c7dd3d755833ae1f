"""What can be said of an ensemble without a signal: how it sees background and its dropped copies.

    python benchmarks/background_criteria.py runs/ten_minutes runs/hour

For each directory of ``darkclr ensemble``, mean and standard deviation over its encoders of

- the similarities and the AUC of the norm on validation jets after the last epoch, from
  ``encoder/history.csv``;
- the AUC of every score that reads representations between validation jets and their dropped
  copies, and the rejection of validation jets at an efficiency of 0.2 for dropped copies.

Schedules and parameters are chosen by these; no label is read.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import yaml
from sklearn.metrics import roc_auc_score

from darkclr.anomaly.scoring import load_scores
from darkclr.io.representations import read_representations
from darkclr.split import Split

EFFICIENCY = 0.2
WATCHED = (
    "validation_alignment",
    "validation_anomaly_similarity",
    "validation_background_similarity",
    "validation_norm_auc",
)


def criteria(encoder: Path, split: Split, background: str) -> dict[str, float]:
    """All criteria of one encoder and the scores on it."""
    with (encoder / "encoder" / "history.csv").open() as file:
        last = [row for row in csv.DictReader(file) if row["validation_norm_auc"]][-1]
    found = {name: float(last[name]) for name in WATCHED}
    path = encoder / "representations" / f"{background}.parquet"
    rows = read_representations(path).part("validation", split)
    for directory in sorted(encoder.glob("density-*")):
        for score in load_scores(directory / "scores"):
            if score.definition.part != "representations":
                continue
            values = score.score(rows)
            threshold = np.quantile(values[rows.dropped], 1 - EFFICIENCY)
            passed = max((values[~rows.dropped] >= threshold).sum(), 1)
            name = f"{directory.name} {score.name}"
            found[f"{name}: AUC"] = float(roc_auc_score(rows.dropped, values))
            found[f"{name}: rejection"] = float((~rows.dropped).sum() / passed)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ensembles", type=Path, nargs="+")
    for directory in parser.parse_args().ensembles:
        path = directory / "config.yaml"
        if not path.is_file():
            raise SystemExit(f"{path}: no such file; make it with `darkclr ensemble`")
        config = yaml.safe_load(path.read_text())
        split, samples = Split(**config["split"]), config["samples"]
        background = next(name for name, s in samples.items() if s["process"] == "qcd")
        complete = sorted(
            path.parents[1] for path in directory.glob(f"encoder-*/*/{background}.parquet")
        )
        if len(complete) < 2:
            raise SystemExit(f"{directory}: at least two encoders with representations are needed")
        found = [criteria(encoder, split, background) for encoder in complete]
        print(f"{directory}, {len(found)} encoders")
        for name in found[0]:
            values = np.array([one[name] for one in found if name in one])
            each = ", ".join(f"{value:.4g}" for value in values)
            print(f"  {name:<40}{values.mean():>9.4g} ± {values.std(ddof=1):<8.2g} {each}")


if __name__ == "__main__":
    main()
