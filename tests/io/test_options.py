from __future__ import annotations

import numpy as np
import pytest

from darkclr.errors import ConfigError
from darkclr.io import ReadOptions


@pytest.mark.parametrize(
    "bad", [{"label": 2}, {"radius": 0}, {"n_constituents": 0}, {"pt_min": -1}, {"pt_max": np.nan}]
)
def test_senseless_options_are_refused(bad):
    with pytest.raises(ConfigError):
        ReadOptions(**bad)
