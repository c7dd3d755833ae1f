from __future__ import annotations

import csv
import signal
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from folders import names
from toy import toy_jets

pytest.importorskip("lightning")

from darkclr.augmentations import Augmentations, ConstituentDrop
from darkclr.contrastive.checkpoints import AtomicCheckpoints, latest_checkpoint
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.history import History
from darkclr.contrastive.losses import LossConfig
from darkclr.contrastive.model_directory import load_encoder, training_split
from darkclr.contrastive.module import EpochOfBatches
from darkclr.contrastive.prepared import PreparedJets
from darkclr.contrastive.training import TrainingConfig, train
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.split import Split

SHORT = TrainingConfig(epochs=2, batch_size=50, learning_rate=1e-2, device="cpu", seed=3)
RESULTS = ("model.safetensors", "config.yaml", "history.csv", "pairs.parquet")


@pytest.fixture(scope="module")
def jets():
    return toy_jets(300, seed=1, mean=12, longest=20)


@pytest.fixture(scope="module")
def validation():
    return toy_jets(60, seed=2, mean=12, longest=20)


@pytest.fixture
def learn(jets, validation, tiny):
    """``learn(output, **changes)``: a short training; returns its files."""

    def run(output, *, sample=jets, encoder=tiny, training=SHORT, **options):
        train(sample, output, validation=validation, encoder=encoder, training=training, **options)
        return {name: (output / name).read_bytes() for name in RESULTS}

    return run


def history_of(output):
    with (output / "history.csv").open() as file:
        return list(csv.DictReader(file))


class Stop(Exception):
    pass


def stop_at(step, problem):
    """A callback that raises at a step, counted from 0."""
    steps = []

    def progress(n, terms):
        steps.append(n)
        if len(steps) == step + 1:
            raise problem

    return progress


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(learn, tmp_path):
    one = learn(tmp_path / "one")
    torch.manual_seed(99)  # the state of the global generator does not matter
    assert learn(tmp_path / "two") == one
    other = learn(tmp_path / "other", training=replace(SHORT, seed=4))
    assert other["model.safetensors"] != one["model.safetensors"]


def test_jetclr_encodes_two_views_and_watches_the_third(learn, tmp_path, jets, tiny):
    learn(tmp_path, loss=LossConfig(name="nt_xent"))
    row = history_of(tmp_path)[-1]
    assert "anomaly_similarity" not in row
    assert -1 <= float(row["validation_anomaly_similarity"]) <= 1
    prepared = PreparedJets.of([jets], tiny, tmp_path)
    views = {
        with_anomalous: next(
            iter(
                EpochOfBatches(
                    *(prepared, Augmentations(), 300.0, SHORT, 0), with_anomalous=with_anomalous
                )
            )
        )[0]
        for with_anomalous in (False, True)
    }
    assert len(views[False].inverse) == 2 * SHORT.batch_size
    assert len(views[True].inverse) == 3 * SHORT.batch_size


def test_the_global_generators_are_left_alone(learn, tmp_path):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    learn(tmp_path, training=replace(SHORT, epochs=1))
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])  # noqa: NPY002


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


def test_the_last_epoch_is_kept_even_if_it_is_the_worst(learn, tmp_path, monkeypatch):
    monkeypatch.setattr(History, "epoch_mean", lambda self, epoch, name: float(epoch))
    learn(tmp_path, training=replace(SHORT, epochs=3, keep="last"))
    folder = tmp_path / "checkpoints"
    last, best = (torch.load(folder / f"{x}.ckpt", weights_only=True) for x in ("last", "best"))
    assert (last["epoch"], best["epoch"]) == (2, 0)
    for name, value in load_encoder(tmp_path).state_dict().items():
        assert torch.equal(value, last["state_dict"][f"encoder.{name}"])
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


def test_a_directory_that_was_moved_knows_its_best_epoch(learn, tmp_path, monkeypatch):
    # The best epoch is the first one.
    monkeypatch.setattr(History, "epoch_mean", lambda self, epoch, name: float(epoch))
    training = replace(SHORT, epochs=3, keep="best")
    expected = learn(tmp_path / "undisturbed", training=training)
    with pytest.raises(Stop):
        learn(tmp_path / "before", training=training, progress=stop_at(13, Stop()))
    (tmp_path / "before").rename(tmp_path / "after")
    assert learn(tmp_path / "after", training=training) == expected


def test_the_loss_of_an_epoch_is_the_mean_over_its_steps(tmp_path):
    history = History(tmp_path / "history.csv")
    losses = np.random.default_rng(0).normal(size=(2, 11))
    for epoch in (0, 1):
        for i, loss in enumerate(losses[epoch]):
            history.step(epoch * 11 + i, epoch, {"loss": loss})
        history.epoch(epoch, {})
        assert history.epoch_mean(epoch, "loss") == pytest.approx(losses[epoch].mean())


def test_a_checkpoint_takes_its_name_when_it_is_complete(tmp_path):
    AtomicCheckpoints().save_checkpoint({"epoch": 1}, tmp_path / "last.ckpt")

    class Broken:
        def __reduce__(self):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        AtomicCheckpoints().save_checkpoint({"epoch": Broken()}, tmp_path / "last.ckpt")
    assert names(tmp_path) == ["last.ckpt"]
    assert torch.load(tmp_path / "last.ckpt", weights_only=True) == {"epoch": 1}
    assert latest_checkpoint(tmp_path) is None
    AtomicCheckpoints().save_checkpoint({"epoch": 0}, tmp_path / "best.ckpt")
    assert latest_checkpoint(tmp_path) == tmp_path / "last.ckpt"


def test_jets_in_a_stream_train_as_those_in_memory(learn, jets, tiny, tmp_path):
    expected = learn(tmp_path / "memory")
    batches = (jets[start : start + 35] for start in range(0, len(jets), 35))
    stream = PreparedJets.of(batches, tiny, tmp_path / "stream")
    assert learn(tmp_path / "stream", sample=stream) == expected
    assert names(tmp_path / "stream") == names(tmp_path / "memory")


def test_ctrl_c_still_works_after_a_stop(learn, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path, progress=stop_at(0, KeyboardInterrupt()))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_finished_training_is_returned_at_once(learn, tmp_path):
    expected = learn(tmp_path)
    assert learn(tmp_path, progress=stop_at(0, Stop())) == expected


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"training": replace(SHORT, learning_rate=2e-2)}, "training"),
        ({"loss": LossConfig(norm_penalty=0.5)}, "loss"),
        ({"augmentations": Augmentations(anomalous=[ConstituentDrop(0.3)])}, "augmentations"),
        ({"sample": toy_jets(300, seed=9, mean=12, longest=20)}, "training_jets"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_configuration_in_the_same_directory_is_refused(learn, tmp_path, changes, key):
    with pytest.raises(Stop):
        learn(tmp_path, progress=stop_at(7, Stop()))
    before = (tmp_path / "config.yaml").read_bytes()
    with pytest.raises(TrainingError, match=rf"another configuration \({key}\); choose another"):
        learn(tmp_path, **changes)
    assert (tmp_path / "config.yaml").read_bytes() == before


def test_the_split_is_recorded_and_compared_where_it_is(learn, tmp_path):
    split = Split(0.5, 0.25, 0.25, seed=3)
    learn(tmp_path / "a", split=split)
    assert training_split(tmp_path / "a") == split
    with pytest.raises(TrainingError, match=r"another configuration \(split\)"):
        learn(tmp_path / "a", split=Split())
    # An earlier version did not record it: its trainings are still found.
    before = learn(tmp_path / "b")
    assert learn(tmp_path / "b", split=split) == before
    assert training_split(tmp_path / "b") == training_split(tmp_path / "none") == Split()
    (tmp_path / "b" / "config.yaml").write_text("split: {train: 2}")
    with pytest.raises(InputError, match=r"config\.yaml: is no configuration of an encoder"):
        training_split(tmp_path / "b")


def test_without_an_augmentation_there_is_nothing_to_push_away(learn, tmp_path):
    nothing = Augmentations(anomalous=[])
    with pytest.raises(ConfigError, match="separates a jet from its anomalous copy"):
        learn(tmp_path / "a", augmentations=nothing)
    assert not (tmp_path / "a").exists()


def test_labels_truth_and_a_common_weight_do_not_matter(learn, jets, tmp_path):
    flipped = replace(jets, label=1 - jets.label, weight=jets.weight * 7)
    assert learn(tmp_path / "flipped", sample=flipped) == learn(tmp_path / "plain")
    hidden = learn(tmp_path / "hidden", sample=jets.unlabelled())
    assert hidden == learn(tmp_path / "plain")


def test_weights_do_matter(learn, jets, validation, tiny, tmp_path):
    training = replace(SHORT, epochs=1, batch_size=150)
    plain = learn(tmp_path / "plain", training=training)
    weight = np.where(jets.n_constituents > 12, 2.0, 1.0).astype(np.float32)
    weighted = replace(jets, weight=weight)
    assert learn(tmp_path / "weighted", sample=weighted, training=training) != plain
    with pytest.raises(TrainingError, match="another configuration"):
        learn(tmp_path / "plain", sample=weighted, training=training)
    # The history of the first step, and of the validation, has weighted means.
    watched = replace(validation, weight=np.linspace(0, 2, len(validation), dtype=np.float32))
    train(jets, tmp_path / "watched", validation=watched, encoder=tiny, training=training)
    rows = history_of(tmp_path / "watched")
    pairs = pq.read_table(tmp_path / "watched" / "pairs.parquet")
    expected = np.average(pairs["positive_similarity"].to_numpy(), weights=watched.weight)
    assert float(rows[-1]["validation_alignment"]) == pytest.approx(expected, rel=1e-5)


def test_weights_without_a_mean_are_refused(learn, jets, tmp_path):
    weight = np.where(np.arange(len(jets)) % 2, 1.0, -1.0).astype(np.float32)
    with pytest.raises(TrainingError, match="mean weight of the jets is 0; weights may be neg"):
        learn(tmp_path, sample=replace(jets, weight=weight))


def test_history_has_the_terms_by_step_and_the_validation_by_epoch(learn, tmp_path):
    seen = []
    learn(tmp_path, progress=lambda n, terms: seen.append((n, terms)))
    rows = history_of(tmp_path)
    terms = ["loss", "alignment", "anomaly_similarity", "norm"]
    watched = [*terms[1:3], "background_similarity", "norm", "norm_auc"]
    assert list(rows[0]) == ["step", "epoch", *terms, *(f"validation_{n}" for n in watched)]
    assert [int(row["epoch"]) for row in rows] == [0, 1]  # six steps an epoch, one row
    assert [n for n, _ in seen] == [50] * 12
    for epoch, row in enumerate(rows):
        for name in terms:
            steps = [terms[name] for _, terms in seen[6 * epoch : 6 * epoch + 6]]
            assert float(row[name]) == pytest.approx(np.mean(steps))
        assert 0 <= float(row["validation_norm_auc"]) <= 1


def test_training_lowers_the_loss(learn, tmp_path):
    learn(tmp_path, training=replace(SHORT, epochs=6))
    losses = [float(row["loss"]) for row in history_of(tmp_path)]
    assert losses[-1] < losses[0] - 1


def test_a_loss_that_is_not_finite_stops_the_training(learn, tmp_path):
    with pytest.raises(TrainingError, match=r"the loss is inf at step \d+; lower training.learn"):
        learn(tmp_path, loss=LossConfig(norm_penalty=1e300))
    assert not (tmp_path / "model.safetensors").exists()


def test_a_full_disk_is_one_line_and_the_training_goes_on(learn, tmp_path):
    expected = learn(tmp_path / "undisturbed")
    full = OSError(28, "No space left on device")
    with pytest.raises(TrainingError, match=r"No space left on device.*the same command goes on"):
        learn(tmp_path / "full", progress=stop_at(7, full))
    assert learn(tmp_path / "full") == expected


def test_too_few_jets_for_a_batch(jets, validation, tiny, tmp_path):
    with pytest.raises(TrainingError, match="30 training and 60 validation jets do not fill"):
        train(jets[:30], tmp_path / "a", validation=validation, encoder=tiny, training=SHORT)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch_size": 1},
        *({"learning_rate": value} for value in (0.0, np.nan, np.inf)),
        *({"betas": value} for value in ((1.0, 0.9), (0.9, np.nan), (0.9,))),
        *({"eps": value} for value in (0.0, np.nan)),
        {"seed": -1},
        {"device": "tpu"},
        {"devices": 0},
        {"nodes": 0},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(changes):
    with pytest.raises(ConfigError, match=rf"training: {next(iter(changes))} = .*; it must be"):
        TrainingConfig(**changes)


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


def test_the_directory_gives_the_encoder_back(jets, validation, tiny, tmp_path):
    trained = train(jets, tmp_path, validation=validation, encoder=tiny, training=SHORT)
    loaded = load_encoder(tmp_path)
    assert loaded.config == tiny
    assert encode(loaded, jets[:50]).z.tobytes() == encode(trained, jets[:50]).z.tobytes()
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["training"]["epochs"] == 2


def test_directories_that_hold_no_encoder_are_named(learn, tmp_path):
    with pytest.raises(InputError, match=r"no config\.yaml; give the directory of a finished"):
        load_encoder(tmp_path)
    learn(tmp_path)
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(InputError, match="is not a model directory of an encoder"):
        load_encoder(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no model\.safetensors"):
        load_encoder(tmp_path)
    (tmp_path / "config.yaml").write_text("encoder: {embedding_dim: 8, n_heads: 3}")
    with pytest.raises(InputError, match=r"not a model directory .*multiple of n_heads"):
        load_encoder(tmp_path)
    (tmp_path / "config.yaml").write_text("- a list")
    with pytest.raises(InputError, match="is not a model directory"):
        load_encoder(tmp_path)


def test_precision_is_that_of_the_device(monkeypatch):
    """A CPU does not compute in bfloat16 because the GPU beside it does."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    for query in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, query, lambda: False)
    by_device = {d: TrainingConfig(precision="auto", device=d).bfloat16 for d in ("cpu", "gpu")}
    assert by_device == {"cpu": False, "gpu": True}
