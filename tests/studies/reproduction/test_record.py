"""What stands in the result of a study beside its numbers."""

from __future__ import annotations

import pytest

pytest.importorskip("lightning")

from darkclr.studies.reproduction.catalogue import find_study
from darkclr.studies.reproduction.claims import Claim
from darkclr.studies.reproduction.record import record
from darkclr.studies.reproduction.scales import SCALES
from darkclr.studies.reproduction.study import Result


@pytest.mark.parametrize(("name", "once"), [("section4", True), ("table3", True), ("fig3", False)])
def test_a_training_that_was_done_once_is_said_to_have_the_spread_of_others(name, once):
    result = Result(figure=None, claims=[Claim.untestable("A", "B")], remarks=["Mine."])
    remarks = record(find_study(name), SCALES["laptop"], result, 1.0)["remarks"]
    assert remarks[0] == "Mine."
    assert any("over ten others" in remark for remark in remarks) == once


def test_what_differs_from_the_table_of_the_paper_is_said():
    result = Result(figure=None, claims=[Claim.untestable("A", "B")])

    def differences(name, scale):
        return record(find_study(name), SCALES[scale], result, 1.0)["differences"]

    laptop = differences("fig3", "laptop")
    assert laptop.startswith("Other than in arXiv:2312.03067, Table 1 (in brackets): ")
    assert "embedding_dim 64 (128)" in laptop
    assert "pt_input fraction" in laptop
    assert "embedding_dim" not in differences("fig3", "paper")
    assert "thesis, Table 5.2" in differences("thesis-matrix", "laptop")
    # What a study scans is no difference of all its trainings.
    assert "output_dim" not in differences("fig5", "laptop")


def test_the_sizes_are_those_of_the_trainings():
    result = Result(figure=None, claims=[Claim.untestable("A", "B")])
    found = record(find_study("training-size"), SCALES["laptop"], result, 1.0)
    assert found["sizes"].startswith("2925 jets x 64 epochs, 5850 jets x 32 epochs, ")
    assert "n_jets" not in found["differences"]  # each training has a number of its own
    assert find_study("table2").sizes(SCALES["laptop"]) == "26000 jets x 7 epochs"


def test_how_much_shorter_autoencoders_are_than_the_published_ones_is_said():
    result = Result(figure=None, claims=[Claim.untestable("A", "B")])

    def differences(name, scale):
        return record(find_study(name), SCALES[scale], result, 1.0)["differences"]

    assert "section 4: pretraining_epochs 30 (200), epochs 25 (100)." in differences(
        "fig3", "laptop"
    )
    of_thesis = differences("thesis-setups", "laptop")
    # 23400 jets, 0.9 of them in batches of 512, the last of which is not full: 42 an epoch.
    assert "pretraining_iterations 210 (15000), iterations 42 (40000)" in of_thesis
    assert "pretraining_batch_size 512 (2048)" in of_thesis
    at_length = differences("thesis-setups", "paper")
    assert at_length.endswith("thesis, Table 5.3: pretraining_batch_size 512 (2048).")
    assert "section 4" not in differences("fig3", "paper")
