from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.errors import ConfigError
from darkclr.simulation.sample import SampleConfig


@pytest.mark.parametrize(
    "wrong",
    [{"n_jets": 0}, {"process": "higgs"}, {"shard_jets": 0}, {"bias": -1}, {"bias": np.nan}],
)
def test_senseless_configurations_are_refused(wrong):
    with pytest.raises(ConfigError):
        SampleConfig(**wrong)
