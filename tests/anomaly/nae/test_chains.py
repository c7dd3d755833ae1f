from __future__ import annotations

import pytest

from darkclr.anomaly.nae.chains import resolve_chain
from darkclr.errors import ConfigError


def test_two_of_step_noise_and_temperature_fix_the_third():
    defaults = {"default_step_size": 2.0, "default_temperature": 0.5}
    assert resolve_chain(1, None, None, None, **defaults).temperature == pytest.approx(0.5)
    assert resolve_chain(1, 3.0, None, 0.1, **defaults).temperature == pytest.approx(0.1)
    assert resolve_chain(1, None, 0.2, 0.1, **defaults).step_size == pytest.approx(0.2)
    assert resolve_chain(1, None, 0.2, None, **defaults).step_size == 2.0
    with pytest.raises(ConfigError, match="two of"):
        resolve_chain(1, 1.0, 1.0, 1.0, **defaults)
