"""The ``darkclr`` command: one typed function a sub-command, errors in one line."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import textwrap
import warnings
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonargparse import (
    ActionConfigFile,
    ArgumentParser,
    DefaultHelpFormatter,
    Namespace,
    set_parsing_settings,
)

import darkclr
from darkclr.cli import console
from darkclr.cli.commands import COMMANDS, GOES_ON
from darkclr.cli.ensemble import ensemble
from darkclr.cli.run import run
from darkclr.errors import ConfigError, DarkclrError
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.plugins import installed
from darkclr.presets import find_configuration
from darkclr.simulation.processes import ENTRY_POINTS, PROCESSES
from darkclr.simulation.sample import SampleConfig

__all__ = ["build_parser", "main"]

_DESCRIPTION = """Finding new physics in jets without knowing what it looks like.

The steps, in order: generate, train, encode, fit, score, evaluate, report; `run` is all of
them, `ensemble` all of them several times over. Each reads and writes files, so enter or leave
anywhere. `darkclr COMMAND --help` teaches.
"""


class _Help(DefaultHelpFormatter, RawDescriptionHelpFormatter):
    """Paragraphs of a docstring stay paragraphs."""


class Parser(ArgumentParser):
    """A parser whose complaints are one line and exit code 2; options have no short forms."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # type: ignore[override]
        """Raise what :func:`main` prints."""
        raise ConfigError(" ".join(str(message).split()), fix=f"see `{self.prog} --help`") from ex


def build_parser() -> ArgumentParser:
    """The parser of all commands."""
    # The meaning of an option stands below its field, see darkclr.parameters.
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = Parser(
        prog="darkclr",
        description=_DESCRIPTION,
        version=darkclr.__version__,
        formatter_class=_Help,
    )
    commands = parser.add_subcommands(required=True, metavar="COMMAND", dest="command")
    for name, function in COMMANDS.items():
        help_text = (function.__doc__ or "").strip().splitlines()[0]
        commands.add_subcommand(name, _parser_of(function), help=help_text)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _quieten()
    try:
        parser = build_parser()
        parsed = parser.parse_args(_with_config_text(arguments))
        if arguments in (["run"], ["ensemble"]):
            raise ConfigError(
                "nothing is given, and the defaults take many hours",
                where=arguments[0],
                fix="take a configuration, as in --config configs/quick.yaml, or name --samples",
            )
        command = parsed.command
        function = COMMANDS[command]
        _check_groups(function, vars(parsed[command]))
        values = _instantiated(parser, parsed)
        values.pop("config", None)
        if function.__name__ == "generate":
            names = [field.name for field in fields(SampleConfig)]
            values["sample"] = SampleConfig(**{name: values.pop(name) for name in names})
        if values.get("seed", 0) < 0:  # classes of options check their own
            raise ConfigError(f"{values['seed']}", where="seed", fix="give at least 0")
        function(**values)
    except DarkclrError as problem:
        console.error(problem)
        return 2
    except KeyboardInterrupt:
        goes_on = bool(GOES_ON.intersection(arguments[:1]))
        console.error(
            "stopped; the same command goes on where it was"
            if goes_on
            else "stopped, nothing half-written is left; the same command starts anew"
        )
        return 130
    return 0


def _parser_of(function: Callable[..., Any]) -> ArgumentParser:
    description = inspect.getdoc(function) or ""
    parser = Parser(description=description.partition("\nArgs:")[0], formatter_class=_Help)
    parser.add_argument(
        "--config",
        action=ActionConfigFile,
        help="YAML file with options, or the name of a preset such as quick",
    )
    if function.__name__ == "generate":
        parser.epilog = _samples()
        parser.add_class_arguments(SampleConfig, as_group=False)
    parser.add_function_arguments(
        function, as_group=False, as_positional=True, skip={"sample"}, sub_configs=True
    )
    return parser


def _samples() -> str:
    """All samples, each in a line, with the parameters of those that have some."""
    lines = ["samples:"]
    for process in PROCESSES.values():
        kind = {BACKGROUND: "background", SIGNAL: "signal"}.get(process.label, "no label")
        lines.append(f"  {process.name:<12}{kind}: {process.summary}")
        for parameter in process.parameters:
            default = "null" if parameter.default is None else f"{parameter.default:g}"
            text = f"{parameter.summary.rstrip('.')} (default: {default})"
            lines += textwrap.wrap(
                f"{f'--parameters.{parameter.name}':<27}{text}",
                width=80,
                initial_indent=" " * 6,
                subsequent_indent=" " * 33,
            )
    if others := installed(ENTRY_POINTS):
        lines += [
            "samples of other packages:",
            *(f"  {p.name:<12}{p.value}" for p in others.values()),
        ]
    return "\n".join(lines)


def _with_config_text(arguments: list[str]) -> list[str]:
    """Replace the name after ``--config`` by the part of the file that concerns the command.

    One file describes a whole run; a single step reads its own sections and passes over those
    of the other steps, but not over a key that no step knows.
    """
    result = list(arguments)
    for i, argument in enumerate(result):
        name, equals, value = argument.partition("=")
        if name != "--config":
            continue
        position = i if equals else i + 1
        if position == len(result):
            break  # the parser says that the name is missing
        path = value if equals else result[position]
        text = _sections(find_configuration(path), _options(COMMANDS.get(result[0], run)))
        result[position] = f"--config={text}" if equals else text
    return result


def _sections(path: Path, known: set[str]) -> str:
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as problem:
        raise ConfigError(problem.strerror or "cannot be read", where=path) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ConfigError(f"is not YAML ({problem})", where=path) from problem
    if not isinstance(content, dict):
        raise ConfigError("is not a mapping of options", where=path)
    unknown = sorted(set(map(str, content)) - known - _options(run) - _options(ensemble))
    if unknown:
        raise ConfigError(
            f"unknown key {', '.join(unknown)}",
            where=path,
            fix=f"known: {', '.join(sorted(known))}",
        )
    chosen = {key: value for key, value in content.items() if key in known}
    return yaml.safe_dump(chosen, sort_keys=False)


def _instantiated(parser: ArgumentParser, parsed: Namespace) -> dict[str, Any]:
    """The arguments of the command, with their classes."""
    try:
        return vars(parser.instantiate(parsed)[parsed.command])
    except ValueError as error:  # of options that may be null: it wraps what their class says
        if isinstance(error.__cause__, DarkclrError):
            raise error.__cause__ from error
        raise


def _check_groups(function: Callable[..., Any], values: dict[str, Any]) -> None:
    """Refuse a single value in place of a group of options, which the parser lets pass."""
    for name, parameter in inspect.signature(function).parameters.items():
        group, value = parameter.default, values.get(name)
        if is_dataclass(group) and not isinstance(value, Namespace | type(group)):
            raise ConfigError(
                f"{value!r} in place of options",
                where=name,
                fix=f"name some of {', '.join(field.name for field in fields(group))}",
            )


def _options(function: Callable[..., Any]) -> set[str]:
    """Names of a command's options; its positional arguments do not come from a file.

    A run's ``output`` is its directory and no step's output file.
    """
    parameters = inspect.signature(function).parameters.values()
    names = {p.name for p in parameters if p.default is not p.empty}
    if function.__name__ == "generate":
        names |= {field.name for field in fields(SampleConfig)}
    return names


def _quieten() -> None:
    """Leave the terminal to the bars: libraries speak through errors only."""
    logging.basicConfig(level=os.environ.get("DARKCLR_LOG", "WARNING").upper())
    warnings.filterwarnings("ignore", module="lightning")


if __name__ == "__main__":
    sys.exit(main())
