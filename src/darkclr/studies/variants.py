"""Other representations of the same jets: files that are laid over the configuration of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from jsonargparse import ArgumentError, ArgumentParser

from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.errors import ConfigError
from darkclr.io.documents import read_yaml
from darkclr.studies.config import RunConfig
from darkclr.studies.presets import find_configuration

__all__ = ["variant"]

Config = TypeVar("Config", bound=RunConfig)

_SECTIONS = {
    "encoder": EncoderConfig,
    "augmentations": Augmentations,
    "loss": LossConfig,
    "training": TrainingConfig,
}


def variant(config: Config, path: Path) -> Config:
    """The configuration with what a YAML file says of encoder, augmentations, loss and training.

    An option that the file does not name stays as it is.

    Raises:
        ConfigError: no such file, another section, an option that does not exist.
    """
    parser = ArgumentParser(exit_on_error=False)
    for name, section in _SECTIONS.items():
        parser.add_argument(f"--{name}", type=section, default=getattr(config, name))
    try:
        content = read_yaml(find_configuration(path), ConfigError)
        if not all(isinstance(section, dict) for section in content.values()):
            raise TypeError("no sections with options")
        if unknown := content.keys() - _SECTIONS.keys():
            raise TypeError(f"unknown section {', '.join(map(str, unknown))}")
        sections = parser.instantiate(parser.parse_object(content))
    except (ArgumentError, TypeError) as problem:
        raise ConfigError(
            " ".join(str(problem).split()),
            where=path,
            fix=f"a variant is a YAML file with some of {', '.join(_SECTIONS)}",
        ) from problem
    return replace(config, **{name: sections[name] for name in _SECTIONS})
