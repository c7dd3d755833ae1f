"""The samples that can be generated: physics, jet selection and truth matching of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from darkclr.errors import ConfigError
from darkclr.jets import UNKNOWN
from darkclr.names import did_you_mean
from darkclr.plugins import find_plugin, installed
from darkclr.simulation.processes.dark_sector import (
    DARK_QUARKS,
    ScalarPairToDarkShower,
    ZPrimeToDarkShower,
)
from darkclr.simulation.processes.process import EarlyVeto, JetSelection, Match, Process

__all__ = ["ENTRY_POINTS", "PROCESSES", "get_process"]

#: Group of entry points by which other packages bring processes.
ENTRY_POINTS = "darkclr.processes"

_DARK_QUARK_MATCH = Match(pdg=DARK_QUARKS)
# The window of DarkCLR would remove boosted tops and most of the signal of the CMS study.
_CMS_SELECTION = JetSelection(pt_min=200, pt_max=None, abs_eta_max=2.4)

_SAMPLES = (
    Process(
        name="qcd",
        title="QCD",
        summary="leading-order di-jets at 13 TeV",
        label=0,
        # Of the accepted jets 0.3 % come from 75 to 80 GeV and 0.7 % from 80 to 85 GeV; 0.4 % are
        # missing below. With the early veto a higher edge gains little.
        settings=(
            "HardQCD:all = on",
            "PhaseSpace:pTHatMin = 75",
            "PhaseSpace:pTHatMax = 500",
        ),
        veto=EarlyVeto(),
        jets_per_second=27.5,
    ),
    Process(
        name="aachen",
        title="Aachen",
        summary="Z'(2 TeV) to dark quarks, dark pions and rhos of 4 and 5 GeV, r_inv = 0.75",
        label=1,
        settings=ZPrimeToDarkShower().settings,
        match=_DARK_QUARK_MATCH,
        jets_per_second=47.2,
    ),
    Process(
        name="rinv05",
        title="r_inv = 0.5",
        summary="aachen, but every dark meson is invisible with probability 0.5",
        label=1,
        settings=ZPrimeToDarkShower(r_inv=0.5).settings,
        match=_DARK_QUARK_MATCH,
        jets_per_second=43.8,
    ),
    Process(
        name="rinv02",
        title="r_inv = 0.2",
        summary="aachen, but every dark meson is invisible with probability 0.2",
        label=1,
        settings=ZPrimeToDarkShower(r_inv=0.2).settings,
        match=_DARK_QUARK_MATCH,
        jets_per_second=26.6,
    ),
    # The paper varies masses and Lambda only: decays and fragmentation are the benchmark's.
    Process(
        name="m10",
        title="m = 10 GeV",
        summary="aachen, but dark mesons and confinement scale at 10 GeV",
        label=1,
        settings=ZPrimeToDarkShower(m_pi=10, m_rho=10, scale=10).settings,
        match=_DARK_QUARK_MATCH,
        jets_per_second=30.1,
    ),
    Process(
        name="m20",
        title="m = 20 GeV",
        summary="aachen, but dark mesons and confinement scale at 20 GeV",
        label=1,
        settings=ZPrimeToDarkShower(m_pi=20, m_rho=20, scale=20).settings,
        match=_DARK_QUARK_MATCH,
        jets_per_second=24.1,
    ),
    Process(
        name="dark_shower",
        title="dark shower",
        summary="a model of your own: Z' to dark quarks, shower, dark pions and rhos",
        label=1,
        model=ZPrimeToDarkShower(),
        match=_DARK_QUARK_MATCH,
        jets_per_second=34.1,
    ),
    Process(
        name="top",
        title="top",
        summary="pp to top pairs, background of the CMS study",
        label=0,
        settings=("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
        match=Match(pdg=(1, 2, 3, 4, 5, 21), required=False),
        selection=_CMS_SELECTION,
        card="cms",
        top_truth=True,
        jets_per_second=20.4,
    ),
    Process(
        name="svj_t",
        title="SVJ-t",
        summary="pairs of scalar bifundamentals, each to a quark and a dark quark; CMS study",
        label=1,
        model=ScalarPairToDarkShower(),
        match=_DARK_QUARK_MATCH,
        selection=_CMS_SELECTION,
        card="cms",
        jets_per_second=150,  # 70 at r_inv = 0.8, 110 at m_phi = 1 TeV
    ),
    Process(
        name="events",
        title="own events",
        summary="events of a file, without truth matching",
        label=UNKNOWN,
        match=Match(required=False),
    ),
)

#: All samples by name, with the default values of their parameters.
PROCESSES: Mapping[str, Process] = MappingProxyType({p.name: p for p in _SAMPLES})


def get_process(name: str, parameters: Mapping[str, Any] | None = None) -> Process:
    """The sample of that name, with the given parameters.

    Args:
        name: of a sample of this package, of an entry point of :data:`ENTRY_POINTS`, or the import
            path of a :class:`Process`, such as ``my_processes.HEAVY``.
        parameters: values of its parameters, by name.

    Raises:
        ConfigError: there is none, or it has no such parameters, or they make no sense.
    """
    process = PROCESSES.get(name) or _of_user(name)
    return process.with_parameters(parameters or {})


def _of_user(name: str) -> Process:
    process = find_plugin(name, Process, group=ENTRY_POINTS, where="process")
    known = [*PROCESSES, *installed(ENTRY_POINTS)]
    choose = f"choose of {', '.join(known)}, or give the import path of one of your own"
    if process is None:
        raise ConfigError(
            f"no sample {name!r}",
            where="process",
            fix=did_you_mean(name, known, choose),
        )
    if process.name in PROCESSES:
        raise ConfigError(
            f"{name} calls itself {process.name!r} as a sample of darkclr does",
            where="process",
            fix="give it another name",
        )
    return process
