"""Trained on jets of one shower, tested on another one."""

from __future__ import annotations

from darkclr.studies.reproduction.beyond.transfer import transfer_study

# Of final-state radiation; the default of Pythia's Monash tune is 0.1365. Both are what one would
# vary for an uncertainty.
STUDY = transfer_study(
    "generator",
    "Trained on jets of Pythia as it is, tested with another strong coupling of the shower",
    {
        "αs 0.1365": {},
        "αs 0.120": {"settings": ["TimeShower:alphaSvalue = 0.120"]},
    },
)
