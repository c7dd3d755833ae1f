"""Verdicts: an order that is found again by more than twice the errors, and nothing else."""

from __future__ import annotations

import pytest

from darkclr.evaluation import FigureOfMerit
from darkclr.studies.reproduction.claims import Claim, compare, together

ABOVE = (FigureOfMerit(65.0, 3.0), FigureOfMerit(50.0, 4.0))  # by three errors
WITHIN = (FigureOfMerit(59.0, 3.0), FigureOfMerit(50.0, 4.0))
BELOW = (FigureOfMerit(35.0, 3.0), FigureOfMerit(50.0, 4.0))
ALONE = (FigureOfMerit(65.0, None), FigureOfMerit(50.0, None))  # one training each


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        ({"a": ABOVE}, "confirmed"),
        ({"a": WITHIN}, "not confirmed"),
        ({"a": BELOW}, "not confirmed"),
        ({"a": ABOVE, "b": BELOW}, "not confirmed"),
        ({"a": ABOVE, "b": (FigureOfMerit(None, None), FigureOfMerit(1, 1))}, "confirmed"),
        ({}, "not testable here"),
        ({"a": ALONE}, "not testable here"),
        ({"a": (FigureOfMerit(2.0, 0.0), FigureOfMerit(1.0, None))}, "confirmed"),  # all alike
        ({"a": ABOVE, "b": ALONE}, "not testable here"),
        ({"a": ALONE, "b": WITHIN}, "not confirmed"),
    ],
)
def test_an_order_is_confirmed_where_all_pairs_show_it(pairs, verdict):
    claim = compare("x", pairs, reason="why")
    assert claim.verdict == verdict
    assert (claim.reason is None) == (verdict == "confirmed")


def test_what_was_trained_once_is_no_verdict_in_either_direction():
    claim = compare("x", {"a": ALONE[::-1]}, reason="why")
    assert claim.verdict == "not testable here"
    assert "one training" in claim.reason
    assert claim.found == "a 50 against 65 (−15)"


def test_it_says_by_how_much():
    assert (
        compare("x", {"a": ABOVE}, reason="").found
        == "a 65.0 ± 3.0 against 50.0 ± 4.0 (+3.0 errors)"
    )
    both = compare("x", {"a": ABOVE, "b": BELOW}, reason="").found
    assert both.startswith("1 of 2: ")
    assert both.endswith("(−3.0 errors: the opposite)")
    assert "opposite" not in compare("x", {"a": WITHIN[::-1]}, reason="").found


def test_a_study_is_judged_by_what_papers_claim():
    good, bad = (compare("x", {"a": pair}, reason="") for pair in (ABOVE, BELOW))
    ours = compare("x", {"a": BELOW}, reason="", ours=True)
    open_question = Claim.untestable("x", "why")
    assert together([good, open_question]) == "confirmed"
    assert together([good, bad]) == "not confirmed"
    assert together([open_question]) == "not testable here"
    assert together([good, ours]) == "confirmed"
    assert together([ours]) == "not confirmed"
