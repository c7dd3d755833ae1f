"""Published numbers, as they stand in the papers."""

from __future__ import annotations

from darkclr.evaluation import FigureOfMerit
from darkclr.evaluation.published import published, published_row
from darkclr.simulation.processes import PROCESSES


def test_rows_name_signals_that_can_be_simulated_and_have_a_source():
    for section in published().values():
        assert section["source"]
        assert section.keys() & {"rows", "values"}
        for row in section.get("rows", []):
            assert row["signal"] in PROCESSES
            assert row.keys() & {"auc", "rejection_0.2"}


def test_table_3_has_two_scores_on_five_signals():
    rows = published()["table3"]["rows"]
    assert len({(row["signal"], row["score"]) for row in rows}) == len(rows) == 10


def test_the_first_table_counts_and_others_add_what_it_lacks():
    found = published_row("aachen", "nae")
    assert found["rejection_0.2"] == FigureOfMerit(59, 1)  # Table 2; Table 3 says 58(2)
    supervised = published_row("aachen", "supervised")
    assert (supervised["auc"].value, supervised["rejection_0.2"].value) == (0.81, 80)
    assert published_row("aachen", "supervised_aachen") == supervised
    # A classifier of another signal is not in the papers.
    assert published_row("m10", "supervised") is None
    assert published_row("m10", "supervised_aachen")["rejection_0.2"] == FigureOfMerit(30, 2)
