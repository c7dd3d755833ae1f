"""Claims of trainings that are tested on other jets."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest

pytest.importorskip("lightning")
pytest.importorskip("matplotlib")

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.beyond.transfer import _SCORES, _result


def metrics(auc: float) -> SimpleNamespace:
    figures = {"auc": FigureOfMerit(auc, 0.003), "rejection_0.2": FigureOfMerit(30.0, 2.0)}
    one = SimpleNamespace(summary=lambda: figures)
    result = SimpleNamespace(summary=lambda: figures, matched=one)
    return SimpleNamespace(
        scores=dict.fromkeys(_SCORES, SimpleNamespace(signals={"aachen": result}))
    )


def test_claims_are_sentences_that_say_what_was_trained_and_what_tested():
    kinds = ["150–300 GeV", "200–400 GeV"]
    found = {(a, b): metrics(0.8 if a == b else 0.79) for a in kinds for b in kinds}
    result = _result(found, kinds)
    first = result.claims[0]
    assert first.sentence == (
        "Trained on other jets, the discriminant given pT has the AUC of a training on the tested "
        "kind, within 0.02, as simulated"
    )
    assert first.found.startswith(
        "trained on 200–400 GeV, tested on 150–300 GeV, allowed and found difference 0.02 against"
    )
    assert all(claim.sentence[0].isupper() for claim in result.claims)
    picture = result.figure
    picture.canvas.draw()
    for axes in picture.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
