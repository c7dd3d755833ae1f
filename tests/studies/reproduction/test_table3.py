"""What the study of five signals says of its classifiers."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("lightning")

from ensemble_table import ensemble_table

from darkclr.anomaly.definition import define_score
from darkclr.studies.reproduction.paper.table3 import _ceilings, _of_classifiers, _titled
from darkclr.studies.reproduction.scales import SCALES, robustness


def test_departures_of_the_classifiers_are_read_off_the_configuration():
    laptop = _of_classifiers(_ceilings(SCALES["laptop"]))
    assert "trained on 23400 QCD jets and 4500 jets of its signal (50000 each in the" in laptop
    assert "in 15 epochs (300). " in laptop
    assert "4000 jets of 10000; " in laptop
    scale = replace(SCALES["laptop"], signal=400, classifier_epochs=3)
    other = _of_classifiers(_ceilings(scale))
    assert "180 jets of its signal" in other
    assert "in 3 epochs (300)" in other
    assert "160 jets of 400" in other


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_no_score_has_the_name_of_the_configuration_for_a_title(scale):
    definitions = [define_score(*item) for item in robustness(SCALES[scale]).all_scores.items()]
    table = ensemble_table({one.name: one.title for one in definitions})
    for found in _titled(table).rows:
        assert "_" not in found.title.removeprefix("s_")
