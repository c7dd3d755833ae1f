from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import pytest
from score_tables import FAST, N, scores_table

from darkclr.errors import InputError
from darkclr.evaluation import evaluate
from darkclr.io.parquet import write_table


def test_columns_that_describe_the_jet_are_no_scores():
    table = scores_table()
    described = table.append_column("pt_copy", table["pt"].cast(pa.float64()))
    scores = evaluate(described, FAST).scores
    assert "pt" not in scores
    assert "n_constituents" not in scores
    assert "pt_copy" in scores


@pytest.mark.parametrize("missing", ["sample", "event", "label", "weight"])
def test_missing_columns_are_named(missing):
    with pytest.raises(InputError, match=missing):
        evaluate(scores_table().drop_columns([missing]), FAST)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_broken_scores_are_named(value):
    good = np.zeros(3 * N)
    good[3] = value
    with pytest.raises(InputError, match="1 jets have a score 'good'"):
        evaluate(scores_table(good=good), FAST)


def test_titles_and_yardsticks_are_those_that_the_files_say(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "darkclr.anomaly.catalogue", None)  # not even looked at
    table = scores_table()
    label = table["label"].to_numpy()
    for name, kept, sample in (("b", label == 0, "qcd"), ("s", label == 1, "aachen")):
        described = {
            "titles": {"good": "good score"},
            "baselines": ["blind"],
            "samples": {sample: {"title": f"{sample} jets", "process": sample}},
        }
        write_table(table.filter(kept), tmp_path / f"{name}.parquet", described)
    found = evaluate([tmp_path / "b.parquet", tmp_path / "s.parquet"], FAST)
    described = [(entry.title, entry.baseline) for entry in found.scores.values()]
    assert described == [("good score", False), ("blind", True)]
    assert [found.title(s) for s in found.samples] == ["qcd jets", "aachen jets", "light"]
    assert found.samples["aachen"].process == "aachen"


def test_files_are_as_good_as_their_rows_together(metrics, tmp_path):
    table = scores_table()
    label = table["label"].to_numpy()
    paths = [tmp_path / "background.parquet", tmp_path / "signal.parquet"]
    for path, kept in zip(paths, (label == 0, label == 1), strict=True):
        write_table(table.filter(kept), path, {})
    assert evaluate(paths, FAST).scores == metrics.scores


def test_files_that_do_not_go_together_are_named(tmp_path):
    table = scores_table()
    other = table.rename_columns({"good": "better"})
    typed = table.set_column(0, "id", pa.array(np.arange(3 * N)))
    paths = {name: tmp_path / f"{name}.parquet" for name in ("one", "label", "other", "typed")}
    tables = (table, table.drop_columns(["label"]), other, typed)
    for path, content in zip(paths.values(), tables, strict=True):
        write_table(content, path, {})
    for others, message in (
        ([paths["one"]], r"one\.parquet: is given twice, .*; name it once"),
        ([tmp_path / "." / "one.parquet"], "is given twice"),
        ([paths["label"]], r"label\.parquet: missing columns \['label'\]; give a file of"),
        ([paths["other"]], r"other\.parquet: the scores better, good are not in all files; score"),
        ([paths["typed"]], "one.parquet, .*typed.parquet: their columns are of different types"),
    ):
        with pytest.raises(InputError, match=message):
            evaluate([paths["one"], *others], FAST)
    write_table(table.slice(0, 5), tmp_path / "copy.parquet", {})
    with pytest.raises(InputError, match=r"5 jets \(id\) are in more than one row"):
        evaluate([paths["one"], tmp_path / "copy.parquet"], FAST)
    with pytest.raises(InputError, match="no files of scores; name those"):
        evaluate([], FAST)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (pa.array([0.0, 1.0] * (3 * N // 2)), "the labels are no integers"),
        (pa.array(["qcd", "signal"] * (3 * N // 2)), "the labels are no integers"),
        (
            pa.array([0, None] * (3 * N // 2), pa.int8()),
            r"columns .* have empty fields",
        ),
    ],
)
def test_labels_are_whole_numbers(label, message):
    with pytest.raises(InputError, match=message):
        evaluate(scores_table(label=label), FAST)
