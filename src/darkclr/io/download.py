"""Public records of jets from Zenodo, with checksum and resume.

pooch checks the sums and keeps half a file from ever having its final name, but begins anew after
an interruption. So the transfer itself is here: a partial file stays beside the target and is
continued by an HTTP range request (RFC 9110, section 14). Names, sizes and checksums come from the
record at run time, through Zenodo's interface (https://developers.zenodo.org).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import darkclr
from darkclr.errors import InputError, MissingExtraError
from darkclr.io.documents import parse_json
from darkclr.names import check_file_names
from darkclr.reporter import Reporter, Silent

__all__ = [
    "RECORDS",
    "ZENODO",
    "Record",
    "RemoteFile",
    "choose",
    "download",
    "download_record",
    "list_files",
]

ZENODO = "https://zenodo.org"

_CHUNK = 2**16  # what is lost of the end of a connection that is cut
_RECORD_SIZE = 2**24  # of what a server says about a record [bytes]
_CHECKSUM = re.compile(
    r"(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})", re.IGNORECASE
)
_TIMEOUT = (10, 60)  # to connect, and between two packets [s]
_HEADERS = {
    "User-Agent": f"darkclr/{darkclr.__version__}",
    "Accept-Encoding": "identity",  # positions in a compressed stream are not those in the file
}


@dataclass(frozen=True)
class Record:
    """A record of Zenodo: its number and what is in it."""

    number: str
    title: str


#: Records by name; others are asked for by number.
RECORDS: Mapping[str, Record] = {
    "darkclr": Record("12801842", "QCD and semi-visible jets of arXiv:2312.03067"),
    "top_tagging": Record("2603256", "top-tagging reference of arXiv:1902.09914"),
}


@dataclass(frozen=True)
class RemoteFile:
    """A file of a record.

    Args:
        name: file name.
        size: in bytes.
        checksum: "md5:..." as the record states it.
        url: where its content is.
    """

    name: str
    size: int
    checksum: str
    url: str


def list_files(record: str, *, base_url: str = ZENODO) -> list[RemoteFile]:
    """The files of a record with their sizes and checksums, as the server states them now.

    Args:
        record: name in :data:`RECORDS`, or number of any record of Zenodo.
        base_url: of the server.

    Raises:
        InputError: unknown name, no network, no such record, an answer that is no record.
        MissingExtraError: pooch is not installed.
    """
    number = RECORDS[record].number if record in RECORDS else record
    if not re.fullmatch(r"[0-9]+", number):
        raise InputError(
            f"no record {record!r}",
            fix=f"give {', '.join(RECORDS)} or the number of a record of Zenodo",
        )
    base_url = base_url.rstrip("/")
    url = f"{base_url}/api/records/{number}"
    requests = _library("requests")
    with (
        _network(url),
        requests.get(url, timeout=_TIMEOUT, headers=_HEADERS, stream=True) as response,
    ):
        response.raise_for_status()
        try:
            entries = parse_json(_beginning(response, _RECORD_SIZE))["files"]
            files = [
                RemoteFile(
                    name=str(entry["key"]),
                    size=int(entry["size"]),
                    checksum=str(entry["checksum"]),
                    url=f"{base_url}/records/{number}/files/{quote(str(entry['key']))}?download=1",
                )
                for entry in entries
            ]
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise InputError(
                "the answer is no list of files with checksums",
                where=url,
                fix="is this Zenodo, and is the record public?",
            ) from error
    # The server names files, but does not choose folders; and nothing comes unchecked.
    check_file_names([file.name for file in files], url, InputError)
    for file in files:
        if file.size < 0 or not _CHECKSUM.fullmatch(file.checksum):
            raise InputError(
                f"file {file.name!r} of {file.size} bytes with checksum {file.checksum!r} is not "
                "accepted",
                where=url,
            )
    if len({file.name for file in files}) < len(files):
        raise InputError("two files have the same name", where=url)
    if not files:
        raise InputError("the record has no public files", where=url)
    return files


def choose(files: Sequence[RemoteFile], names: Sequence[str] | None) -> list[RemoteFile]:
    """The files of these names, all if None.

    Raises:
        InputError: the record has no such file.
    """
    if names is None:
        return list(files)
    missing = sorted(set(names) - {file.name for file in files})
    if missing:
        raise InputError(
            f"no file {', '.join(missing)}",
            where="record",
            fix=f"it has {', '.join(file.name for file in files)}",
        )
    return [file for file in files if file.name in names]


def download_record(
    record: str,
    folder: str | Path,
    files: Sequence[str] | None = None,
    *,
    base_url: str = ZENODO,
    reporter: Reporter = Silent(),
) -> list[Path]:
    """Download the files of a record, or go on where an earlier call was cut off.

    Args:
        record: name in :data:`RECORDS`, or number of any record of Zenodo.
        folder: where to put the files.
        files: names of the files; all of them if None.
        base_url: of the server.
        reporter: told how far each file is.

    Returns:
        Paths of the files.

    Raises:
        InputError: as :func:`list_files`, :func:`choose` and :func:`download`.
        MissingExtraError: pooch is not installed.
    """
    paths = []
    for file in choose(list_files(record, base_url=base_url), files):
        with reporter.bar(file.name, file.size / 1e6, "MB") as advance:
            paths.append(download(file, folder, progress=lambda n: advance(n / 1e6)))
        reporter.line(f"{paths[-1]}, {file.checksum}")
    return paths


def download(
    file: RemoteFile, folder: str | Path, *, progress: Callable[[int], None] | None = None
) -> Path:
    """Download a file into a folder, or go on where an earlier call was cut off.

    A file that is there with the right checksum is not fetched again. The part that has arrived
    is kept as a hidden file ``.NAME.CHECKSUM.part``.

    Args:
        file: one of :func:`list_files`.
        folder: where to put it.
        progress: called with the number of bytes that arrived, or were there before.

    Returns:
        Path of the complete file.

    Raises:
        InputError: no network, the connection is cut, the checksum is wrong (nothing is left
            behind), the disk is full.
        MissingExtraError: pooch is not installed.
    """
    pooch = _library("pooch")
    pooch.get_logger().setLevel("ERROR")
    folder = Path(folder)
    target = folder / file.name
    advance = progress or (lambda n: None)
    transfer = _Transfer(file, folder, advance)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(file.url, file.checksum, fname=file.name, path=folder, downloader=transfer)
    except ValueError as error:
        if "hash of downloaded file" not in str(error):
            raise
        raise InputError(
            f"the checksum is not {file.checksum}; the file is removed",
            where=target,
            fix="download it again; if that does not help, the server's file is damaged",
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror or error})",
            where=target,
            fix="check free space and permissions",
        ) from error
    if not transfer.called:
        advance(file.size)
    return target


class _Transfer:
    """A downloader for pooch that keeps what has arrived and goes on from there."""

    def __init__(self, file: RemoteFile, folder: Path, advance: Callable[[int], None]) -> None:
        self._file, self._advance = file, advance
        self.called = False
        # With the checksum in its name, the rest of another version is never appended.
        digest = file.checksum.partition(":")[2][:12]
        self._partial = folder / f".{file.name}.{digest}.part"

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Bring the whole file to ``output_file``, whose checksum pooch then looks at."""
        self.called = True
        size = self._partial.stat().st_size if _is_file(self._partial) else 0
        self._advance(size)
        missing = self._file.size - size
        free = shutil.disk_usage(self._partial.parent).free
        if missing > free:
            raise InputError(
                f"{missing / 1e9:.3g} GB are missing, {free / 1e9:.3g} GB are free on the disk",
                where=self._partial.parent,
                fix="make room or choose another folder",
            )
        if missing > 0:
            self._fetch(url, size)
            size = self._partial.stat().st_size
            if size < self._file.size:
                raise self._cut(url, size)
        elif not size:
            self._partial.touch()
        self._partial.replace(output_file)

    def _fetch(self, url: str, size: int) -> None:
        requests = _library("requests")
        headers = _HEADERS | ({"Range": f"bytes={size}-"} if size else {})
        with _network(url):
            response = requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT)
            if response.status_code == 416:  # the part is longer than the server's file
                self._partial.unlink(missing_ok=True)
            response.raise_for_status()
        # A server may ignore the range (200) or begin earlier than it was asked to.
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        start = int(begins[1]) if response.status_code == 206 and begins else 0
        if start > size:
            raise InputError("the server sent another range than asked for", where=url)
        with response, self._partial.open("r+b" if size else "wb") as partial:
            partial.truncate(start)
            partial.seek(start)
            self._advance(start - size)
            with _network(url, lambda: self._cut(url, partial.tell())):
                for chunk in response.iter_content(_CHUNK):
                    if partial.tell() + len(chunk) > self._file.size:
                        partial.truncate(0)
                        raise InputError(
                            f"the server sends more than the {self._file.size} bytes of the record",
                            where=url,
                            fix="try again later; the server's file is another one",
                        )
                    partial.write(chunk)
                    self._advance(len(chunk))

    def _cut(self, url: str, size: int) -> InputError:
        return InputError(
            f"the connection was cut after {size / 1e6:.4g} of {self._file.size / 1e6:.4g} MB",
            where=url,
            fix="the same command goes on where it was",
        )


@contextmanager
def _network(url: str, cut: Callable[[], InputError] | None = None) -> Iterator[None]:
    """What goes wrong on the way, in one line; ``cut`` makes the error of a broken transfer."""
    requests = _library("requests")
    try:
        yield
    except requests.HTTPError as error:
        response = error.response
        later = response.status_code == 429 or response.status_code >= 500
        raise InputError(
            f"the server says {response.status_code} {response.reason}",
            where=url,
            fix="try again later" if later else "check record, file and base_url",
        ) from error
    except requests.RequestException as error:
        if cut is not None:
            raise cut() from error
        reasons = [*re.findall(r"\[Errno -?\d+\] ([^'\")]+)", str(error)), type(error).__name__]
        raise InputError(
            f"cannot be reached ({reasons[0]})",
            where=url,
            fix="check the network; the same command goes on where it was",
        ) from error


def _is_file(path: Path) -> bool:
    """There is such a file, of a name that others can guess: no link is followed.

    Raises:
        InputError: something else has the name.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError("is no file", where=path, fix="delete it")
    return path.exists()


def _beginning(response: Any, size: int) -> bytes:
    """The content of an answer.

    Raises:
        ValueError: it is longer than ``size``.
    """
    content = b""
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > size:
            raise ValueError(f"more than {size} bytes")
    return content


def _library(name: str) -> Any:
    """requests comes with pooch."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError("pooch", "files") from error
