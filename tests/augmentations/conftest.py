from __future__ import annotations

import numpy as np
import pytest
from toy import toy_jets

from darkclr.augmentations import recentre
from darkclr.jets import Constituents


@pytest.fixture(scope="module")
def jets() -> Constituents:
    return recentre(toy_jets(300, seed=2).constituents.hardest(50))


@pytest.fixture
def rng():
    return np.random.default_rng(7)
