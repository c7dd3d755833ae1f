"""Fig. 3: how steeply rejections fall."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

pytest.importorskip("lightning")

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.paper.fig3 import _fall


def member(low: float, high: float, relative: float = 0.0):
    figures = {
        "rejection_0.1": FigureOfMerit(low, relative * low),
        "rejection_0.3": FigureOfMerit(high, relative * high),
    }
    of = SimpleNamespace(summary=lambda: figures, matched=None)
    return SimpleNamespace(scores={"norm": SimpleNamespace(signals={"aachen": of})})


def test_trainings_that_reject_more_throughout_fall_no_more():
    """Their rejections spread by a factor of ten, what is asked does not."""
    found = _fall([member(8, 4), member(80, 40), member(20, 10)], "norm", "as simulated")
    assert found == FigureOfMerit(pytest.approx(math.log(2)), pytest.approx(0.0, abs=1e-12))


def test_the_test_jets_count_too():
    found = _fall([member(8, 4, 0.1), member(80, 40, 0.1)], "norm", "as simulated")
    assert found.error == pytest.approx(0.1 * 2**0.5)


def test_without_matched_jets_it_is_unknown():
    assert _fall([member(8, 4)], "norm", "at equal pT").value is None
