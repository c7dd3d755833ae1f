import numpy as np
import pytest
from invented import invented_metrics

from darkclr.errors import InputError
from darkclr.evaluation import FigureOfMerit, Metrics, ensemble_rows
from darkclr.evaluation.ensemble import Spread


def metrics(
    auc: float, rejection: float | None, error: float = 1.0, score: str = "norm"
) -> Metrics:
    number = FigureOfMerit(rejection, None if rejection is None else error)
    return invented_metrics(score, auc=auc, rejection=number)


def test_spreads_over_encoders_and_densities_are_told_apart():
    # Encoder means 50 and 70; within each, two densities 10 and 20 apart.
    rejections = [[45.0, 55.0], [60.0, 80.0]]
    errors = [[1.0, 2.0], [3.0, 6.0]]
    (row,) = ensemble_rows(
        [
            [metrics(0.7, r, e) for r, e in zip(*of, strict=True)]
            for of in zip(rejections, errors, strict=True)
        ]
    )
    found = row.figures["rejection_0.2"]
    assert found.value == pytest.approx(60.0)
    assert found.error == pytest.approx(np.sqrt((15**2 + 5**2 + 0 + 20**2) / 3))
    assert found.encoders == pytest.approx(20 / np.sqrt(2))
    # Variances over two densities: 10² / 2 and 20² / 2.
    assert found.densities == pytest.approx(np.sqrt((50 + 200) / 2))
    assert found.bootstrap == pytest.approx(3.0)
    found = row.figures["auc"]
    assert (found.value, found.bootstrap) == pytest.approx((0.7, 0.01))
    assert found.error is found.encoders is found.densities is None


@pytest.mark.parametrize("of", ["encoders", "densities"])
def test_what_depends_on_one_of_both_alone_counts_once(of):
    """A score of jets has the same number on every encoder; the norm with every density."""
    values = np.tile([0.6, 0.7, 0.9], (3, 1))
    values *= 1 + 1e-14 * np.arange(3)[:, None]  # but for the last bits
    values = values.T if of == "encoders" else values
    (row,) = ensemble_rows([[metrics(auc, 40.0) for auc in one] for one in values.tolist()])
    other = {"encoders": "densities", "densities": "encoders"}[of]
    found = row.figures["auc"]
    assert found.error == getattr(found, of) == pytest.approx(np.std([0.6, 0.7, 0.9], ddof=1))
    assert getattr(found, other) is None


def test_the_spreads_of_a_nested_normal_ensemble_are_found():
    rng = np.random.default_rng(0)
    encoders, densities = 400, 5
    rejection = 60 + rng.normal(0, 4, (encoders, 1)) + rng.normal(0, 3, (encoders, densities))
    (row,) = ensemble_rows([[metrics(0.7, float(r)) for r in of] for of in rejection])
    found = row.figures["rejection_0.2"]
    assert found.densities == pytest.approx(3, rel=0.05)
    # The mean over five densities still carries a fifth of their variance.
    assert found.encoders == pytest.approx(np.sqrt(16 + 9 / 5), rel=0.08)


def test_the_spread_of_one_is_unknown():
    (row,) = ensemble_rows([[metrics(0.7, 40.0)], [metrics(0.8, 60.0)]])
    found = row.figures["auc"]
    assert found.densities is None
    assert found.encoders == found.error == pytest.approx(0.1 / np.sqrt(2))
    (row,) = ensemble_rows([[metrics(0.7, 40.0), metrics(0.8, 60.0)]])
    found = row.figures["auc"]
    assert found.encoders is None
    assert found.densities == found.error == pytest.approx(0.1 / np.sqrt(2))


def test_a_member_without_a_value_leaves_no_mean():
    (row,) = ensemble_rows([[metrics(0.7, 40.0), metrics(0.8, None)]])
    nothing = Spread(None, None, encoders=None, densities=None, bootstrap=None)
    assert row.figures["rejection_0.2"] == nothing
    assert row.figures["auc"].value == pytest.approx(0.75)


def test_the_second_column_has_spreads_of_its_own():
    number = FigureOfMerit(40.0, 1.0)
    members = [
        invented_metrics("norm", auc=0.7, rejection=number, auc_at_equal_pt=auc)
        for auc in (0.5, 0.6, 0.64)
    ]
    (row,) = ensemble_rows([[m] for m in members])
    assert row.figures["auc"].error is None  # all alike
    assert row.matched["auc"].value == pytest.approx(0.58)
    assert row.matched["auc"].encoders == pytest.approx(np.std([0.5, 0.6, 0.64], ddof=1))
    with pytest.raises(InputError, match="not all measured at equal pT"):
        ensemble_rows([[members[0]], [metrics(0.7, 40.0)]])


def test_members_that_do_not_fit_together_are_refused():
    one = metrics(0.7, 40.0)
    other = metrics(0.7, 40.0, score="nae")
    with pytest.raises(InputError, match="different scores"):
        ensemble_rows([[one], [other]])
    for uneven in ([], [[]], [[one], [one, one]]):
        with pytest.raises(InputError, match="same number of densities"):
            ensemble_rows(uneven)
