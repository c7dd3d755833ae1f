"""The processes that can be simulated, one by one, and the model of the dark sector."""

from darkclr.simulation.processes.catalogue import PROCESSES, get_process
from darkclr.simulation.processes.process import EarlyVeto, JetSelection, Match, Process

__all__ = ["PROCESSES", "EarlyVeto", "JetSelection", "Match", "Process", "get_process"]
