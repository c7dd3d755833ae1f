"""Two trainings share what has the same bytes, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lightning")

from darkclr.augmentations import ConstituentDrop
from darkclr.contrastive.config import LossConfig
from darkclr.studies.reproduction.catalogue import find_study
from darkclr.studies.reproduction.scales import SCALES, training_jets, usual
from darkclr.studies.reproduction.shared import copy_encoder, encoder_key, link

USUAL = usual(SCALES["laptop"])


def _key(seed: int = 1, **changes) -> str:
    config = replace(USUAL, **changes)
    return encoder_key(config, replace(config.training, seed=seed))


def test_signals_scores_and_places_do_not_change_an_encoder():
    jets = training_jets(SCALES["laptop"], ("rinv05",))
    same = {"samples": jets, "scores": {"norm": {}}, "output": Path("elsewhere"), "encoders": 3}
    assert _key(**same) == _key()
    assert _key(contamination=0.0) == _key()  # other jets are tested, the same are trained on


def test_classifiers_stand_beside_the_first_encoder_of_the_ensemble():
    keys = {
        encoder_key(config, config.training)
        for config in find_study("table3").trainings(SCALES["laptop"]).values()
    }
    assert len(keys) == 1


def test_what_changes_an_encoder_is_told():
    scale = SCALES["laptop"]
    others = [
        _key(seed=2),
        _key(contamination=0.01),
        _key(contamination=0.01, samples=training_jets(scale, ("rinv05",))),
        _key(samples=training_jets(scale, ("aachen",), card="cms")),
        _key(samples=training_jets(replace(scale, background=51_000), ("aachen",))),
        _key(split=replace(USUAL.split, train=0.4, validation=0.2)),
        _key(encoder=replace(USUAL.encoder, output_dim=128)),
        _key(loss=LossConfig(separation_weight=0.5)),
        _key(training=replace(USUAL.training, epochs=9)),
        _key(augmentations=replace(USUAL.augmentations, anomalous=[ConstituentDrop(0.3)])),
    ]
    assert len({_key(), *others}) == 1 + len(others)


def test_finished_encoders_are_copied_whole_and_never_over_another(tmp_path, monkeypatch):
    monkeypatch.setattr("darkclr.studies.reproduction.shared.is_finished", lambda p: p.exists())
    source, target = tmp_path / "a" / "encoder", tmp_path / "b" / "encoder"
    copy_encoder(source, target)
    assert not target.exists()
    source.mkdir(parents=True)
    (source / "model.safetensors").write_text("weights")
    (tmp_path / "b" / "encoder.part" / "half").mkdir(parents=True)  # of a copy that was stopped
    copy_encoder(source, target)
    assert [path.name for path in target.parent.iterdir()] == ["encoder"]
    assert [path.name for path in target.iterdir()] == ["model.safetensors"]
    (target / "model.safetensors").write_text("other weights")
    copy_encoder(source, target)
    assert (target / "model.safetensors").read_text() == "other weights"
    assert (source / "model.safetensors").read_text() == "weights"


def test_a_sample_has_two_names_and_keeps_the_first(tmp_path):
    (tmp_path / "a").write_text("jets")
    link(tmp_path / "missing", tmp_path / "b")
    link(tmp_path / "a", tmp_path / "in" / "b")
    assert (tmp_path / "in" / "b").read_text() == "jets"
    assert not (tmp_path / "b").exists()
