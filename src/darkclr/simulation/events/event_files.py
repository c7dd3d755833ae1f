"""Files of events made elsewhere: Les Houches (MadGraph) and HepMC, cut into ranges of events.

A file is read once from end to end, to count its events and to see that they are whole. Ranges of
events are then read alone, so that each shard of a sample has its own.
Sources: J. Alwall et al., Comput. Phys. Commun. 176 (2007) 300, https://arxiv.org/abs/hep-ph/0609017
(Les Houches event files); A. Buckley et al., Comput. Phys. Commun. 260 (2021) 107310,
https://arxiv.org/abs/1912.08005 (HepMC3).
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from darkclr.errors import InputError
from darkclr.io.containers import container_of
from darkclr.io.documents import regular_file
from darkclr.simulation.events.unpacking import CHUNK, DAMAGED, open_unpacked, read, skip

__all__ = ["EventFile", "EventRange", "scan_events"]

Format = Literal["lhe", "hepmc3", "hepmc2"]

_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x9d": "packed (.Z)",
}
_LONGEST_EVENT = 1 << 27  # bytes; also of what stands before the first
_LONGEST_MARK = 64  # bytes; a mark that is cut by the end of a chunk is found in the next one
_MARKS = {
    # <event>, </event>, </init>, </LesHouchesEvents>, each at the beginning of a line
    "lhe": re.compile(rb"\n[ \t]*<(event(?=[\s>])|/event>|/init>|/LesHouchesEvents>)"),
    "hepmc": re.compile(rb"\n(E |HepMC::(?:Version|[\w-]+(?:START|END)_EVENT_LISTING))"),
}
_STARTS = {"hepmc3": b"HepMC::Asciiv3", "hepmc2": b"HepMC::IO_GenEvent"}


@dataclass(frozen=True)
class EventRange:
    """Neighbouring events of a file.

    Args:
        path: path of the file.
        format: format of the file.
        header: number of bytes before the first event, which hold what all events share.
        start: byte at which the range begins, counted in the unpacked file.
        stop: byte after its end.
        first: number of its first event in the file, from 0.
        n_events: number of events in the range.
        header_start: byte at which the header begins, which is not 0 behind another file's events.
    """

    path: str
    format: Format
    header: int
    start: int
    stop: int
    first: int
    n_events: int
    header_start: int = 0

    def chunks(self) -> Iterator[bytes]:
        """The range as a file of its own, piece by piece.

        Raises:
            InputError: the file has gone or become shorter.
        """
        with open_unpacked(self.path) as file:
            skip(file, self.header_start, self.path)
            yield from read(file, self.header, self.path)
            skip(file, self.start - self.header_start - self.header, self.path)
            yield from read(file, self.stop - self.start, self.path)
        yield {
            "lhe": b"</LesHouchesEvents>\n",
            "hepmc3": b"HepMC::Asciiv3-END_EVENT_LISTING\n\n",
            "hepmc2": b"HepMC::IO_GenEvent-END_EVENT_LISTING\n\n",
        }[self.format]


@dataclass(frozen=True)
class EventFile:
    """What is in a file of events.

    Args:
        path: path of the file.
        format: format of the file.
        n_events: number of events in the file.
        sha256: hash of the file as it is on the disk, in hexadecimal.
        ranges: all events, in neighbouring ranges.
        has_end: whether the mark stands behind the events that its format asks for.
    """

    path: str
    format: Format
    n_events: int
    sha256: str
    ranges: tuple[EventRange, ...]
    has_end: bool = True


@dataclass
class _Part:
    """Events under one header; of several files in one there are several.

    Args:
        header_start: byte at which the header begins.
        first: number of the first event in the file.
        starts: byte at which every so-many-th event begins.
        n_events: number of events.
        last: byte at which the last event begins.
        stop: byte after the last event, or of what follows it; 0 before that is known.
        has_end: whether its end is marked.
    """

    header_start: int
    first: int
    starts: list[int] = field(default_factory=list)
    n_events: int = 0
    last: int = 0
    stop: int = 0
    has_end: bool = False


def scan_events(path: Path | str, events_per_range: int) -> EventFile:
    """Count the events of a file, see that they are whole, and cut it into ranges.

    Files that were written one behind the other are read as one: no range has events of two. Where
    the mark of the end is missing, the last event must be seen to be whole.

    Args:
        path: a Les Houches file or a HepMC file (ASCII, of version 3 or 2); both may be packed
            with gzip, bzip2, xz, Zstandard or LZ4.
        events_per_range: number of events of each range but the last.

    Raises:
        InputError: the file cannot be read, is of another format, breaks off in an event or has no
            events.
    """
    path = str(regular_file(path))
    try:
        with open_unpacked(path) as file:
            form = _format(file.read(CHUNK), path)
        with open_unpacked(path) as file:
            parts = [*_parts(file, form, path, events_per_range)]
        for part in parts:
            if not part.has_end and part.n_events:
                part.stop = _end_of_last(part, path, form)
    except DAMAGED as problem:
        if isinstance(problem, OSError) and problem.strerror:
            raise InputError(problem.strerror, where=path) from problem
        raise InputError(
            "is cut off (it cannot be unpacked to its end)",
            where=path,
            fix="fetch it again, or unpack what is there: events up to the last whole one are read",
        ) from problem
    n_events = sum(part.n_events for part in parts)
    if n_events == 0:
        raise InputError("holds no events", where=path)
    with Path(path).open("rb") as raw:
        sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
    ranges = (_ranges(part, path, form, events_per_range) for part in parts)
    return EventFile(
        path,
        form,
        n_events,
        sha256,
        tuple(itertools.chain.from_iterable(ranges)),
        has_end=all(part.has_end for part in parts),
    )


def _parts(file: Any, form: Format, path: str, events_per_range: int) -> Iterator[_Part]:
    """Headers with their events.

    Raises:
        InputError: the file goes on after its end without a header, has an event without an end or
            parts of several formats, or lacks its block <init>.
    """
    part, inside, initialised = _Part(0, 0), False, form != "lhe"
    for offset, mark in _marks(file, _MARKS["lhe" if form == "lhe" else "hepmc"], path):
        starts = mark.endswith(b"START_EVENT_LISTING")
        if starts and not mark.startswith(_STARTS[form]):
            raise InputError("holds events of several formats", where=path, fix="split it")
        if starts or mark == b"HepMC::Version":
            if part.n_events or part.stop:
                part.stop = part.stop or offset
                yield part
                part = _Part(offset, part.first + part.n_events)
            elif not starts:  # behind the header of a part without events
                part.header_start = offset
        elif not mark:
            part.stop = part.stop or offset
        elif part.stop:
            raise InputError("goes on after its end", where=path, fix="split it")
        elif mark == b"/init>":
            initialised = True
        elif mark == b"/event>":
            inside = False
        elif mark in (b"event", b"E "):
            if inside:
                raise InputError(
                    f"is cut off (event {part.n_events} has no end)",
                    where=path,
                    fix="fetch it again",
                )
            if part.n_events % events_per_range == 0:
                part.starts.append(offset)
            part.n_events, part.last, inside = part.n_events + 1, offset, form == "lhe"
        else:
            part.stop, part.has_end = offset, True
    if not initialised:
        raise InputError("has no <init> block", where=path, fix="fetch it again")
    yield part


def _ranges(part: _Part, path: str, form: Format, size: int) -> Iterator[EventRange]:
    end = part.first + part.n_events
    for first, start, stop in zip(
        range(part.first, end, size), part.starts, [*part.starts[1:], part.stop], strict=False
    ):
        yield EventRange(
            path,
            form,
            header=part.starts[0] - part.header_start,
            start=start,
            stop=stop,
            first=first,
            n_events=min(size, end - first),
            header_start=part.header_start,
        )


def _end_of_last(part: _Part, path: str, form: Format) -> int:
    """Byte after the last event of a part without an end.

    Raises:
        InputError: the event is not whole.
    """
    with open_unpacked(path) as file:
        skip(file, part.last, path)
        event = b"".join(read(file, part.stop - part.last, path))
    if length := _whole_length(event, form):
        return part.last + length
    whole = part.first + part.n_events - 1
    fix = "fetch it again"
    if whole:
        fix += f", or keep its first {part.last} bytes, {whole} whole events: head -c {part.last}"
    raise InputError(f"is cut off (inside event {whole + 1})", where=path, fix=fix)


def _whole_length(event: bytes, form: Format) -> int:
    """Bytes of the last event of a file; 0 if that lacks something that it announces.

    Particles come last. A last line without a line break may have lost digits, even where another
    file goes on in it.
    """
    if form == "lhe":
        end = event.find(b"</event>")
        return 0 if end < 0 else end + len(b"</event>")
    length = event.partition(b"HepMC::")[0].rfind(b"\n") + 1
    lines = event[:length].splitlines()
    n_particles = sum(line.startswith(b"P ") for line in lines)
    try:
        head = lines[0].split()
        if form == "hepmc3":
            announced = int(head[3])
        else:
            vertices = [line.split() for line in lines if line.startswith(b"V ")]
            if len(vertices) != int(head[8]):
                return 0
            announced = sum(int(vertex[7]) + int(vertex[8]) for vertex in vertices)
    except (IndexError, ValueError):
        return 0
    return length if n_particles == announced else 0


def _format(beginning: bytes, path: str) -> Format:
    if not beginning.strip():
        raise InputError("is empty", where=path)
    for magic, name in _ARCHIVES.items():
        if beginning.startswith(magic):
            raise InputError(f"is {name}", where=path, fix="unpack it")
    head = beginning.lstrip()[:512]
    if b"<LesHouchesEvents" in head:
        return "lhe"
    if b"HepMC::Asciiv3" in head:
        return "hepmc3"
    if b"HepMC::IO_GenEvent" in head:
        return "hepmc2"
    try:
        container = container_of(Path(path))
    except InputError:
        raise InputError(
            "is neither a Les Houches file nor a HepMC file in ASCII",
            where=path,
            fix="give .lhe, .hepmc or the same packed with gzip, bzip2, xz or Zstandard",
        ) from None
    raise InputError(
        f"is {container.article} {container.name} file, and none of events before the detector",
        where=path,
        fix="jets, and events of Delphes, need no simulation: `darkclr info` says what it is",
    )


def _marks(file: Any, pattern: re.Pattern[bytes], path: str) -> Iterator[tuple[int, bytes]]:
    """Offset of the line and text of every mark in the file, in order; no text at its end.

    Raises:
        InputError: there is none for longer than any event: a few bytes can unpack to any number.
    """
    kept, base = b"\n", -1  # a mark on the first line follows no line break
    latest = 0
    while True:
        chunk = file.read(CHUNK)
        text = kept + chunk
        sure = len(text) - (_LONGEST_MARK if chunk else 0)
        last = 0
        for match in pattern.finditer(text):
            if match.start() >= sure:
                break
            latest = base + match.start() + 1
            yield latest, match.group(1)
            last = match.end()
        if not chunk:
            yield base + len(text), b""
            return
        if base + len(text) - latest > _LONGEST_EVENT:
            raise InputError(
                f"has no event within {_LONGEST_EVENT >> 20} MB after byte {latest}",
                where=path,
                fix="fetch it again",
            )
        cut = max(last, sure, 0)
        kept, base = text[cut:], base + cut
