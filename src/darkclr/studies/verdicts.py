"""What became of the trainings of a study, for ``metrics.json``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from darkclr.anomaly.fitted import VERDICT
from darkclr.contrastive.files import read_encoder_verdict
from darkclr.io.documents import read_json

__all__ = ["read_verdicts"]


def read_verdicts(encoder: Path, scores: Path) -> dict[str, dict[str, Any]]:
    """Verdicts as plain data: of ``encoder``, and of fitted scores by name.

    Args:
        encoder: directory of the encoder; those of old versions say nothing.
        scores: directory of fitted scores; normalized autoencoders have verdicts.
    """
    of_encoder = read_encoder_verdict(encoder)
    found = {} if of_encoder is None else {"encoder": of_encoder.to_dict()}
    paths = sorted(scores.glob(f"*/{VERDICT}"))
    return found | {path.parent.name: _read(path) for path in paths}


def _read(path: Path) -> dict[str, Any]:
    # What there is no number of is null in metrics.json.
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in read_json(path).items()
    }
