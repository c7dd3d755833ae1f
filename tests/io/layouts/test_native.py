from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets
from darkclr.io.parquet import read_table


def lists(*rows, type=None):
    # PyArrow 16 makes half precision of NumPy's alone.
    values = [np.float16(row) if type == pa.float16() else list(row) for row in rows]
    return pa.array(values, type=pa.list_(type or pa.float32()))


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
        ({"constituent_pt": pa.array([None, [1.0]])}, "'constituent_pt' .* has missing values"),
        ({"constituent_pt": lists((None, 60), (150,))}, "'constituent_pt' .* has missing values"),
        ({"label": pa.array([0, 7])}, "labels other than 0, 1 and -1"),
        ({"label": pa.array([0, None])}, "'label' .* has missing values; labels are 0 for"),
        (
            {"label": pa.array(["qcd", "qcd"])},
            r"'label' \(string\) is not filled with numbers; labels",
        ),
        ({"weight": pa.array([1.0, NAN])}, "1 events have a NaN or infinite weight 'weight'"),
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


@pytest.mark.parametrize(
    "label",
    [
        pa.array([True, False]),
        *(pa.array([1, 0], kind) for kind in (pa.int8(), pa.int64(), pa.uint8(), pa.uint32())),
        *(pa.array(np.array([1, 0], kind)) for kind in (np.float16, np.float32, np.float64)),
        pa.array([1, 0]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type).split(",")[0],
)
def test_a_label_may_be_any_type_of_0_and_1(tmp_path, label):
    path = write(tmp_path / "a.parquet", minimal(label=label))
    assert read_jets(path).label.tolist() == [1, 0]


@pytest.mark.parametrize("kind", [pa.float16(), pa.float64(), pa.int16(), pa.uint64()])
def test_momenta_may_be_any_type_of_number(tmp_path, kind):
    columns = minimal(constituent_pt=lists((90, 60), (150,), type=kind))
    jets = read_jets(write(tmp_path / "a.parquet", columns))
    assert jets.constituents.pt.tolist() == [90, 60, 150]


@pytest.mark.parametrize("outer", [pa.list_, lambda kind: pa.list_(kind, 3)])
def test_constituents_without_pt_are_padding_or_along_the_beam(tmp_path, outer, caplog):
    rows = {
        "constituent_pt": [[90, 60, 0], [150, 0, 0]],
        "constituent_eta": [[0.1, -0.1, 0], [1, 0, 999.9 if outer is pa.list_ else 0]],
        "constituent_phi": [[0, 0.3, 0], [-3, 0, 0]],
    }
    columns = {name: pa.array(values, outer(pa.float32())) for name, values in rows.items()}
    path = write(tmp_path / "a.parquet", columns)
    jets = read_jets(path)
    # Lists of one length by their type cannot be but padded.
    assert ("3 constituents without pT left out" in caplog.text) == (outer is pa.list_)
    assert jets.n_constituents.tolist() == [2, 1]
    assert jets.constituents.pt.tolist() == [90, 60, 150]
    np.testing.assert_allclose(jets.constituents.phi, [0, 0.3, -3])


def test_weights_may_be_another_column_or_one_of_a_list(tmp_path):
    columns = minimal(
        weight=pa.array([1.0, 2.0]), tuned=pa.array([3, 4]), all=pa.array([[5.0, 6.0], [7.0, 8.0]])
    )
    path = write(tmp_path / "a.parquet", columns)
    for name, expected in ((None, [1, 2]), ("tuned", [3, 4]), ("all", [5, 7]), ("all[1]", [6, 8])):
        assert read_jets(path, options=ReadOptions(weight=name)).weight.tolist() == expected
    with pytest.raises(InputError, match="no column 'other' of weights; it has"):
        read_jets(path, options=ReadOptions(weight="other"))
    with pytest.raises(InputError, match=r"2 events have no weight number 2 in 'all'"):
        read_jets(path, options=ReadOptions(weight="all[2]"))
