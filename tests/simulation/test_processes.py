from __future__ import annotations

import pytest

from darkclr.errors import ConfigError
from darkclr.simulation.dark_sector import INVISIBLE, z_prime_to_dark_shower
from darkclr.simulation.processes import PROCESSES, get_process


@pytest.mark.parametrize("name", PROCESSES)
def test_every_sample_is_complete(name):
    process = PROCESSES[name]
    assert process.name == name
    assert process.label in (0, 1)
    assert all(" = " in line for line in process.all_settings)
    assert process.selection.pt_min < (process.selection.pt_max or float("inf"))


def test_unknown_samples_are_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="qcd"):
        get_process("higgs")


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
    channels = _channels(z_prime_to_dark_shower(r_inv=r_inv), meson)
    assert sum(channels.values()) == pytest.approx(1)
    assert channels.get(INVISIBLE, 0.0) == pytest.approx(r_inv)


def test_only_quarks_that_fit_into_the_meson_are_produced():
    def light(mass):
        settings = z_prime_to_dark_shower(m_pi=mass, m_rho=mass, scale=mass, r_inv=0.0)
        return set(_channels(settings, 4900113))

    assert light(3.0) == {1, 2, 3}
    assert light(5.0) == {1, 2, 3, 4}
    assert light(20.0) == {1, 2, 3, 4, 5}


def test_r_inv_is_a_probability():
    with pytest.raises(ConfigError, match="r_inv"):
        z_prime_to_dark_shower(r_inv=1.2)
