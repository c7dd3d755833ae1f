from __future__ import annotations

import csv
import signal
from dataclasses import replace

import pytest
import torch
from folders import names
from short_training import SHORT, history_of, stop_at

from darkclr.contrastive.config import LossConfig, TrainingConfig
from darkclr.errors import ConfigError, TrainingError

pytest.importorskip("lightning")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "magic"}, "strategy = magic: .*invalid strategy name.*; take what"),
        ({"nodes": 2}, "training.nodes: 2 nodes, but nothing has started .*; start it with srun"),
        pytest.param(
            {"device": "gpu"},
            "device = gpu, .*: No supported gpu",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
    ids=str,
)
def test_what_the_machine_does_not_have_is_refused(learn, tmp_path, monkeypatch, changes, message):
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(ConfigError, match=message) as refusal:
        learn(tmp_path / "model", training=replace(SHORT, **changes))
    assert "\n" not in str(refusal.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["anomclr", "nt_xent"])
def test_losses_that_compare_jets_need_the_whole_batch(learn, tmp_path, name):
    """In two processes each would see half of the other jets, and the loss would be another one."""
    two = TrainingConfig(devices=2, strategy="ddp_fork", batch_size=8, epochs=1)
    with pytest.raises(ConfigError, match=f"the loss {name} compares the jets of a whole batch"):
        learn(tmp_path / "model", loss=LossConfig(name=name), training=two)
    assert not (tmp_path / "model").exists()


def test_ctrl_c_still_works_after_a_stop(learn, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path, progress=stop_at(0, KeyboardInterrupt()))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_full_disk_is_one_line_and_the_training_goes_on(learn, tmp_path):
    expected = learn(tmp_path / "undisturbed")
    full = OSError(28, "No space left on device")
    with pytest.raises(TrainingError, match=r"No space left on device.*the same command goes on"):
        learn(tmp_path / "full", progress=stop_at(7, full))
    assert learn(tmp_path / "full") == expected


def test_a_logger_gets_what_the_history_has_and_changes_nothing(learn, tmp_path):
    plain = learn(tmp_path / "plain")
    logged = replace(SHORT, logger="csv")
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path / "logged", training=logged, progress=stop_at(5, KeyboardInterrupt()))
    assert learn(tmp_path / "logged", training=logged) == plain
    versions = sorted((tmp_path / "logged" / "logs").iterdir())
    assert [path.name for path in versions] == ["version_0", "version_1"]
    with (versions[-1] / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    assert losses
    last = history_of(tmp_path / "plain")[-1]
    watched = [row["validation_anomaly_similarity"] for row in rows]
    assert float(watched[-1] or watched[-2]) == pytest.approx(
        float(last["validation_anomaly_similarity"])
    )


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_logger_that_is_not_installed_is_named(learn, tmp_path, monkeypatch, name):
    monkeypatch.setattr("darkclr.contrastive.training.loop.find_spec", lambda package: None)
    with pytest.raises(ConfigError, match=f"training.logger: {name} needs .*pip install {name}"):
        learn(tmp_path / "model", training=replace(SHORT, logger=name))
    assert names(tmp_path) == []


def test_a_logger_that_cannot_start_is_told_in_one_line(learn, tmp_path, monkeypatch):
    def refuse(self):
        raise RuntimeError("No API key configured.\nLog in.")

    monkeypatch.setattr("lightning.pytorch.loggers.CSVLogger.experiment", property(refuse))
    with pytest.raises(ConfigError, match=r"logger = csv: No API key configured\. Log in; set"):
        learn(tmp_path / "model", training=replace(SHORT, logger="csv"))
