"""What trainings share: the same jets are simulated once, and the same encoder is trained once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from darkclr.contrastive.config import TrainingConfig
from darkclr.contrastive.model_directory import is_finished
from darkclr.studies.config import RunConfig
from darkclr.studies.sample_config import Sample

__all__ = ["copy_encoder", "encoder_key", "link", "sample_key"]

_OF_ENCODERS = ("split", "encoder", "augmentations", "loss", "training")


def sample_key(name: str, sample: Sample) -> str:
    """The same for the same jets.

    Args:
        name: of the sample.
        sample: how it is made.
    """
    return f"{name}-{_digest(sample.to_dict())}"


def encoder_key(config: RunConfig, training: TrainingConfig) -> str:
    """The same for the same weights: signals and scores do not change them.

    Args:
        config: of the study.
        training: with the seed of the encoder.
    """
    document = replace(config, training=training).to_dict()
    jets = document["samples"]
    if not config.contamination:
        jets = jets[config.background]
    return _digest([jets, config.contamination or 0.0, *(document[key] for key in _OF_ENCODERS)])


def link(source: Path, target: Path) -> None:
    """The same file under another name, if it is there and the name is free."""
    if source.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system
            target.symlink_to(source.absolute())


def copy_encoder(source: Path, target: Path) -> None:
    """The same encoder in another directory, if it is finished and the other one is not there."""
    if is_finished(source) and not target.exists():
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)  # of a copy that was stopped
        shutil.copytree(source, part)
        part.rename(target)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
