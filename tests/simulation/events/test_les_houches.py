from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from events import write_lhe

from darkclr.errors import ConfigError, InputError, SimulationError
from darkclr.simulation.events.event_files import scan_events
from darkclr.simulation.events.les_houches import LesHouchesEvents, without_production
from darkclr.simulation.events.les_houches_file import merging_of
from darkclr.simulation.events.weights import Weight
from darkclr.simulation.processes import get_process
from darkclr.simulation.sample import SampleConfig, plan

SETTINGS = (*get_process("aachen").all_settings, "PartonLevel:MPI = off")
# Without these, dark quarks keep the momenta of the file.
RECOIL = ("PartonLevel:ISR = off", "BeamRemnants:primordialKT = off")
N = 30


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("lhe") / "with space.lhe"
    write_lhe(path, SETTINGS, N)
    return path


def batches(path, settings=SETTINGS, events_per_range=N, part=0):
    source = LesHouchesEvents(scan_events(path, events_per_range).ranges[part], settings, seed=7)
    found = []
    while (batch := source.generate(8)) is not None:
        found.append(batch)
    return found, source


def hard_partons(text: str) -> np.ndarray:
    """Transverse momenta of the outgoing dark quarks in the file."""
    rows = [
        line.split() for line in text.splitlines() if line.startswith((" 4900101 1", " -4900101 1"))
    ]
    return np.array([np.hypot(float(row[6]), float(row[7])) for row in rows])


def test_every_hard_process_of_the_file_is_showered_once_and_no_other(path):
    found, source = batches(path, (*SETTINGS, *RECOIL))
    assert [batch.n_events for batch in found] == [8, 8, 8, 6]
    pt = np.concatenate([batch.partons.pt for batch in found])
    np.testing.assert_allclose(pt, hard_partons(path.read_text()), rtol=1e-6)
    for p in (batch.particles for batch in found):  # whole collisions, remnants included
        energy = np.bincount(p.event, np.sqrt(p.px**2 + p.py**2 + p.pz**2 + p.mass**2))
        np.testing.assert_allclose(energy, 13000, rtol=1e-4)
    # SETTINGS switch on Pythia's own Z' process; its cross section would be added.
    total = float(path.read_text().partition("<init>\n")[2].splitlines()[1].split()[0])
    assert source.cross_section == pytest.approx(total, rel=1e-6)


def test_ranges_begin_where_the_last_one_ended(path):
    pt = [
        b.partons.pt for part in range(3) for b in batches(path, (*SETTINGS, *RECOIL), 12, part)[0]
    ]
    np.testing.assert_allclose(np.concatenate(pt), hard_partons(path.read_text()), rtol=1e-6)


@pytest.mark.parametrize(
    ("strategy", "expected", "cross_section"),
    [
        (3, [1.0, 1.0], None),
        (-3, [1.0, -1.0], None),
        (4, [0.5, 0.25], 0.375),
        (-4, [0.5, -0.25], 0.125),
    ],
)
def test_weights_of_the_file_are_honoured(strategy, expected, cross_section, tmp_path):
    weights = (0.5, 0.25 * np.sign(expected[1]))
    write_lhe(tmp_path / "w.lhe", SETTINGS, 10, strategy=strategy, weights=weights)
    found, source = batches(tmp_path / "w.lhe")
    np.testing.assert_allclose(np.concatenate([b.weight for b in found]), np.tile(expected, 5))
    if cross_section is not None:  # the mean weight [pb]
        assert source.cross_section == pytest.approx(cross_section, rel=1e-6)


@pytest.mark.parametrize("wrong", ["5 9999", " 4900023 2 1 2 0 0 "])
def test_a_broken_event_is_told_with_its_number(wrong, path, tmp_path):
    head, *events = path.read_text().split("<event>")
    events[4] = events[4].replace(wrong, "oops", 1)
    (tmp_path / "broken.lhe").write_text("<event>".join((head, *events)))
    with pytest.raises(InputError, match="event 5 is broken"):
        batches(tmp_path / "broken.lhe")


def test_pythias_own_processes_cannot_slip_in(path, monkeypatch):
    from darkclr.simulation.events import les_houches

    monkeypatch.setattr(les_houches, "without_production", tuple)
    with pytest.raises(SimulationError, match="beside those of the file"):
        batches(path)


def test_a_parameter_card_in_the_header_is_read_on_request_only(path, tmp_path, capfd):
    card = "<header>\n<slha>\nBLOCK MASS\n 4900111 30.0 # dark pion\n</slha>\n"
    path = Path(shutil.copy(path, tmp_path / "slha.lhe"))
    path.write_text(path.read_text().replace("<header>\n", card))
    for wish, mass in (([], 4.0), (["SLHA:readFrom = 1"], 30.0)):
        config = SampleConfig(process="aachen", events=str(path), mpi=False, settings=wish)
        particles = batches(path, plan(config).settings)[0][0].particles
        assert set(particles.mass[np.abs(particles.pdg) == 4900111]) == {mass}
    assert capfd.readouterr().out == ""


def test_cuts_on_pythias_phase_space_do_not_touch_the_file(path):
    cuts = ("PhaseSpace:mHatMin = 9000", "PhaseSpace:pTHatMin = 3000")
    assert sum(batch.n_events for batch in batches(path, (*SETTINGS, *cuts))[0]) == N


def test_what_switches_on_a_process():
    processes = [
        "HardQCD:all = on",
        "HardQCD:hardbbbar=on",
        "SoftQCD:nonDiffractive = yes",
        "Top:gg2ttbar = on",
        "HiddenValley:ffbar2Zv = on",
        "Charmonium:gg2ccbar(3S1)[3S1(1)]g = on,off",
        "HiggsSM:ff2Hff(t:WW) on",
        "ExtraDimensionsG*:all = on",
    ]
    others = [
        "PartonLevel:all = on",
        "HiddenValley:fragment = on",
        "HiddenValley:FSR = on",
        "HardQCD:gg2gg = off",
        "PhaseSpace:bias2Selection = on",
        "MultipartonInteractions:allowRescatter = on",
        "SLHA:allowUserOverride = on",
        "4900111:oneChannel = 1 0.5 91 1 -1",
        "PhaseSpace:pTHatMin = 80",
    ]
    del processes[5]  # a list of switches; found when the file has ended
    assert without_production([*processes, *others]) == tuple(others)


def test_a_file_that_pythia_refuses_is_told_in_its_words(path, tmp_path):
    text = path.read_text()
    init = text[text.index("<init>") : text.index("</init>")]
    (tmp_path / "x.lhe").write_text(text.replace(init, "<init>\n oops\n"))
    with pytest.raises(SimulationError, match="Pythia"):
        batches(tmp_path / "x.lhe")


def changed(path, tmp_path, change) -> Path:
    """The file with events changed, as lists of lines."""
    head, *events = path.read_text().split("<event>\n")
    changed = tmp_path / "changed.lhe"
    changed.write_text("<event>\n".join((head, *change(events))))
    return changed


def with_broken_colours(events):
    """Events 5 and 20, counted from 0, have a colour line that begins and ends nowhere."""
    for i in (5, 20):
        events[i] = events[i].replace(" 101 0 ", " 777 0 ", 1)
    return events


def test_events_that_pythia_gives_up_on_are_counted_and_the_others_keep_their_numbers(
    path, tmp_path
):
    expected = hard_partons(path.read_text()).reshape(N, 2)
    found, source = batches(changed(path, tmp_path, with_broken_colours), (*SETTINGS, *RECOIL))
    number = np.concatenate([batch.number for batch in found])
    assert number.tolist() == [i for i in range(N) if i not in (5, 20)]
    assert sum(batch.n_tried for batch in found) == N
    pt = np.concatenate([batch.partons.pt for batch in found]).reshape(-1, 2)
    np.testing.assert_allclose(pt, expected[number], rtol=1e-6)
    assert source.lost == 2
    assert source.complaints() == {"ProcessLevel::checkColours: unphysical colour flow": 2}


@pytest.mark.parametrize("strategy", [1, 2])
def test_numbers_are_those_of_the_file_where_pythia_unweights(strategy, tmp_path):
    path = tmp_path / "w.lhe"
    write_lhe(path, SETTINGS, 20, strategy=strategy, weights=(0.5, 1.0, 0.1))
    expected = hard_partons(path.read_text()).reshape(20, 2)
    found, source = batches(path, (*SETTINGS, *RECOIL))
    number = np.concatenate([batch.number for batch in found])
    assert 0 < len(number) < 20
    assert (np.diff(number) > 0).all()
    pt = np.concatenate([batch.partons.pt for batch in found]).reshape(-1, 2)
    np.testing.assert_allclose(pt, expected[number], rtol=1e-6)
    assert source.lost == 0


QNUMBERS = (
    "<header>\n<slha>\nBLOCK MASS\n 1023 2000.0 # mzp\nBLOCK QNUMBERS 1023 # zp\n 1 0 # charge\n"
    " 2 3 # spins\n 3 1 # colour\n 4 0 # self-conjugate\n</slha>\n"
)


def test_particles_that_pythia_does_not_know_are_told_with_the_mend(path, tmp_path):
    """At once, and not as events that fail one by one."""
    text = path.read_text().replace(" 4900023 2 ", " 1023 2 ")
    (tmp_path / "x.lhe").write_text(text)
    with pytest.raises(InputError, match=r"Pythia does not know: 1023; describe .*1023:new = "):
        batches(tmp_path / "x.lhe")
    described = tmp_path / "described.lhe"
    described.write_text(text.replace("<header>\n", QNUMBERS))
    for name, settings in (("x.lhe", "1023:new = zp zp 3 0 0 2000"), (None, "SLHA:readFrom = 1")):
        file = described if name is None else tmp_path / name
        off = ("SLHA:readFrom = 0",)
        assert sum(b.n_events for b in batches(file, (*SETTINGS, *off, settings))[0]) == N
    with pytest.raises(InputError, match=r"SLHA block .* describes them.*SLHA:readFrom = 1"):
        batches(described, (*SETTINGS, "SLHA:readFrom = 0"))


WEIGHTS = (
    "<header>\n<initrwgt>\n<weightgroup name='scales' combine='envelope'>\n"
    "<weight id='1001'> muR=2  muF=1 </weight>\n<weight id='1002'> muR=0.5 </weight>\n"
    "</weightgroup>\n</initrwgt>\n"
)


def with_weights(path, tmp_path) -> Path:
    """Event i has the further weights 1001: i + 1 times and 1002: twice its own."""

    def more(events):
        for i, event in enumerate(events):
            own = float(event.split()[2])
            rwgt = f"<rwgt>\n<wgt id='1001'> {(i + 1) * own} </wgt>\n"
            rwgt += f"<wgt id='1002'> {2 * own} </wgt>\n</rwgt>\n"
            events[i] = event.replace("</event>", rwgt + "</event>")
        return with_broken_colours(events)

    file = changed(path, tmp_path, more)
    file.write_text(file.read_text().replace("<header>\n", WEIGHTS))
    return file


@pytest.mark.parametrize("name", ["1001", "muR=2 muF=1"])
def test_a_weight_is_chosen_by_name_or_description(name, path, tmp_path):
    file = with_weights(path, tmp_path)
    config = SampleConfig(process="aachen", events=str(file), mpi=False)
    own = plan(config)
    assert own.weight == Weight(None, 0, 3)
    assert own.notes() == ["events have 3 weights, of which the event's own is taken"]
    planned = plan(replace(config, weight=name))
    assert planned.weight == Weight("1001", 0, 3)
    assert planned.notes() == ["events have 3 weights, of which '1001' is taken"]
    assert planned.fingerprint != own.fingerprint
    source = LesHouchesEvents(planned.file.ranges[0], planned.settings, 7, "1001")
    found = source.generate(N)
    np.testing.assert_allclose(found.weight, found.number + 1)  # of strategy 3 their own is 1
    with pytest.raises(ConfigError, match=r"no weight is called 'x'; it has '1001' .muR=2 muF=1."):
        plan(replace(config, weight="x"))


@pytest.mark.parametrize("header", ["run card: a < b && c", None])
def test_names_of_weights_are_found_beside_a_header_that_is_no_xml_and_in_events(
    header, path, tmp_path
):
    """Of MadGraph's cards; without names in the header the events have them."""
    file = with_weights(path, tmp_path)
    text = file.read_text()
    if header is None:
        text = text.replace(WEIGHTS, "<header>\n")
    else:
        text = text.replace("<header>\n", f"<header>\n{header}\n")
    file.write_text(text)
    config = SampleConfig(process="aachen", events=str(file), mpi=False)
    assert plan(config).weight.of == 3
    planned = plan(replace(config, weight="1002"))
    source = LesHouchesEvents(planned.file.ranges[0], SETTINGS, 1, weight="1002")
    own = LesHouchesEvents(planned.file.ranges[0], SETTINGS, 1).generate(3)
    np.testing.assert_allclose(source.generate(3).weight, 2 * own.weight)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<LesHouches", '<?xml version="1.0"?>\n<LesHouches'),
        ("</event>", "<weights> 1.0 2.0 </weights>\n</event>"),  # values whose names are nowhere
    ],
)
def test_what_the_format_allows_is_no_hindrance(old, new, path, tmp_path):
    file = tmp_path / "events.lhe"
    file.write_text(path.read_text().replace(old, new))
    found, expected = (
        LesHouchesEvents(scan_events(x, 100).ranges[0], SETTINGS, 1).generate(3)
        for x in (file, path)
    )
    np.testing.assert_array_equal(found.particles.px, expected.particles.px)


def test_a_header_that_is_no_xml_is_no_hindrance(path, tmp_path):
    """MadGraph 1 wrote its cards without CDATA; Pythia reads over them."""
    file = tmp_path / "x.lhe"
    file.write_text(
        path.read_text().replace("<header>\n", "<header>\ngenerate p p > w QED<=2 & j\n")
    )
    assert sum(batch.n_events for batch in batches(file)[0]) == N


@pytest.mark.parametrize(
    ("card", "merged"),
    [
        ("  1  = ickkw ! 0 no matching, 1 MLM\n", "1  = ickkw"),
        ("  30.0 = ktdurham\n", "30.0 = ktdurham"),
        ("  0  = ickkw ! 0 no matching, 1 MLM\n -1.0 = ktdurham\n", None),
        ("", None),
    ],
)
def test_samples_that_were_to_be_merged_are_told(card, merged, path, tmp_path):
    file = tmp_path / "x.lhe"
    file.write_text(path.read_text().replace("<header>\n", f"<header>\n{card}"))
    planned = plan(SampleConfig(process="aachen", events=str(file)))
    assert planned.merging == merged == merging_of(planned.file.ranges[0])
    assert [("are not matched to the shower" in note) for note in planned.notes()] == (
        [True] if merged else []
    )
