from __future__ import annotations

import pytest

from darkclr.errors import ConfigError
from darkclr.simulation.processes import ZPrimeToDarkShower, get_process
from darkclr.simulation.processes.dark_sector import INVISIBLE


def test_benchmark_fragmentation_is_that_of_pythia_8_2():
    settings = get_process("aachen").all_settings
    # b = 0.8 / m_q^2 and sigma = 0.5 m_q for dark quarks of 0.5 GeV.
    assert "HiddenValley:bLund = 3.2" in settings
    assert "HiddenValley:sigmaLund = 0.25" in settings
    assert "HiddenValley:pTminFSR = 5.5" in settings


def _channels(settings: tuple[str, ...], meson: int) -> dict[int, float]:
    lines = [s for s in settings if s.startswith(f"{meson}:") and "Channel" in s]
    fields = [line.split(" = ")[1].split() for line in lines]
    return {int(f[3]): float(f[1]) for f in fields}


@pytest.mark.parametrize("r_inv", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("meson", [4900111, 4900211, 4900113, 4900213])
def test_mesons_are_invisible_with_the_requested_probability(r_inv, meson):
    channels = _channels(ZPrimeToDarkShower(r_inv=r_inv).settings, meson)
    assert sum(channels.values()) == pytest.approx(1)
    assert channels.get(INVISIBLE, 0.0) == pytest.approx(r_inv)


def test_only_quarks_that_fit_into_the_meson_are_produced():
    def light(mass):
        settings = ZPrimeToDarkShower(m_pi=mass, m_rho=mass, scale=mass, r_inv=0.0).settings
        return set(_channels(settings, 4900113))

    assert light(3.0) == {1, 2, 3}
    assert light(5.0) == {1, 2, 3, 4}
    assert light(20.0) == {1, 2, 3, 4, 5}


def test_the_free_dark_shower_is_the_benchmark_by_default():
    assert get_process("dark_shower").all_settings == get_process("aachen").all_settings


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"r_inv": 1.2}, "from 0 to 1, or null"),
        ({"r_inv": -0.1}, "from 0 to 1, or null"),
        ({"vector_share": 1.2}, "from 0 to 1"),
        ({"m_pi": -4}, "m_pi = -4.0; it must be positive"),
        ({"m_rho": 0}, "m_rho = 0.0; it must be positive"),
        ({"m_quark": 0}, "m_quark = 0.0; it must be positive"),
        ({"width": -20}, "width = -20.0; it must be positive"),
        ({"width": 0}, "width = 0.0; it must be positive"),
        ({"m_z_prime": -2000}, "must be positive"),
        ({"m_z_prime": 13000}, "below 13000"),
        ({"m_quark": 750}, "too heavy"),  # the lightest Z' of the window has 1500 GeV
        ({"m_pi": 750, "r_inv": 0.3}, "too heavy"),
        ({"m_rho": 0.6}, "too light to decay"),  # two light hadrons
        ({"m_pi": 0.5, "r_inv": 0.3}, "too light to decay"),
        ({"scale": 0.05}, "below 0.1 GeV"),
        ({"scale": 1000}, "before it begins"),
        ({"n_colours": 1}, "at least 2"),
        ({"n_flavours": 0}, "from 1 to 8"),
        ({"n_flavours": 9}, "from 1 to 8"),
    ],
)
def test_impossible_dark_showers_are_refused_with_the_reason(values, told):
    with pytest.raises(ConfigError, match=told):
        get_process("dark_shower", values)


@pytest.mark.parametrize("values", [{"m_quark": 749}, {"m_pi": 749}, {"m_rho": 749, "r_inv": 0.3}])
def test_two_that_just_fit_into_the_mediator_are_taken(values):
    get_process("dark_shower", values)


@pytest.mark.parametrize("values", [{"m_phi": 6500}, {"m_phi": -1}, {"m_dark": 0}, {"m_dark": 900}])
def test_impossible_bifundamentals_are_refused(values):
    with pytest.raises(ConfigError):
        get_process("svj_t", values)


def test_stable_mesons_may_be_light():
    get_process("dark_shower", {"m_pi": 0.1})  # only the rho decays
    get_process("dark_shower", {"m_pi": 0.1, "m_rho": 0.1, "r_inv": 1})
