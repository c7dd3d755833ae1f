"""Trained with one detector, tested with another one."""

from __future__ import annotations

from darkclr.studies.reproduction.beyond.transfer import transfer_study

STUDY = transfer_study(
    "detector-card",
    "Trained on jets of one detector card, tested on those of the other",
    {"ATLAS": {}, "CMS": {"card": "cms"}},
)
