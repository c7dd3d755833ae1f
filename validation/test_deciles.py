"""Number of constituents of simulated signal jets against the published deciles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.io import read_jets
from darkclr.simulation.sample import SampleConfig, generate

PUBLISHED = json.loads((Path(__file__).parent / "deciles.json").read_text())


def deciles(n_constituents: np.ndarray) -> np.ndarray:
    """Values at 0, 10, ... 90 % of the descending list, capped at 50."""
    descending = np.sort(np.minimum(n_constituents, 50))[::-1]
    return descending[np.arange(10) * len(descending) // 10]


@pytest.mark.slow
def test_aachen_deciles_are_within_two_of_the_published(tmp_path):
    """1000 jets know a decile to about 1."""
    path = generate(SampleConfig("aachen", n_jets=1000, shard_jets=500), tmp_path / "a.parquet")
    found = deciles(read_jets(path).n_constituents)
    assert np.abs(found - PUBLISHED["aachen"]).max() <= 2, found
