import copy

import numpy as np
import pytest

from darkclr.errors import InputError
from darkclr.evaluation import ensemble_rows


def metrics(auc: float, rejection: float | None) -> dict:
    number = {"value": rejection, "error": 1.0}
    result = {
        "auc": auc,
        "auc_error": 0.01,
        "background_rejection": {"0.2": number},
        "maximum_significance_improvement": {"value": 2.0, "error": 0.1},
    }
    entry = {"title": "‖z‖", "baseline": False, "signals": {"aachen": result}}
    return {"scores": {"norm": entry}}


def test_mean_and_standard_deviation_over_runs():
    runs = [metrics(0.7, 40.0), metrics(0.8, 60.0), metrics(0.9, 50.0)]
    (row,) = ensemble_rows(runs)
    assert row["auc"]["value"] == pytest.approx(0.8)
    assert row["auc"]["error"] == pytest.approx(0.1)
    assert row["rejection_0.2"]["value"] == pytest.approx(50.0)
    assert row["rejection_0.2"]["error"] == pytest.approx(np.std([40, 60, 50], ddof=1))


def test_a_run_without_a_value_leaves_no_mean():
    (row,) = ensemble_rows([metrics(0.7, 40.0), metrics(0.8, None)])
    assert row["rejection_0.2"]["value"] is None


def test_runs_that_do_not_fit_together_are_refused():
    other = copy.deepcopy(metrics(0.7, 40.0))
    other["scores"]["nae"] = other["scores"].pop("norm")
    with pytest.raises(InputError, match="different scores"):
        ensemble_rows([metrics(0.7, 40.0), other])
    with pytest.raises(InputError, match="no ensemble"):
        ensemble_rows([metrics(0.7, 40.0)])
