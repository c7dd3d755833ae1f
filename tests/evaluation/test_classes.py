from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm
from score_tables import FAST, N, scores_table

from darkclr.errors import InputError
from darkclr.evaluation import EvaluationConfig, evaluate


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


@pytest.mark.parametrize("keep", [0, 1])
def test_equal_labels_are_an_error_that_tells_the_cure(keep):
    table = scores_table()
    table = table.filter(table["label"].to_numpy() == keep)
    with pytest.raises(InputError, match=r"labels are \[\d\].*score a background and a signal"):
        evaluate(table, FAST)


def test_weights_without_a_sum_and_missing_scores_are_errors():
    for weight in (-np.ones(3 * N), np.zeros(3 * N)):
        with pytest.raises(InputError, match="the weights of the background do not add up"):
            evaluate(scores_table(weight=weight), FAST)
    with pytest.raises(InputError, match="weights are NaN or infinite"):
        evaluate(scores_table(weight=np.full(3 * N, np.nan)), FAST)
    with pytest.raises(InputError, match="no score columns"):
        evaluate(scores_table().drop_columns(["good", "blind"]), FAST)


def test_a_signal_may_be_called_background():
    table = scores_table()
    sample = np.where(table["sample"].to_numpy(False) == "aachen", "background", table["sample"])
    renamed = evaluate(table.set_column(1, "sample", pa.array(sample.astype(str))), FAST)
    of_one = renamed.scores["good"].signals
    expected = evaluate(table, FAST).scores["good"].signals
    assert of_one["background"] == expected["aachen"]
