from __future__ import annotations

import pytest

from darkclr.errors import ConfigError
from darkclr.simulation.events.weights import named_weight, nominal_weight


@pytest.mark.parametrize(
    ("names", "nominal"),
    [
        (["MUR0.5_MUF0.5", "Weight_MERGING=0.000"], 1),  # MadGraph with Pythia
        (["muR=0.5", "Default"], 1),  # Pythia
        (["EXTRA__NTrials", "Weight", "MUR0.5"], 1),  # Sherpa
        (["nominal", "Weight"], 0),
        (["x", ""], 1),
        (["a", "0"], 1),
        (["Weighted", "nominal_up"], 0),  # no such name: the first
        (["MUF=2.0_MUR=1.0", "MUF=1.0_MUR=1.0_PDF=1", "MUF=1.0_MUR=1.0_PDF=2"], 1),  # MadGraph
        (["muR=0.20000E+01 muF=0.1E+01", "muR=0.10000E+01 muF=0.1E+01"], 1),  # POWHEG
        (["MUR0.5_MUF1_PDF261000", "MUR1_MUF1_PDF261000"], 1),  # Sherpa
        (["muR=1.0", "muR=1.0.0 muF=x"], 0),
        (["1002", "1001", "1003"], 1),
        (["1001", "Default"], 1),
        (["pdf 1", "Central value"], 1),
    ],
)
def test_the_nominal_weight_goes_by_the_names_of_generators(names, nominal):
    weight = nominal_weight(names)
    assert (weight.number, weight.name, weight.of) == (nominal, names[nominal], len(names))


def test_a_name_goes_before_a_description_and_must_be_one():
    described = {"1": "muR=2", "2": "1", "3": "muR=2"}
    assert named_weight("1", described, "x").number == 0
    with pytest.raises(ConfigError, match="x: several weights are called 'muR=2'"):
        named_weight("muR=2", described, "x")
    with pytest.raises(ConfigError, match=r"it has '0', .*'7', ... \(20 in all\)"):
        named_weight("a", {str(i): str(i) for i in range(20)}, "x")
