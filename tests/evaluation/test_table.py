"""The comparison of representations."""

from __future__ import annotations

import pytest

from darkclr.evaluation.table import comparison, markdown


def representation(auc: float, score: str = "nae") -> dict:
    result = {
        "auc": auc,
        "auc_error": 0.01,
        "background_rejection": {"0.2": {"value": 50.0, "error": 1.0}},
        "maximum_significance_improvement": {"value": 2.0, "error": 0.1},
    }
    entry = {"title": "s_NAE", "baseline": False, "signals": {"aachen": result}}
    member = {"samples": {"qcd": {"n_jets": 9}}, "scores": {score: entry}}
    facts = {"reads": "representations", "parameters": 3, "fit_minutes": 0.1}
    return {
        "natural": [[member]],
        "gluons": None,
        "facts": {score: facts},
        "encoder": {"parameters": 5, "train_minutes": 2.0},
    }


def test_published_values_are_those_of_the_representation():
    table = comparison(
        {
            None: representation(0.8),
            "minimal": representation(0.7, "nae_thesis"),  # whose autoencoder that is
            "wide": representation(0.6),
        },
        processes={"aachen": "aachen"},
    )
    published = {row["representation"]: row["published"] for row in table["rows"]}
    assert published[None]["auc"] == {"value": 0.76, "error": 0.01}
    assert published["minimal"]["auc"] == {"value": 0.767, "error": 0.034}
    assert published["wide"] is None
    (line,) = (row for row in markdown(table).splitlines() if row.startswith("| minimal"))
    assert "0.767 ± 0.034" in line


@pytest.mark.parametrize("name", ["sample", "rinv02"])
def test_published_values_are_of_one_signal(name):
    table = comparison({None: representation(0.8)}, processes={"aachen": name})
    assert table["rows"][0]["published"] is None
