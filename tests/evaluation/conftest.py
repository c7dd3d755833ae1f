from __future__ import annotations

import pytest
from score_tables import FAST, scores_table

from darkclr.evaluation import Metrics, evaluate


@pytest.fixture(scope="package")
def metrics() -> Metrics:
    """Figures of merit of ``scores_table()``."""
    return evaluate(scores_table(), FAST)
