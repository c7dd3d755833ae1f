from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foreign import (
    random_jets,
    write_jetclass,
)
from toy import toy_jets

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets, write_jets
from darkclr.io.sources import expand, fetched, known_number


def test_folders_patterns_and_lists(tmp_path, parquet, hdf5):
    (tmp_path / "notes.txt").write_text("not jets")
    (tmp_path / ".hidden.h5").write_text("not jets")
    assert len(read_jets(tmp_path)) == 25
    assert len(read_jets(tmp_path / "*.h5")) == 5
    assert len(read_jets(str(tmp_path / "**/*.parquet"))) == 20
    assert len(read_jets([parquet, str(hdf5)])) == 25
    for source, message in (
        (tmp_path / "no.h5", "no such file; check the path"),
        (tmp_path / "*.root", "no file fits this pattern"),
        ([], "there are no files to read"),
    ):
        with pytest.raises(InputError, match=message):
            read_jets(source)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no files \.parquet, \.pq, \.h5"):
        read_jets(tmp_path / "empty")


def test_a_pattern_of_everything_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("darkclr.io.sources._MOST", 2)
    for name in "abc":
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="more than 2 files fit this pattern"):
        expand(str(tmp_path / "*"))
    assert len(expand(str(tmp_path / "[ab]"))) == 2


def test_urls_are_fetched(tmp_path, parquet, hdf5):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe("/jets/a.h5", hdf5.read_bytes())
    memory.pipe("/jets/b.parquet", parquet.read_bytes())
    memory.pipe("/jets/c.h5", PAGE)
    assert len(read_jets("memory://jets/a.h5")) == 5
    assert len(read_jets(["memory://jets/a.h5", "memory://jets/*.parquet"])) == 25
    assert len(read_jets(parquet.as_uri())) == 20
    # The command line makes paths of everything, which costs a slash.
    from pathlib import Path

    assert len(read_jets(Path("memory://jets/b.parquet"))) == 20
    with fetched("memory://jets/a.h5") as local:
        assert local.name == "a.h5"
    assert not local.exists()
    with pytest.raises(InputError, match=r"^memory://jets/no.h5: cannot be fetched"):
        read_jets("memory://jets/no.h5")
    with pytest.raises(InputError, match=r"^memory://jets/c.h5: is a web page"):
        read_jets("memory://jets/c.h5")
    with pytest.raises(InputError, match="cannot be fetched"):
        read_jets("nosuchprotocol://a/b.h5")
    assert expand(["https://x.org/a.h5?download=1"]) == ["https://x.org/a.h5?download=1"]


PAGE = b"<!DOCTYPE html>\n<html><head><title>404</title></head></html>"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


def test_web_addresses_are_fetched(tmp_path, parquet, hdf5):
    """From a server on this machine, without the network."""
    pytest.importorskip("aiohttp")
    write_jetclass(tmp_path / "jets.root", random_jets(4), ["QCD"] * 4)
    (tmp_path / "page.h5").write_bytes(PAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=tmp_path))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        for name, n in (("jets.parquet", 20), ("jets.h5", 5), ("jets.root", 4)):
            jets = read_jets(f"{address}/{name}")
            assert (
                jets.constituents.pt.tobytes()
                == read_jets(tmp_path / name).constituents.pt.tobytes()
            )
            assert len(jets) == n
        assert len(read_jets(f"{address}/jets.h5?download=1")) == 5
        with pytest.raises(InputError, match=rf"^{address}/no.h5: cannot be fetched"):
            read_jets(f"{address}/no.h5")
        with pytest.raises(InputError, match=rf"^{address}/page.h5: is a web page"):
            read_jets(f"{address}/page.h5")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    with pytest.raises(InputError, match=rf"^{address}/jets.h5: cannot be fetched"):
        read_jets(f"{address}/jets.h5")


def test_the_number_of_jets_is_known_where_nothing_need_be_read(tmp_path):
    for name, n in (("a", 30), ("b", 12)):
        write_jets(toy_jets(n, seed=n), tmp_path / f"{name}.parquet")
    assert known_number(tmp_path) == 42
    assert known_number(tmp_path / "a.parquet") == 30
    assert known_number(tmp_path / "a.parquet", ReadOptions(pt_min=10.0)) is None
    pq.write_table(pa.table({"id": [1, 2]}), tmp_path / "c.parquet")
    assert known_number(tmp_path) is None
    (tmp_path / "d.h5").write_bytes(b"other")
    assert known_number(tmp_path / "d.h5") is None
