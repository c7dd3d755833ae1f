"""``darkclr run``: from collisions to a report, stopped and resumed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from folders import names

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
pytest.importorskip("lightning")
pytest.importorskip("matplotlib")

from darkclr.io import read_jets
from darkclr.io.parquet import read_table
from darkclr.split import Split
from darkclr.studies import run as study

STEPS = ["generate", "train", "encode", "fit", "score", "evaluate", "report"]


def test_dry_run_says_what_and_writes_nothing(command, config_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("run", "--config", config_file, "--dry_run", "true")
    code, out, errors = command(*arguments, "--output", tmp_path / "out")
    assert (code, errors) == (0, [])
    assert "60 qcd, 30 aachen jets" in out
    # 60 jets x 0.5 = 30 for training; 1 step of 16 jets an epoch; 2 epochs
    assert "about 30 qcd jets x 2 epochs / 16 = 2 steps" in out
    assert "few_constituents" in out
    assert str(tmp_path / "out") in out
    code, out, _ = command("generate", "a.parquet", "--process", "aachen", "--dry_run", "true")
    assert code == 0
    assert "4900023:m0" in out
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scores", "{gaussian_mixture: {n_mixture: 0}}"], "n_mixture = 0; it must be at least"),
        (["--scores", "{nae: {epochs: -1}}"], "epochs = -1; it must be at least 1"),
        (["--training.learning_rate", ".nan"], "learning_rate = nan; it must be positive"),
        (["--training.device", "tpu"], "tpu"),
        (["--training.strategy", "magic"], "strategy = magic"),
        (["--training.devices", "2"], "2 processes, and only `darkclr train` works in several"),
        (["--training.batch_size", "64"], "split.train: about 30 of 60 qcd jets, at least 64"),
        (["--split", "{train: 0.7, validation: 0.3, test: 0.0}"], "split.test: about 0 of 60"),
        (["--workers", "0"], "workers = 0; it must be at least 1"),
        (["--output", "file"], "file: is a file; choose another --output"),
        (["--output", "file/run"], "file: is a file; choose another --output"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_what_cannot_work_is_refused_before_anything_is_written(
    refused, config_file, tmp_path, monkeypatch, arguments, message, dry_run
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert message in refused("run", "--config", config_file, "--dry_run", dry_run, *arguments)
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("command_name", ["run", "ensemble"])
def test_hours_of_work_must_be_asked_for(refused, tmp_path, monkeypatch, command_name):
    monkeypatch.chdir(tmp_path)
    line = refused(command_name)
    assert "nothing is given, and the defaults take many hours" in line
    assert "--config quick" in line
    assert names(tmp_path) == []


@pytest.mark.slow
def test_a_run_is_stopped_resumed_and_never_mixed(
    command, refused, config_file, tmp_path, monkeypatch
):
    folder = tmp_path / "tiny"
    arguments = ("run", "--config", config_file, "--output", folder, "--workers", "1")

    def stop(*_, **__):
        raise KeyboardInterrupt

    # Stopped before the second sample, and again after the training.
    real = study.generate

    def stop_at_the_signal(sample, path, **options):
        return stop() if path.stem == "aachen" else real(sample, path, **options)

    monkeypatch.setattr(study, "generate", stop_at_the_signal)
    assert command(*arguments)[0] == 130
    assert [p.name for p in (folder / "samples").iterdir()] == ["qcd.parquet"]
    monkeypatch.setattr(study, "generate", real)
    monkeypatch.setattr(study, "fit_scores", stop)
    code, _, errors = command(*arguments)
    assert code == 130
    assert errors[-1] == "darkclr: stopped; the same command goes on where it was"
    monkeypatch.undo()
    kept = {
        path: path.stat().st_mtime_ns
        for name in ("samples", "encoder", "representations")
        for path in (folder / name).rglob("*")
        if path.is_file()
    }
    assert folder / "encoder" / "model.safetensors" in kept
    code, out, _ = command(*arguments)
    assert code == 0, out
    assert {path: path.stat().st_mtime_ns for path in kept} == kept

    # All steps left their files.
    timings = json.loads((folder / "timings.json").read_text())
    assert sorted(timings) == sorted(STEPS)
    assert (folder / "report.html").is_file()
    assert json.loads((folder / "metrics.json").read_text())
    written = yaml.safe_load((folder / "config.yaml").read_text())
    assert written["training"]["epochs"] == 2
    assert written["encoder"]["embedding_dim"] == 8

    # The table holds the test part of the background and all signals, told apart by sample.
    table = read_table(folder / "scores.parquet")
    sample, event = (table[name].to_numpy(zero_copy_only=False) for name in ("sample", "event"))
    qcd = read_jets(folder / "samples" / "qcd.parquet")
    test = qcd.part("test", Split(0.5, 0.2, 0.3))
    np.testing.assert_array_equal(event[sample == "qcd"], test.event)
    assert (sample == "aachen").sum() == 30
    for name in ("norm", "discriminant", "jet_pt", "few_constituents"):
        assert np.isfinite(table[name].to_numpy()).all()

    # Another configuration is refused and changes nothing.
    before = (folder / "config.yaml").read_bytes()
    line = refused(*arguments, "--loss.temperature", "0.3")
    assert "holds a run with another configuration (loss)" in line
    assert (folder / "config.yaml").read_bytes() == before

    # The same one is done at once and gives the same table.
    scores = (folder / "scores.parquet").read_bytes()
    assert command(*arguments)[0] == 0
    assert (folder / "scores.parquet").read_bytes() == scores
