"""Against a server of our own on loopback that misbehaves on request."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from folders import names
from hostile import NAMES, PLACES

pytest.importorskip("pooch")

from darkclr.errors import InputError
from darkclr.io.download import RECORDS, choose, download, list_files

STRANGE = (
    *("parent", "relative", "absolute", "backslash", "hidden", "option", "escape", "newline"),
    *("right_to_left", "zero", "long", "empty"),
)
CONTENT = np.random.default_rng(0).bytes(3_000_000)
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()
NAME = "jets of 2018.h5"


@dataclass
class Server:
    """A small Zenodo with one record of one file, and what it was asked."""

    address: str = ""
    content: bytes = CONTENT
    files: object = None  # what the record says, if not the truth
    cut_after: int | None = None
    ranges: str = "honoured"  # or "ignored", "early"
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)

    def record(self) -> bytes:
        truth = [{"key": NAME, "size": len(CONTENT), "checksum": MD5, "links": {}}]
        return json.dumps({"files": truth if self.files is None else self.files}).encode()


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == f"/api/records/{RECORDS['darkclr'].number}":
                self.answer(200, state.record(), {"Content-Type": "application/json"})
            elif self.path.startswith("/records/12801842/files/jets%20of%202018.h5"):
                self.send_file()
            else:
                self.answer(404, b"not here")

        def send_file(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append(asked)
            if state.status is not None:
                self.answer(state.status, b"no")
                return
            if asked is None or state.ranges == "ignored":
                self.answer(200, state.content)
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            start = max(start - 1000, 0) if state.ranges == "early" else start
            if start >= len(state.content):
                self.answer(416, b"")
                return
            place = f"bytes {start}-{len(state.content) - 1}/{len(state.content)}"
            self.answer(206, state.content[start:], {"Content-Range": place})

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if status >= 400 else body[: state.cut_after])
            self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def file(server):
    return list_files("darkclr", base_url=server.address)[0]


def test_names_sizes_and_checksums_come_from_the_record(server):
    (file,) = list_files("darkclr", base_url=server.address + "/")
    assert (file.name, file.size, file.checksum) == (NAME, len(CONTENT), MD5)
    assert list_files("12801842", base_url=server.address) == [file]


def test_a_file_arrives_whole_and_once(server, file, tmp_path):
    moved = []
    path = download(file, tmp_path / "new", progress=moved.append)
    assert path.read_bytes() == CONTENT
    assert names(tmp_path / "new") == [NAME]
    assert sum(moved) == len(CONTENT)
    assert download(file, tmp_path / "new", progress=moved.append) == path
    assert server.asked == [None]
    assert sum(moved) == 2 * len(CONTENT)


def test_a_file_that_is_there_but_wrong_is_replaced(server, file, tmp_path):
    (tmp_path / NAME).write_bytes(b"old")
    assert download(file, tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server, file, tmp_path):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(InputError, match=r"checksum is not md5:\w+; the file is removed"):
        download(file, tmp_path)
    assert names(tmp_path) == []


def test_a_cut_connection_is_resumed_where_it_was(server, file, tmp_path):
    server.cut_after = 2_000_000
    with pytest.raises(InputError, match=r"cut after 1\.966 of 3 MB; the same command goes on"):
        download(file, tmp_path)
    (partial,) = names(tmp_path)
    assert partial.startswith(".")
    arrived = (tmp_path / partial).stat().st_size
    assert 2_000_000 - 2**16 < arrived <= 2_000_000
    assert (tmp_path / partial).read_bytes() == CONTENT[:arrived]
    server.cut_after, moved = None, []
    assert download(file, tmp_path, progress=moved.append).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={arrived}-"]
    assert moved[0] == arrived
    assert sum(moved) == len(CONTENT)
    assert names(tmp_path) == [NAME]


@pytest.mark.parametrize("ranges", ["ignored", "early"])
def test_a_server_that_answers_another_range(server, file, tmp_path, ranges):
    server.cut_after = 2_000_000
    with pytest.raises(InputError):
        download(file, tmp_path)
    server.cut_after, server.ranges, moved = None, ranges, []
    assert download(file, tmp_path, progress=moved.append).read_bytes() == CONTENT
    assert sum(moved) == len(CONTENT)


def test_many_cuts_in_a_row(server, file, tmp_path):
    server.cut_after = 700_000
    for _ in range(4):
        with pytest.raises(InputError, match="cut after"):
            download(file, tmp_path)
    assert download(file, tmp_path).read_bytes() == CONTENT


def test_the_part_of_another_version_is_not_continued(server, file, tmp_path):
    server.cut_after = 1_000_000
    with pytest.raises(InputError):
        download(file, tmp_path)
    new = CONTENT[::-1]
    server.cut_after, server.content = None, new
    other = replace(file, checksum="md5:" + hashlib.md5(new).hexdigest())
    assert download(other, tmp_path).read_bytes() == new
    assert server.asked == [None, None]


def test_a_part_longer_than_the_servers_file_is_given_up(server, file, tmp_path):
    server.cut_after = 2_000_000
    with pytest.raises(InputError):
        download(file, tmp_path)
    server.cut_after, server.content = None, CONTENT[:1_000_000]
    with pytest.raises(InputError, match="416"):
        download(file, tmp_path)
    assert names(tmp_path) == []


def test_a_whole_part_is_only_checked(server, file, tmp_path):
    """As after a kill between the last byte and the new name."""
    (tmp_path / f".{NAME}.{MD5[4:16]}.part").write_bytes(CONTENT)
    assert download(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize(("status", "fix"), [(404, "check record"), (503, "try again later")])
def test_what_the_server_says_is_passed_on(server, file, tmp_path, status, fix):
    server.status = status
    with pytest.raises(InputError, match=f"the server says {status} .*; {fix}"):
        download(file, tmp_path)
    assert names(tmp_path) == []


def test_no_such_record(server):
    with pytest.raises(InputError, match="the server says 404"):
        list_files("17", base_url=server.address)
    with pytest.raises(InputError, match="no record 'tops'; give darkclr, top_tagging"):
        list_files("tops", base_url=server.address)


def test_no_such_file(file):
    assert choose([file], None) == choose([file], [NAME]) == [file]
    with pytest.raises(InputError, match=f"no file b.h5; it has {NAME}"):
        choose([file], ["b.h5"])


def test_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=r"cannot be reached \(Connection refused\)"):
            list_files("darkclr", base_url=address)
    with pytest.raises(InputError, match="cannot be reached"):
        list_files("darkclr", base_url="http://nowhere.invalid")
    with pytest.raises(InputError, match="cannot be reached"):
        list_files("darkclr", base_url="no address")


def test_the_server_is_gone_when_the_file_is_asked_for(file, tmp_path):
    away = replace(file, url="http://nowhere.invalid/file")
    with pytest.raises(InputError, match="cannot be reached"):
        download(away, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "files",
    [
        "<html>",
        [],
        [{"key": "a.h5"}],
        [{"key": "../a.h5", "size": 1, "checksum": MD5}],
        [{"key": "/etc/a.h5", "size": 1, "checksum": MD5}],
        [{"key": "..", "size": 1, "checksum": MD5}],
        [{"key": "a.h5", "size": 1, "checksum": ""}],
        [{"key": "a.h5", "size": 1, "checksum": "md5:"}],
        [{"key": "a.h5", "size": -1, "checksum": MD5}],
        [{"key": "a.h5", "size": float("inf"), "checksum": MD5}],
        [{"key": "a.h5", "size": 1, "checksum": MD5}] * 2,
        *([{"key": NAMES[kind], "size": 1, "checksum": MD5}] for kind in STRANGE),
    ],
)
def test_strange_records_are_refused(server, files):
    server.files = files
    with pytest.raises(InputError):
        list_files("darkclr", base_url=server.address)


def test_a_page_instead_of_a_record(server, monkeypatch):
    monkeypatch.setattr(server, "record", lambda: b"<html>")
    with pytest.raises(InputError, match="no list of files with checksums"):
        list_files("darkclr", base_url=server.address)


def test_a_file_larger_than_announced_is_given_up_at_once(server, file, tmp_path):
    server.content = CONTENT * 20
    with pytest.raises(InputError, match="sends more than the 5000 bytes of the record"):
        download(replace(file, size=5000), tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5000
    server.content = CONTENT
    assert download(file, tmp_path).read_bytes() == CONTENT


def test_an_endless_record_is_given_up(server, monkeypatch):
    monkeypatch.setattr(server, "record", lambda: b'{"files": [' + b"1, " * 10_000_000)
    with pytest.raises(InputError, match="no list of files"):
        list_files("darkclr", base_url=server.address)
    monkeypatch.setattr(server, "record", lambda: b"[" * 1_000_000)
    with pytest.raises(InputError, match="no list of files"):
        list_files("darkclr", base_url=server.address)


def test_an_empty_file_is_a_file(server, file, tmp_path):
    empty = replace(file, size=0, checksum="md5:" + hashlib.md5(b"").hexdigest())
    assert download(empty, tmp_path).read_bytes() == b""
    assert names(tmp_path) == [NAME]


@pytest.mark.parametrize("place", ["loop", "nothing", "device", "folder", "fifo"])
def test_the_part_of_a_file_is_no_link_that_somebody_has_put_there(server, file, tmp_path, place):
    PLACES[place](tmp_path / f".{NAME}.{MD5[4:16]}.part")
    with pytest.raises(InputError, match="is no file"):
        download(file, tmp_path)
    assert NAME not in names(tmp_path)


def test_the_disk_has_no_room(server, file, tmp_path):
    with pytest.raises(InputError, match="GB are missing"):
        download(replace(file, size=10**18), tmp_path)
    assert names(tmp_path) == []


def test_the_folder_is_a_file(server, file, tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        download(file, tmp_path / "data")
