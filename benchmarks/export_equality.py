"""How equal an exported model is to the library, and either to double precision, on jets of a file.

    PYTHONPATH=examples python benchmarks/export_equality.py MODEL jets.parquet [number of jets]

MODEL has encoder and scores. For each output: the largest difference in units of its largest value,
and the share of jets in which it is above 1e-5,

- between the file and the library;
- between the file and the library's scores of the representations that the file gives;
- between the library and itself with the encoder in double precision, rounded at its end.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime_scores import score

from darkclr.anomaly.scoring import load_scores, score_table
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import load_encoder
from darkclr.export import export
from darkclr.io import read_jets


class _Double(Encoder):
    def forward(self, batch):
        return super().forward(replace(batch, features=batch.features.double()))


def main(model: Path, source: Path, n_jets: int) -> None:
    torch.set_num_threads(1)
    jets = read_jets(source)[:n_jets]
    parts = jets.constituents
    with tempfile.TemporaryDirectory() as folder:
        export(model, Path(folder) / "model.onnx")
        session = onnxruntime.InferenceSession(Path(folder) / "model.onnx")
    file = score(session, parts.lengths, np.stack([parts.pt, parts.eta, parts.phi], axis=1))

    encoder = load_encoder(model / "encoder")
    fitted = [s for s in load_scores(model / "scores") if s.name in file]
    exact = _Double(encoder.config)
    exact.load_state_dict(encoder.state_dict())
    rows = encode(encoder, jets)
    double = encode(exact.double(), jets)

    def values(representations):
        table = score_table({"": representations}, fitted, p_values=True)
        return lambda name: (
            getattr(representations, name) if name in ("z", "pooled") else table[name].to_numpy()
        )

    library = values(rows)
    same = values(replace(rows, z=file["z"], pooled=file["pooled"]))
    exactly = values(replace(double, encoder=rows.encoder))
    print(f"{'':32}{'file':>18}{'same':>18}{'double':>18}")
    for name in file:
        scale = max(1, np.abs(library(name)).max())
        pairs = ((file[name], library), (file[name], same), (exactly(name), library))
        differences = [np.abs(a - b(name)) / scale for a, b in pairs]
        print(
            f"{name:32}" + "".join(f"{d.max():11.1e}{np.mean(d > 1e-5):7.2%}" for d in differences)
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1000)
