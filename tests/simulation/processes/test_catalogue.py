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


@pytest.mark.parametrize("name", ["m10", "m20"])
def test_the_heavy_benchmarks_have_all_masses_and_the_scale_of_their_name(name):
    """arXiv:2312.03067, Table 3: m_π = m_ρ = Λ; the cut of the shower follows the scale."""
    mass = int(name[1:])
    settings = set(get_process(name).all_settings)
    assert {f"{code}:m0 = {mass}" for code in (4900111, 4900211, 4900113, 4900213)} <= settings
    scales = {f"HiddenValley:Lambda = {mass}", f"HiddenValley:pTminFSR = {1.1 * mass:g}"}
    assert scales <= settings


@pytest.mark.parametrize(("name", "share"), [("rinv05", 0.5), ("rinv02", 0.2)])
def test_invisible_mesons_are_those_of_the_name_and_nothing_else_differs(name, share):
    ours = get_process(name).all_settings
    others = set(ours) - set(get_process("aachen").all_settings)
    mesons = ("4900111", "4900211", "4900113", "4900213")
    assert all(line.startswith((*mesons, "51:m0 = 0")) for line in others)
    assert not any(":m0" in line for line in others if line.startswith(mesons))
    for meson in mesons:
        assert f"{meson}:addChannel = 1 {share} 0 51 -51" in ours


def test_the_benchmark_and_its_resonance():
    """The Aachen benchmark of arXiv:2312.03067: a Z' of 2 TeV, Λ = 5 GeV, ρ of 5 and π of 4 GeV."""
    settings = set(get_process("aachen").all_settings)
    assert {
        "4900023:m0 = 2000",
        "4900111:m0 = 4",
        "4900113:m0 = 5",
        "HiddenValley:Lambda = 5",
        "HiddenValley:Ngauge = 3",
        "HiddenValley:nFlav = 2",
    } <= settings
