"""The mean of a plateau."""

from __future__ import annotations

import pytest

pytest.importorskip("lightning")

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.thesis.pdrop import _mean


def test_a_mean_of_numbers_has_the_error_of_independent_ones():
    found = _mean([FigureOfMerit(0.6, 0.04), FigureOfMerit(0.8, 0.03)])
    assert found == FigureOfMerit(pytest.approx(0.7), pytest.approx(0.025))


def test_errors_that_are_unknown_stay_unknown():
    assert _mean([FigureOfMerit(0.6, None), FigureOfMerit(0.8, None)]).error is None
    assert _mean([FigureOfMerit(0.6, 0.04), FigureOfMerit(None, None)]).value is None
