from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import names
from toy import toy_jets

from darkclr.errors import ConfigError, InputError
from darkclr.io import ReadOptions, read_jets, write_jets
from darkclr.io.convert import convert
from darkclr.io.writers import jets_table, target_of
from darkclr.jets import JET_COLUMNS, KINDS, Jets
from darkclr.reporter import Silent


def decorated(jets: Jets) -> Jets:
    """Jets with everything a file may hold, and kinematics that are not those of the sum."""
    n = len(jets)
    rng = np.random.default_rng(7)
    return replace(
        jets,
        pt=jets.pt * np.float32(1.1),
        label=rng.integers(-1, 2, n).astype(np.int8),
        weight=rng.uniform(0.1, 2, n).astype(np.float32),
        truth={"pthat": rng.uniform(100, 200, n), "parton_pdg": rng.integers(1, 22, n)},
        provenance={"process": "toy [really]"},
    )


class Watching(Silent):
    """A reporter that calls a function as its bars move on."""

    def __init__(self, function) -> None:
        self._function = function

    @contextmanager
    def bar(self, *_, **__):
        yield self._function


@pytest.fixture(scope="module")
def jets() -> Jets:
    return decorated(toy_jets(230, seed=1))


@pytest.fixture
def source(jets, tmp_path) -> Path:
    path = tmp_path / "in.parquet"
    write_jets(jets, path)
    return path


def assert_equal(a: Jets, b: Jets, *, tolerance: float = 0.0) -> None:
    """Same jets; constituents to ``tolerance``, relative in pT and absolute in eta and phi."""
    assert a.constituents.offsets.tolist() == b.constituents.offsets.tolist()
    for name in JET_COLUMNS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    np.testing.assert_allclose(a.constituents.pt, b.constituents.pt, rtol=tolerance)
    for name in ("eta", "phi"):
        mine, other = getattr(a.constituents, name), getattr(b.constituents, name)
        np.testing.assert_allclose(mine, other, rtol=0, atol=tolerance, err_msg=name)


# --- Parquet -------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [7, 10_000])
def test_parquet_to_parquet_is_the_same_bit_for_bit(jets, source, tmp_path, batch_size):
    output, counted = tmp_path / "out.parquet", []
    done = convert(source, output, batch_size=batch_size, reporter=Watching(counted.append))
    back = read_jets(output)
    assert_equal(jets, back)
    for name, values in jets.truth.items():
        np.testing.assert_array_equal(back.truth[name], values)
        assert back.truth[name].dtype == values.dtype
    assert back.provenance["process"] == "toy [really]"
    assert back.provenance["converted"]["source"] == str(source)
    assert (done.jets, sum(counted), done.lost) == (230, 230, ())
    assert done.constituents == len(jets.constituents.pt)


def test_a_streamed_file_is_like_any_other(jets, source, tmp_path):
    """Same schema, units and compression; other programs see the metadata too."""
    output = tmp_path / "out.parquet"
    convert(source, output, batch_size=50)
    written, plain = pq.read_metadata(output), pq.read_metadata(source)
    assert written.schema.equals(plain.schema)
    assert json.loads(written.metadata[b"darkclr"])["kind"] == "jets"
    assert pq.read_schema(output).field("pt").metadata == {b"units": b"GeV"}
    assert written.row_group(0).column(0).compression == "ZSTD"


def test_many_files_become_one_that_tells_of_all(source, tmp_path):
    more = tmp_path / "more.parquet"
    write_jets(replace(decorated(toy_jets(20, seed=2)), provenance={"process": "other"}), more)
    convert([source, more], tmp_path / "out.parquet")
    back = read_jets(tmp_path / "out.parquet")
    assert len(back) == 250
    assert [part["process"] for part in back.provenance["parts"]] == ["toy [really]", "other"]


def with_kinds(jets: Jets) -> Jets:
    kind = np.arange(len(jets.constituents.pt), dtype=np.int8) % len(KINDS)
    return replace(jets, constituents=replace(jets.constituents, kind=kind))


@pytest.mark.parametrize("to", ["parquet", "root", "rntuple"])
def test_kinds_of_constituents_stay(jets, tmp_path, to):
    if to != "parquet":
        pytest.importorskip("uproot")
    expected = with_kinds(jets).constituents.kind
    write_jets(with_kinds(jets), tmp_path / "in.parquet")
    convert(tmp_path / "in.parquet", tmp_path / "out", to=to, batch_size=50)
    assert read_jets(tmp_path / "out", kinds=True).constituents.kind.tolist() == expected.tolist()
    assert read_jets(tmp_path / "out").constituents.kind is None


def test_kinds_that_some_files_do_not_tell_are_others(jets, tmp_path):
    write_jets(with_kinds(jets), tmp_path / "a.parquet")
    write_jets(jets, tmp_path / "b.parquet")
    n, expected = len(jets.constituents.pt), with_kinds(jets).constituents.kind.tolist()
    for files, kinds in (("ab", [*expected, *[0] * n]), ("ba", None)):
        output = tmp_path / f"{files}.parquet"
        convert([tmp_path / f"{name}.parquet" for name in files], output)
        found = read_jets(output, kinds=True).constituents
        assert (None if found.kind is None else found.kind.tolist()) == kinds
        assert len(found.pt) == 2 * n


def test_files_of_different_columns_are_refused(source, tmp_path):
    more = tmp_path / "more.parquet"
    write_jets(toy_jets(20, seed=2), more)
    with pytest.raises(InputError, match=r"different columns.*convert them one by one"):
        convert([source, more], tmp_path / "out.parquet")
    assert names(tmp_path) == ["in.parquet", "more.parquet"]


def test_memory_is_that_of_a_batch(tmp_path):
    """PyArrow's own buffers too, which hold the whole file if it is not told otherwise."""
    table = jets_table(toy_jets(1000, seed=1))
    with pq.ParquetWriter(tmp_path / "in.parquet", table.schema) as writer:
        for _ in range(50):
            writer.write_table(table)
    before, held = pa.total_allocated_bytes(), []
    convert(
        tmp_path / "in.parquet",
        tmp_path / "out.parquet",
        batch_size=1000,
        reporter=Watching(lambda n: held.append(pa.total_allocated_bytes() - before)),
    )
    size = (tmp_path / "in.parquet").stat().st_size
    assert size > 1.5e7
    assert max(held) < size / 3


# --- top-tagging HDF5 ----------------------------------------------------------------------


@pytest.fixture
def hdf5(source, tmp_path) -> Path:
    pytest.importorskip("h5py")
    convert(source, tmp_path / "out.h5", batch_size=60)
    return tmp_path / "out.h5"


def test_top_tagging_round_trip_is_exact_to_float32(jets, hdf5):
    assert_equal(jets, read_jets(hdf5), tolerance=3e-7)


def test_round_trip_at_the_corners(tmp_path):
    """Forward, at the seam of phi, soft and hard: the precision is that of float32."""
    pytest.importorskip("h5py")
    below_pi = np.nextafter(np.float32(np.pi), np.float32(0))
    eta, phi, pt = (
        x.ravel().astype(np.float32)
        for x in np.meshgrid(
            [-6.0, -2.5, -1e-4, 0.0, 1e-7, 0.8, 6.0],
            [-np.pi, -3.0, -np.pi / 2, -1e-7, 0.0, 1.0, np.pi / 2, below_pi],
            [1e-3, 0.5, 5000.0],
        )
    )
    jets = Jets.from_constituents(np.arange(len(pt) + 1), pt, eta, phi)
    write_jets(jets, tmp_path / "in.parquet")
    convert(tmp_path / "in.parquet", tmp_path / "out.h5", slots=1)
    back = read_jets(tmp_path / "out.h5").constituents
    np.testing.assert_allclose(back.pt, pt, rtol=3e-7)
    np.testing.assert_allclose(back.eta, eta, rtol=3e-7, atol=3e-7)
    distance = np.abs(back.phi.astype(np.float64) - phi)
    assert np.minimum(distance, 2 * np.pi - distance).max() < 5e-7
    assert (back.phi >= -np.pi).all()
    assert (back.phi < np.pi).all()


def test_pandas_reads_what_is_written(jets, hdf5):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_hdf(hdf5, "table")
    assert frame.shape == (230, 800 + 8)
    assert frame.columns[:5].tolist() == ["E_0", "PX_0", "PY_0", "PZ_0", "E_1"]
    assert frame.columns[-1] == "is_signal_new"
    assert frame.index.tolist() == list(range(230))
    assert frame["is_signal_new"].tolist() == jets.label.tolist()
    assert frame["weight"].tolist() == pytest.approx(jets.weight.tolist())
    c = jets.constituents
    i, j = 17, 3
    k = c.offsets[i] + j
    assert frame[f"PX_{j}"][i] == pytest.approx(c.pt[k] * np.cos(c.phi[k]), rel=1e-6)
    assert frame[f"PZ_{j}"][i] == pytest.approx(c.pt[k] * np.sinh(c.eta[k]), rel=1e-6)
    assert frame[f"E_{j}"][i] == pytest.approx(c.pt[k] * np.cosh(c.eta[k]), rel=1e-6)
    assert (frame.iloc[i, 4 * len(c[i].pt) : 800] == 0).all()
    with pandas.HDFStore(hdf5, "r") as store:
        part = store.select("table", start=100, stop=103, columns=["E_0", "is_signal_new"])
    assert part.index.tolist() == [100, 101, 102]


def test_what_has_no_place_is_said(source, tmp_path):
    pytest.importorskip("h5py")
    done = convert(source, tmp_path / "out.h5")
    assert done.lost == ("provenance", "truth_pthat", "truth_parton_pdg")


def test_kinds_have_no_place_in_top_tagging_files(jets, tmp_path):
    write_jets(with_kinds(jets), tmp_path / "in.parquet")
    assert "constituent_pdg_id" in convert(tmp_path / "in.parquet", tmp_path / "o.h5").lost


def test_truth_of_the_reference_has_its_place(jets, tmp_path):
    pytest.importorskip("h5py")
    truth = {"truthE": jets.pt, "ttv": jets.event % 2}
    write_jets(replace(jets, truth=truth), tmp_path / "in.parquet")
    assert convert(tmp_path / "in.parquet", tmp_path / "out.h5").lost == ("provenance",)
    back = read_jets(tmp_path / "out.h5")
    assert back.truth["ttv"].tolist() == truth["ttv"].tolist()
    assert back.truth["truthE"].tolist() == truth["truthE"].tolist()


def test_a_jet_too_long_is_refused_rather_than_cut(jets, source, tmp_path):
    pytest.importorskip("h5py")
    longest = int(jets.n_constituents.max())
    with pytest.raises(InputError, match=f"{longest} constituents.*--slots {longest}"):
        convert(source, tmp_path / "out.h5", slots=longest - 1)
    assert names(tmp_path) == ["in.parquet"]
    done = convert(source, tmp_path / "out.h5", slots=20, options=ReadOptions(n_constituents=20))
    assert done.jets == 230
    expected = jets.constituents.hardest(20)
    np.testing.assert_allclose(read_jets(tmp_path / "out.h5").constituents.pt, expected.pt, 3e-7)


# --- choices -------------------------------------------------------------------------------


def test_cuts_are_applied_and_recorded(jets, source, tmp_path):
    options = ReadOptions(pt_min=150, pt_max=300, abs_eta_max=1.5, constituent_pt_min=1.0)
    convert(source, tmp_path / "out.parquet", options=options, batch_size=40)
    back = read_jets(tmp_path / "out.parquet")
    mask = (jets.pt >= 150) & (jets.pt < 300) & (np.abs(jets.eta) < 1.5)
    assert back.event.tolist() == jets.event[mask].tolist()
    assert back.constituents.pt.min() >= 1
    assert back.provenance["converted"]["options"] == {
        "pt_min": 150,
        "pt_max": 300,
        "abs_eta_max": 1.5,
        "constituent_pt_min": 1.0,
    }


def test_wrong_kinematics_are_reported_and_cuts_are_not_taken_for_them(source, tmp_path, caplog):
    few = ReadOptions(n_constituents=2)
    convert(source, tmp_path / "few.parquet", options=few)
    assert caplog.text == ""
    jets = read_jets(source)
    write_jets(replace(jets, eta=-jets.eta), tmp_path / "wrong.parquet")
    convert([source, tmp_path / "wrong.parquet"], tmp_path / "out.parquet", options=few)
    assert "wrong.parquet" in caplog.text
    assert "eta has the opposite sign" in caplog.text
    assert caplog.text.count("WARNING") == 1


def test_duplicates_are_left_out_over_files_and_batches(jets, source, tmp_path):
    write_jets(jets[100:150], tmp_path / "again.parquet")
    done = convert(
        [source, tmp_path / "again.parquet"],
        tmp_path / "out.parquet",
        deduplicate=True,
        batch_size=30,
    )
    assert (done.jets, done.duplicates) == (230, 50)
    assert_equal(jets, read_jets(tmp_path / "out.parquet"))
    # Unless it is asked for, every jet is converted.
    assert convert([source, tmp_path / "again.parquet"], tmp_path / "all.parquet").jets == 280


def test_spectra_are_matched_over_batches(tmp_path):
    soft = toy_jets(3000, seed=1, pt_range=(100, 400))
    hard = toy_jets(500, seed=2, pt_range=(200, 300))
    write_jets(soft, tmp_path / "soft.parquet")
    write_jets(hard, tmp_path / "hard.parquet")
    done = convert(
        tmp_path / "soft.parquet",
        tmp_path / "out.parquet",
        match_pt=tmp_path / "hard.parquet",
        seed=3,
        batch_size=170,
    )
    back = read_jets(tmp_path / "out.parquet")
    assert done.jets == len(back) == 3000 - done.unmatched
    assert hard.pt.min() <= back.pt.min() < back.pt.max() <= hard.pt.max()
    counts = np.histogram(back.pt, np.quantile(hard.pt, np.linspace(0, 1, 21)))[0]
    assert counts.max() - counts.min() <= 1
    assert back.provenance["converted"]["match_pt"]["seed"] == 3


# --- what is refused -----------------------------------------------------------------------


def test_the_target_follows_the_suffix(tmp_path):
    assert target_of(Path("a.PARQUET")) == "parquet"
    assert target_of(Path("a.root"), "top_tagging") == "top_tagging"
    assert target_of(Path("a.root")) == "root"
    with pytest.raises(ConfigError, match=r"\.npz is no layout to write"):
        target_of(Path("a.npz"))


def test_the_output_is_never_part_of_the_input(source, tmp_path):
    before = source.read_bytes()
    for name in (source, tmp_path, str(tmp_path / "*.parquet"), [source]):
        with pytest.raises(InputError, match="is part of the input"):
            convert(name, source)
    assert source.read_bytes() == before
    with pytest.raises(InputError, match="is a directory"):
        convert(source, tmp_path)


@pytest.mark.parametrize("name", ["out.parquet", "out.h5"])
def test_no_file_is_replaced_but_the_same_conversion(jets, source, tmp_path, name):
    """`darkclr convert *.parquet` in a folder of two files has the second as its output."""
    pytest.importorskip("h5py")
    other, output = tmp_path / "other.parquet", tmp_path / name
    write_jets(jets[:50], other)
    own = output.with_stem("own")
    own.write_text("somebody's")
    for path, start in ((own, source), (other, source), (source, other)):
        before = path.read_bytes()
        with pytest.raises(InputError, match=r"is there already, and was not converted from the"):
            convert(start, path, to="parquet")
        assert path.read_bytes() == before
    convert(source, output)
    convert(source, output, options=ReadOptions(n_constituents=5))  # as often as one likes
    assert read_jets(output).n_constituents.max() == 5
    with pytest.raises(InputError, match="replace it with the option overwrite"):
        convert(other, output)
    convert(other, output, overwrite=True)
    assert len(read_jets(output)) == 50


@pytest.mark.parametrize("name", ["out.parquet", "out.h5"])
def test_nothing_is_left_behind_by_bad_input(jets, source, tmp_path, name):
    pytest.importorskip("h5py")
    bad = tmp_path / "later.parquet"
    bad.write_bytes(source.read_bytes()[:-200])
    (tmp_path / name).write_text("old")
    with pytest.raises(InputError, match=r"later\.parquet"):
        convert([source, bad], tmp_path / name, overwrite=True)
    with pytest.raises(InputError, match="none of 230 jets passes the cuts"):
        convert(source, tmp_path / name, options=ReadOptions(pt_min=6000), overwrite=True)
    assert (tmp_path / name).read_text() == "old"
    assert names(tmp_path) == sorted(["in.parquet", "later.parquet", name])


@pytest.mark.parametrize("limit", [100, 30_000, 90_000])
@pytest.mark.parametrize("name", ["out.parquet", "out.h5"])
def test_a_full_disk_is_one_line_and_leaves_nothing(source, tmp_path, name, limit):
    """A limit on the size of files stands for the disk; the HDF5 library is not up to one."""
    pytest.importorskip("h5py")
    pytest.importorskip("resource")
    program = f"""
import resource, signal
from darkclr.errors import InputError
from darkclr.io.convert import convert
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    convert({str(source)!r}, {str(tmp_path / name)!r})
except InputError as error:
    print("refused:", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused:"), done.stdout
    assert "cannot be written" in done.stdout
    assert names(tmp_path) == ["in.parquet"]
