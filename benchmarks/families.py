"""Which copies of the background give the direction, and what several families cost.

    python benchmarks/families.py runs/robustness/encoder-1 runs/robustness/samples/qcd.parquet
    python benchmarks/families.py ... --signals runs/robustness/samples/{aachen,m10}.parquet

Fits the discriminant given jet pT on copies of training jets by one family or several together, and
asks it for weak copies of test jets, of *other families* too: the only stand-in for unknown
signals that needs none: AUC and rejection at an efficiency of 0.2 against the test jets
themselves, both given pT; first their mean and geometric mean over the weak families. Those of a
kind that the fit has seen stand in brackets. With `--signals` the same directions at equal jet pT
on signals: a look, to be logged, and after the choice.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkclr.anomaly.conditioning import ConditionalPValue, Residual
from darkclr.anomaly.detectors.discriminant import Discriminant
from darkclr.augmentations import (
    Augmentation,
    Augmentations,
    BranchDrop,
    ConstituentDrop,
    DetectorSmearing,
    NonUniformDecay,
    PtReweighting,
)
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import load_encoder, training_split
from darkclr.evaluation.metrics import roc
from darkclr.io import read_jets
from darkclr.jets import Jets
from darkclr.reweighting import equal_spectrum_weights

EFFICIENCY = 0.2
FAMILIES: dict[str, Augmentation] = {
    "drop": ConstituentDrop((0.1, 0.6)),
    "decay": NonUniformDecay(20.0, 0.2),
    "branch": BranchDrop((0.1, 0.6), 0.2),
}
WEAK: dict[str, tuple[str, Augmentation]] = {
    "drop 0.1": ("drop", ConstituentDrop(0.1)),
    "drop 0.2": ("drop", ConstituentDrop(0.2)),
    "decay 60 GeV": ("decay", NonUniformDecay(60.0, 0.2)),
    "decay 40 GeV, R 0.1": ("decay", NonUniformDecay(40.0, 0.1)),
    "branch 0.1": ("branch", BranchDrop(0.1, 0.2)),
    "branch 0.2, R 0.1": ("branch", BranchDrop(0.2, 0.1)),
    "pT reweighted": ("pt", PtReweighting()),
    "smeared": ("smear", DetectorSmearing()),
}
MIXTURES = (
    ("drop",),
    ("decay",),
    ("branch",),
    ("drop", "decay"),
    ("drop", "branch"),
    tuple(FAMILIES),
)


def copies(
    encoder: Encoder, jets: Jets, families: dict[str, Augmentation]
) -> dict[str, NDArray[np.float32]]:
    """Pooled representation of a copy of each jet by family."""
    dropped = Augmentations(anomalous={name: [family] for name, family in families.items()})
    rows = encode(encoder, jets, dropped=dropped)
    return {name: rows.pooled[rows.family == i] for i, name in enumerate(families, start=1)}


class Part(NamedTuple):
    """Representation (n, d) and pT (n,) of some jets."""

    rows: NDArray[np.float32]
    pt: NDArray[np.float32]


class Direction:
    """The discriminant given pT between jets and copies, and its p-value given pT.

    Args:
        jets: training jets and validation jets, on which the p-value is learned.
        copies: of the training jets, of all families together.
    """

    def __init__(self, jets: tuple[Part, Part], copies: list[NDArray[np.float32]]) -> None:
        train, validation = jets
        self.given = Residual().fit(train.rows, train.pt)
        left = [self.given(rows, train.pt) for rows in (train.rows, *copies)]
        kind = np.repeat(range(len(left)), len(train.rows)) > 0
        self.line = Discriminant().fit(np.concatenate(left), kind.astype(int))
        self.p_value = ConditionalPValue().fit(self._line(validation), validation.pt)

    def _line(self, part: Part) -> NDArray[np.float64]:
        return self.line.score_samples(self.given(part.rows, part.pt))

    def __call__(self, part: Part) -> NDArray[np.float64]:
        """-ln p of each jet."""
        return self.p_value(self._line(part), part.pt)


def figures(
    background: NDArray, other: NDArray, weight: NDArray | None = None
) -> tuple[float, float]:
    """AUC and rejection."""
    label = np.repeat([0, 1], [len(background), len(other)])
    ones = np.ones(len(other))
    weights = None if weight is None else np.concatenate([weight, ones])
    curve = roc(label, np.concatenate([background, other]), weights)
    passed = max(float(curve.background_efficiency_at(EFFICIENCY)), 1 / len(background))
    return curve.auc, 1 / passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="run, or encoder of an ensemble")
    parser.add_argument("background", type=Path, help="its background jets")
    parser.add_argument("--signals", type=Path, nargs="*", default=[], help="jets to look at")
    parser.add_argument("--n", type=int, default=12000, help="jets of the training part to take")
    options = parser.parse_args()
    split = training_split(options.model / "encoder")
    encoder, jets = load_encoder(options.model / "encoder"), read_jets(options.background)
    train = jets.part("train", split)[slice(0, options.n)]
    validation, test = jets.part("validation", split), jets.part("test", split)
    fitted, watched, tested = (
        Part(encode(encoder, j).pooled, j.pt) for j in (train, validation, test)
    )
    learned = copies(encoder, train, FAMILIES)
    weak = copies(encoder, test, {name: family for name, (_, family) in WEAK.items()})
    signals = {path.stem: read_jets(path) for path in options.signals}
    rows = {name: Part(encode(encoder, j).pooled, j.pt) for name, j in signals.items()}
    print("| fitted on | mean | " + " | ".join([*WEAK, *rows]) + " |")
    print("|---|---|" + "---|" * (len(WEAK) + len(rows)))
    for mixture in MIXTURES:
        score = Direction((fitted, watched), [learned[name] for name in mixture])
        own = score(tested)
        found = {n: figures(own, score(Part(x, test.pt))) for n, x in weak.items()}
        auc = np.mean([a for a, _ in found.values()])
        rejection = np.exp(np.mean([np.log(r) for _, r in found.values()]))
        for name, part in rows.items():
            weight = equal_spectrum_weights(
                [test.pt], np.ones(len(test)), [part.pt], np.ones(len(part.pt))
            )
            found[name] = figures(own, score(part), weight)
        seen = [name for name, (kind, _) in WEAK.items() if kind in mixture]
        cells = [f"{auc:.3f} / {rejection:.3g}"] + [
            f"({a:.3f} / {r:.3g})" if name in seen else f"{a:.3f} / {r:.3g}"
            for name, (a, r) in found.items()
        ]
        print(f"| {', '.join(mixture)} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
