"""The processes that can be simulated, one by one, and the model of the dark sector."""

from darkclr.simulation.processes.catalogue import ENTRY_POINTS, PROCESSES, get_process
from darkclr.simulation.processes.dark_sector import DARK_QUARKS, DarkSector, ZPrimeToDarkShower
from darkclr.simulation.processes.process import (
    EarlyVeto,
    JetSelection,
    Match,
    Model,
    Prescale,
    Process,
)

__all__ = [
    "DARK_QUARKS",
    "ENTRY_POINTS",
    "PROCESSES",
    "DarkSector",
    "EarlyVeto",
    "JetSelection",
    "Match",
    "Model",
    "Prescale",
    "Process",
    "ZPrimeToDarkShower",
    "get_process",
]
