from __future__ import annotations

import pytest

from darkclr.errors import ConfigError
from darkclr.simulation.processes import PROCESSES, get_process


@pytest.mark.parametrize("name", PROCESSES)
def test_every_sample_is_complete(name):
    process = PROCESSES[name]
    assert process.name == name
    assert process.label in (0, 1) or name == "events"
    assert all(" = " in line for line in process.all_settings)
    assert process.selection.pt_min < (process.selection.pt_max or float("inf"))


def test_unknown_samples_are_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="qcd"):
        get_process("higgs")
