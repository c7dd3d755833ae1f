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
def test_a_training_that_was_done_once_is_said_to_have_no_spread(name, once):
    result = Result(figure=None, claims=[Claim.untestable("A", "B")], remarks=["Mine."])
    remarks = record(find_study(name), SCALES["laptop"], result, 1.0)["remarks"]
    assert remarks[0] == "Mine."
    assert any("another seed" in remark for remark in remarks) == once
