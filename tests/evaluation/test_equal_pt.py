"""Figures of merit at equal pT are those of samples that were simulated with equal pT."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from darkclr.errors import InputError
from darkclr.evaluation import EvaluationConfig, evaluate

N_B, N_S = 20_000, 4_000
SLOPE, SHIFT = 1 / 40, 0.8  # of a score with pT [1/GeV] in units of its spread, and of the signal
FAST = EvaluationConfig(n_bootstrap=40)


def falling(n: int, rng: np.random.Generator, power: float) -> np.ndarray:
    """Jet pT from 150 to 300 GeV with a density that goes as a power of it."""
    low, high = 150 ** (power + 1), 300 ** (power + 1)
    return (low + rng.random(n) * (high - low)) ** (1 / (power + 1))


def scores_table(seed: int, n_b: int = N_B, n_s: int = N_S) -> pa.Table:
    """Background that falls with pT, a signal that rises, and scores of which all is known."""
    rng = np.random.default_rng(seed)
    n = n_b + n_s
    label = np.repeat([0, 1], [n_b, n_s]).astype(np.int8)
    pt = np.concatenate([falling(n_b, rng, -5.5), falling(n_s, rng, 1.5)])
    mass = pt * np.where(label, rng.beta(3, 15, n), rng.beta(2, 15, n))
    columns = {
        "sample": np.where(label == 1, "signal", "qcd"),
        "event": np.arange(n) // 2,
        "label": label,
        "weight": np.ones(n),
        "pt": pt,
        "mass": mass,
        "jet_pt": pt,
        "against_pt": -np.log(pt),
        "independent": rng.normal(SHIFT * label),
        "both": rng.normal(SHIFT * label + SLOPE * pt),
        "jet_mass": mass,
    }
    return pa.table(columns)


def truth() -> float:
    """AUC of ``both`` where background and signal have the pT of the signal."""
    rng = np.random.default_rng(99)
    difference = falling(200_000, rng, 1.5) - falling(200_000, rng, 1.5)
    return float(np.mean(norm.cdf((SHIFT + SLOPE * difference) / np.sqrt(2))))


@pytest.fixture(scope="module")
def metrics():
    return evaluate(scores_table(0), EvaluationConfig())


def columns(metrics, score):
    simulated = metrics.scores[score].signals["signal"]
    return simulated, simulated.matched


@pytest.mark.parametrize("score", ["jet_pt", "against_pt"])
def test_what_follows_pt_alone_knows_nothing_at_equal_pt(metrics, score):
    simulated, matched = columns(metrics, score)
    assert abs(simulated.auc - 0.5) > 0.3
    assert matched.auc == pytest.approx(0.5, abs=2e-3)
    assert matched.background_rejection["0.2"].value == pytest.approx(5, rel=0.03)
    assert matched.significance_improvement["0.2"].value == pytest.approx(0.2**0.5, rel=0.02)


def test_what_does_not_depend_on_pt_stays_what_it_is(metrics):
    simulated, matched = columns(metrics, "independent")
    for result in (simulated, matched):
        expected = norm.cdf(SHIFT / np.sqrt(2))
        assert abs(result.auc - expected) < 4 * result.auc_error
        passed = norm.sf(norm.isf(0.2) + SHIFT)
        rejection = result.background_rejection["0.2"]
        assert abs(rejection.value - 1 / passed) < 4 * rejection.error
    # Fewer jets tell it than as simulated.
    assert matched.auc_error > simulated.auc_error


def test_what_depends_on_both_is_what_it_would_be_of_such_samples(metrics):
    simulated, matched = columns(metrics, "both")
    assert simulated.auc > truth() + 0.15
    assert abs(matched.auc - truth()) < 4 * matched.auc_error


def test_it_agrees_with_thirty_equal_bins(metrics):
    """An independent way: the ratio of two histograms, and scikit-learn's area."""
    table = scores_table(0)
    label, pt, score = (table[name].to_numpy() for name in ("label", "pt", "both"))
    edges = np.linspace(150, 300, 31)
    counts = [np.histogram(pt[label == x], edges)[0] for x in (0, 1)]
    weight = (counts[1] / np.maximum(counts[0], 1))[np.clip(np.digitize(pt, edges) - 1, 0, 29)]
    weight[label == 1] = 1
    _, matched = columns(metrics, "both")
    by_hand = roc_auc_score(label, score, sample_weight=weight)
    assert matched.auc == pytest.approx(by_hand, abs=0.5 * matched.auc_error)
    background = weight[label == 0]
    effective = background.sum() ** 2 / np.sum(background**2)
    assert matched.n_background_effective == pytest.approx(effective, rel=0.1)


def test_errors_are_the_spread_of_repeated_samples():
    config = EvaluationConfig(n_bootstrap=60)
    found = [
        columns(evaluate(scores_table(seed, 1500, 600), config), "both")[1] for seed in range(1, 41)
    ]
    spread = np.std([result.auc for result in found], ddof=1)
    assert np.mean([result.auc_error for result in found]) == pytest.approx(spread, rel=0.3)
    assert abs(np.mean([result.auc for result in found]) - truth()) < 4 * spread / np.sqrt(40)


def test_mass_may_be_equal_too(metrics):
    _, at_equal_pt = columns(metrics, "jet_mass")
    assert at_equal_pt.auc > 0.6
    both = evaluate(scores_table(0), EvaluationConfig(n_bootstrap=40, match="pt_mass"))
    assert both.matched == "pt_mass"
    for score in ("jet_mass", "jet_pt"):
        assert columns(both, score)[1].auc == pytest.approx(0.5, abs=0.01)
    _, matched = columns(both, "independent")
    assert abs(matched.auc - norm.cdf(SHIFT / np.sqrt(2))) < 4 * matched.auc_error


def test_the_column_may_be_left_out():
    plain = evaluate(scores_table(1, 600, 300), EvaluationConfig(n_bootstrap=40, match=None))
    assert plain.matched is None
    with_it = evaluate(scores_table(1, 600, 300), FAST)
    for score in plain.scores:
        one, other = (m.scores[score].signals["signal"] for m in (plain, with_it))
        assert one.auc == other.auc
        assert one.auc_error == other.auc_error
        assert one.background_rejection == other.background_rejection


@pytest.mark.parametrize(("match", "column"), [("pt", "pt"), ("pt_mass", "mass")])
def test_what_is_to_be_equal_must_be_there(match, column):
    table = scores_table(1, 600, 300).drop_columns([column])
    with pytest.raises(InputError, match=f"no column {column}, .*evaluation.match: null"):
        evaluate(table, EvaluationConfig(n_bootstrap=40, match=match))


def test_a_spectrum_without_background_is_told():
    table = scores_table(2, 3000, 1000)
    soft = (table["label"].to_numpy() == 1) | (table["pt"].to_numpy() < 200)
    found = evaluate(table.filter(soft), FAST)
    _, matched = columns(found, "independent")
    pt = table["pt"].to_numpy()[table["label"].to_numpy() == 1]
    assert matched.uncovered == pytest.approx(np.mean(pt > 200), abs=0.1)
    _, matched = columns(evaluate(table, FAST), "independent")
    assert matched.uncovered < 0.01
