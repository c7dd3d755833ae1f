from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from folders import names
from hostile import flip_bit
from short_training import SHORT, Stop, history_of, stop_at

from darkclr.contrastive.model_directory import load_encoder
from darkclr.contrastive.training.history import History

pytest.importorskip("lightning")

from darkclr.contrastive.training.checkpoints import AtomicCheckpoints, latest_checkpoint


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_stopped_training_goes_on_as_if_undisturbed(learn, tmp_path, tiny, schedule, dropout):
    changes = {
        "encoder": replace(tiny, dropout=dropout),
        "training": replace(SHORT, epochs=3, schedule=schedule, keep="last"),
    }
    expected = learn(tmp_path / "undisturbed", **changes)
    # Six steps an epoch: stopped in the first, which has no checkpoint, and each later one.
    for step, problem in ((3, Stop()), (9, KeyboardInterrupt()), (9, Stop())):
        with pytest.raises(type(problem)):
            learn(tmp_path / "stopped", progress=stop_at(step, problem), **changes)
        assert not (tmp_path / "stopped" / "model.safetensors").exists()
    remaining = []
    resumed = learn(tmp_path / "stopped", progress=lambda n, terms: remaining.append(n), **changes)
    assert len(remaining) == 6  # of 18 steps: finished epochs are not done again
    assert remaining[0] == 13 * remaining[1]  # but told of, so that a bar ends where it should
    assert resumed == expected


def test_the_best_epoch_survives_a_stop(learn, tmp_path):
    # So large a rate that the last epoch is not the best one is not guaranteed: both must agree.
    training = replace(SHORT, epochs=3, keep="best")
    expected = learn(tmp_path / "undisturbed", training=training)
    with pytest.raises(Stop):
        learn(tmp_path / "stopped", training=training, progress=stop_at(13, Stop()))
    assert learn(tmp_path / "stopped", training=training) == expected


def test_the_best_epoch_is_that_of_the_lowest_training_loss(learn, tmp_path, jets):
    training = replace(SHORT, epochs=3, learning_rate=0.05)
    learn(tmp_path / "best", training=training)
    rows = history_of(tmp_path / "best")
    by_epoch = [
        np.mean([float(r["loss"]) for r in rows if int(r["epoch"]) == epoch]) for epoch in range(3)
    ]
    best = int(np.argmin(by_epoch))
    checkpoint = torch.load(tmp_path / "best" / "checkpoints" / "best.ckpt", weights_only=True)
    assert checkpoint["epoch"] == best
    trained = load_encoder(tmp_path / "best").state_dict()
    for name, value in trained.items():
        assert torch.equal(value, checkpoint["state_dict"][f"encoder.{name}"])


def test_the_epoch_that_is_asked_for_is_kept_where_the_last_is_the_worst(
    learn, tmp_path, monkeypatch
):
    monkeypatch.setattr(History, "epoch_mean", lambda self, epoch, name: float(epoch))
    learn(tmp_path, training=replace(SHORT, epochs=3, keep="last"))
    folder = tmp_path / "checkpoints"
    last, best = (torch.load(folder / f"{x}.ckpt", weights_only=True) for x in ("last", "best"))
    assert (last["epoch"], best["epoch"]) == (2, 0)
    for name, value in load_encoder(tmp_path).state_dict().items():
        assert torch.equal(value, last["state_dict"][f"encoder.{name}"])
    learn(tmp_path / "best", training=replace(SHORT, epochs=3, keep="best"))
    for name, value in load_encoder(tmp_path / "best").state_dict().items():
        assert torch.equal(value, best["state_dict"][f"encoder.{name}"])
    # And an interrupted training goes on from it.
    with pytest.raises(Stop):
        learn(tmp_path / "stopped", training=replace(SHORT, epochs=3), progress=stop_at(13, Stop()))
    last = torch.load(tmp_path / "stopped" / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["epoch"] == 1


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("torn", [("last",), ("last", "best"), ("best",)], ids="+".join)
def test_torn_checkpoints_cost_epochs_and_change_nothing(
    learn, tmp_path, caplog, monkeypatch, torn, keep
):
    # The best epoch is the first one, and no later one will write its checkpoint again.
    monkeypatch.setattr(History, "epoch_mean", lambda self, epoch, name: float(epoch))
    training = replace(SHORT, epochs=3, keep=keep)
    expected = learn(tmp_path / "undisturbed", training=training)
    with pytest.raises(Stop):
        learn(tmp_path / "torn", training=training, progress=stop_at(13, Stop()))
    checkpoints = tmp_path / "torn" / "checkpoints"
    for name in torn:
        content = (checkpoints / f"{name}.ckpt").read_bytes()
        (checkpoints / f"{name}.ckpt").write_bytes(content[: len(content) // 2])
    assert learn(tmp_path / "torn", training=training) == expected
    assert f"{torn[-1]}.ckpt is damaged" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        {"epoch": 1},
        [1, 2],
        torch.zeros(3),
        dict.fromkeys(("epoch", "global_step", "optimizer_states", "callbacks", "loops"))
        | {"state_dict": {"encoder.embedding.weight": torch.zeros(2, 2)}},
        "flipped",
    ],
    ids=["other", "list", "tensor", "network", "flipped"],
)
def test_a_last_checkpoint_of_something_else_is_passed_over_in_one_line(
    learn, tmp_path, caplog, content
):
    training = replace(SHORT, epochs=2)
    expected = learn(tmp_path / "undisturbed", training=training)
    with pytest.raises(Stop):
        learn(tmp_path / "a", training=training, progress=stop_at(8, Stop()))
    last = tmp_path / "a" / "checkpoints" / "last.ckpt"
    if content == "flipped":
        weights = max(torch.load(last, weights_only=True)["state_dict"].values(), key=len)
        raw = last.read_bytes()  # much of which is padding
        place = raw.index(weights.numpy().tobytes()) + 1
        flip_bit(last, place / (len(raw) - 1))
    else:
        torch.save(content, last)
    assert learn(tmp_path / "a", training=training) == expected
    told = [r.getMessage() for r in caplog.records if "last.ckpt" in r.getMessage()]
    assert len(told) == 1
    assert told[0].endswith("going on from an earlier epoch")


def test_a_directory_that_was_moved_knows_its_best_epoch(learn, tmp_path, monkeypatch):
    # The best epoch is the first one.
    monkeypatch.setattr(History, "epoch_mean", lambda self, epoch, name: float(epoch))
    training = replace(SHORT, epochs=3, keep="best")
    expected = learn(tmp_path / "undisturbed", training=training)
    with pytest.raises(Stop):
        learn(tmp_path / "before", training=training, progress=stop_at(13, Stop()))
    (tmp_path / "before").rename(tmp_path / "after")
    assert learn(tmp_path / "after", training=training) == expected


def test_a_checkpoint_takes_its_name_when_it_is_complete(tmp_path):
    whole = dict.fromkeys(("global_step", "optimizer_states", "callbacks", "loops"))
    whole |= {"state_dict": {}, "epoch": 1}
    AtomicCheckpoints().save_checkpoint(whole, tmp_path / "last.ckpt")

    class Broken:
        def __reduce__(self):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        AtomicCheckpoints().save_checkpoint({"epoch": Broken()}, tmp_path / "last.ckpt")
    assert names(tmp_path) == ["last.ckpt"]
    assert torch.load(tmp_path / "last.ckpt", weights_only=True) == whole
    assert latest_checkpoint(tmp_path) is None
    AtomicCheckpoints().save_checkpoint(whole | {"epoch": 0}, tmp_path / "best.ckpt")
    assert latest_checkpoint(tmp_path) == tmp_path / "last.ckpt"
