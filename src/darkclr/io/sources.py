"""Where files come from: a path, a folder, a glob pattern, a list of them, an fsspec URL."""

from __future__ import annotations

import glob
import itertools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from darkclr.errors import DarkclrError, InputError, MissingExtraError
from darkclr.io.containers import SUFFIXES, opened
from darkclr.io.documents import regular_file
from darkclr.io.options import ReadOptions
from darkclr.io.parquet import metadata_of, opened_parquet

__all__ = [
    "Source",
    "beside",
    "check_output",
    "expand",
    "fetched",
    "is_url",
    "known_number",
    "sample_name",
]

Source = str | os.PathLike | Iterable[str | os.PathLike]

_URL = re.compile(r"^([a-z][a-z0-9+.:-]+):(/+)", re.IGNORECASE)
_MOST = 20_000  # files of one pattern, so that `/**` ends


def sample_name(source: Source) -> str:
    """What the jets of a source are called: the file's name, or the folder's for several files.

    >>> sample_name("data/qcd.parquet"), sample_name("data/qcd/*.parquet"), sample_name("*.root")
    ('qcd', 'qcd', 'jets')
    >>> sample_name("https://example.org/qcd.parquet?download=1")
    'qcd'
    >>> sample_name(["data/qcd/0.parquet", "data/qcd/1.parquet"]), sample_name(["a.h5", "b.h5"])
    ('qcd', 'jets')
    """
    if not isinstance(source, str | os.PathLike):
        files = [Path(file) for file in source]
        if len(files) > 1:
            folders = {file.parent for file in files}
            return (folders.pop().stem if len(folders) == 1 else "") or "jets"
        source = files[0]
    path = Path(source)
    if not path.exists() and not (_URL.match(os.fspath(source)) and "?" in path.name):
        while glob.has_magic(path.name):
            path = path.parent
    return path.stem or "jets"


def beside(folder: Path, name: str) -> str:
    """A file, pattern or URL that is named relative to a folder.

    >>> beside(Path("configs"), "data/*.root"), beside(Path("configs"), "/data/a.root")
    ('configs/data/*.root', '/data/a.root')
    >>> beside(Path("configs"), "https://example.org/a.root")
    'https://example.org/a.root'
    """
    if _URL.match(name) or Path(name).is_absolute():
        return name
    is_pattern = not (folder / name).exists() and glob.has_magic(name)
    return str((Path(glob.escape(str(folder))) if is_pattern else folder) / name)


def is_url(name: str) -> bool:
    """Whether a source is a URL, and no path."""
    return _URL.match(name) is not None


def expand(source: Source) -> list[str]:
    """Names of the files of a source, in alphabetical order within a folder or a pattern.

    Args:
        source: a file, a folder (its files with known suffixes), a glob pattern, a URL that
            fsspec opens (patterns too), or several of them.

    Raises:
        InputError: there is no such file, or none that fits.
    """
    if not isinstance(source, str | os.PathLike):
        names = [name for part in source for name in expand(part)]
        if not names:
            raise InputError("there are no files to read")
        return names
    name = _restored(os.fspath(source))
    if _URL.match(name):
        return _expand_url(name)
    path = Path(name)
    if path.is_dir():
        names = sorted(
            str(file)
            for file in path.iterdir()
            if file.is_file() and file.suffix.lower() in SUFFIXES and file.name[0] != "."
        )
        if not names:
            raise InputError(f"holds no files {', '.join(SUFFIXES)}", where=path)
        return names
    if not path.exists() and glob.has_magic(name):
        found = glob.iglob(name, recursive=True)  # noqa: PTH207  (absolute and relative alike)
        files = (file for file in found if Path(file).is_file())
        names = sorted(itertools.islice(files, _MOST + 1))
        if len(names) > _MOST:
            raise InputError(
                f"more than {_MOST} files fit this pattern", where=name, fix="name a folder in it"
            )
        if not names:
            raise InputError("no file fits this pattern", where=name, fix="check the path")
        return names
    regular_file(path)
    return [name]


def check_output(source: Source | None, output: Path, kind: str | None = None) -> None:
    """Refuse an output that is a folder, a part of the input, or a file of something else.

    Args:
        source: what is read; None where no file of it can be the output.
        output: file to write.
        kind: what darkclr writes there, "scores", "representations" or "JSON": only a file of the
            same kind is replaced; any if None.

    Raises:
        InputError: it is one of these.
    """
    if output.is_dir():
        raise InputError("is a directory", where=output, fix="name a file to write")
    if not output.exists():
        return
    files = [] if source is None else expand(source)
    if any(Path(name).resolve() == output.resolve() for name in files):
        raise InputError("is part of the input", where=output, fix="name another file")
    if kind is not None and _kind_of(output) != kind:
        raise InputError(
            f"is there already, and is no file of {kind}",
            where=output,
            fix="name another file, or remove it",
        )


def known_number(source: Source, options: ReadOptions = ReadOptions()) -> int | None:
    """How many jets a source has; None if that takes reading them: other files than jets of ours.

    Args:
        source: what is read.
        options: how; cuts make the number unknown.
    """
    total = 0
    for name in expand(source):
        try:
            with opened_parquet(name) as file:
                if options != ReadOptions() or metadata_of(file).get("kind") != "jets":
                    return None
                total += file.metadata.num_rows
        except InputError:
            return None
    return total


def _kind_of(path: Path) -> str | None:
    """What darkclr has written into a file, if it was darkclr."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"{"):
        return "JSON"
    try:
        if start == b"root":
            with opened(path) as (_, tables):
                return tables[0].metadata.get("kind") if tables else None
        with opened_parquet(path) as table:
            return metadata_of(table).get("kind")
    except InputError:
        return None


@contextmanager
def fetched(name: str) -> Iterator[Path]:
    """A local file for a name of :func:`expand`; that of a URL is removed afterwards.

    The copy has the name of the remote file. Errors name the URL.

    Raises:
        InputError: the file cannot be fetched.
    """
    if not _URL.match(name):
        yield Path(name)
        return
    with tempfile.TemporaryDirectory(prefix="darkclr-") as folder:
        local = Path(folder) / (re.split(r"[/\\]", name.split("?")[0].rstrip("/"))[-1] or "file")
        system, path = _filesystem(name)
        with _explained(name):
            system.get_file(path, str(local))
        try:
            yield local
        except DarkclrError as error:
            raise type(error)(str(error).replace(str(local), name)) from error


def _expand_url(name: str) -> list[str]:
    system, path = _filesystem(name)
    if not glob.has_magic(path) or "?" in path:  # a question mark begins the query of a web address
        return [name]
    with _explained(name):
        found = [system.unstrip_protocol(file) for file in sorted(system.glob(path))]
    if not found:
        raise InputError("no file fits this pattern", where=name, fix="check the address")
    return found


def _filesystem(name: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError("fsspec", "files") from error
    with _explained(name):
        return fsspec.core.url_to_fs(name)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # every file system has its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"cannot be fetched ({type(error).__name__}: {reason})",
            where=name,
            fix="check the address and the network",
        ) from error


def _restored(name: str) -> str:
    """A URL that went through ``Path`` has lost a slash; ``file:`` is just a path."""
    match = _URL.match(name)
    if match is None:
        return name
    if match[1].lower() == "file":
        return "/" + name[match.end() :]
    slashes = "//" if match[2] == "/" else match[2]
    return f"{match[1]}:{slashes}{name[match.end() :]}"
