"""Files of a few jets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from foreign import random_jets, write_top_tagging
from toy import toy_jets

from darkclr.io import write_jets


@pytest.fixture(scope="session")
def table() -> list[np.ndarray]:
    """Seven jets, rows (pt, eta, phi) of each."""
    return random_jets(7)


@pytest.fixture
def parquet(tmp_path) -> Path:
    """Twenty toy jets."""
    write_jets(toy_jets(20, seed=1), tmp_path / "jets.parquet")
    return tmp_path / "jets.parquet"


@pytest.fixture
def hdf5(tmp_path) -> Path:
    """Five jets."""
    return write_top_tagging(tmp_path / "jets.h5", random_jets(5), [0, 1, 0, 1, 1])
