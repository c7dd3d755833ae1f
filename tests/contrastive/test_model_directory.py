from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from hostile import flip_bit, with_tensors, without_digests
from safetensors.torch import load_file, save_file
from short_training import SHORT
from toy import toy_jets

from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import load_encoder, training_split
from darkclr.contrastive.training.train import train
from darkclr.errors import InputError, TrainingError
from darkclr.split import Split


def test_the_directory_gives_the_encoder_back(jets, validation, tiny, tmp_path):
    trained = train(jets, tmp_path, validation=validation, encoder=tiny, training=SHORT)
    loaded = load_encoder(tmp_path)
    assert loaded.config == tiny
    assert encode(loaded, jets[:50]).z.tobytes() == encode(trained, jets[:50]).z.tobytes()
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert config["training"]["epochs"] == 2
    assert config["trained_with"]["torch"] == torch.__version__
    assert (config["trained_with"]["device"] == "CPU") != torch.cuda.is_available()


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
    with pytest.raises(InputError, match=r"config\.yaml: is not a mapping"):
        load_encoder(tmp_path)


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


def test_weights_of_another_network_are_refused(learn, tmp_path):
    """One tensor less, or one more: the rest of it would keep random weights, or be ignored."""
    learn(tmp_path)
    without_digests(tmp_path)  # which would tell it before
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    name = next(iter(weights))
    save_file({k: v for k, v in weights.items() if k != name}, path)
    with pytest.raises(InputError, match="its weights differ in"):
        load_encoder(tmp_path)
    save_file({**weights, "blocks.9.expand.bias": weights[name].clone()}, path)
    with pytest.raises(InputError, match="its weights differ in"):
        load_encoder(tmp_path)


def test_a_loaded_encoder_drops_nothing(learn, tiny, tmp_path):
    learn(tmp_path, encoder=replace(tiny, dropout=0.5))
    assert not load_encoder(tmp_path).training


def test_a_damaged_encoder_is_noticed_and_an_old_one_is_read(learn, tmp_path):
    learned = learn(tmp_path)
    before = (tmp_path / "config.yaml").read_text()
    digest = load_encoder(tmp_path).digest()
    weights = (tmp_path / "model.safetensors").read_bytes()
    flip_bit(tmp_path / "model.safetensors", 0.9)
    with pytest.raises(InputError, match=r"not a model directory of an encoder \(it is damaged"):
        load_encoder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(weights)
    without_digests(tmp_path)
    assert load_encoder(tmp_path).digest() == digest
    again = learn(tmp_path)  # finished
    assert again["model.safetensors"] == learned["model.safetensors"]
    assert before.startswith((tmp_path / "config.yaml").read_text())


def test_a_network_of_another_size_is_refused_before_it_is_made(learn, tmp_path):
    learn(tmp_path)
    config = tmp_path / "config.yaml"
    document = yaml.safe_load(config.read_text())
    for change in ({"embedding_dim": 1_000_000}, {"n_layers": 10**9}):
        config.write_text(yaml.safe_dump(document | {"encoder": document["encoder"] | change}))
        with pytest.raises(InputError, match=r"not a model directory .* from 1 to"):
            load_encoder(tmp_path)
    wide = {"embedding_dim": 2**14, "feedforward_dim": 2**14, "output_dim": 2**14, "n_layers": 100}
    config.write_text(yaml.safe_dump(document | {"encoder": document["encoder"] | wide}))
    with pytest.raises(InputError, match=r"its weights differ in .* from its configuration"):
        load_encoder(tmp_path)  # some 600 GB


@pytest.mark.parametrize("factor", [1e38, 1e30])
def test_representations_that_are_no_numbers_are_refused_naming_the_jet(learn, tmp_path, factor):
    learn(tmp_path)
    without_digests(tmp_path)
    with_tensors(tmp_path / "model.safetensors", lambda x: np.float32(factor) * np.sign(x))
    jets = toy_jets(20)
    jets = replace(jets, event=jets.event + 100)
    with pytest.raises(InputError, match=r"infinite for 20 of 20 jets, .* jet 0 of event 100"):
        encode(load_encoder(tmp_path), jets)
