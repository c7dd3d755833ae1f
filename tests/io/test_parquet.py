from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import names
from toy import toy_jets

from darkclr.errors import InputError
from darkclr.io import read_jets, write_jets
from darkclr.io.parquet import column_names, read_metadata, read_table, write_table
from darkclr.jets import JET_COLUMNS, Jets


@pytest.fixture(scope="module")
def jets() -> Jets:
    plain = toy_jets(100, seed=1, label=1)
    n, c = len(plain), plain.constituents
    rng = np.random.default_rng(0)
    return Jets.from_constituents(
        c.offsets,
        c.pt,
        c.eta,
        c.phi,
        label=rng.integers(-1, 2, n),
        weight=rng.random(n),
        event=rng.integers(0, 2**60, n),
        rank=rng.integers(0, 5, n),
        truth={"pthat": rng.random(n), "parton_pdg": rng.integers(-5, 5, n)},
        provenance={"process": "toy", "seed": 3, "settings": ["a = b"], "ä": None},
    )


@pytest.fixture
def file(jets, tmp_path):
    write_jets(jets, tmp_path / "jets.parquet")
    return tmp_path / "jets.parquet"


def test_round_trip_is_exact(jets, file):
    again = read_jets(file)
    for name in ("offsets", "pt", "eta", "phi"):
        old, new = (getattr(x.constituents, name) for x in (jets, again))
        assert old.dtype == new.dtype
        assert old.tobytes() == new.tobytes()
    for name in JET_COLUMNS:
        old, new = getattr(jets, name), getattr(again, name)
        assert old.dtype == new.dtype
        assert old.tobytes() == new.tobytes()
    assert again.truth.keys() == jets.truth.keys()
    for name, values in jets.truth.items():
        assert again.truth[name].dtype == values.dtype
        assert again.truth[name].tobytes() == values.tobytes()
    assert again.provenance == jets.provenance


def test_the_same_jets_give_the_same_bytes(jets, file, tmp_path):
    write_jets(jets, tmp_path / "other.parquet")
    assert (tmp_path / "other.parquet").read_bytes() == file.read_bytes()
    assert names(tmp_path) == ["jets.parquet", "other.parquet"]


def test_other_programs_read_the_file(jets, file):
    table = pq.read_table(file)
    assert table["constituent_pt"].to_pylist()[3] == pytest.approx(jets[3].constituents.pt.tolist())
    assert table["label"].to_pylist() == jets.label.tolist()
    assert table.schema.field("pt").metadata == {b"units": b"GeV"}
    assert table.schema.field("constituent_phi").metadata == {b"units": b"rad"}
    assert json.loads(table.schema.metadata[b"darkclr"])["provenance"]["process"] == "toy"


def test_awkward_reads_the_file(jets, file):
    ak = pytest.importorskip("awkward")
    array = ak.from_parquet(file)
    assert ak.num(array.constituent_eta).tolist() == jets.n_constituents.tolist()
    np.testing.assert_array_equal(ak.flatten(array.constituent_eta), jets.constituents.eta)


def lists(*rows, type=None):
    return pa.array([list(row) for row in rows], type=pa.list_(type or pa.float32()))


def minimal(**columns):
    """Two jets of two and one constituents as any program would write them."""
    return {
        "constituent_pt": lists((90, 60), (150,)),
        "constituent_eta": lists((0.1, -0.1), (1,)),
        "constituent_phi": lists((0, 0.3), (-3,)),
    } | columns


def write(path, columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_three_columns_are_enough(tmp_path):
    jets = read_jets(write(tmp_path / "a.parquet", minimal()))
    assert jets.n_constituents.tolist() == [2, 1]
    assert jets.pt[1] == pytest.approx(150)
    assert jets.label.tolist() == [-1, -1]
    assert jets.provenance == {}


@pytest.mark.parametrize("large", [False, True])
def test_double_precision_and_large_lists_are_taken(tmp_path, large):
    make = pa.large_list if large else pa.list_
    columns = {name: c.cast(make(pa.float64())) for name, c in minimal().items()}
    jets = read_jets(write(tmp_path / "a.parquet", columns))
    assert jets.constituents.pt.tolist() == [90, 60, 150]


def test_row_groups_and_slices_make_no_difference(tmp_path, jets, file):
    pq.write_table(pq.read_table(file), tmp_path / "groups.parquet", row_group_size=7)
    again = read_jets(tmp_path / "groups.parquet")
    assert again.constituents.pt.tobytes() == jets.constituents.pt.tobytes()
    np.testing.assert_array_equal(again.n_constituents, jets.n_constituents)


NAN = float("nan")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"constituent_pt": lists((NAN, 60), (150,))}, "1 constituents have NaN or infinite pt"),
        ({"constituent_eta": lists((0, np.inf), (1,))}, "NaN or infinite eta"),
        ({"constituent_pt": lists((90, -60), (150,))}, "1 constituents have zero or negative pT"),
        ({"constituent_pt": lists((90e3, 60e3), (150e3,))}, "probably in MeV: divide by 1000"),
        ({"constituent_eta": lists((0.1,), (1, 1))}, "different lengths"),
        ({"constituent_eta": lists((0.1, 1), (1, 1))}, "different lengths"),
        ({"constituent_pt": pa.array([1.0, 2.0])}, "'constituent_pt' is double, not a list"),
        ({"constituent_pt": lists(("a", "b"), ("c",), type=pa.string())}, "not a list of numbers"),
        ({"constituent_pt": pa.array([None, [1.0]])}, "'constituent_pt' has missing values"),
        ({"constituent_pt": lists((None, 60), (150,))}, "'constituent_pt' has missing values"),
        ({"label": pa.array([0, 7])}, "labels other than 0, 1 and -1"),
        ({"label": pa.array([0, None])}, "'label' .* is not filled with numbers"),
        ({"label": pa.array(["qcd", "qcd"])}, r"'label' \(string\) is not filled with numbers"),
        ({"weight": pa.array([1.0, NAN])}, "'weight' has NaN or infinite values"),
    ],
)
def test_unphysical_files_are_refused_by_name(tmp_path, columns, message):
    path = write(tmp_path / "bad.parquet", minimal(**columns))
    with pytest.raises(InputError, match=message) as caught:
        read_jets(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_empty_jets_and_empty_files_are_refused(tmp_path):
    columns = {name: lists((1.0,), ()) for name in minimal()}
    with pytest.raises(InputError, match="1 of 2 jets have no constituents"):
        read_jets(write(tmp_path / "a.parquet", columns))
    columns = {name: lists() for name in minimal()}
    with pytest.raises(InputError, match="there are no jets"):
        read_jets(write(tmp_path / "b.parquet", columns))


def test_missing_columns_are_named(tmp_path):
    columns = minimal()
    del columns["constituent_phi"]
    path = write(tmp_path / "a.parquet", columns)
    with pytest.raises(InputError, match=r"missing columns \['constituent_phi'\]; it has"):
        read_jets(path)
    with pytest.raises(InputError, match=r"missing columns \['x'\]"):
        read_table(path, ["constituent_pt", "x"])


@pytest.mark.parametrize("bytes_kept", [0, 3, 200, -1, -500])
def test_truncated_files_are_refused(file, bytes_kept):
    file.write_bytes(file.read_bytes()[:bytes_kept])
    with pytest.raises(InputError, match=r"cannot be read as Parquet .*truncated or of another"):
        read_table(file)
    with pytest.raises(InputError, match=r"truncated|file is empty|neither Parquet nor"):
        read_jets(file)


def test_damaged_data_is_refused_or_read_the_same(jets, file):
    content = bytearray(file.read_bytes())
    content[100:130] = bytes(30)
    file.write_bytes(content)
    with pytest.raises(InputError):
        read_jets(file)


def test_web_pages_with_another_name_are_refused(tmp_path):
    path = tmp_path / "download.parquet"
    path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>" * 20)
    for read in (read_jets, read_table, column_names):
        with pytest.raises(InputError, match=r"of another format|web page") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "no.parquet", tmp_path):
        with pytest.raises(InputError, match="no such file; check the path"):
            read_table(path)


def test_tables_carry_metadata(tmp_path):
    table = pa.table({"pt": [1.0], "n": [2]})
    write_table(table, tmp_path / "deep" / "a.parquet", {"kind": "scores", "seed": 1})
    again = read_table(tmp_path / "deep" / "a.parquet", ["n"])
    assert again.to_pydict() == {"n": [2]}
    assert read_metadata(again) == {"kind": "scores", "seed": 1}
    assert column_names(tmp_path / "deep" / "a.parquet") == ["pt", "n"]
