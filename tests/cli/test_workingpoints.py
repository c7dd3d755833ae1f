"""``darkclr workingpoints``, and what the other commands make of them."""

from __future__ import annotations

import json
import shutil

import pyarrow.parquet as pq
import pytest


def test_cuts_are_shown_kept_and_used(command, refused, samples, model, tmp_path):
    own, background, signal = (
        tmp_path / "model",
        samples / "qcd.parquet",
        samples / "aachen.parquet",
    )
    shutil.copytree(model, own)
    score = ("score", signal, own, tmp_path / "scores.parquet")
    assert "no score has a cut" in refused(*score, "--working_points", "[0.1]")

    arguments = ("--signals", f"[{signal}]", "--output", tmp_path / "cuts.json")
    few = ("--minimum-jets", 2, "--part", "all")
    code, out, _ = command("workingpoints", background, own, *arguments, *few)
    assert code == 0
    assert "aachen above these cuts: signal efficiency" in out
    assert "no cut at 0.001: 200 background jets, some 2,000 are needed" in out
    too_few = (
        "no score has a cut at the background efficiency 0.001: 200 background jets, some 2,000"
    )
    assert too_few in refused(*score, "--working_points", "[0.001]")
    cuts = json.loads((tmp_path / "cuts.json").read_text())["scores"]["norm"]["cuts"]
    assert [cut["point"]["background_efficiency"] for cut in cuts] == [0.1, 0.01, 0.001, 0.0001]

    assert command(*score, "--working-points", "[0.1]")[0] == 0
    table = pq.read_table(tmp_path / "scores.parquet")
    passes = table["passes_norm_0.1"].to_numpy(zero_copy_only=False)
    assert passes.mean() == pytest.approx(cuts[0]["signal_efficiency"]["aachen"]["value"])
    assert (table["p_value_norm"].to_numpy()[passes] <= 0.1 + 1 / 201).all()

    shown = str(cuts[0]["point"]["cut"])[:4]
    for described in (own, own / "scores/norm", own / "scores/norm/working_points.json"):
        code, out, _ = command("info", described)
        assert code == 0
        assert shown in out
    code, out, _ = command("info", tmp_path / "cuts.json")
    assert code == 0
    assert "200 background jets, some 20,000 are needed" in out


def test_an_evaluation_has_the_cuts_of_its_background(command, samples, model, tmp_path):
    for name in ("qcd", "aachen"):
        command("score", samples / f"{name}.parquet", model, tmp_path / f"{name}.parquet")
    files = (tmp_path / "qcd.parquet", tmp_path / "aachen.parquet")
    options = ("--evaluation.n_bootstrap", 20, "--evaluation.minimum_jets", 2)
    code, out, _ = command("evaluate", *files, tmp_path / "metrics.json", *options)
    assert code == 0
    assert "cuts by background efficiency" in out
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    background, signal = (pq.read_table(file)["norm"].to_numpy() for file in files)
    loose, *_, tightest = metrics["scores"]["norm"]["cuts"]
    assert loose["point"]["n_above"] == (background >= loose["point"]["cut"]).sum() == 20
    measured = (signal >= loose["point"]["cut"]).mean()
    assert loose["signal_efficiency"]["aachen"]["value"] == pytest.approx(measured)
    assert tightest["point"]["cut"] is None
