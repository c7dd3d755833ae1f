"""A search without signal: p-values and cuts are those of the calibration, counted by hand."""

from __future__ import annotations

import csv
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from darkclr.errors import InputError
from darkclr.evaluation.search import N_LISTED, Search, search


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """3000 jets of a score that follows pT: 1000 calibrate, 1500 test, 500 trained."""
    rng = np.random.default_rng(3)
    n = 3000
    pt = rng.uniform(150, 300, n)
    return pa.table(
        {
            "sample": ["data"] * n,
            "event": np.arange(n),
            "rank": np.zeros(n, np.int8),
            "label": np.zeros(n, np.int8),
            "weight": np.ones(n, np.float32),
            "pt": pt.astype(np.float32),
            "n_constituents": np.full(n, 30),
            "part": ["validation"] * 1000 + ["test"] * 1500 + ["train"] * 500,
            "file": ["a.root", "b.root"] * (n // 2),
            "file_event": np.arange(n) // 2,
            "hard": pt + rng.normal(0, 5, n),
            "blind": np.round(rng.normal(size=n), 2),  # with ties
        }
    )


def test_the_most_anomalous_jets_and_their_p_values(table):
    found = search(table, (0.1,))
    for name in ("hard", "blind"):
        values = table[name].to_numpy()
        jets = found.scores[name].jets
        assert [jet.score for jet in jets] == sorted(values, reverse=True)[:N_LISTED]
        for jet in jets:
            at_least = int(np.sum(values[:1000] >= jet.score))
            assert jet.p_value == pytest.approx(float(Fraction(1 + at_least, 1001)))
            row = 2 * jet.event + (jet.file == "b.root")
            assert values[row] == jet.score
            assert jet.part == table["part"][row].as_py()
    # What is anomalous for being hard is not at equal pT; else both say the same.
    assert max(jet.p_value for jet in found.scores["hard"].jets) < 0.02
    assert np.median([jet.p_value_given_pt for jet in found.scores["hard"].jets]) > 0.05
    assert max(jet.p_value_given_pt for jet in found.scores["blind"].jets) < 0.05


def test_no_p_value_is_smaller_than_the_calibration_can_tell(table):
    values = table["blind"].to_numpy().copy()
    values[2000] = 1e6 * values.max()
    far = table.set_column(table.column_names.index("blind"), "blind", pa.array(values))
    first, *_ = search(far, (0.1,)).scores["blind"].jets
    assert first.score == values[2000]
    assert first.p_value == first.p_value_given_pt == pytest.approx(1 / 1001)


def test_cuts_keep_their_share_of_background(table):
    efficiencies = (0.1, 0.01, 0.001, 0.0001)
    for name, found in search(table, efficiencies).scores.items():
        values = table[name].to_numpy()
        for point in found.working_points[:3]:
            assert point.n_calibration == np.sum(values[:1000] >= point.cut)
            assert point.n_calibration >= 1000 * point.background_efficiency
            tested = values[1000:2500]
            assert point.measured.value == pytest.approx(np.mean(tested >= point.cut))
            spread = 4 * np.sqrt(point.background_efficiency * (1 / 1000 + 1 / 1500))
            assert abs(point.measured.value - point.background_efficiency) < spread + 0.01
        assert found.working_points[3].cut is None  # a tenth of a jet


def test_weights_count(table):
    weight = np.where(table["hard"].to_numpy() > 250, 3.0, 1.0)
    place = table.column_names.index("weight")
    weighted = table.set_column(place, "weight", pa.array(weight))
    (point,) = search(weighted, (0.2,)).scores["hard"].working_points
    values = table["hard"].to_numpy()[:1000]
    passing = weight[:1000][values >= point.cut].sum() / weight[:1000].sum()
    assert passing == pytest.approx(0.2, abs=3 / weight[:1000].sum())


def test_what_is_written_is_read(table, tmp_path):
    found = search(table, (0.1, 0.0001))
    found.write(tmp_path)
    assert Search.read(tmp_path / "search.json") == found
    with (tmp_path / "anomalous_jets.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * N_LISTED
    assert [row["file"] for row in rows[:N_LISTED]] == [j.file for j in found.scores["hard"].jets]
    (tmp_path / "search.json").write_text('{"scores": {"hard": 3}}')
    with pytest.raises(InputError, match="is no search"):
        Search.read(tmp_path / "search.json")


def test_without_calibration_there_are_no_p_values(table):
    with pytest.raises(InputError, match="no validation jets to calibrate"):
        search(table.slice(1000), (0.1,))


def test_a_small_calibration_says_what_it_cannot(table):
    found = search(table.slice(950), (0.1, 0.01))  # 50 jets
    jet = found.scores["hard"].jets[0]
    assert jet.p_value >= 1 / 51
    assert jet.p_value_given_pt is None
    assert [p.cut is None for p in found.scores["hard"].working_points] == [False, True]
