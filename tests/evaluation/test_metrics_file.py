from __future__ import annotations

import json

import numpy as np
import pytest

from darkclr.errors import InputError
from darkclr.evaluation import read_metrics, write_metrics


def test_metrics_survive_the_file(tmp_path, metrics):
    write_metrics(metrics, tmp_path / "metrics.json")
    assert read_metrics(tmp_path / "metrics.json") == metrics
    assert json.loads((tmp_path / "metrics.json").read_text())["kind"] == "metrics"


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


def test_files_of_earlier_versions_have_no_second_column(tmp_path, metrics):
    write_metrics(metrics, tmp_path / "metrics.json")
    content = json.loads((tmp_path / "metrics.json").read_text())
    del content["config"]["match"], content["config"]["background_efficiencies"]
    for entry in content["scores"].values():
        del entry["sculpting"]
        for result in entry["signals"].values():
            del result["matched"]
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    earlier = read_metrics(tmp_path / "metrics.json")
    assert earlier.matched is earlier.config.match is None
    assert [row.figures for row in earlier.rows()] == [row.figures for row in metrics.rows()]
    assert earlier.scores["good"].sculpting is earlier.rows()[0].matched is None
