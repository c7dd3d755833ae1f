"""Configuration files: one describes a whole run, and each step reads its own sections."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any

import yaml

from darkclr.cli.commands import COMMANDS, Command
from darkclr.cli.parsing.parser import defaults_of
from darkclr.errors import ConfigError
from darkclr.io.documents import read_yaml
from darkclr.io.sources import beside
from darkclr.names import did_you_mean
from darkclr.studies.presets import find_configuration

__all__ = ["with_own_sections"]


def with_own_sections(command: Command, arguments: list[str]) -> list[str]:
    """Replace the name after ``--config=`` by the part of the file that concerns the command.

    A single step passes over the sections of the other steps, but not over a key that no step
    knows.

    Raises:
        ConfigError: no such file, one that is no mapping, or an unknown key.
    """
    result = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name == "--config" and equals:
            known = defaults_of(command.function).keys()
            argument = f"--config={_sections(find_configuration(Path(value)), known)}"
        result.append(argument)
    return result


def _sections(path: Path, known: Set[str]) -> str:
    content = read_yaml(path, ConfigError)
    everywhere = known | defaults_of(COMMANDS["ensemble"].function).keys()
    if unknown := sorted(content.keys() - everywhere):
        raise ConfigError(
            f"unknown key {', '.join(unknown)}",
            where=path,
            fix=did_you_mean(unknown[0], sorted(everywhere), f"known: {', '.join(sorted(known))}"),
        )
    chosen = {key: value for key, value in content.items() if key in known}
    if "samples" in chosen:
        chosen["samples"] = _beside(path.parent, chosen["samples"])
    return yaml.safe_dump(chosen, sort_keys=False)


def _beside(folder: Path, samples: Any) -> Any:
    """Samples of a configuration file, whose own files are named relative to its folder."""
    if not isinstance(samples, dict):
        return samples
    found = {}
    for name, sample in samples.items():
        found[name] = sample
        if isinstance(sample, dict) and isinstance(sample.get("files"), str | list):
            files = sample["files"]
            names = [files] if isinstance(files, str) else files
            found[name] = sample | {"files": [beside(folder, str(file)) for file in names]}
    return found
