from __future__ import annotations

import pytest

from darkclr.errors import ConfigError
from darkclr.simulation.processes import PROCESSES, JetSelection, get_process


def test_parameters_reach_the_settings_and_keep_their_digits():
    process = get_process("svj_t", {"m_phi": 1234.5678, "r_inv": "3e-1"})
    assert "4900001:m0 = 1234.5678" in process.all_settings
    assert process.all_settings.count("4900111:addChannel = 1 0.3 0 51 -51") == 1
    assert process.chosen == {"m_phi": 1234.5678, "r_inv": 0.3, "m_dark": 20.0}
    assert get_process("svj_t").chosen["m_phi"] == 2000.0


def test_every_parameter_is_explained():
    for process in PROCESSES.values():
        for parameter in process.parameters:
            assert parameter.summary
            assert "[GeV]" in parameter.summary or not parameter.name.startswith(("m_", "width"))


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("svj_t", {"m_ph": 1}, "no parameter m_ph; did you mean m_phi"),
        ("svj_t", {"colour": 1}, "no parameter colour; it has m_phi, r_inv, m_dark"),
        ("aachen", {"m_pi": 4}, "no parameter m_pi; it has none"),
        ("dark_shower", {"m_pi": "heavy"}, "no number"),
        ("dark_shower", {"m_pi": float("nan")}, "m_pi = nan; it must be positive and finite"),
        ("dark_shower", {"m_pi": None}, "m_pi = None; it must be positive and finite"),
        ("dark_shower", {"n_flavours": 2.5}, "no whole number"),
    ],
)
def test_parameters_that_a_sample_does_not_have_are_refused(name, values, told):
    with pytest.raises(ConfigError, match=told):
        get_process(name, values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"pt_mim": 200}, "no parameter pt_mim; did you mean pt_min"),
        ({"beauty": 1}, "no parameter beauty; it has pt_min, pt_max, abs_eta_max, radius"),
        ({"pt_min": 400}, "pt_max = 300.0; it must be above pt_min = 400"),
        ({"pt_min": None}, "pt_min = None; it must be positive"),
        ({"radius": 0}, "radius = 0; it must be positive"),
        ({"abs_eta_max": float("nan")}, "abs_eta_max = nan"),
    ],
)
def test_selections_that_leave_no_jets_are_refused(values, told):
    with pytest.raises(ConfigError, match=f"selection: {told}"):
        get_process("qcd").with_selection(values)


def test_a_selection_replaces_what_is_named_only():
    chosen = get_process("qcd").with_selection({"pt_max": None, "radius": 0.4}).selection
    assert chosen == JetSelection(pt_min=150, pt_max=None, abs_eta_max=2, radius=0.4)
