"""Files of events made elsewhere: Les Houches (MadGraph) and HepMC, cut into ranges of events.

A file is read once from end to end, to count its events and to see that it is whole. Ranges of
events are then read alone, so that each shard of a sample has its own.
Sources: J. Alwall et al., Comput. Phys. Commun. 176 (2007) 300, https://arxiv.org/abs/hep-ph/0609017
(Les Houches event files); A. Buckley et al., Comput. Phys. Commun. 260 (2021) 107310,
https://arxiv.org/abs/1912.08005 (HepMC3).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from darkclr.errors import InputError
from darkclr.io.containers import container_of
from darkclr.io.documents import regular_file

__all__ = ["EventFile", "EventRange", "scan_events"]

Format = Literal["lhe", "hepmc3", "hepmc2"]

# First bytes of compressed files, and what unpacks them.
_COMPRESSIONS: Mapping[bytes, Callable[[str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x5d\x00\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda path: pa.input_stream(path, compression="zstd"),
    b"\x04\x22\x4d\x18": lambda path: pa.input_stream(path, compression="lz4"),
}
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x9d": "packed (.Z)",
}
# What these raise where a file breaks off or is damaged.
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, OSError)
_CHUNK = 1 << 22  # bytes read at once
_LONGEST_EVENT = 1 << 27  # bytes; also of what stands before the first
_LONGEST_MARK = 64  # bytes; a mark that is cut by the end of a chunk is found in the next one
_MARKS = {
    # <event>, </event>, </init>, </LesHouchesEvents>, each at the beginning of a line
    "lhe": re.compile(rb"\n[ \t]*<(event(?=[\s>])|/event>|/init>|/LesHouchesEvents>)"),
    "hepmc": re.compile(rb"\n(E |HepMC::[\w-]+END_EVENT_LISTING)"),
}
_AGAIN = "fetch it again, or give it the end that its format asks for"


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
    """

    path: str
    format: Format
    header: int
    start: int
    stop: int
    first: int
    n_events: int

    def chunks(self) -> Iterator[bytes]:
        """The range as a file of its own, piece by piece.

        Raises:
            InputError: the file has gone or become shorter.
        """
        with _open(self.path) as file:
            yield from _read(file, self.header, self.path)
            _skip(file, self.start - self.header, self.path)
            yield from _read(file, self.stop - self.start, self.path)
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
    """

    path: str
    format: Format
    n_events: int
    sha256: str
    ranges: tuple[EventRange, ...]


def scan_events(path: Path | str, events_per_range: int) -> EventFile:
    """Count the events of a file, see that it is whole, and cut it into ranges.

    Args:
        path: a Les Houches file or a HepMC file (ASCII, of version 3 or 2); both may be packed
            with gzip, bzip2, xz, Zstandard or LZ4.
        events_per_range: number of events of each range but the last.

    Raises:
        InputError: the file cannot be read, is of another format, is cut off or has no events.
    """
    path = str(regular_file(path))
    starts: list[int] = []  # of every events_per_range-th event
    n_events, inside, header, end = 0, False, 0, None
    initialised = False
    try:
        with _open(path) as file:
            form = _format(file.read(_CHUNK), path)
        with _open(path) as file:
            for offset, mark in _marks(file, _MARKS["lhe" if form == "lhe" else "hepmc"], path):
                if end is not None:
                    raise InputError("goes on after its end", where=path, fix="split it")
                if mark == b"/init>":
                    initialised = True
                elif mark == b"/event>":
                    inside = False
                elif mark in (b"event", b"E "):
                    if inside:
                        raise _cut(path, f"event {n_events} has no end")
                    if n_events % events_per_range == 0:
                        starts.append(offset)
                    header = header or offset
                    n_events, inside = n_events + 1, form == "lhe"
                else:
                    end = offset
    except _DAMAGED as problem:
        if isinstance(problem, OSError) and problem.strerror:
            raise InputError(problem.strerror, where=path) from problem
        raise _cut(path, "it cannot be unpacked to its end") from problem
    if end is None or inside:
        raise _cut(path, f"{'inside' if inside else 'after'} event {n_events}")
    if form == "lhe" and not initialised:
        raise InputError("has no <init> block", where=path, fix="fetch it again")
    if n_events == 0:
        raise InputError("holds no events", where=path)
    stops = [*starts[1:], end]
    firsts = range(0, n_events, events_per_range)
    ranges = tuple(
        EventRange(path, form, header, start, stop, first, min(events_per_range, n_events - first))
        for start, stop, first in zip(starts, stops, firsts, strict=True)
    )
    with Path(path).open("rb") as raw:
        sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
    return EventFile(path, form, n_events, sha256, ranges)


def _cut(path: str, where: str) -> InputError:
    return InputError(f"is cut off ({where})", where=path, fix=_AGAIN)


def _open(path: str) -> Any:
    """The file, unpacked; how it is packed is seen in its first bytes, not in its name."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(8)
        unpack = (f for magic, f in _COMPRESSIONS.items() if start.startswith(magic))
        return next(unpack, lambda path: Path(path).open("rb"))(path)
    except OSError as problem:
        raise InputError(problem.strerror or "cannot be read", where=path) from problem


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
    """Offset of the line and text of every mark in the file, in order.

    Raises:
        InputError: there is none for longer than any event: a few bytes can unpack to any number.
    """
    kept, base = b"\n", -1  # a mark on the first line follows no line break
    latest = 0
    while True:
        chunk = file.read(_CHUNK)
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
            return
        if base + len(text) - latest > _LONGEST_EVENT:
            raise InputError(
                f"has no event within {_LONGEST_EVENT >> 20} MB after byte {latest}",
                where=path,
                fix="fetch it again",
            )
        cut = max(last, sure, 0)
        kept, base = text[cut:], base + cut


def _read(file: Any, size: int, path: str) -> Iterator[bytes]:
    while size > 0:
        try:
            piece = file.read(min(size, _CHUNK))
        except _DAMAGED as problem:
            raise InputError("cannot be read any more", where=path) from problem
        if not piece:
            raise InputError("has become shorter", where=path, fix="start again")
        size -= len(piece)
        yield piece


def _skip(file: Any, size: int, path: str) -> None:
    if file.seekable():
        file.seek(size, 1)
    else:
        for _ in _read(file, size, path):
            pass
