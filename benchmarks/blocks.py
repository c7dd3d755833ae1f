"""How many blocks of a trained encoder the discriminant needs: the pooled sums of the first ones.

    python benchmarks/blocks.py runs/robustness [runs/smaller ...] [--n 6000]
    python benchmarks/blocks.py runs/robustness [...] --signals aachen rinv05 rinv02 m10 m20

Reads ensembles of encoders with `pooling: all` on the same jets. Of each encoder the discriminant
given jet pT is fitted on the sums after its first K blocks and the mean after the K-th, as an
encoder that ends there would give, and asked for weak copies of test jets (`families.py`), AUC and
rejection at an efficiency of 0.2: mean and standard deviation over the encoders. What is lost there
is what the last blocks add; what a shallower training loses, an ensemble of its own tells. With
`--signals` the same at equal jet pT on signals: a look, to be logged.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from families import WEAK, Direction, Part, figures
from numpy.typing import NDArray

from darkclr.augmentations import Augmentations
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode_constituents, prepare
from darkclr.contrastive.model_directory import load_encoder, training_split
from darkclr.io import read_jets
from darkclr.io.representations import read_representations
from darkclr.jets import Jets
from darkclr.representations import Representations
from darkclr.reweighting import equal_spectrum_weights


class Rows(NamedTuple):
    """What is read of representations."""

    pooled: NDArray[np.float32]
    n_constituents: NDArray[np.int64]
    pt: NDArray[np.float32]


def copies(encoder: Encoder, jets: Jets) -> dict[str, Rows]:
    """Weak copies of whole jets: what a network reads of them is cut off afterwards."""
    whole = prepare(jets.constituents, replace(encoder.config, n_constituents=10_000))
    families = Augmentations(anomalous={name: [family] for name, (_, family) in WEAK.items()})
    rows = {}
    for name, view in zip(WEAK, families.altered(whole, np.random.default_rng(0)), strict=True):
        read = prepare(view, encoder.config)
        rows[name] = Rows(encode_constituents(encoder, read)[0], read.lengths, jets.pt)
    return rows


def cut(rows: Representations | Rows, encoder: Encoder, n_blocks: int) -> NDArray[np.float32]:
    """Pooled representation of the first blocks."""
    sums = rows.pooled[:, : n_blocks * encoder.config.embedding_dim]
    n = np.minimum(rows.n_constituents, encoder.config.n_constituents)[:, None]
    return np.hstack([sums, sums[:, -encoder.config.embedding_dim :] / n]).astype(np.float32)


def _spread(values: list[tuple[float, float]], axis: int) -> NDArray[np.float64]:
    return np.std(values, axis=axis, ddof=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ensembles", type=Path, nargs="+")
    parser.add_argument("--signals", nargs="*", default=[], help="samples to look at")
    parser.add_argument("--n", type=int, default=6000, help="test jets to alter")
    options = parser.parse_args()
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for model in [m for e in options.ensembles for m in sorted(e.glob("encoder-*"))]:
        encoder, split = load_encoder(model / "encoder"), training_split(model / "encoder")
        qcd = read_representations(model / "representations" / "qcd.parquet")
        train, validation = (qcd.part(name, split) for name in ("train", "validation"))
        test, copied = qcd.part("test", split), train[train.dropped]
        train, validation, test = (part[~part.dropped] for part in (train, validation, test))
        signals = {
            name: read_representations(model / "representations" / f"{name}.parquet")
            for name in options.signals
        }
        weak: dict[str, Rows] = {}
        if not signals:
            jets = read_jets(model.parent / "samples" / "qcd.parquet").part("test", split)
            weak = copies(encoder, jets[slice(0, options.n)])
        for k in range(1, encoder.config.n_layers + 1):
            parts = [Part(cut(r, encoder, k), r.pt) for r in (train, validation, test)]
            score = Direction((parts[0], parts[1]), [cut(copied, encoder, k)])
            own, kind = score(parts[2]), f"{model.parent.name}, {k}"
            for name, altered in weak.items():
                part = Part(cut(altered, encoder, k), altered.pt)
                found[kind][name].append(figures(own, score(part)))
            for name, rows in signals.items():
                ones = np.ones(len(test)), np.ones(len(rows))
                weight = equal_spectrum_weights([test.pt], ones[0], [rows.pt], ones[1])
                values = score(Part(cut(rows, encoder, k), rows.pt))
                found[kind][name].append(figures(own, values, weight))
        print(model, flush=True)
    names = list(next(iter(found.values())))
    print("| ensemble, blocks | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    for kind, by_name in found.items():
        mean, spread = ({n: f(by_name[n], axis=0) for n in names} for f in (np.mean, _spread))
        cells = [
            f"{mean[n][0]:.3f} ± {spread[n][0]:.3f} / {mean[n][1]:.3g} ± {spread[n][1]:.2g}"
            for n in names
        ]
        print(f"| {kind} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
