"""Rate of an exported model in onnxruntime against the library, on one core.

    PYTHONPATH=tests/helpers:examples python benchmarks/exported.py [number of jets]

An encoder of the default size, untrained, with scores fitted on toy jets that have as many
constituents as QCD jets; from constituents in memory to representation and scores. CPU seconds,
medians over turns; the two take turns. First what they give is compared.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from models import write_model
from onnxruntime_scores import score
from toy import toy_jets

from darkclr.anomaly.scoring import load_scores, score_table
from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import load_encoder
from darkclr.export import export

TURNS = 5
SCORES = ("norm", "discriminant", "autoencoder", "knn")


def main(n_jets: int) -> None:
    torch.set_num_threads(1)
    jets = toy_jets(n_jets, seed=3, mean=35)
    parts = jets.constituents
    flat = np.stack([parts.pt, parts.eta, parts.phi], axis=1)
    for names in ((), SCORES):
        with tempfile.TemporaryDirectory() as folder:
            model, file = Path(folder) / "model", Path(folder) / "model.onnx"
            write_model(model, {name: {} for name in names or ("norm",)}, EncoderConfig())
            export(model, file)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(file, options)
            encoder, fitted = load_encoder(model / "encoder"), load_scores(model / "scores")

        def library(encoder=encoder, fitted=fitted, scored=bool(names)):
            rows = encode(encoder, jets)
            return rows.z, score_table({"": rows}, fitted) if scored else None

        def exported(session=session):
            return score(session, parts.lengths, flat)["z"], None

        a, b = library()[0], exported()[0]
        assert np.abs(a - b).max() < 1e-5 * np.abs(a).max()
        seconds = {
            f: np.median([_cpu_seconds(f) for _ in range(TURNS)]) for f in (library, exported)
        }
        slow, fast = (n_jets / seconds[f] for f in (library, exported))
        what = ", ".join(names) or "norm"
        print(f"{what}: library {slow:.0f} jets/s, onnxruntime {fast:.0f} jets/s")


def _cpu_seconds(function) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
