"""The energy-flow detector: stable particles in, tracks, photons and neutral hadrons out."""

from darkclr.simulation.detector.card import Card
from darkclr.simulation.detector.card_file import load_card
from darkclr.simulation.detector.detector import EnergyFlowDetector
from darkclr.simulation.detector.energy_flow import EnergyFlow, Kind

__all__ = ["Card", "EnergyFlow", "EnergyFlowDetector", "Kind", "load_card"]
