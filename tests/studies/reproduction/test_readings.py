"""Numbers that are read off tables of ensembles."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkclr.evaluation.ensemble.table import Table, TableRow
from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.readings import (
    _SPREAD,
    distance,
    number,
    over_trainings,
    rows_of,
    spread,
)

ROOT = Path(__file__).parents[3]
# The same ensemble on two processors.
BOTH = ("table3/result.json", "robustness_again.json")


def row(score: str, *, published: bool = True) -> TableRow:
    figures = {"auc": FigureOfMerit(0.7, None), "rejection_0.2": FigureOfMerit(30.0, None)}
    return TableRow(
        representation=None, signal="aachen", score=score, title=score, baseline=False, reads="z",
        parameters=None, fit_minutes=None, published={} if not published else {"source": "x"},
        natural=figures, gluons=None, natural_matched=figures, gluons_matched=None,
    )  # fmt: skip


@pytest.fixture
def table():
    rows = [row("nae"), row("knn_given_pt"), row("few_constituents")]
    return Table("table", 1, 1, None, None, {}, [], rows)


def test_a_single_training_has_the_spread_of_others(table):
    auc, rejection = (number(table, "nae", "aachen", figure=f) for f in ("auc", "rejection_0.2"))
    assert auc == FigureOfMerit(0.7, pytest.approx(0.027))
    assert rejection == FigureOfMerit(30.0, pytest.approx(0.26 * 30))
    assert number(table, "knn_given_pt", "aachen", figure="auc").error == pytest.approx(0.025)
    # Nothing is trained for a count, and several trainings have a spread of their own.
    assert number(table, "few_constituents", "aachen").error is None
    assert number(replace(table, encoders=2), "nae", "aachen").error is None


@pytest.mark.parametrize(
    ("score", "name", "files"),
    [
        *((score, score, BOTH) for score in ("discriminant", "norm", "autoencoder", "nae")),
        ("knn", "knn_given_pt", BOTH),
        ("nae_thesis", "nae_thesis", ("table2/result.json",)),
    ],
)
def test_that_spread_is_of_results_the_larger_one_of_both_columns(score, name, files):
    def spread(column):
        """Root mean square over the results, of the AUC and, relative, of the rejection."""
        documents = [json.loads((ROOT / "docs/results" / file).read_text()) for file in files]
        found = [
            row[column]
            for document in documents
            for row in document.get("numbers", document)["rows"]
            if (row["score"], row["signal"], row["representation"]) == (name, "aachen", None)
        ]
        assert len(found) == len(files)
        errors = [
            (of["auc"]["error"], of["rejection_0.2"]["error"] / of["rejection_0.2"]["value"])
            for of in found
        ]
        return np.sqrt(np.mean(np.square(errors), axis=0))

    absolute, relative = np.maximum(spread("natural"), spread("natural_matched"))
    assert _SPREAD[score][0] == pytest.approx(absolute, abs=5.1e-4)
    assert _SPREAD[score][1] == pytest.approx(relative, abs=5.1e-3)


def test_two_trainings_on_the_same_jets_differ_by_their_spread_alone():
    found = distance(FigureOfMerit(0.83, 0.004), FigureOfMerit(0.84, 0.004), score="discriminant")
    assert found == FigureOfMerit(pytest.approx(0.01), pytest.approx(0.0016 * 2**0.5))
    assert (
        distance(FigureOfMerit(None, None), FigureOfMerit(0.84, 0.004), score="nae").value is None
    )
    assert distance(FigureOfMerit(0.83, 0.004), FigureOfMerit(None, None)).value is None
    assert distance(FigureOfMerit(0.83, 0.003), FigureOfMerit(0.84, 0.004)).error == pytest.approx(
        0.005
    )


def test_published_numbers_of_the_study_come_first_and_say_where_they_stand(table):
    def published(**options):
        rows = rows_of(table, ("aachen",), column="as simulated", **options)
        return {r["score"]: r["published, another simulation"] for r in rows}

    assert "59.0 ± 1.0 (arXiv:2312.03067, Table 2" in published()["nae"]
    assert "58.0 ± 2.0 (arXiv:2312.03067, Table 3" in published(published=("table3",))["nae"]
    more = {("supervised_aachen", "aachen"): {"auc": FigureOfMerit(0.8, 0.1)}}
    with_labels = published(published=("table3",), more=more)["classifier trained on Aachen"]
    assert "80.0 ± 1.0 (arXiv:2312.03067, Table 3" in with_labels
    # Of jets from files nobody knows whether they are those of the paper.
    of_files = replace(table, rows=[row("nae", published=False)])
    (only,) = rows_of(of_files, ("aachen",), column="as simulated")
    assert only["published, another simulation"] == "–"


def test_the_error_of_several_trainings_is_their_spread_and_that_of_the_jets():
    of = [FigureOfMerit(0.6, 0.03), FigureOfMerit(0.8, 0.05), FigureOfMerit(None, None)]
    found = over_trainings(of)
    assert found.value == pytest.approx(0.7)
    assert found.error == pytest.approx((0.02 + 0.04**2) ** 0.5)
    # Test jets do not tell how another training would differ.
    assert over_trainings(of[:1]) == FigureOfMerit(0.6, None)
    assert over_trainings([]).value is None


def test_what_could_not_be_measured_does_not_count():
    assert spread([1.0, float("nan"), 3.0]) == spread([1.0, 3.0])
    assert spread([float("nan")]).value is None
