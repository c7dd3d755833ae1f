from __future__ import annotations

import numpy as np
import pytest
from toy import toy_jets

from darkclr.jets import Jets


@pytest.fixture(scope="session")
def jets() -> Jets:
    """Jets with all that a file may hold."""
    plain = toy_jets(100, seed=1, label=1)
    n, c = len(plain), plain.constituents
    rng = np.random.default_rng(0)
    return Jets.from_constituents(
        c.offsets,
        c.pt,
        c.eta,
        c.phi,
        label=rng.integers(-1, 2, n),
        weight=rng.random(n),
        event=rng.integers(0, 2**60, n),
        rank=rng.integers(0, 5, n),
        truth={"pthat": rng.random(n), "parton_pdg": rng.integers(-5, 5, n)},
        provenance={"process": "toy", "seed": 3, "settings": ["a = b"], "ä": None},
    )
