"""darkclr: from collisions to representations to anomaly scores of jets."""

__version__ = "0.1.0"
