"""Which layout a file has, and jets from files of any layout.

>>> sorted(LAYOUTS)
['aspen_open_jets', 'delphes', 'jetclass', 'jetnet', 'lhco', 'parquet', 'pfnano', 'top_tagging']
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from darkclr.errors import ConfigError, InputError
from darkclr.io import hdf5_file, root_file
from darkclr.io.aspen import ASPEN
from darkclr.io.delphes import DELPHES
from darkclr.io.jetclass import JETCLASS
from darkclr.io.jetnet import JETNET
from darkclr.io.lhco import LHCO
from darkclr.io.options import EVENT_PT_MIN, Layout, ReadOptions
from darkclr.io.parquet import PARQUET_LAYOUT, column_names
from darkclr.io.pfnano import PFNANO
from darkclr.io.sources import Source, expand, fetched
from darkclr.io.top_tagging import TOP_TAGGING
from darkclr.jets import Jets
from darkclr.kinematics_check import spot_check
from darkclr.selection import cut_constituents, select_jets

__all__ = [
    "EVENT_PT_MIN",
    "LAYOUTS",
    "Layout",
    "ReadOptions",
    "Recognised",
    "Source",
    "container_of",
    "files_of",
    "iterate_jets",
    "read_any",
    "recognise",
    "refuse_own_input",
]

_log = logging.getLogger(__name__)

#: All layouts, by name.
LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        layout.name: layout
        for layout in (PARQUET_LAYOUT, TOP_TAGGING, LHCO, ASPEN, JETNET, DELPHES, JETCLASS, PFNANO)
    }
)
_SUFFIXES = tuple(dict.fromkeys(x for layout in LAYOUTS.values() for x in layout.suffixes))

_CONTAINERS = {"parquet": "Parquet", "hdf5": "HDF5", "root": "ROOT"}
# First bytes of files that are often met where jets are expected.
_OTHER_FILES = (
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"BZh", "a bzip2 archive", "unpack it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it"),
    (b"\x93NUMPY", "a NumPy array", "convert it to Parquet"),
    (b"\x80", "probably a Python pickle, which is not opened", "convert it to Parquet"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself with git lfs pull"),
)


@dataclass(frozen=True)
class Recognised:
    """The layout of a file, and by what it was recognised."""

    layout: Layout
    why: str


def recognise(path: Path, layout: str | None = None) -> Recognised:
    """The layout of a local file, from what is in it and not from its name.

    Args:
        path: the file.
        layout: name of the layout, to skip the search.

    Raises:
        InputError: no such file, a broken one, or one of no known layout: what was looked for and
            what was there.
        ConfigError: ``layout`` is none of :data:`LAYOUTS`.
    """
    path = Path(path)
    if layout is not None and layout not in LAYOUTS:
        raise ConfigError(f"unknown layout {layout!r}", fix=f"choose of {', '.join(LAYOUTS)}")
    container = container_of(path)
    if layout is not None:
        forced = LAYOUTS[layout]
        if forced.container != container:
            raise InputError(
                f"is {_CONTAINERS[container]}, but {forced.title} was asked for",
                where=path,
                fix="leave out the layout to have it recognised",
            )
        return Recognised(forced, "it was asked for")
    candidates = [x for x in LAYOUTS.values() if x.container == container]
    for candidate in candidates:
        if why := candidate.recognise(path):
            return Recognised(candidate, why)
    describe = {
        "parquet": _describe_parquet,
        "hdf5": hdf5_file.describe,
        "root": root_file.describe,
    }
    raise InputError(
        f"has no known layout: it is {describe[container](path)}",
        where=path,
        fix="looked for "
        + "; ".join(f"{x.looks_for} ({x.name})" for x in candidates)
        + "; a layout can be forced by name",
    )


def container_of(path: Path) -> str:
    """ "parquet", "hdf5" or "root", by the first bytes of a file.

    Raises:
        InputError: no such file, or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", where=path, fix="check the path")
    try:
        with path.open("rb") as file:
            start = file.read(512)
            if _is_hdf5(file, start):
                return "hdf5"
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from error
    if not start:
        raise InputError("the file is empty", where=path, fix="get it again")
    for magic, name in ((b"PAR1", "parquet"), (b"root", "root")):
        if start.startswith(magic):
            return name
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        raise InputError(
            "is a web page (HTML), not data",
            where=path,
            fix="download the file itself, not the page that shows it",
        )
    for magic, what, fix in _OTHER_FILES:
        if start.startswith(magic):
            raise InputError(f"is {what}", where=path, fix=fix)
    kind = "text" if all(byte > 8 for byte in start) else "binary data of an unknown kind"
    raise InputError(
        f"is {kind}, neither Parquet nor HDF5 nor ROOT",
        where=path,
        fix="looked for " + "; ".join(f"{x.looks_for} ({x.name})" for x in LAYOUTS.values()),
    )


def files_of(source: Source) -> list[str]:
    """Names of the files of a source, as :func:`iterate_jets` reads them one after the other."""
    return expand(source, _SUFFIXES)


def refuse_own_input(source: Source, output: Path) -> None:
    """Refuse to write a file over one that is read.

    Raises:
        InputError: the output is a directory or part of the source.
    """
    if output.is_dir():
        raise InputError("is a directory", where=output, fix="name a file to write")
    if not output.exists():
        return
    if any(Path(name).resolve() == output.resolve() for name in files_of(source)):
        raise InputError("is part of the input", where=output, fix="name another file")


def iterate_jets(
    source: Source,
    *,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    batch_size: int = 10_000,
) -> Iterator[Jets]:
    """Jets of one or many files, batch by batch: memory is that of a batch.

    Args:
        source: a file, a folder, a glob pattern, a URL that fsspec opens, or a list of them.
        layout: name of the layout; by default each file's is recognised.
        options: cuts, label, clustering.
        batch_size: about so many jets are read at a time. Batches differ in length: cuts
            remove jets, events have several.

    Yields:
        Jets, never none; each batch of one file. Files whose rows are their event numbers are
        numbered on from one file to the next.

    A warning is logged for the first batch of a file whose jets do not fit the sum of their
    constituents.

    Raises:
        InputError: a file that cannot be read, or no jets that pass the cuts.
        MissingExtraError: a library for this kind of files is not installed.
    """
    next_event, kept, removed = 0, 0, 0
    for name in expand(source, _SUFFIXES):
        with fetched(name) as path:
            found = recognise(path, layout).layout
            shift = 0 if found.numbers_events else next_event
            warned = False
            for jets in found.batches(path, options, batch_size):
                # Before the cuts: without its soft constituents no jet is their sum.
                if not warned and (problem := spot_check(jets).problem):
                    _log.warning("%s: %s", name, problem)
                    warned = True
                if shift:
                    jets = replace(jets, event=jets.event + shift)
                next_event = max(next_event, int(jets.event.max()) + 1)
                passed = _cut(jets, options)
                kept += len(passed)
                removed += len(jets) - len(passed)
                if len(passed):
                    yield passed
    if removed:
        _log.info("%d of %d jets removed by the cuts", removed, kept + removed)
    if not kept:
        reason = f"none of {removed} jets passes the cuts" if removed else "there are no jets"
        raise InputError(reason, where=source, fix="check the cuts and the units")


def read_any(
    source: Source, *, layout: str | None = None, options: ReadOptions = ReadOptions()
) -> Jets:
    """All jets of one or many files, of any layout.

    See :func:`iterate_jets` for arguments and errors.
    """
    batches = list(iterate_jets(source, layout=layout, options=options))
    return batches[0] if len(batches) == 1 else Jets.concatenate(batches)


def _cut(jets: Jets, options: ReadOptions) -> Jets:
    jets = cut_constituents(
        jets, pt_min=options.constituent_pt_min, n_hardest=options.n_constituents
    )
    return select_jets(
        jets,
        pt_min=options.pt_min or 0.0,
        pt_max=options.pt_max,
        abs_eta_max=options.abs_eta_max,
    )


def _is_hdf5(file: object, start: bytes) -> bool:
    """The signature is at byte 0, or after a block of 512, 1024, 2048, ... bytes."""
    signature = b"\x89HDF\r\n\x1a\n"
    if start.startswith(signature):
        return True
    for position in 512 * 2 ** np.arange(8):
        file.seek(int(position))  # type: ignore[attr-defined]
        if file.read(8) == signature:  # type: ignore[attr-defined]
            return True
    return False


def _describe_parquet(path: Path) -> str:
    names = column_names(path)
    return f"a Parquet file with columns {', '.join(names[:12])}" + (", ..." * (len(names) > 12))
