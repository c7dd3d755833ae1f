from __future__ import annotations

from dataclasses import replace

import pytest

from darkclr.evaluation.results import FigureOfMerit, _below


def test_summary_has_baselines_first_then_falling_auc(metrics):
    scores = metrics.scores | {"blind": replace(metrics.scores["blind"], baseline=True)}
    rows = replace(metrics, scores=scores).rows()
    assert [(r.signal, r.score) for r in rows] == [
        ("aachen", "blind"),
        ("aachen", "good"),
        ("light", "blind"),
        ("light", "good"),
    ]
    wanted = {"auc", "rejection_0.1", "rejection_0.2", "rejection_0.5", "max_sic"}
    assert wanted <= set(rows[0].figures)
    assert str(rows[1].figures["auc"]).startswith("0.7")


def test_a_sample_without_a_title_is_called_by_its_name(metrics):
    assert metrics.title("aachen") == "aachen"
    counts = replace(metrics.samples["aachen"], title="Aachen")
    titled = replace(metrics, samples=metrics.samples | {"aachen": counts})
    assert titled.title("aachen") == "Aachen"
    assert titled.title("elsewhere") == "elsewhere"


def test_scores_that_are_no_better_than_a_yardstick_are_named(metrics):
    """In both columns of each signal; a yardstick below a score is not worth a word."""

    def with_yardstick(name):
        changed = {name: replace(metrics.scores[name], baseline=True)}
        return replace(metrics, scores=metrics.scores | changed)

    good, blind = (metrics.scores[name].title for name in ("good", "blind"))
    assert with_yardstick("good").below_yardsticks() == [
        f"{signal}, {column}: below {good} is {blind}"
        for signal in ("aachen", "light")
        for column in ("as simulated", "at equal pT")
    ]
    assert with_yardstick("blind").below_yardsticks() == []
    assert metrics.below_yardsticks() == []


@pytest.mark.parametrize(
    ("auc", "rejections", "below"),
    [
        (0.68, (9, 4), True),  # clearly worse, whatever it rejects
        (0.68, (90, 40), True),
        (0.695, (9, 4), True),  # within errors, and worse everywhere
        (0.695, (90, 4), False),
        (0.705, (9, 4), False),
        (0.695, (None, 4), False),  # nothing passes: no number to compare
    ],
)
def test_what_below_means(auc, rejections, below):
    def row(auc, rejections):
        names = ("rejection_0.1", "rejection_0.2")
        numbers = {n: FigureOfMerit(v, 1.0) for n, v in zip(names, rejections, strict=True)}
        return {"auc": FigureOfMerit(auc, 0.005)} | numbers

    assert _below(row(auc, rejections), row(0.7, (10, 5))) is below
