from __future__ import annotations

import numpy as np
import pytest

from darkclr.errors import ConfigError
from darkclr.evaluation import EvaluationConfig


@pytest.mark.parametrize(
    "option",
    [
        {"signal_efficiencies": (0.0,)},
        {"n_bootstrap": 3},
        {"n_bootstrap": 10**12},
        {"minimum_background": 0.0},
        {"minimum_background": np.nan},
        {"seed": -1},
        {"gluon_share": 1.5},
        {"match": "mass"},
        {"background_efficiencies": (0.1, 1.0)},
        {"signal_efficiencies": ()},
    ],
)
def test_senseless_options_are_refused(option):
    with pytest.raises(ConfigError, match=next(iter(option))):
        EvaluationConfig(**option)
