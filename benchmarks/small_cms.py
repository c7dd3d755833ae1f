"""The autoencoders of ``darkclr reproduce cms`` on fewer jets, for an hour of one core.

python benchmarks/small_cms.py SAMPLES OUTPUT [TRAININGS]

SAMPLES has ``top*.parquet`` and ``svj_MASS_SHARE.parquet`` of the grid, from `darkclr generate`.
What is written is figure, numbers and claims as the study makes them, without DarkCLR beside them.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from darkclr.cli import console
from darkclr.io.reading import read_jets
from darkclr.jets import Jets
from darkclr.report.figures.style import pdf, png
from darkclr.studies.reproduction.cms.sizes import SIZES, grid
from darkclr.studies.reproduction.cms.study import measured

_OPTIONS = {
    "ae_cms": {"epochs": 400},
    "nae_cms": {"epochs": 200, "transported": 512},
    "wnae_cms": {"epochs": 80, "transported": 512},
}


def main(samples: Path, output: Path, trainings: int) -> None:
    """Fit, draw, write."""
    sizes = replace(SIZES["laptop"], trainings=trainings, options=_OPTIONS)
    parts = [read_jets(path) for path in sorted(samples.glob("top*.parquet"))]
    train, test = (
        Jets.concatenate(
            [jets.part(part, replace(sizes.split, train=0.6, test=0.36)) for jets in parts]
        )
        for part in ("train", "test")
    )
    signals = {name: read_jets(samples / f"{name}.parquet") for name in grid(sizes)}
    result = measured(train, test, signals, sizes, output / "fits", console)
    (output / "figure.png").write_bytes(png(result.figure))
    (output / "figure.pdf").write_bytes(pdf(result.figure))
    document = {
        "command": "python benchmarks/small_cms.py " + " ".join(sys.argv[1:]),
        "jets": {"train": len(train), "test": len(test)} | {k: len(v) for k, v in signals.items()},
        "trainings": trainings,
        "options": _OPTIONS,
        "claims": [asdict(claim) for claim in result.claims],
        "tables": result.tables,
        "remarks": result.remarks,
        "not_run": result.not_run,
        "numbers": result.numbers,
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    (output / "result.json").write_text(text + "\n", encoding="utf-8")
    for claim in result.claims:
        print(f"{claim.verdict}: {claim.sentence}. {claim.found}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int((sys.argv[3:] or ["2"])[0]))
