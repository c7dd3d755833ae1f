"""Trained in one window of jet pT, tested in another one."""

from __future__ import annotations

from darkclr.studies.reproduction.beyond.transfer import transfer_study

STUDY = transfer_study(
    "pt-window",
    "Trained in one window of jet pT, tested in another one",
    {
        "150–300 GeV": {},
        # From half of the threshold on, as the usual sample.
        "200–400 GeV": {
            "selection": {"pt_min": 200.0, "pt_max": 400.0},
            "settings": ["PhaseSpace:pTHatMin = 100"],
        },
    },
)
