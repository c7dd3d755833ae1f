from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from darkclr.errors import InputError
from darkclr.simulation.events import event_files
from darkclr.simulation.events.event_files import scan_events

HEADER = '<LesHouchesEvents version="3.0">\n<header>\n<slha>\n</slha>\n</header>\n<init>\n</init>\n'
END = "</LesHouchesEvents>\n"
HEPMC = "HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\nW 1\nN nominal\n"
HEPMC_END = "HepMC::Asciiv3-END_EVENT_LISTING\n\n"


def lhe(n_events: int) -> str:
    events = (f"<event npNLO=' {i} '>\n 1 {i}\n</event>\n" for i in range(n_events))
    return HEADER + "".join(events) + END


def hepmc(n_events: int) -> str:
    events = (f"E {i} 1 2\nU GEV MM\nP 1 0 2212 E \nP 2 0 11 E \n" for i in range(n_events))
    return HEPMC + "".join(events) + HEPMC_END


def by_arrow(codec: str):
    def compress(content: bytes) -> bytes:
        packed = pa.BufferOutputStream()
        with pa.CompressedOutputStream(packed, codec) as stream:
            stream.write(content)
        return packed.getvalue().to_pybytes()

    return compress


PACKED = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE),
    "zstd": by_arrow("zstd"),
    "lz4": by_arrow("lz4"),
}


def write(folder: Path, text: str, packed: str | None = None) -> Path:
    """Under a name that tells nothing."""
    path = folder / "events"
    path.write_bytes(PACKED[packed](text.encode()) if packed else text.encode())
    return path


@pytest.mark.parametrize("packed", [None, *PACKED])
@pytest.mark.parametrize(
    ("make", "mark", "form"), [(lhe, "<event ", "lhe"), (hepmc, "\nE ", "hepmc3")]
)
@pytest.mark.parametrize("chunk", [97, 1 << 22])  # marks lie across the ends of small pieces
def test_ranges_hold_every_event_once_and_in_order(
    make, mark, form, packed, chunk, tmp_path, monkeypatch
):
    monkeypatch.setattr(event_files, "CHUNK", chunk)
    text = make(25)
    path = write(tmp_path, text, packed)
    file = scan_events(path, 10)
    assert (file.format, file.n_events) == (form, 25)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(r.first, r.n_events) for r in file.ranges] == [(0, 10), (10, 10), (20, 5)]
    parts = [b"".join(r.chunks()).decode() for r in file.ranges]
    assert [part.count(mark) for part in parts] == [10, 10, 5]
    header, footer = text[: file.ranges[0].header], (END if form == "lhe" else HEPMC_END)
    assert all(part.startswith(header) and part.endswith(footer) for part in parts)
    bodies = [part.removeprefix(header).removesuffix(footer) for part in parts]
    assert header + "".join(bodies) + footer == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("pt,eta,phi\n1,2,3\n", "neither a Les Houches file nor a HepMC file"),
        (lhe(0), "holds no events"),
        (HEADER.replace("</init>", "") + lhe(1).removeprefix(HEADER), "no <init> block"),
        (lhe(3)[: -len(END) - 12], r"cut off \(inside event 3\)"),
        (
            lhe(3).replace("</event>\n<event npNLO=' 2", "<event npNLO=' 2"),
            r"cut off \(event 2 has no end\)",
        ),
        (lhe(2) + lhe(2), "goes on after its end"),
        (hepmc(3) + "E 0 0 0\n", "goes on after its end"),
        (hepmc(3).removesuffix("P 2 0 11 E \n" + HEPMC_END), r"cut off \(inside event 3\)"),
        (hepmc(3).removesuffix(" E \n" + HEPMC_END), r"cut off \(inside event 3\)"),
        (hepmc(3).removesuffix("\n" + HEPMC_END) + hepmc(1), r"cut off \(inside event 3\)"),
        (hepmc(1).removesuffix(" E \n" + HEPMC_END), r"\(inside event 1\); fetch it again$"),
        (hepmc(1) + hepmc(1).replace("Asciiv3", "IO_GenEvent"), "events of several formats"),
    ],
)
@pytest.mark.parametrize("packed", [None, "gzip"])
def test_files_that_are_not_whole_are_told_in_one_line(text, told, packed, tmp_path):
    path = write(tmp_path, text, packed)
    with pytest.raises(InputError, match=told) as caught:
        scan_events(path, 10)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("packed", [None, "gzip"])
@pytest.mark.parametrize("rest", ["", "\n", "HepMC::Asci", "</LesHouch", "E"], ids=repr)
@pytest.mark.parametrize(("make", "end"), [(lhe, END), (hepmc, HEPMC_END)])
def test_whole_events_without_the_mark_of_the_end_are_read(make, end, rest, packed, tmp_path):
    whole = make(3).removesuffix(end)
    file = scan_events(write(tmp_path, whole + rest, packed), 2)
    assert (file.n_events, file.has_end) == (3, False)
    header, last = whole[: file.ranges[0].header], whole[file.ranges[1].start :]
    read = b"".join(file.ranges[-1].chunks()).decode()
    assert read.split() == (header + last + end).replace("</event>\n<", "</event><").split()
    assert scan_events(write(tmp_path, make(3), packed), 2).has_end


def test_what_is_whole_of_a_cut_file_is_said_and_is_read(tmp_path):
    """`head -n` in the middle of an event, and what the message says to do about it."""
    path = write(tmp_path, hepmc(5)[:-70])
    with pytest.raises(InputError, match=r"inside event 5\).*4 whole events: head -c \d+$") as told:
        scan_events(path, 2)
    path.write_bytes(path.read_bytes()[: int(str(told.value).split()[-1])])
    assert scan_events(path, 2).n_events == 4


@pytest.mark.parametrize("packed", [None, *PACKED])
@pytest.mark.parametrize("has_end", [True, False])
def test_files_one_behind_the_other_are_read_each_under_its_own_header(has_end, packed, tmp_path):
    """As `cat` makes them of files that are packed or not, whole or not closed."""
    end = "" if has_end else HEPMC_END
    headers = [HEPMC.replace("nominal", f"name {i}") for i in range(3)]
    texts = [
        head + hepmc(n).removeprefix(HEPMC) for head, n in zip(headers, (3, 0, 2), strict=True)
    ]
    pieces = [text.removesuffix(end) for text in texts]
    path = tmp_path / "events"
    pack = PACKED[packed] if packed else bytes
    path.write_bytes(b"".join(pack(piece.encode()) for piece in pieces))
    file = scan_events(path, 2)
    assert (file.n_events, file.has_end) == (5, has_end)
    assert [(r.first, r.n_events) for r in file.ranges] == [(0, 2), (2, 1), (3, 2)]
    for events, header in zip(file.ranges, (headers[0], headers[0], headers[2]), strict=True):
        text = b"".join(events.chunks()).decode()
        assert text.removeprefix(header).startswith("E ")
        assert text.count("HepMC::") == 3
        assert text.count("\nE ") == events.n_events


@pytest.mark.parametrize("content", [b"PAR1", b"root\0", b"\x89HDF\r\n\x1a\n"])
def test_files_of_jets_are_told(content, tmp_path):
    (tmp_path / "events").write_bytes(content)
    with pytest.raises(InputError, match="file, and none of events before the detector; jets"):
        scan_events(tmp_path / "events", 10)


@pytest.mark.parametrize("packed", PACKED)
def test_a_torn_packed_file_is_told(packed, tmp_path):
    path = write(tmp_path, lhe(3000), packed)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"is cut off \(it cannot be unpacked to its end\)"):
        scan_events(path, 10)


@pytest.mark.parametrize("packed", ["gzip", "xz"])
@pytest.mark.parametrize("where", ["in the first event", "before it"])
def test_a_file_that_unpacks_to_more_than_an_event_is_refused(packed, where, tmp_path, monkeypatch):
    monkeypatch.setattr(event_files, "_LONGEST_EVENT", 1 << 20)
    monkeypatch.setattr(event_files, "CHUNK", 1 << 18)
    long = "\0" * (3 << 20)
    text = lhe(1).replace("</event>", long + "\n</event>", 1)
    if where == "before it":
        text = lhe(1).replace("<init>", long + "<init>")
    path = write(tmp_path, text, packed)
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match="has no event within 1 MB after byte"):
        scan_events(path, 10)
    scan_events(write(tmp_path, lhe(20_000), packed), 10)  # many events may be long


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        scan_events(tmp_path / "none.lhe", 10)


def test_a_file_that_shrinks_is_told(tmp_path):
    path = write(tmp_path, lhe(20))
    last = scan_events(path, 10).ranges[-1]
    path.write_text(lhe(5))
    with pytest.raises(InputError, match="has become shorter"):
        list(last.chunks())
