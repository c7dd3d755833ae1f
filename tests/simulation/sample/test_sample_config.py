from __future__ import annotations

import numpy as np
import pytest

from darkclr.errors import ConfigError
from darkclr.simulation.sample import SampleConfig


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"n_jets": 0}, "sample: n_jets = 0; it must be from 1 to"),
        ({"n_jets": 10**12}, "sample: n_jets = 1000000000000; it must be from 1 to"),
        ({"shard_jets": 0}, "at least 1"),
        ({"bias": -1}, "at least 0"),
        ({"bias": np.nan}, "at least 0"),
        ({"label": 2}, "label = 2; it must be one of 0, 1, or null"),
        ({"process": "higgs"}, "choose of qcd, aachen"),
        ({"process": "events"}, "needs a file"),
        ({"selection": {"pt": 100}}, "it has pt_min"),
        ({"selection": {"pt_min": 400}}, "above pt_min = 400"),
        ({"events": "x.lhe", "bias": 4.0}, "cannot be biased"),
    ],
)
def test_senseless_configurations_are_refused(wrong, told):
    with pytest.raises(ConfigError, match=told):
        SampleConfig(**wrong)
