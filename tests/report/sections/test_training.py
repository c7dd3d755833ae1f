"""What the report says of trainings."""

from __future__ import annotations

import json

import pytest

from darkclr.anomaly.nae.robust import Paired
from darkclr.anomaly.nae.verdict import Verdict
from darkclr.errors import InputError
from darkclr.report.sections.training import verdict_box


def test_box_has_a_line_for_each_question(tmp_path):
    path = tmp_path / "verdict.json"
    assert verdict_box(path, "nae") == ""
    verdict = Verdict(
        **{"epoch": 4, "temperature": 1e-4, "acceptance": 0.9, "travelled": 0.03, "energy": 2.0},
        energy_difference=Paired(0.5, 0.1),
        excess_distance=Paired(0.1, 0.5),
        data_distance=3.0,
    )
    path.write_text(json.dumps(verdict.to_dict()))
    box = verdict_box(path, "nae")
    assert box.count("<li>") == 3
    for text in ("did not reach equilibrium", "did not meet", "look like data"):
        assert text in box
    path.write_text("{}")
    with pytest.raises(InputError, match="does not hold a verdict"):
        verdict_box(path, "nae")
