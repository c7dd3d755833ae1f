"""How a trained encoder sees every augmentation, on background alone.

    python benchmarks/augmentation_pairs.py runs/hour/encoder-1 runs/hour/samples/qcd.parquet

A physical one alters the positive view: watch alignment = mean s(z, z'). An anomalous one alters
the anomalous view: watch separation = mean s(z, z*) and the AUC of the norm.
"""

import argparse
from pathlib import Path
from typing import Any

from darkclr.augmentations import (
    Augmentations,
    BranchDrop,
    CollinearSplitting,
    ConstituentDrop,
    DetectorSmearing,
    NonUniformDecay,
    PtReweighting,
    SoftSmearing,
)
from darkclr.contrastive.encoding import prepare
from darkclr.contrastive.model_directory import load_encoder, training_split
from darkclr.contrastive.pairs import pair_similarities, summarise_pairs
from darkclr.io import read_jets

ANOMALOUS = (
    ConstituentDrop(),
    ConstituentDrop((0.1, 0.6)),
    BranchDrop(),
    NonUniformDecay(),
    PtReweighting(),
    DetectorSmearing(),
)
POSITIVE = (SoftSmearing(), CollinearSplitting())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="directory with `encoder`")
    parser.add_argument("jets", type=Path, help="the file of background that it was trained on")
    parser.add_argument("--n", type=int, default=400, help="jets of the test part")
    arguments = parser.parse_args()
    encoder = load_encoder(arguments.model / "encoder")
    jets = read_jets(arguments.jets).part("test", training_split(arguments.model / "encoder"))
    constituents = prepare(jets[: arguments.n].constituents, encoder.config)
    cases: list[tuple[Any, Augmentations]] = [(a, Augmentations(anomalous=[a])) for a in ANOMALOUS]
    cases += [(p, Augmentations(positive=[p], anomalous=[])) for p in POSITIVE]
    for item, augmentations in cases:
        found = summarise_pairs(pair_similarities(encoder, constituents, augmentations, seed=0))
        print(
            f"{item!s:<70} alignment {found['alignment']:6.3f}  "
            f"separation {found['anomaly_similarity']:6.3f}  norm AUC {found['norm_auc']:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
