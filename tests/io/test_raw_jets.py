"""What holds for the jets of every file."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foreign import write_lhco, write_top_tagging
from hostile import PLACES, parquet_bomb, put
from toy import toy_jets

from darkclr.errors import InputError
from darkclr.inspection.jets import summarise
from darkclr.io import ReadOptions, iterate_jets, read_jets, write_jets
from darkclr.io.convert import convert
from darkclr.io.parquet import read_table
from darkclr.io.raw_jets import RawJets, clustered_jets
from darkclr.io.writers import jets_table
from darkclr.jets import Jets


@pytest.fixture
def signed(tmp_path):
    """A sample at next-to-leading order: a fifth of its weights is negative."""
    jets = toy_jets(50, seed=1)
    weight = np.where(np.arange(50) % 5 == 0, -1, 1).astype(np.float32)
    write_jets(replace(jets, weight=weight), tmp_path / "nlo.parquet")
    return tmp_path / "nlo.parquet"


def test_negative_weights_are_a_choice(signed, tmp_path):
    message = "10 of 50 weights are negative; say what .* option negative_weights: keep or absolute"
    with pytest.raises(InputError, match=message):
        read_jets(signed)
    with pytest.raises(InputError, match=message):
        convert(signed, tmp_path / "a.parquet")
    keep, absolute = (ReadOptions(negative_weights=x) for x in ("keep", "absolute"))
    assert read_jets(signed, options=keep).weight.sum() == 30
    assert read_jets(signed, options=absolute).weight.tolist() == [1] * 50


def test_angles_from_zero_to_two_pi_are_the_same_angles(tmp_path):
    jets = toy_jets(40, seed=2)
    table = jets_table(jets)
    at = table.column_names.index("constituent_phi")
    phi = table.column(at).combine_chunks()
    turned = pa.array(np.mod(phi.values.to_numpy(), 2 * np.pi).astype(np.float32))
    assert turned.to_numpy().max() > np.pi
    lists = pa.LargeListArray if pa.types.is_large_list(phi.type) else pa.ListArray
    column = lists.from_arrays(phi.offsets, turned)
    pq.write_table(table.set_column(at, table.field(at), column), tmp_path / "a.parquet")
    found = read_jets(tmp_path / "a.parquet").constituents.phi
    assert -np.pi <= found.min() <= found.max() < np.pi
    np.testing.assert_allclose(np.exp(1j * found), np.exp(1j * jets.constituents.phi), atol=1e-5)


def test_to_look_at_negative_weights_is_no_use_of_them(signed):
    assert summarise(signed).quantities["weight"].minimum == -1


def hot(jets: Jets) -> Jets:
    c = replace(jets.constituents, pt=jets.constituents.pt * 400)
    return replace(jets, constituents=c, pt=jets.pt * 400, mass=jets.mass * 400)


def test_other_colliders_have_other_limits(tmp_path):
    """The limit finds files in MeV; it is not a law of nature."""
    table = [np.array([[9000.0, 0.1, 0.2], [20.0, 0.2, 0.1]])]
    path = write_top_tagging(tmp_path / "a.h5", table, [0])
    with pytest.raises(InputError, match=r"in MeV: divide by 1000, or give the beam_energy"):
        read_jets(path)
    for energy in (50_000, None):
        jets = read_jets(path, options=ReadOptions(beam_energy=energy))
        assert jets.constituents.pt[0] == pytest.approx(9000)
    events = write_lhco(tmp_path / "b.h5", table, None)
    with pytest.raises(InputError, match="above the beam energy of 7000"):
        read_jets(events)
    assert len(read_jets(events, options=ReadOptions(beam_energy=5e4))) == 1
    with pytest.raises(InputError, match="above the beam energy of 100"):
        read_jets(path, options=ReadOptions(beam_energy=100))


@pytest.mark.parametrize("name", ["a.parquet", "a.h5"])
def test_files_that_darkclr_wrote_know_their_momenta(tmp_path, name):
    jets = hot(toy_jets(20, seed=1))
    assert jets.constituents.pt.max() > 7000
    write_jets(jets, tmp_path / "hot.parquet")
    convert(tmp_path / "hot.parquet", tmp_path / name)
    np.testing.assert_allclose(read_jets(tmp_path / name).pt, jets.pt)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", 0.5),
        ("event", np.nan),
        ("event", np.inf),
        ("event", 2.0**63),
        ("event", np.uint64(2**64 - 1)),
        ("rank", 1000),
        ("rank", -1),
        ("rank", 0.25),
        ("rank", 300.0),
        ("label", 0.5),
        ("label", 256),
    ],
)
def test_numbers_of_jets_are_exact_or_refused(column, value, tmp_path):
    jets = toy_jets(5)
    values = np.array([0, 1, value, 1, 0], dtype=np.asarray(value).dtype)
    with pytest.raises(InputError, match=rf"{column}|ranks are negative"):
        Jets.from_constituents(
            *(getattr(jets.constituents, name) for name in ("offsets", "pt", "eta", "phi")),
            **{column: values},
        )
    table = jets_table(jets).drop_columns([column]).append_column(column, pa.array(values))
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet"):
        read_jets(tmp_path / "a.parquet")


def test_whole_numbers_of_any_type_are_taken_as_they_are():
    jets = toy_jets(3)
    parts = [getattr(jets.constituents, name) for name in ("offsets", "pt", "eta", "phi")]
    for event in ([2.0**53, 0.0, -1.0], np.array([2**63 - 1, 0, 5], np.uint64)):
        made = Jets.from_constituents(*parts, event=event, rank=[0.0, 1.0, 127.0])
        assert [int(e) for e in made.event] == [int(e) for e in event]
        assert made.rank.tolist() == [0, 1, 127]


def spoilt(tmp_path, column, value, rows):
    """A file of jets some of which hold a value that no jet can have."""
    jets = toy_jets(1000, seed=2)
    columns = {name: jets_table(jets)[name].to_pylist() for name in jets_table(jets).column_names}
    for row in rows:
        if column.startswith("constituent"):
            columns[column][row] = [value, *columns[column][row][1:]]
        else:
            columns[column][row] = value
    table = pa.table(columns, schema=jets_table(jets).schema)
    pq.write_table(table, tmp_path / "a.parquet")
    return jets, tmp_path / "a.parquet"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("constituent_pt", np.nan),
        ("constituent_eta", np.inf),
        ("constituent_phi", np.nan),
        ("constituent_pt", -1.0),
        ("pt", np.nan),
        ("mass", -np.inf),
        ("weight", np.nan),
    ],
)
def test_a_jet_that_is_none_is_named_and_left_out_on_request(tmp_path, column, value, caplog):
    jets, path = spoilt(tmp_path, column, value, [617, 912])
    with pytest.raises(InputError, match=r"2 .*, the first of them in row 617\)?; --skip-invalid"):
        read_jets(path)
    read = read_jets(path, options=ReadOptions(skip_invalid=True))
    assert "2 jets with NaN, infinite or missing values left out" in caplog.text
    kept = np.delete(np.arange(1000), [617, 912])
    for name in ("pt", "event", "rank", "weight"):
        assert np.array_equal(getattr(read, name), getattr(jets[kept], name))
    assert np.array_equal(read.constituents.pt, jets[kept].constituents.pt)


def test_the_row_is_that_of_the_file_and_not_of_the_batch(tmp_path):
    _, path = spoilt(tmp_path, "constituent_pt", np.nan, [617])
    with pytest.raises(InputError, match="row 617"):
        list(iterate_jets(path, batch_size=100))
    skipped = iterate_jets(path, batch_size=100, options=ReadOptions(skip_invalid=True))
    assert sum(map(len, skipped)) == 999


def test_jets_without_any_valid_one_are_no_jets(tmp_path):
    _, path = spoilt(tmp_path, "weight", np.nan, range(1000))
    with pytest.raises(InputError, match="there are no jets"):
        read_jets(path, options=ReadOptions(skip_invalid=True))


def test_events_with_nan_are_left_out_on_request(tmp_path, caplog):
    particles = np.array([[[50.0, 0.1, 0.2], [40.0, 0.2, 0.1]]] * 5)
    particles[3, 1, 0] = np.nan
    path = write_lhco(tmp_path / "a.h5", list(particles), None)
    with pytest.raises(InputError, match="NaN"):
        read_jets(path)
    read = read_jets(path, options=ReadOptions(skip_invalid=True))
    assert read.event.tolist() == [0, 1, 2, 4]
    assert "1 events with NaN or infinite values left out" in caplog.text


def test_a_jet_of_very_many_constituents_is_refused_before_it_is_read(tmp_path):
    path = parquet_bomb(tmp_path / "a.parquet")
    assert path.stat().st_size < 20_000
    start = time.process_time()
    with pytest.raises(InputError, match="10000000 values in 1 rows"):
        read_jets(path)
    with pytest.raises(InputError, match="10000000 values in 1 rows"):
        read_table(path)
    assert time.process_time() - start < 1


def test_one_long_jet_among_many_is_refused(tmp_path):
    """The mean does not tell it."""
    lengths = np.array([200_000, 1, 1, 1])
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    values = pa.array(np.ones(lengths.sum(), np.float32))
    lists = pa.ListArray.from_arrays(offsets, values)
    table = pa.table({f"constituent_{name}": lists for name in ("pt", "eta", "phi")})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="the jet in row 0 has 200000 constituents"):
        read_jets(tmp_path / "a.parquet")


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_only_regular_files_are_read(place, tmp_path):
    path = put(tmp_path / "a.parquet", place)
    with pytest.raises(InputError, match=str(path)):
        read_jets(path)
    with pytest.raises(InputError, match=str(path)):
        read_table(path)


def test_jets_of_events_have_number_and_weight_of_their_event():
    """Constituents below the threshold are in none; rows count from the start of the batch."""
    phi = np.array([0.0, 0.1, 3.0, 1.0, 1.1])
    raw = RawJets(
        np.array([3, 2]),
        np.array([60.0, 0.4, 50.0, 80.0, 3.0]),
        np.array([0.5, 0.5, -0.5, 1.0, 1.0]),
        phi,
        weight=np.array([0.5, 2.0]),
        label=np.array([1, 0]),
    )
    options = ReadOptions(pt_min=20, constituent_pt_min=0.5, radius=0.8)
    jets = clustered_jets(
        raw, options=options, start=70, where="e", provenance={}, left_out=Counter()
    )
    assert jets.event.tolist() == [70, 70, 71]
    assert jets.rank.tolist() == [0, 1, 0]
    assert jets.weight.tolist() == [0.5, 0.5, 2.0]
    assert jets.label.tolist() == [1, 1, 0]
    assert jets.constituents.pt.tolist() == pytest.approx([60, 50, 80, 3])


def test_rows_without_a_number_are_counted_through_the_file(tmp_path):
    path = write_top_tagging(tmp_path / "a.h5", [np.array([[50.0, 0.1, 0.2]])] * 20, [0] * 20)
    batches = list(iterate_jets(path, batch_size=7))
    assert len(batches) > 1
    assert np.concatenate([jets.event for jets in batches]).tolist() == list(range(20))
