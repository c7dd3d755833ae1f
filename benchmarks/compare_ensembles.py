"""Whether two ensembles of encoders differ in any figure of merit: Welch's test of their members.

    python benchmarks/compare_ensembles.py runs/ten_minutes runs/ten_minutes_float32

The directories are those of `darkclr ensemble`, over the same jets. For each score and figure of
merit (natural mixture): mean and standard deviation over the encoders of both, the difference in
units of their spread, and the probability of a larger one if both were the same. Figures of merit
of one ensemble depend on each other, so the share of small probabilities is for orientation.
Yardsticks do not depend on the encoder and are left out.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from scipy.stats import ttest_ind_from_stats

UNLIKELY = 0.05


def rows(directory: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Figures of merit of each signal and score of the plan's own representation."""
    path = directory / "table.json"
    if not path.is_file():
        raise SystemExit(f"{path}: no such file; make it with `darkclr ensemble`")
    table = json.loads(path.read_text())
    if table["densities"] != 1 or table["encoders"] < 2:
        raise SystemExit(f"{directory}: several encoders with one density each are needed")
    return {
        (row["signal"], row["title"]): {"n": table["encoders"], **row["natural"]}
        for row in table["rows"]
        if row["representation"] is None and row["natural"]["auc"]["encoders"]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    arguments = parser.parse_args()
    first, second = rows(arguments.first), rows(arguments.second)
    if first.keys() != second.keys():
        raise SystemExit(f"{arguments.second}: other scores or signals than {arguments.first}")
    print(f"| signal | score | figure | {arguments.first} | {arguments.second} | / spread | p |")
    print("|---|---|---|---|---|---|---|")
    probabilities = []
    for key in first:
        for figure in (name for name in first[key] if name != "n"):
            (a, s_a), (b, s_b) = (
                (x[key][figure]["value"], x[key][figure]["encoders"]) for x in (first, second)
            )
            p = ttest_ind_from_stats(
                a, s_a, first[key]["n"], b, s_b, second[key]["n"], equal_var=False
            ).pvalue
            probabilities.append(p)
            shift = (b - a) / math.hypot(s_a, s_b) * math.sqrt(2)
            print(
                f"| {' | '.join(key)} | {figure} | {a:.4g} ± {s_a:.2g} | {b:.4g} ± {s_b:.2g} | "
                f"{shift:+.1f} | {p:.2f} |"
            )
    small = sum(p < UNLIKELY for p in probabilities)
    print(f"\n{small} of {len(probabilities)} below {UNLIKELY}; smallest {min(probabilities):.3f}")


if __name__ == "__main__":
    main()
