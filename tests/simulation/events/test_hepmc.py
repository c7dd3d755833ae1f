from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
pytest.importorskip("pyhepmc")

import pyhepmc
from events import hepmc_event, pythia_events, write_hepmc

from darkclr.errors import ConfigError, InputError
from darkclr.simulation.detector import EnergyFlowDetector
from darkclr.simulation.events.event_files import scan_events
from darkclr.simulation.events.hepmc import HepMCEvents
from darkclr.simulation.events.particles import GeneratedParticles, take
from darkclr.simulation.events.pythia import Generator
from darkclr.simulation.events.weights import Weight
from darkclr.simulation.processes import get_process
from darkclr.simulation.sample import SampleConfig, plan
from darkclr.simulation.sample.shard import cluster

SETTINGS = (*get_process("aachen").all_settings, "PartonLevel:MPI = off")
N, SEED = 12, 3


@pytest.fixture(scope="module")
def direct():
    return Generator(SETTINGS, SEED).generate(N)


def written(folder, form="hepmc3", units=("GEV", "MM")):
    events = [hepmc_event(pythia, units=units) for pythia in pythia_events(SETTINGS, N, SEED)]
    write_hepmc(folder / "events.hepmc", events, form)
    return folder / "events.hepmc"


def read(path, events_per_range=100):
    return HepMCEvents(scan_events(path, events_per_range).ranges[0])


def in_one_order(particles: GeneratedParticles) -> GeneratedParticles:
    """HepMC sorts by generation, Pythia by stage; momenta tell the particles apart."""
    order = np.lexsort((particles.pz, particles.px, particles.event))
    return GeneratedParticles(
        *(getattr(particles, f.name)[order] for f in fields(GeneratedParticles))
    )


@pytest.mark.parametrize(
    ("form", "units"),
    [("hepmc3", ("GEV", "MM")), ("hepmc3", ("MEV", "CM")), ("hepmc2", ("GEV", "MM"))],
)
def test_the_particles_of_a_file_are_those_pythia_hands_over(form, units, direct, tmp_path):
    batch = read(written(tmp_path, form, units)).generate(100)
    assert batch.n_events == N
    ours, theirs = in_one_order(batch.particles), in_one_order(direct.particles)
    for name in ("event", "pdg", "charge"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for name in ("px", "py", "pz", "mass", "x", "y", "z"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-12, atol=0)
    np.testing.assert_array_equal(batch.partons.pdg, direct.partons.pdg)
    np.testing.assert_allclose(batch.partons.pt, direct.partons.pt, rtol=1e-12)
    assert (batch.n_dark_mesons, batch.n_invisible_dark_mesons) == (
        direct.n_dark_mesons,
        direct.n_invisible_dark_mesons,
    )
    np.testing.assert_array_equal(batch.weight, 1.0)


def test_the_same_events_give_the_same_jets(direct, tmp_path):
    """With the random numbers of the detector in the file's order of particles."""
    batch = read(written(tmp_path)).generate(100)
    theirs, ours = (np.lexsort((p.pz, p.px, p.event)) for p in (direct.particles, batch.particles))
    order = np.empty_like(ours)
    order[ours] = theirs
    detector, flows, jets = EnergyFlowDetector("atlas"), [], []
    for particles in (batch.particles, take(direct.particles, order)):
        flows.append(detector.simulate(particles, np.random.default_rng(1)))
        jets.append(cluster(flows[-1], N, radius=0.8, pt_min=20))
    assert len(jets[0]) > N
    np.testing.assert_array_equal(jets[0].event, jets[1].event)
    for name in ("pt", "eta", "phi", "mass"):
        a, b = (getattr(j, name) for j in jets)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
        a, b = (getattr(f, name)[j.index] for f, j in zip(flows, jets, strict=True))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_ranges_and_batches_hold_each_event_once(tmp_path):
    path = written(tmp_path)
    whole = read(path).generate(N).particles
    parts = []
    for events in scan_events(path, 5).ranges:
        source = HepMCEvents(events)
        while (batch := source.generate(2)) is not None:
            parts.append(batch.particles.px)
    np.testing.assert_array_equal(np.concatenate(parts), whole.px)


def simple_event(weights=(), cross_section=None, second_place=None, names=()):
    """Two protons at (1, 2, 3) mm make a pion, which decays to a photon pair."""
    event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
    beams = [pyhepmc.GenParticle(pyhepmc.FourVector(0, 0, z, 10), 2212, 4) for z in (10, -10)]
    first = pyhepmc.GenVertex(pyhepmc.FourVector(1, 2, 3, 4))
    place = () if second_place is None else (pyhepmc.FourVector(*second_place),)
    second = pyhepmc.GenVertex(*place)
    for beam in beams:
        first.add_particle_in(beam)
    pion = pyhepmc.GenParticle(pyhepmc.FourVector(0, 0, 0, 20), 111, 2)
    first.add_particle_out(pion)
    second.add_particle_in(pion)
    for x in (10, -10):
        second.add_particle_out(pyhepmc.GenParticle(pyhepmc.FourVector(x, 0, 0, 10), 22, 1))
    event.add_tree(beams)
    if weights:
        if names:
            event.run_info = pyhepmc.GenRunInfo()
            event.run_info.weight_names = list(names)
        event.weights = list(weights)
    if cross_section is not None:
        total = pyhepmc.GenCrossSection()
        event.cross_section = total
        total.set_cross_section(cross_section, 0.1)
    return event


def test_weights_cross_section_and_empty_events(tmp_path):
    empty = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
    events = [simple_event((2.5, 9.0), 7.0), empty, simple_event((-1.5, 9.0), 8.0)]
    write_hepmc(tmp_path / "e.hepmc", events)
    source = read(tmp_path / "e.hepmc")
    batch = source.generate(10)
    assert batch.n_events == 3
    assert batch.weight[[0, 2]].tolist() == [2.5, -1.5]
    assert batch.particles.event.tolist() == [0, 0, 2, 2]
    assert source.cross_section == 8.0
    assert source.generate(10) is None


@pytest.mark.parametrize("place", [None, (5.0, 6.0, 7.0, 8.0)])
def test_a_vertex_without_a_place_has_that_of_its_mothers(place, tmp_path):
    write_hepmc(tmp_path / "e.hepmc", [simple_event(second_place=place)])
    particles = read(tmp_path / "e.hepmc").generate(1).particles
    expected = (1, 2, 3) if place is None else place[:3]
    for values, value in zip((particles.x, particles.y, particles.z), expected, strict=True):
        np.testing.assert_array_equal(values, value)


def test_a_broken_event_is_told_with_its_number(tmp_path, capfd):
    path = tmp_path / "e.hepmc"
    write_hepmc(path, [simple_event() for _ in range(4)])
    blocks = path.read_text().split("\nE ")
    blocks[3] = blocks[3][:100]
    path.write_text("\nE ".join(blocks))
    capfd.readouterr()
    source = HepMCEvents(scan_events(path, 2).ranges[1])
    with pytest.raises(InputError, match="event 3 is broken"):
        source.generate(2)
    assert capfd.readouterr() == ("", "")


NAMES = ["-247.8_#_ORIG:_MERGING=0.000", "muR=2", "Weight_MERGING=0.000"]


@pytest.mark.parametrize("form", ["hepmc3", "hepmc2"])
def test_the_nominal_weight_is_found_by_its_name_and_another_may_be_named(form, tmp_path):
    path = tmp_path / "e.hepmc"
    write_hepmc(path, [simple_event((1.0, 2.0 + i, 3.0 + i), names=NAMES) for i in range(2)], form)
    config = SampleConfig(process="events", events=str(path))
    nominal = plan(config)
    assert nominal.weight == Weight("Weight_MERGING=0.000", 2, 3)
    assert nominal.notes() == ["events have 3 weights, of which 'Weight_MERGING=0.000' is taken"]
    for planned, weights in ((nominal, [3, 4]), (plan(replace(config, weight="muR=2")), [2, 3])):
        source = HepMCEvents(planned.file.ranges[0], planned.weight.name)
        assert source.generate(2).weight.tolist() == weights
    with pytest.raises(ConfigError, match=r"no weight is called 'muR=3'; it has .*'muR=2'"):
        plan(replace(config, weight="muR=3"))


def test_names_of_weights_may_have_spaces_and_be_equal(tmp_path):
    """Of HepMC3; the library itself reads its own file of such names as one of other names."""
    names = ["muR=2.0 muF=1.0", "muR=1.0 muF=1.0", "pdf", "pdf", "a\\b"]
    path = tmp_path / "e.hepmc"
    written = [str(i) for i in range(5)]
    write_hepmc(path, [simple_event((1.0, 2.0, 3.0, 4.0, 5.0), names=written)])
    text = path.read_text()
    assert text.count(r"W 0\|1\|2\|3\|4") == 1
    said = r"\|".join(name.replace("\\", r"\\") for name in names)
    path.write_text(text.replace(r"W 0\|1\|2\|3\|4", f"W {said}"))
    config = SampleConfig(process="events", events=str(path))
    assert plan(config).weight == Weight("muR=1.0 muF=1.0", 1, 5)
    for name, value in (("pdf", 3.0), ("pdf#3", 4.0), ("a\\b", 5.0), ("muR=2.0 muF=1.0", 1.0)):
        planned = plan(replace(config, weight=name))
        source = HepMCEvents(planned.file.ranges[0], planned.weight.name)
        assert source.generate(1).weight.tolist() == [value]


def test_weights_without_names_go_by_number_and_one_weight_needs_no_name(tmp_path):
    write_hepmc(tmp_path / "two.hepmc", [simple_event((5.0, 6.0))])
    config = SampleConfig(process="events", events=str(tmp_path / "two.hepmc"))
    assert plan(config).weight == Weight("0", 0, 2)
    assert plan(replace(config, weight="1")).weight == Weight("1", 1, 2)
    write_hepmc(tmp_path / "one.hepmc", [simple_event((5.0,))])
    config = replace(config, events=str(tmp_path / "one.hepmc"))
    assert plan(config).weight is None
    with pytest.raises(ConfigError, match="its events have one weight"):
        plan(replace(config, weight="nominal"))


def test_an_event_with_fewer_weights_is_told(tmp_path):
    write_hepmc(tmp_path / "e.hepmc", [simple_event((5.0, 6.0)), simple_event((5.0,))])
    source = HepMCEvents(scan_events(tmp_path / "e.hepmc", 9).ranges[0], "1")
    with pytest.raises(InputError, match="event 2 has 1 weights, fewer than those before"):
        source.generate(2)


@pytest.mark.parametrize("form", ["hepmc3", "hepmc2"])
@pytest.mark.parametrize("asked", [None, "muR=2"])
def test_files_one_behind_the_other_have_each_their_order_of_weights(form, asked, tmp_path):
    pieces = []
    for i, names in enumerate((NAMES, NAMES[::-1])):
        path = tmp_path / str(i)
        write_hepmc(path, [simple_event((1.0, 2.0, 3.0), names=names) for _ in range(2)], form)
        pieces.append(path.read_bytes())
    path = tmp_path / "both.hepmc"
    path.write_bytes(b"".join(pieces))
    planned = plan(SampleConfig(process="events", events=str(path), weight=asked))
    weights = [HepMCEvents(r, planned.weight.name).generate(9).weight for r in planned.file.ranges]
    expected = [[3, 3], [1, 1]] if asked is None else [[2, 2], [2, 2]]
    assert [x.tolist() for x in weights] == expected
    with pytest.raises(InputError, match="event 3 has no weight 'else'; split the file"):
        HepMCEvents(planned.file.ranges[1], "else").generate(1)


@pytest.mark.parametrize("form", ["hepmc3", "hepmc2"])
def test_without_the_mark_of_the_end_the_particles_are_the_same(form, tmp_path):
    path = written(tmp_path, form)
    whole, text = read(path).generate(N), path.read_bytes()
    path.write_bytes(text[: text.rindex(b"HepMC::")])
    planned = plan(SampleConfig(process="events", events=str(path)))
    assert planned.notes() == [
        "the mark of the end is missing: all 12 events that are there are whole and read, but "
        "there may have been more"
    ]
    again = HepMCEvents(planned.file.ranges[0]).generate(100)
    assert again.n_events == N
    for field in fields(GeneratedParticles):
        a, b = (getattr(batch.particles, field.name) for batch in (again, whole))
        np.testing.assert_array_equal(a, b)
