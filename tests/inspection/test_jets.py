from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from toy import toy_jets

from darkclr.inspection.jets import summarise
from darkclr.io import write_jets


@pytest.fixture(scope="module")
def jets():
    return toy_jets(300, seed=1)


@pytest.fixture
def summary(jets, tmp_path):
    write_jets(replace(jets, provenance={"process": "toy"}), tmp_path / "jets.parquet")
    return summarise(tmp_path / "jets.parquet")


def test_numbers_are_those_of_the_jets(jets, summary):
    assert (summary.jets, summary.events, summary.labels) == (300, 150, {"background": 300})
    quantity = summary.quantities["pt [GeV]"]
    assert quantity.minimum == jets.pt.min()
    assert quantity.median == pytest.approx(np.median(jets.pt))
    assert quantity.mean == pytest.approx(jets.pt.mean())
    assert quantity.counts.sum() == 300
    assert summary.quantities["constituents"].maximum == jets.n_constituents.max()
    assert summary.provenance == ({"process": "toy"},)
    assert summary.check.problem is None


def test_the_median_of_the_constituents_is_good_to_a_few_percent(jets, summary):
    pt, quantity = jets.constituents.pt, summary.quantities["constituent pt [GeV]"]
    assert quantity.median == pytest.approx(np.median(pt), rel=0.03)
    assert quantity.mean == pytest.approx(pt.mean(), rel=1e-5)
    assert (quantity.minimum, quantity.maximum) == (pt.min(), pt.max())
    assert quantity.counts.sum() == len(pt)


def test_the_average_jet_holds_the_pt_around_the_axis(jets, summary):
    assert summary.image.shape == (15, 30)
    # The scalar sum of the constituents is a little more than the pT of the jet.
    assert 0.9 < summary.image.sum() < 1.3
    assert summary.image[7, 14:16].sum() > summary.image[0].sum()


def test_files_are_counted_apart(jets, tmp_path):
    write_jets(jets[:100], tmp_path / "a.parquet")
    write_jets(jets[:40], tmp_path / "b.parquet")
    summary = summarise(tmp_path)
    assert [file.jets for file in summary.files] == [100, 40]
    assert [file.layout for file in summary.files] == ["darkclr", "darkclr"]
    assert summary.events == 50 + 20


def test_a_jet_that_was_there_before_is_counted_over_files(jets, tmp_path):
    write_jets(jets[:100], tmp_path / "a.parquet")
    assert summarise(tmp_path).duplicates == 0
    write_jets(jets[90:120], tmp_path / "b.parquet")
    assert summarise(tmp_path).duplicates == 10


def test_one_wrong_file_among_many_is_seen(jets, tmp_path):
    write_jets(jets, tmp_path / "a.parquet")
    write_jets(replace(jets, eta=-jets.eta), tmp_path / "b.parquet")
    assert "eta has the opposite sign" in summarise(tmp_path).check.problem


def test_one_jet_of_one_constituent(jets, tmp_path):
    single = jets[:1]
    one = replace(single, constituents=single.constituents.hardest(1))
    write_jets(one, tmp_path / "one.parquet")
    summary = summarise(tmp_path / "one.parquet")
    assert summary.quantities["constituent pt [GeV]"].counts.sum() == 1


def test_everything_is_json(summary):
    content = json.loads(json.dumps(summary.to_dict()))
    assert content["jets"] == 300
    assert content["files"][0]["layout"] == "darkclr"
    assert sum(content["quantities"]["eta"]["counts"]) == 300
