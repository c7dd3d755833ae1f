"""Containers of tables: which one a file is, by its first bytes, and the tables that it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from darkclr.errors import DarkclrError, InputError, is_lack_of_memory
from darkclr.io.containers.hdf5 import hdf5_tables
from darkclr.io.containers.numpy_arrays import numpy_tables
from darkclr.io.containers.parquet import parquet_tables
from darkclr.io.containers.root import root_tables
from darkclr.io.containers.table import Rows, Table
from darkclr.io.documents import regular_file

__all__ = [
    "CONTAINERS",
    "SUFFIXES",
    "Container",
    "Rows",
    "Table",
    "container_of",
    "explained",
    "opened",
]


@dataclass(frozen=True)
class Container:
    """A kind of files that hold tables.

    Args:
        name: of the kind.
        article: that goes before it.
        suffixes: of files that a directory is searched for.
        tables: opens a file and gives its tables.
    """

    name: str
    article: str
    suffixes: tuple[str, ...]
    tables: Callable[[Path], AbstractContextManager[list[Table]]]


#: All containers, by name.
CONTAINERS: Mapping[str, Container] = MappingProxyType(
    {
        container.name: container
        for container in (
            Container("Parquet", "a", (".parquet", ".pq"), parquet_tables),
            Container("HDF5", "an", (".h5", ".hdf5", ".hdf"), hdf5_tables),
            Container("ROOT", "a", (".root",), root_tables),
            # Those of a directory are of anything.
            Container("NumPy", "a", (), numpy_tables),
        )
    }
)
#: Of the files that a directory is searched for.
SUFFIXES = tuple(suffix for container in CONTAINERS.values() for suffix in container.suffixes)

_EVENTS = "simulate its jets with `darkclr generate --events`"
_UNPACK = f"unpack it; events (Les Houches, HepMC) may stay packed: {_EVENTS.replace('its', 'the')}"
# First bytes of files that are often met where jets are expected.
_OTHER_FILES = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"\x04\x22\x4d\x18", "an LZ4 archive", _UNPACK),
    (b"<LesHouchesEvents", "a file of events before the detector", _EVENTS),
    (b"HepMC::", "a file of events before the detector", _EVENTS),
    (
        b"ARROW1",
        "an Arrow or Feather file",
        "write its table as Parquet: pyarrow.parquet.write_table",
    ),
    (
        b"\xff\xff\xff\xff",
        "an Arrow stream",
        "write its table as Parquet: pyarrow.parquet.write_table",
    ),
    (b"\x80", "probably a Python pickle, which is not opened", "convert it to Parquet"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself with git lfs pull"),
)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Container, list[Table]]]:
    """The container of a file, and its tables, which can be read in the block.

    Raises:
        InputError: no such file, one of another kind, or a damaged one.
        MissingExtraError: a library for this kind of files is not installed.
    """
    container = container_of(path)
    with explained(path, container), container.tables(path) as tables:
        yield container, tables


@contextmanager
def explained(path: Path, container: Container) -> Iterator[None]:
    """Whatever a library says about a damaged file in the block becomes one line.

    Raises:
        InputError: the library has raised something.
    """
    try:
        yield
    except DarkclrError:
        raise
    except Exception as error:  # a damaged file makes libraries raise anything
        if is_lack_of_memory(error):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError(
            f"cannot be read as {container.name} ({lines[0] if lines else type(error).__name__})",
            where=path,
            fix="it may be truncated or damaged: get it again",
        ) from error


def container_of(path: Path) -> Container:
    """The container of a file, by its first bytes.

    Raises:
        InputError: no such file, or of another kind.
    """
    path = regular_file(path)
    try:
        with path.open("rb") as file:
            start = file.read(512)
            if _is_hdf5(file, start):
                return CONTAINERS["HDF5"]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from error
    if not start:
        raise InputError("the file is empty", where=path, fix="get it again")
    for magic, name in ((b"PAR1", "Parquet"), (b"root", "ROOT"), (b"\x93NUMPY", "NumPy")):
        if start.startswith(magic):
            return CONTAINERS[name]
    if start.startswith(b"PK\x03\x04") and b".npy" in start:
        return CONTAINERS["NumPy"]
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        raise InputError(
            "is a web page (HTML), not data",
            where=path,
            fix="download the file itself, not the page that shows it",
        )
    for magic, what, fix in _OTHER_FILES:
        if start.lstrip().startswith(magic):
            raise InputError(f"is {what}", where=path, fix=fix)
    kind = "text" if all(byte > 8 for byte in start) else "binary data of an unknown kind"
    raise InputError(
        f"is {kind}, neither {' nor '.join(CONTAINERS)}", where=path, fix="convert it to Parquet"
    )


def _is_hdf5(file: BinaryIO, start: bytes) -> bool:
    """The signature is at byte 0, or after a block of 512, 1024, 2048, ... bytes."""
    signature = b"\x89HDF\r\n\x1a\n"
    if start.startswith(signature):
        return True
    for position in (512 * 2**i for i in range(8)):
        file.seek(position)
        if file.read(8) == signature:
            return True
    return False
