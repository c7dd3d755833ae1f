from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm
from score_tables import FAST, N, scores_table

from darkclr.evaluation import EvaluationConfig, evaluate, write_metrics
from darkclr.io.parquet import write_table


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


def test_the_error_of_the_maximum_is_the_spread_of_maxima():
    """Of independent tables: the bootstrap exceeds it, since a replica's noise raises its maximum.

    The spread of the improvement over signal efficiencies would be three times as large.
    """
    rng = np.random.default_rng(3)
    values, errors = [], []
    for _ in range(30):
        table = scores_table()
        shift = np.where(table["label"], 1.0, 0.0)
        table = table.set_column(
            table.column_names.index("good"), "good", pa.array(rng.normal(shift))
        ).drop(["blind"])
        best = evaluate(table, FAST).scores["good"].signals["aachen"]
        values.append(best.maximum_significance_improvement.value)
        errors.append(best.maximum_significance_improvement.error)
    assert 0.7 < np.mean(errors) / np.std(values) < 2.2


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


def test_order_of_the_rows_does_not_matter(metrics):
    table = scores_table()
    shuffled = table.take(np.random.default_rng(1).permutation(len(table)))
    again = evaluate(shuffled, FAST)
    for score, entry in metrics.scores.items():
        for signal, result in entry.signals.items():
            assert again.scores[score].signals[signal].auc == result.auc


def test_background_and_signal_fluctuate_apart():
    """Equal scores of equal events: drawn together, no replica would have another AUC."""
    values = np.tile(np.random.default_rng(0).normal(size=N), 3)
    table = scores_table()
    table = table.set_column(table.column_names.index("good"), "good", pa.array(values))
    result = evaluate(table, FAST).scores["good"].signals["aachen"]
    assert result.auc == pytest.approx(0.5)
    # Of independent jets (Mann-Whitney); 40 replicas tell it to a quarter.
    assert result.auc_error == pytest.approx(np.sqrt((2 * N + 1) / 12) / N, rel=0.4)


def test_events_of_two_files_that_share_a_number_are_two():
    table = scores_table()
    of_two = np.where(np.arange(3 * N) % N < N // 2, "a", "b")
    sample = np.where(table["label"].to_numpy() == 0, of_two, table["sample"].to_numpy(False))
    event = table["event"].to_numpy() % (N // 4)
    names = ("sample", "event", "id")
    ids = pa.array([f"{s}{i}" for i, s in enumerate(sample)])

    def with_events(numbers):
        changed = table
        for name, values in zip(names, (sample.astype(str), numbers, ids), strict=True):
            at = table.column_names.index(name)
            changed = changed.set_column(at, name, pa.array(values))
        return evaluate(changed, FAST).scores["good"].signals["aachen"]

    shared, own = with_events(event), with_events(event + (sample == "b") * (N // 4))
    assert shared.auc_error == own.auc_error
