"""Files that may be packed, unpacked on the way: opened, read piece by piece, passed over."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from darkclr.errors import InputError

__all__ = ["CHUNK", "DAMAGED", "open_unpacked", "read", "skip"]

# First bytes of compressed files, and what unpacks them.
_COMPRESSIONS: Mapping[bytes, Callable[[str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x5d\x00\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda path: pa.input_stream(path, compression="zstd"),
    b"\x04\x22\x4d\x18": lambda path: pa.input_stream(path, compression="lz4"),
}
#: What these raise where a file breaks off or is damaged.
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, OSError)
#: Bytes read at once.
CHUNK = 1 << 22


def open_unpacked(path: str) -> Any:
    """The file, unpacked; how it is packed is seen in its first bytes, not in its name.

    Raises:
        InputError: the file cannot be opened.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(8)
        unpack = (f for magic, f in _COMPRESSIONS.items() if start.startswith(magic))
        return next(unpack, lambda path: Path(path).open("rb"))(path)
    except OSError as problem:
        raise InputError(problem.strerror or "cannot be read", where=path) from problem


def read(file: Any, size: int, path: str) -> Iterator[bytes]:
    """The next so many bytes, piece by piece.

    Raises:
        InputError: they are not there.
    """
    while size > 0:
        try:
            piece = file.read(min(size, CHUNK))
        except DAMAGED as problem:
            raise InputError("cannot be read any more", where=path) from problem
        if not piece:
            raise InputError("has become shorter", where=path, fix="start again")
        size -= len(piece)
        yield piece


def skip(file: Any, size: int, path: str) -> None:
    """Pass over so many bytes.

    Raises:
        InputError: they are not there.
    """
    if file.seekable():
        file.seek(size, 1)
    else:
        for _ in read(file, size, path):
            pass
