"""Verdicts: what a paper says, and whether it was found again.

Absolute numbers of another simulation are never compared. What can be tested is an order: one
number above another one on the same jets, by more than twice their errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from darkclr.evaluation.results import FigureOfMerit

__all__ = [
    "CONFIRMED",
    "ERRORS",
    "NOT_CONFIRMED",
    "NOT_TESTABLE",
    "Claim",
    "Verdict",
    "compare",
    "together",
]

#: So many errors decide.
ERRORS = 2
_NO_ERROR = "one training does not tell how another would differ"

Verdict = Literal["confirmed", "not confirmed", "not testable here"]
CONFIRMED: Verdict = "confirmed"
NOT_CONFIRMED: Verdict = "not confirmed"
NOT_TESTABLE: Verdict = "not testable here"


@dataclass(frozen=True)
class Claim:
    """What a paper says, and what was found.

    Args:
        sentence: of the paper, in our words.
        verdict: whether it was found again.
        found: by how much; empty if nothing was measured.
        reason: a possible reason why it was not confirmed, or why it is not testable.
        ours: whether it is a claim of darkclr's, on which the verdict on a paper does not depend.
    """

    sentence: str
    verdict: Verdict
    found: str = ""
    reason: str | None = None
    ours: bool = False

    @classmethod
    def untestable(cls, sentence: str, reason: str, found: str = "") -> Claim:
        """One that nothing here can decide."""
        return cls(sentence, NOT_TESTABLE, found, reason)


def compare(
    sentence: str,
    pairs: Mapping[str, tuple[FigureOfMerit, ...]],
    *,
    reason: str,
    ours: bool = False,
) -> Claim:
    """Whether in each pair the first number is above the second one by more than :data:`ERRORS`.

    A pair without any error decides nothing: where all others are above, the claim is not testable.

    Args:
        sentence: of the paper, in our words.
        pairs: two numbers on the same jets, by what they are.
        reason: a possible one if it is not confirmed.
        ours: as of :class:`Claim`.

    >>> above = {"AUC": (FigureOfMerit(0.80, 0.01), FigureOfMerit(0.75, 0.01))}
    >>> claim = compare("A is better than B", above, reason="short trainings")
    >>> print(claim.verdict, claim.found, sep=": ")
    confirmed: AUC 0.800 ± 0.010 against 0.750 ± 0.010 (+3.5 errors)
    """
    known = {
        name: (first, second)
        for name, (first, second) in pairs.items()
        if first.value is not None and second.value is not None
    }
    if not known:
        return Claim(sentence, NOT_TESTABLE, reason="there are no such numbers", ours=ours)
    above: list[bool | None] = []
    found = []
    for name, (first, second) in known.items():
        difference = (first.value or 0.0) - (second.value or 0.0)
        errors = [one.error for one in (first, second) if one.error is not None]
        error = math.hypot(*errors)
        above.append(difference > ERRORS * error if errors else None)
        by = f"{difference / error:+.1f} errors" if error else f"{difference:+.3g}"
        by += ": the opposite" * (bool(errors) and difference < -ERRORS * error)
        found.append(f"{name} {first} against {second} ({by})")
    words = "; ".join(found).replace("(-", "(−")
    if False not in above:
        verdict, why = (NOT_TESTABLE, _NO_ERROR) if None in above else (CONFIRMED, None)
        return Claim(sentence, verdict, words, why, ours)
    if n := above.count(True):
        words = f"{n} of {len(above)}: {words}"
    return Claim(sentence, NOT_CONFIRMED, words, reason, ours)


def together(claims: Sequence[Claim]) -> Verdict:
    """The verdict on a study: of what is testable in what a paper claims, all must be confirmed.

    Where no paper claims anything, our own claims count.
    """
    of_papers = [claim for claim in claims if not claim.ours]
    verdicts = {claim.verdict for claim in of_papers or claims}
    if NOT_CONFIRMED in verdicts:
        return NOT_CONFIRMED
    return CONFIRMED if CONFIRMED in verdicts else NOT_TESTABLE
