"""How a normalized autoencoder moves with the length of its normalisation, on background alone.

    OMP_NUM_THREADS=1 python benchmarks/nae_length.py runs/robustness/encoder-1 runs/nae_length
    OMP_NUM_THREADS=1 python benchmarks/nae_length.py runs/robustness/encoder-1 runs/nae_fewer \
        --spaces z --steps 10 --step_size 12.8

Reads a run, or an encoder of an ensemble. Fits `nae` with the published schedule, 200 epochs as an
autoencoder and 100 of normalisation (arXiv:2312.03067, section 5.1), on z, on z in units of its
spread, and on the pooled representation; resumed where it was stopped. The table has the
autoencoder it starts from, the 5 epochs of `configs/ten_minutes.yaml`, ten times as many, and all
100: the AUC of E between validation jets and their own dropped copies, E+ - E- over E+ with its
error, the acceptance of the chains, and how much farther their samples are from jets than other
jets are, over the distance of jets to jets. No label is read.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from darkclr.anomaly.fitting import fit_scores
from darkclr.contrastive.model_directory import training_split
from darkclr.io.representations import read_representations
from darkclr.io.timings import read_timings

SCHEDULE = {"score": "nae", "pretraining_epochs": 200, "epochs": 100, "selection": "last"}
SPACES: dict[str, dict[str, object]] = {
    "z": {},
    "z_rescaled": {"rescale": True},
    "pooled": {"reads": "pooled"},
}
EPOCHS = (5, 50, 100)


def rows(directory: Path) -> list[str]:
    """Lines of the table of one fit."""
    history = pd.read_csv(directory / "history.csv")
    before = json.loads((directory / "verdict.json").read_text())["auc_before"]
    done = history[history.stage == "normalisation"].set_index("epoch")
    lines = [f"| {directory.name} | 0 | {before:.3f} | | | |"]
    for epoch in EPOCHS:
        row = done.loc[epoch]
        energy, error = row.energy_difference, row.energy_difference_error
        of_data = row.energy_movers_distance - row.excess_distance
        lines.append(
            f"| {directory.name} | {epoch} | {row.dropped_auc:.3f} "
            f"| {energy / row.trimmed_energy:+.2f} ± {error / row.trimmed_energy:.2f} "
            f"| {row.acceptance:.2f} | {row.excess_distance / of_data:+.2f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="run, or encoder of an ensemble")
    parser.add_argument("output", type=Path, help="directory of the fits")
    parser.add_argument("--spaces", nargs="+", choices=SPACES, default=list(SPACES))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--step_size", type=float)
    options = parser.parse_args()
    model = options.model
    given = {"steps": options.steps, "step_size": options.step_size}
    chains = {name: value for name, value in given.items() if value is not None}
    split = training_split(model / "encoder")
    paths = (model / "representations").glob("*.parquet")
    background = next(r for r in map(read_representations, paths) if not r.label.any())
    scores = {name: SCHEDULE | SPACES[name] | chains for name in options.spaces}
    print("| space | epoch | AUC on copies | (E+ - E-)/E+ | acceptance | excess distance |")
    print("|---|---|---|---|---|---|")
    for name, parameters in scores.items():
        fit_scores({name: parameters}, background, options.output, split=split)
        print("\n".join(rows(options.output / name)), flush=True)
    for name in scores:
        print(f"{name}: {read_timings(options.output / name)['fit'] / 60:.1f} minutes")


if __name__ == "__main__":
    main()
