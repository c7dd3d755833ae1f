from __future__ import annotations

import gzip
import logging
import pickle
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from foreign import random_jets, write_jetclass, write_lhco, write_top_tagging
from toy import toy_jets

import darkclr
from darkclr.errors import ConfigError, InputError
from darkclr.io import ReadOptions, iterate_jets, read_jets, write_jets
from darkclr.io.layouts import LAYOUTS
from darkclr.io.reading import recognise
from darkclr.io.sources import expand, fetched
from darkclr.io.summary import summarise


@pytest.fixture
def parquet(tmp_path):
    write_jets(toy_jets(20, seed=1), tmp_path / "jets.parquet")
    return tmp_path / "jets.parquet"


@pytest.fixture
def hdf5(tmp_path):
    return write_top_tagging(tmp_path / "jets.h5", random_jets(5), [0, 1, 0, 1, 1])


def test_all_layouts_are_there():
    names = "darkclr top_tagging delphes jetclass lhco aspen_open_jets jetnet pfnano"
    assert set(LAYOUTS) == set(names.split())
    assert [name for name, x in LAYOUTS.items() if x.holds_events] == ["lhco", "delphes"]
    assert all(name == layout.name for name, layout in LAYOUTS.items())
    assert darkclr.read_jets is read_jets


def test_content_counts_not_the_name(tmp_path, parquet, hdf5):
    for file, name in ((parquet, "darkclr"), (hdf5, "top_tagging")):
        copy = file.rename(tmp_path / "jets.root")
        assert recognise(copy).layout.name == name
        assert len(read_jets(copy)) == {"darkclr": 20, "top_tagging": 5}[name]


def test_native_files_come_back_exactly(parquet):
    jets = toy_jets(20, seed=1)
    again = read_jets(parquet)
    assert again.constituents.pt.tobytes() == jets.constituents.pt.tobytes()
    assert again.event.tolist() == jets.event.tolist()
    assert again.provenance == jets.provenance
    parts = list(iterate_jets(parquet, batch_size=7))
    assert [len(part) for part in parts] == [7, 7, 6]
    assert np.concatenate([p.pt for p in parts]).tobytes() == jets.pt.tobytes()


def test_a_layout_can_be_forced(tmp_path, hdf5):
    events = [np.array([[50.0, 0.1, 0.2], [30.0, 0.2, 0.1], [0, 0, 0]])]
    path = write_lhco(tmp_path / "short.h5", events, [1], slots=3)  # not the 700 of the challenge
    with pytest.raises(InputError, match="has no known layout"):
        read_jets(path)
    assert recognise(path, "lhco").why == "it was asked for"
    assert read_jets(path, layout="lhco").label.tolist() == [1]
    with pytest.raises(
        InputError,
        match=r"no table with columns of ParticleFlow.*; it is an HDF5 file with table \(5",
    ):
        read_jets(hdf5, layout="delphes")
    with pytest.raises(
        InputError, match="has no table with columns particle_features, jet_features; it is an HDF5"
    ):
        read_jets(hdf5, layout="jetnet")
    with pytest.raises(ConfigError, match="unknown layout 'hepmc'; choose of darkclr, top_tagging"):
        read_jets(hdf5, layout="hepmc")


PAGE = b"\n <!DOCTYPE html>\n<html><head><title>404</title></head></html>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (PAGE, r"is a web page \(HTML\), not data; download the file itself"),
        (gzip.compress(b"jets"), "is a gzip archive; unpack it"),
        (pickle.dumps([1.0]), "probably a Python pickle, which is not opened"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (
            b"pt,eta,phi\n1,2,3\n",
            "is text, neither Parquet nor HDF5 nor ROOT; convert it to Parquet",
        ),
        (bytes(range(256)), "is binary data of an unknown kind"),
    ],
)
@pytest.mark.parametrize("name", ["jets.h5", "jets.root", "jets.parquet"])
def test_other_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    for layout in (None, "top_tagging"):
        with pytest.raises(InputError, match=message) as caught:
            read_jets(path, layout=layout)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


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


def test_events_of_several_files_stay_apart(tmp_path, hdf5):
    """Rows are event numbers in some layouts: a second file goes on where the first ended."""
    other = write_jetclass(tmp_path / "other.root", random_jets(4, seed=2), ["QCD"] * 4)
    jets = read_jets([hdf5, other, hdf5])
    assert jets.event.tolist() == list(range(14))
    # A native file has numbers of its own, which stay.
    write_jets(toy_jets(6, jets_per_event=2), tmp_path / "own.parquet")
    assert read_jets([tmp_path / "own.parquet"] * 2).event.tolist() == [0, 0, 1, 1, 2, 2] * 2


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


def test_every_batch_is_compared_with_its_constituents(tmp_path, caplog):
    """A mistake that begins in the middle of a file is reported, once."""
    jets = toy_jets(60, seed=1)
    scale = np.where(np.arange(60) < 40, 1, 1e-3).astype(np.float32)
    write_jets(replace(jets, pt=jets.pt * scale), tmp_path / "a.parquet")
    for _ in iterate_jets(tmp_path / "a.parquet", batch_size=10):
        pass
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "100 % of 10 jets do not fit the sum of their constituents" in caplog.text
    assert summarise(tmp_path / "a.parquet").check.problem is not None


def test_cuts(parquet, caplog):
    everything = read_jets(parquet)
    low, high = np.quantile(everything.pt, [0.2, 0.8])
    options = ReadOptions(pt_min=float(low), pt_max=float(high), abs_eta_max=1.5)
    with caplog.at_level(logging.INFO, logger="darkclr"):
        jets = read_jets(parquet, options=options)
    kept = (everything.pt >= low) & (everything.pt < high) & (np.abs(everything.eta) < 1.5)
    assert jets.pt.tolist() == everything.pt[kept].tolist()
    assert f"{(~kept).sum()} of 20 jets removed by the cuts" in caplog.text

    jets = read_jets(parquet, options=ReadOptions(n_constituents=3))
    assert jets.n_constituents.max() == 3
    assert jets.pt.tolist() == everything.pt.tolist()
    assert jets.constituents.pt[0] == everything.constituents.pt[0]

    cut = float(np.sort([c.pt[0] for c in (everything[i].constituents for i in range(20))])[5])
    with caplog.at_level(logging.INFO, logger="darkclr"):
        jets = read_jets(parquet, options=ReadOptions(constituent_pt_min=cut))
    assert len(jets) == 15
    assert jets.constituents.pt.min() >= cut
    assert "5 of 20 jets removed by the cuts" in caplog.text
    with pytest.raises(InputError, match="none of 20 jets passes the cuts"):
        read_jets(parquet, options=ReadOptions(constituent_pt_min=5000))


def test_the_file_knows_its_labels_better(parquet, hdf5, tmp_path):
    assert read_jets(hdf5, options=ReadOptions(label=0)).label.tolist() == [0, 1, 0, 1, 1]
    write_jets(toy_jets(4, label=-1), tmp_path / "unknown.parquet")
    unknown = tmp_path / "unknown.parquet"
    assert read_jets(unknown).label.tolist() == [-1] * 4
    assert read_jets(unknown, options=ReadOptions(label=1)).label.tolist() == [1] * 4


@pytest.mark.parametrize(
    "bad", [{"label": 2}, {"radius": 0}, {"n_constituents": 0}, {"pt_min": -1}, {"pt_max": np.nan}]
)
def test_senseless_options_are_refused(bad):
    with pytest.raises(ConfigError):
        ReadOptions(**bad)
