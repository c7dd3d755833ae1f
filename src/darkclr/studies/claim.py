"""The directory of a run, which belongs to one configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from darkclr.contrastive.config import without_place
from darkclr.errors import ConfigError
from darkclr.io import atomic_path
from darkclr.io.documents import read_yaml
from darkclr.studies.config import RunConfig
from darkclr.studies.sample_config import Sample
from darkclr.studies.samples import refuse_changed

__all__ = ["check_directory", "claim"]


def claim(config: RunConfig) -> None:
    """Write a configuration to its output directory.

    Raises:
        ConfigError: it holds a run with another one, or of files with another content. Where
            trainings run may change.
    """
    path = config.output / "config.yaml"
    document = config.to_dict()
    if path.exists():
        earlier = read_yaml(path)
        earlier["samples"] = _completed(earlier.get("samples"))
        # Figures of merit are cheap: what is measured may change, and is measured anew.
        kept = [key for key in document if key != "evaluation"]
        differing = [
            key
            for key in kept
            if without_place(_set(earlier.get(key))) != without_place(_set(document[key]))
        ]
        if differing:
            raise ConfigError(
                f"holds a run with another configuration ({', '.join(differing)})",
                where=config.output,
                fix="choose another --output or delete it",
            )
    for name, sample in config.samples.items():
        refuse_changed(name, sample, config.output / "samples" / f"{name}.parquet")
    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def check_directory(output: Path) -> None:
    """Refuse a directory that cannot be one.

    Raises:
        ConfigError: it, or one above it, is a file.
    """
    for path in (output, *output.parents):
        if path.exists():
            if not path.is_dir():
                raise ConfigError("is a file", where=path, fix="choose another --output")
            break


def _completed(samples: Any) -> Any:
    """Samples with the options that an earlier version did not have, at their defaults."""
    if not isinstance(samples, dict):
        return samples
    defaults = Sample().to_dict()
    return {
        name: defaults | sample if isinstance(sample, dict) and "files" not in sample else sample
        for name, sample in samples.items()
    }


def _set(value: Any) -> Any:
    """The options that are not null: one that an earlier version did not have is."""
    if isinstance(value, dict):
        return {key: _set(option) for key, option in value.items() if option is not None}
    return value
