from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from folders import names
from safetensors.torch import load
from short_training import SHORT, Stop, history_of, stop_at
from toy import toy_jets

from darkclr.augmentations import Augmentations, ConstituentDrop, PtReweighting
from darkclr.contrastive.config import LossConfig
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.contrastive.training.train import train
from darkclr.errors import ConfigError, TrainingError
from darkclr.reweighting import flat_weights

pytest.importorskip("lightning")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(learn, tmp_path):
    one = learn(tmp_path / "one")
    torch.manual_seed(99)  # the state of the global generator does not matter
    assert learn(tmp_path / "two") == one
    other = learn(tmp_path / "other", training=replace(SHORT, seed=4))
    assert other["model.safetensors"] != one["model.safetensors"]


def test_jetclr_watches_the_anomalous_view(learn, tmp_path):
    learn(tmp_path, loss=LossConfig(name="nt_xent"))
    row = history_of(tmp_path)[-1]
    assert "anomaly_similarity" not in row
    assert -1 <= float(row["validation_anomaly_similarity"]) <= 1


def test_the_global_generators_are_left_alone(learn, tmp_path):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    learn(tmp_path, training=replace(SHORT, epochs=1))
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])  # noqa: NPY002


def test_jets_in_a_stream_train_as_those_in_memory(learn, jets, tiny, tmp_path):
    expected = learn(tmp_path / "memory")
    batches = (jets[start : start + 35] for start in range(0, len(jets), 35))
    stream = PreparedJets.of(batches, tiny, tmp_path / "stream")
    assert learn(tmp_path / "stream", sample=stream) == expected
    assert names(tmp_path / "stream") == names(tmp_path / "memory")


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


def test_a_training_may_go_on_elsewhere(learn, tmp_path):
    """``auto`` is the CPU where there is no GPU."""
    expected = learn(tmp_path / "here")
    with pytest.raises(Stop):
        learn(tmp_path / "moved", progress=stop_at(7, Stop()))
    moved = learn(tmp_path / "moved", training=replace(SHORT, device="auto"))
    assert moved == expected


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


def test_training_lowers_the_loss(learn, tmp_path):
    learn(tmp_path, training=replace(SHORT, epochs=6))
    losses = [float(row["loss"]) for row in history_of(tmp_path)]
    assert losses[-1] < losses[0] - 1


def test_a_loss_that_is_not_finite_stops_the_training(learn, tmp_path):
    with pytest.raises(TrainingError, match=r"the loss is inf at step \d+; lower training.learn"):
        learn(tmp_path, loss=LossConfig(norm_penalty=1e300))
    assert not (tmp_path / "model.safetensors").exists()


def test_too_few_jets_for_a_batch(jets, validation, tiny, tmp_path):
    with pytest.raises(TrainingError, match="30 training and 60 validation jets do not fill"):
        train(jets[:30], tmp_path / "a", validation=validation, encoder=tiny, training=SHORT)
    assert not (tmp_path / "a").exists()


def test_a_flat_spectrum_is_one_of_weights(learn, jets, tmp_path):
    spread = replace(jets, pt=150 * np.random.default_rng(0).random(len(jets)) ** -0.25)
    flat = learn(tmp_path / "flat", sample=spread, training=replace(SHORT, flat_pt=True))
    plain = learn(tmp_path / "plain", sample=spread)
    assert flat["model.safetensors"] != plain["model.safetensors"]
    weighted = replace(spread, weight=flat_weights(spread.pt, spread.weight).astype(np.float32))
    weighted = learn(tmp_path / "weighted", sample=weighted)
    a, b = (load(files["model.safetensors"]) for files in (flat, weighted))
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-3, atol=1e-4)


def test_several_families_are_views_of_their_own(learn, tmp_path):
    families = {"drop": [ConstituentDrop((0.1, 0.6))], "soft": [PtReweighting(2.0)]}
    augmentations = Augmentations(anomalous=families)
    first = learn(tmp_path / "a", augmentations=augmentations)
    assert learn(tmp_path / "b", augmentations=augmentations) == first
    row = history_of(tmp_path / "a")[-1]
    assert -1 <= float(row["family_similarity"]) <= 1
    recorded = yaml.safe_load(first["config.yaml"])["augmentations"]["anomalous"]
    assert list(recorded) == ["drop", "soft"]
    nothing = Augmentations(anomalous=families | {"none": []})
    with pytest.raises(ConfigError, match="separates a jet from its anomalous copy"):
        learn(tmp_path / "c", augmentations=nothing)


def test_what_an_earlier_version_did_not_know_is_not_recorded(learn, tmp_path, tiny):
    document = yaml.safe_load(learn(tmp_path)["config.yaml"])
    assert "pt_input" not in document["encoder"]
    assert "family_weight" not in document["loss"]
    assert "flat_pt" not in document["training"]
    with pytest.raises(TrainingError, match=r"another configuration \(encoder\)"):
        learn(tmp_path, encoder=replace(tiny, pt_input="fraction"))


def test_what_scores_may_read_does_not_touch_the_training(learn, tmp_path, tiny):
    first = learn(tmp_path / "a")
    every = learn(tmp_path / "b", encoder=replace(tiny, pooling="all"))
    assert every["model.safetensors"] == first["model.safetensors"]
    assert yaml.safe_load(every["config.yaml"])["encoder"]["pooling"] == "all"


def test_no_more_jets_watch_than_a_tenth_of_those_trained_on(tmp_path, jets, tiny, monkeypatch):
    monkeypatch.setattr("darkclr.contrastive.training.train._FEW_WATCHING", 10)
    training = replace(SHORT, epochs=1)
    train(jets[:200], tmp_path, validation=jets[200:280], encoder=tiny, training=training)
    assert len(pq.read_table(tmp_path / "pairs.parquet")) == 20


def test_no_more_jets_watch_than_are_trained_on(tmp_path, jets, tiny):
    found = []
    for n in (60, 200):
        train(
            jets[:60],
            tmp_path / str(n),
            validation=jets[100 : 100 + n],
            encoder=tiny,
            training=replace(SHORT, epochs=1),
        )
        found.append((tmp_path / str(n) / "pairs.parquet").read_bytes())
    assert found[0] == found[1]
