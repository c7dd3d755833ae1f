"""Model directories with an encoder that was not trained: it computes as a trained one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from toy import toy_jets

from darkclr.anomaly.fitting import fit_scores
from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import Fingerprint, begin_model, save_model
from darkclr.representations import Representations
from darkclr.split import Split

__all__ = ["TINY", "write_model"]

TINY = EncoderConfig(
    n_constituents=20, embedding_dim=16, feedforward_dim=24, output_dim=12, n_heads=2, n_layers=2
)


def write_model(
    folder: Path, scores: Mapping[str, Mapping[str, Any]], encoder: EncoderConfig = TINY
) -> Path:
    """``folder`` with a random encoder and these scores, fitted on toy jets."""
    torch.manual_seed(1)
    network = Encoder(encoder).eval()
    jets = toy_jets(800, seed=1)
    begin_model(folder / "encoder", {"encoder": asdict(encoder)}, Fingerprint().add(jets))
    save_model(folder / "encoder", network, {})
    rows = Representations.concatenate(
        [encode(network, jets), encode(network, jets, dropped=Augmentations())]
    )
    fit_scores(scores, rows, folder / "scores", split=Split(0.5, 0.5, 0.0), jets=jets, seed=1)
    return folder
