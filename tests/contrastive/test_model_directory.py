from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from safetensors.torch import load_file, save_file
from short_training import SHORT

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
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    name = next(iter(weights))
    save_file({k: v for k, v in weights.items() if k != name}, path)
    with pytest.raises(InputError, match="is not a model directory of an encoder"):
        load_encoder(tmp_path)
    save_file({**weights, "blocks.9.expand.bias": weights[name].clone()}, path)
    with pytest.raises(InputError, match="is not a model directory of an encoder"):
        load_encoder(tmp_path)


def test_a_loaded_encoder_drops_nothing(learn, tiny, tmp_path):
    learn(tmp_path, encoder=replace(tiny, dropout=0.5))
    assert not load_encoder(tmp_path).training
