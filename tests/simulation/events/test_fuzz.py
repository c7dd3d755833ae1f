"""Whatever is in a file of events: its events, or one clear line."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyhepmc")
pytest.importorskip("pylhe")

import pyhepmc
from events import write_hepmc

from darkclr.errors import DarkclrError
from darkclr.simulation.events.event_files import EventRange, scan_events
from darkclr.simulation.events.hepmc import HepMCEvents
from darkclr.simulation.events.les_houches_file import checked, merging_of, parsed, weights_of

LHE = (
    """<LesHouchesEvents version="3.0">
<header>
<initrwgt>
<weightgroup name="scales"><weight id="1">muR=2</weight></weightgroup>
</initrwgt>
</header>
<init>
2212 2212 6500. 6500. 0 0 0 0 3 1
1. 0. 1. 1
</init>
"""
    + "".join(
        f"""<event>
 2 1 {i}.5 100. 0.0078 0.118
 21 -1 0 0 101 102 0. 0. 50. 50. 0. 0. 9.
 21 1 1 0 102 101 0. 0. 50. 50. 0. 0. 9.
<rwgt><wgt id="1">2.5</wgt></rwgt>
</event>
"""
        for i in range(4)
    )
    + "</LesHouchesEvents>\n"
)


@functools.cache
def hepmc(form: str) -> bytes:
    events = []
    for i in range(4):
        event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
        vertex = pyhepmc.GenVertex(pyhepmc.FourVector(0, 0, 0, 0))
        vertex.add_particle_in(pyhepmc.GenParticle(pyhepmc.FourVector(0, 0, 9, 9), 2212, 4))
        for x in (1.0, -1.0):
            momentum = pyhepmc.FourVector(x, i, 4.5, 6)
            vertex.add_particle_out(pyhepmc.GenParticle(momentum, 211, 1))
        event.add_vertex(vertex)
        event.weights = [1.0, 2.0]
        events.append(event)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        write_hepmc(path, events, form)
        return path.read_bytes()


CONTENTS = {
    "lhe": lambda: LHE.encode(),
    "lhe.gz": lambda: gzip.compress(LHE.encode()),
    "hepmc3": lambda: hepmc("hepmc3"),
    "hepmc2": lambda: hepmc("hepmc2"),
    "hepmc3.bz2": lambda: bz2.compress(hepmc("hepmc3")),
    "hepmc2.xz": lambda: lzma.compress(hepmc("hepmc2")),
}


def read_range(events: EventRange) -> int:
    if events.format == "lhe":
        weights_of(events), merging_of(events)
        return len(list(checked(parsed(b"".join(events.chunks()), events), events)))
    HepMCEvents(events).weight_names()
    batch = HepMCEvents(events).generate(10)
    return 0 if batch is None else batch.n_events


def one_line(message: str) -> None:
    assert message
    assert "\n" not in message


def n_events(content: bytes) -> int | None:
    """Number of the events that are read, or None after one clear line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events"
        path.write_bytes(content)
        try:
            file = scan_events(path, 3)
            found = sum(map(read_range, file.ranges))
        except DarkclrError as error:
            return one_line(str(error))
    assert found == file.n_events
    return found


@pytest.mark.parametrize("name", CONTENTS)
def test_undamaged_files_are_read(name):
    assert n_events(CONTENTS[name]()) == 4


@pytest.mark.parametrize("name", [name for name in CONTENTS if "." in name])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_packed_files_that_are_truncated_are_never_taken_for_whole(name, data):
    content = CONTENTS[name]()
    assert n_events(content[: data.draw(st.integers(0, len(content) - 1))]) is None


@pytest.mark.parametrize(
    ("name", "mark"), [("lhe", b"<event>"), ("hepmc3", b"E "), ("hepmc2", b"E ")]
)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_of_truncated_files_whole_events_are_read_and_no_others(name, mark, data):
    """At any byte, and as often behind an event, where only the mark of the end is missing."""
    content = CONTENTS[name]()
    starts = [match.start() + 1 for match in re.finditer(b"\n" + mark, content)]
    end = content.rindex(b"</Les" if name == "lhe" else b"HepMC::")
    ends = [*starts[1:], end]
    stop = data.draw(st.one_of(st.integers(0, end + 9), st.sampled_from(ends)))
    whole = sum(x <= stop for x in ends)
    found = n_events(content[:stop])
    assert found == whole if stop in ends else found in (None, whole, *ends_early(name, whole))


def ends_early(name: str, whole: int) -> list[int]:
    """Les Houches events are whole before the line break behind them."""
    return [whole + 1] if name == "lhe" else []


@pytest.mark.parametrize("name", CONTENTS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_damaged_files(name, data):
    damaged = bytearray(CONTENTS[name]())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        patch = data.draw(st.binary(min_size=1, max_size=8))
        damaged[start : start + len(patch)] = patch
    n_events(bytes(damaged))
