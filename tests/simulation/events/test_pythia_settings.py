from __future__ import annotations

import pytest

from darkclr.errors import ConfigError
from darkclr.simulation.events.pythia_settings import check_settings
from darkclr.simulation.processes import PROCESSES
from darkclr.simulation.sample import SampleConfig

# What would run, read, write or print something else than the sample.
HOSTILE = [
    "Init:plugins = {/tmp/lib.so::Class}",
    "  init:PLUGINS {/tmp/lib.so::Class}",
    "Init::plugins = {/tmp/lib.so::Class}",
    "Init:plugins={lib.so::Class::HardQCD:all::x.cmnd}",
    "include = /etc/passwd",
    "INCLUDE /etc/passwd",
    "include=../x.cmnd",
    "xmlPath = /tmp/",
    "Beams:LHEF = /etc/passwd",
    "Beams:LHEF = 5",
    "Beams:LHEFheader = x",
    "Beams:frameType = 4",
    "SLHA:file = /etc/passwd",
    "PDF:pSet = LHAPDF6:../../x",
    "PDF:pSet = LHAGrid1:/etc/passwd",
    "HIPDF:pSet = LHAGrid1:/etc/passwd",
    "Tune:preferLHAPDF = 2",
    "MultipartonInteractions:reuseInit = 1",
    "MultipartonInteractions:initFile = 1",
    "HeavyIon:SigFitReuseInit = 1",
    "HeavyIonA:externalNucleusFile = 7",
    "Alpgen:file = x",
    "Vincia:MEplugin = x",
    "Main:spareWord1 = x",
    "HardQCD:all = on\nInit:plugins = {lib.so::Class}",
    "HardQCD:all = on\rinclude = /etc/passwd",
    "HardQCD:all = on\x1b]0;title\x07",
    "ParticleDecays:limitTau0 = {on",
    "UncertaintyBands:List = {",
    "\x0bInit:plugins = {lib.so::Class}",
    "1000022:all = {x",
    "Ini\u0074:plugins\u00a0= {lib.so}",
]
HARMLESS = [
    "HardQCD:all = on",
    "HardQCD:all on",
    "PhaseSpace:pTHatMin=75.",
    "PDF:pSet = 13 ! NNPDF2.3",
    "Tune:pp = 14",
    "MultipartonInteractions:bProfile = 3",
    "StringZ:aLund = .68e0",
    "SigmaTotal:mode = -1",
    "Diffraction:PomFluxRescale = 1E+0",
    "4900111:oneChannel = 1 0.5 102 1 -1",
    "4900113:all = rhov rhovbar 3 0 0 5 0 0 0 0",
    "25:onIfMatch = 5 -5",
    "ResonanceDecayFilter:mothers = {24,25}",
    "ColourReconnection:allow = { 1, 2 }",
    "UncertaintyBands:List = {alphaShi fsr:muRfac=0.5,alphaSlo fsr:muRfac=2.0}",
    "VariationFrag:list = {aHi frag:aLund=0.7}",
    "! a comment",
    "# include = /etc/passwd",
    "",
]


@pytest.mark.parametrize("line", HOSTILE)
def test_settings_that_name_files_or_libraries_are_refused(line):
    with pytest.raises(ConfigError, match="settings"):
        SampleConfig(settings=["HardQCD:all = on", line])


@pytest.mark.parametrize("line", HARMLESS)
def test_numbers_switches_and_particles_are_accepted(line):
    check_settings([line])


def test_settings_of_all_samples_are_accepted():
    for process in PROCESSES.values():
        check_settings(process.all_settings)


def test_of_all_settings_that_pythia_knows_those_that_are_text_are_refused():
    """Pythia's own list, which it reads from its documentation: a new version may have more."""
    settings = pytest.importorskip("pythia8mc").Pythia("", False).settings
    texts = [*settings.getWordMap(""), *settings.getWVecMap("")]
    assert {"init:plugins", "beams:lhef", "slha:file", "xmlpath"} <= set(texts)
    accepted = []
    for name in texts:
        try:
            check_settings([f"{name} = {{/tmp/lib.so::Class}}"])
            accepted.append(name)
        except ConfigError:
            pass
    assert accepted == [  # texts that stay texts
        "merging:process",
        "deuteronproduction:channels",
        "deuteronproduction:parms",
        "enhancedsplittings:list",
        "uncertaintybands:list",
        "variationfrag:list",
    ]
    numbers = [(f"{name} = 1") for name in texts if name not in accepted]
    refused = 0
    for line in numbers:
        try:
            check_settings([line])
        except ConfigError:
            refused += 1
    sets = [name for name in texts if name.endswith(("set", "setb"))]
    spare = [name for name in texts if "spareword" in name]
    assert refused == len(numbers) - len(sets) - len(spare)  # PDF:pSet = 1 is one of Pythia's


def test_of_all_settings_that_pythia_knows_numbers_and_switches_are_accepted():
    settings = pytest.importorskip("pythia8mc").Pythia("", False).settings
    refused = set()
    for kind, value in (("Flag", "on"), ("Mode", "1"), ("Parm", "0.5"), ("PVec", "{0.1,2}")):
        for name in getattr(settings, f"get{kind}Map")(""):
            try:
                check_settings([f"{name} = {value}"])
            except ConfigError:
                refused.add(name)
    assert refused == {
        "beams:frametype",
        "heavyion:sasdmpireuseinit",
        "heavyion:sigfitreuseinit",
        "merging:useshowerplugin",
        "himultipartoninteractions:reuseinit",
        "multipartoninteractions:reuseinit",
        "parallelism:balanceload",
        "parallelism:donext",
        "parallelism:index",
        "parallelism:numthreads",
        "parallelism:processasync",
        "tune:preferlhapdf",
    }
