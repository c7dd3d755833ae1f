"""Files that are laid over a configuration: what they change, what they keep, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lightning")


from darkclr.augmentations import BranchDrop
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.errors import ConfigError
from darkclr.studies.config import RunConfig
from darkclr.studies.variants import variant

CONFIGS = Path(__file__).parents[2] / "configs" / "representations"


@pytest.fixture
def config() -> RunConfig:
    """None of these sections is the default."""
    return RunConfig(
        output=Path("out"),
        encoder=EncoderConfig(output_dim=64, dropout=0.0),
        loss=LossConfig(norm_penalty=0.01, temperature=0.2),
        training=TrainingConfig(epochs=7, betas=(0.8, 0.9)),
        scores={"norm": {}},
    )


def test_what_a_file_does_not_name_stays_as_it_is(config, tmp_path):
    path = tmp_path / "v.yaml"
    path.write_text("loss: {name: nt_xent}\nencoder: {output_dim: 128}\n")
    other = variant(config, path)
    assert other.loss == replace(config.loss, name="nt_xent")
    assert other.encoder == replace(config.encoder, output_dim=128)
    assert other.training == config.training
    assert other.augmentations.to_dict() == config.augmentations.to_dict()
    assert (other.output, other.scores, other.split) == (config.output, config.scores, config.split)


def test_a_group_of_augmentations_is_replaced_as_a_whole(config):
    other = variant(config, CONFIGS / "branch_drop.yaml")
    assert other.augmentations.anomalous == [BranchDrop(probability=0.5, radius=0.2)]
    assert other.augmentations.physical == config.augmentations.physical


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_all_representations_of_the_project_are_variants(config, path):
    other = variant(config, path)
    assert other.to_dict() != config.to_dict()
    # No schedule of their own, but for the rate of those that the norm penalty does not hold; a
    # representation may weigh the jets otherwise.
    rates = {"minimal": 1e-4, "multiplicity": 1e-4}
    rate = rates.get(path.stem, config.training.learning_rate)
    assert other.training == replace(
        config.training, learning_rate=rate, flat_pt=other.training.flat_pt
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not a mapping"),
        ("- 1", "not a mapping"),
        ("loss: 3", "no sections"),
        ("[", "parsing"),
        ("split: {train: 0.2}", "unknown section split"),
        ("scores: {}", "unknown section scores"),
        ("loss: {temprature: 0.1}", "temprature"),
        ("training: {epochs: many}", "training.epochs"),
        ("loss: {temperature: -1}", "temperature"),
        ("augmentations: {anomalous: [{class_path: os.system}]}", "os.system"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_line(config, tmp_path, content, reason):
    path = tmp_path / "v.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        variant(config, path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(config, tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        variant(config, tmp_path / "none.yaml")
