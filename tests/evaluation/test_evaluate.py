from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from darkclr.errors import ConfigError, InputError
from darkclr.evaluation import (
    EvaluationConfig,
    evaluate,
    read_metrics,
    write_metrics,
)
from darkclr.io.parquet import write_table

N = 2000
FAST = EvaluationConfig(n_bootstrap=40)


def scores_table(seed: int = 0, **columns) -> pa.Table:
    """QCD and two signals; ``good`` separates by one standard deviation, ``blind`` not at all."""
    rng = np.random.default_rng(seed)
    sample = np.repeat(["qcd", "aachen", "light"], N)
    label = (sample != "qcd").astype(np.int8)
    event = np.tile(np.repeat(np.arange(N // 2), 2), 3)
    rank = np.tile([0, 1], 3 * N // 2).astype(np.int8)
    data = {
        "id": [f"{s}:{e}:{r}" for s, e, r in zip(sample, event, rank, strict=True)],
        "sample": sample,
        "event": event,
        "rank": rank,
        "label": label,
        "weight": np.ones(3 * N, np.float32),
        "pt": rng.uniform(150, 300, 3 * N).astype(np.float32),
        "n_constituents": rng.poisson(30, 3 * N),
        "good": rng.normal(label * np.where(sample == "light", 2.0, 1.0)),
        "blind": rng.normal(size=3 * N),
    }
    return pa.table(data | columns)


@pytest.fixture(scope="module")
def metrics():
    return evaluate(scores_table(), FAST)


def test_every_score_on_every_signal(metrics):
    assert list(metrics.scores) == ["good", "blind"]
    assert metrics.signals == ["aachen", "light"]
    for signal, shift in (("aachen", 1.0), ("light", 2.0)):
        result = metrics.scores["good"].signals[signal]
        expected = norm.cdf(shift / np.sqrt(2))
        assert abs(result.auc - expected) < 4 * result.auc_error
        assert (result.n_background, result.n_signal) == (N, N)
    blind = metrics.scores["blind"].signals["aachen"]
    assert abs(blind.auc - 0.5) < 4 * blind.auc_error


def test_rejection_lies_in_its_band_and_on_the_curve(metrics):
    result = metrics.scores["good"].signals["aachen"]
    at = result.roc.signal_efficiency.index(0.2)
    efficiency, low, high = map(
        np.array, (result.roc.background_efficiency, result.roc.low, result.roc.high)
    )
    assert result.background_rejection["0.2"].value == pytest.approx(1 / efficiency[at])
    improvement = result.significance_improvement["0.2"].value
    assert improvement == pytest.approx(0.2 / np.sqrt(efficiency[at]))
    assert np.mean(low <= efficiency) > 0.95
    assert np.mean(efficiency <= high) > 0.95


def test_maximum_significance_keeps_enough_background(metrics):
    result = metrics.scores["good"].signals["light"]
    best, curve = result.maximum_significance_improvement, result.roc
    at = curve.signal_efficiency.index(best.signal_efficiency)
    assert curve.background_efficiency[at] * N >= FAST.minimum_background
    assert all(
        best.value >= e / np.sqrt(b)
        for e, b in zip(curve.signal_efficiency, curve.background_efficiency, strict=True)
        if b * N >= FAST.minimum_background
    )


def test_a_perfect_score_has_a_bound_and_no_infinity(tmp_path):
    table = scores_table()
    table = table.append_column("perfect", pa.array(table["label"].to_numpy() * 1.0))
    metrics = evaluate(table, FAST)
    rejection = metrics.scores["perfect"].signals["aachen"].background_rejection["0.2"]
    assert rejection.value is rejection.error is None
    assert rejection.lower_bound == pytest.approx(N / 3, rel=0.01)
    write_metrics(metrics, tmp_path / "metrics.json")
    assert "Infinity" not in (tmp_path / "metrics.json").read_text()


def test_same_seed_same_numbers_and_file_equals_table(tmp_path, metrics):
    write_table(scores_table(), tmp_path / "scores.parquet", {"made": "by a test"})
    again = evaluate(tmp_path / "scores.parquet", FAST)
    assert again.scores == metrics.scores
    assert again.provenance.scores == {"made": "by a test"}
    other = evaluate(scores_table(), EvaluationConfig(n_bootstrap=40, seed=1))
    first, second = (m.scores["good"].signals["aachen"] for m in (metrics, other))
    assert first.auc == second.auc
    assert first.auc_error != second.auc_error


def test_metrics_survive_the_file(tmp_path, metrics):
    write_metrics(metrics, tmp_path / "metrics.json")
    assert read_metrics(tmp_path / "metrics.json") == metrics
    assert json.loads((tmp_path / "metrics.json").read_text())["kind"] == "metrics"


def test_order_of_the_rows_does_not_matter(metrics):
    table = scores_table()
    shuffled = table.take(np.random.default_rng(1).permutation(len(table)))
    again = evaluate(shuffled, FAST)
    for score, entry in metrics.scores.items():
        for signal, result in entry.signals.items():
            assert again.scores[score].signals[signal].auc == result.auc


def test_another_share_of_gluons_is_that_of_explicit_weights():
    rng = np.random.default_rng(4)
    pdg = rng.choice([0, 1, -3, 21], 3 * N, p=[0.1, 0.1, 0.1, 0.7]).astype(np.int32)
    weight = rng.uniform(0.5, 2, 3 * N).astype(np.float32)
    table = scores_table(parton_pdg=pdg, weight=weight)
    # Gluons score lower: the mixture matters.
    values = table["good"].to_numpy() - (pdg == 21)
    table = table.set_column(table.column_names.index("good"), "good", pa.array(values))
    config = EvaluationConfig(n_bootstrap=40, gluon_share=0.3)
    background = table["label"].to_numpy() == 0
    by_hand = weight.astype(np.float64)
    gluon, quark = (background & x for x in (pdg == 21, ~np.isin(pdg, (0, 21))))
    matched = by_hand[gluon | quark].sum()
    by_hand[gluon] *= 0.3 * matched / by_hand[gluon].sum()
    by_hand[quark] *= 0.7 * matched / by_hand[quark].sum()
    explicit = table.set_column(table.column_names.index("weight"), "weight", pa.array(by_hand))
    found, expected = evaluate(table, config).scores, evaluate(explicit, FAST).scores
    natural = evaluate(table, FAST).scores
    for signal in ("aachen", "light"):
        results = [m["good"].signals[signal] for m in (found, expected, natural)]
        for key in ("auc", "auc_error", "n_background_effective"):
            one, other = (getattr(result, key) for result in results[:2])
            assert one == pytest.approx(other, rel=1e-9)
        rejections = [r.background_rejection["0.2"].value for r in results]
        assert rejections[0] == pytest.approx(rejections[1], rel=1e-9)
        assert results[0].auc < results[2].auc - 0.05


def test_gluons_must_be_known():
    config = EvaluationConfig(n_bootstrap=40, gluon_share=0.45)
    with pytest.raises(InputError, match="no column parton_pdg"):
        evaluate(scores_table(), config)
    with pytest.raises(InputError, match="0 gluon and 0 quark jets"):
        evaluate(scores_table(parton_pdg=np.zeros(3 * N, np.int32)), config)
    # A signal of another program has none, which does not matter.
    partons = pa.array([21, 1] * (N // 2) + [None] * (2 * N), pa.int32())
    assert evaluate(scores_table(parton_pdg=partons), config).config.gluon_share == 0.45


def test_unknown_labels_are_counted_and_left_out(metrics):
    table = scores_table()
    label = table["label"].to_numpy().copy()
    event = table["event"].to_numpy()
    label[event < 10] = -1
    masked = table.set_column(table.column_names.index("label"), "label", pa.array(label))
    found = evaluate(masked, FAST)
    assert found.n_unlabelled == 60
    assert found.scores["good"].signals["aachen"].n_background == N - 20


def test_negative_weights_count_as_what_they_are():
    """A fifth of the events with weight -1: the same figures, with larger errors."""
    rng = np.random.default_rng(6)
    weight = rng.choice([-1.0, 1.0], 3 * N, p=[0.2, 0.8]) / 0.6
    result = evaluate(scores_table(weight=weight), FAST).scores["good"].signals["aachen"]
    assert result.n_background_effective == pytest.approx(0.36 * N, rel=0.15)
    for column in (result, result.matched):
        assert abs(column.auc - norm.cdf(1 / np.sqrt(2))) < 4 * column.auc_error
        assert column.auc_error > 0.008


def test_columns_that_describe_the_jet_are_no_scores():
    table = scores_table()
    described = table.append_column("pt_copy", table["pt"].cast(pa.float64()))
    scores = evaluate(described, FAST).scores
    assert "pt" not in scores
    assert "n_constituents" not in scores
    assert "pt_copy" in scores


def test_summary_has_baselines_first_then_falling_auc(metrics):
    scores = metrics.scores | {"blind": replace(metrics.scores["blind"], baseline=True)}
    rows = replace(metrics, scores=scores).rows()
    assert [(r.signal, r.score) for r in rows] == [
        ("aachen", "blind"),
        ("aachen", "good"),
        ("light", "blind"),
        ("light", "good"),
    ]
    wanted = {"auc", "rejection_0.1", "rejection_0.2", "rejection_0.5", "max_sic"}
    assert wanted <= set(rows[0].figures)
    assert str(rows[1].figures["auc"]).startswith("0.7")


@pytest.mark.parametrize("missing", ["sample", "event", "label", "weight"])
def test_missing_columns_are_named(missing):
    with pytest.raises(InputError, match=missing):
        evaluate(scores_table().drop_columns([missing]), FAST)


@pytest.mark.parametrize("keep", [0, 1])
def test_equal_labels_are_an_error_that_tells_the_cure(keep):
    table = scores_table()
    table = table.filter(table["label"].to_numpy() == keep)
    with pytest.raises(InputError, match=r"labels are \[\d\].*score a background and a signal"):
        evaluate(table, FAST)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_broken_scores_are_named(value):
    good = np.zeros(3 * N)
    good[3] = value
    with pytest.raises(InputError, match="1 jets have a score 'good'"):
        evaluate(scores_table(good=good), FAST)


def test_weights_without_a_sum_and_missing_scores_are_errors():
    for weight in (-np.ones(3 * N), np.zeros(3 * N)):
        with pytest.raises(InputError, match="the weights of the background do not add up"):
            evaluate(scores_table(weight=weight), FAST)
    with pytest.raises(InputError, match="weights are NaN or infinite"):
        evaluate(scores_table(weight=np.full(3 * N, np.nan)), FAST)
    with pytest.raises(InputError, match="no score columns"):
        evaluate(scores_table().drop_columns(["good", "blind"]), FAST)


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


def test_a_signal_may_be_called_background():
    table = scores_table()
    sample = np.where(table["sample"].to_numpy(False) == "aachen", "background", table["sample"])
    renamed = evaluate(table.set_column(1, "sample", pa.array(sample.astype(str))), FAST)
    of_one = renamed.scores["good"].signals
    expected = evaluate(table, FAST).scores["good"].signals
    assert of_one["background"] == expected["aachen"]


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


@pytest.mark.parametrize(
    "option",
    [
        {"signal_efficiencies": (0.0,)},
        {"n_bootstrap": 3},
        {"minimum_background": 0.0},
        {"minimum_background": np.nan},
        {"seed": -1},
        {"gluon_share": 1.5},
    ],
)
def test_senseless_options_are_refused(option):
    with pytest.raises(ConfigError, match=next(iter(option))):
        EvaluationConfig(**option)


def test_other_files_are_not_metrics(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_metrics(tmp_path / "metrics.json")
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(InputError, match="not a metrics file"):
        read_metrics(tmp_path / "metrics.json")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("scores", "good", "signals", "aachen", "auc"), "0.7", "scores.good.*.auc is '0.7'"),
        (("scores", "good", "signals", "aachen", "auc"), np.nan, "auc is nan"),
        (("scores", "good", "signals", "aachen", "n_signal"), 1.5, "n_signal is 1.5"),
        (("scores", "good", "signals", "aachen", "roc", "low"), [0.1], "roc has columns of diff"),
        (("scores", "good", "signals", "aachen", "roc"), [], r"roc is \[\]"),
        (("scores", "good", "signals", "aachen", "background_rejection"), {}, "it has scores with"),
        (("scores", "good", "title"), None, "title is None"),
        (("scores",), {}, "it has no scores"),
        (("scores",), [1], r"scores is \[1\]"),
        (("config", "seed"), -1, "seed = -1"),
        (("samples", "qcd"), {"n_jets": 3}, "no samples.qcd.n_events"),
    ],
)
def test_a_file_that_was_edited_is_one_line(tmp_path, metrics, place, value, message):
    write_metrics(metrics, tmp_path / "metrics.json")
    content = json.loads((tmp_path / "metrics.json").read_text())
    inside = content
    for key in place[:-1]:
        inside = inside[key]
    assert place[-1] in inside
    inside[place[-1]] = value
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"metrics.json: not a metrics file \(.*{message}.*; run"):
        read_metrics(tmp_path / "metrics.json")


def test_what_a_later_version_adds_is_passed_over(tmp_path, metrics):
    write_metrics(metrics, tmp_path / "metrics.json")
    content = json.loads((tmp_path / "metrics.json").read_text())
    content["scores"]["good"]["colour"] = content["motto"] = "blue"
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    assert read_metrics(tmp_path / "metrics.json") == metrics
