from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _no_simulation():
    """Here jets are simulated: a small study goes the whole way."""
    return
