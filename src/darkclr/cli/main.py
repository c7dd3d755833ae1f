"""The ``darkclr`` command: one typed function a sub-command, errors in one line."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import textwrap
import warnings
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence, Set
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

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
from darkclr.cli.fitting import describe_scores, fit
from darkclr.cli.studies import ensemble, run
from darkclr.errors import ConfigError, DarkclrError
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.plugins import installed
from darkclr.presets import find_configuration
from darkclr.simulation.processes import ENTRY_POINTS, PROCESSES

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

    #: The end of the help, made when it is asked for.
    describe: Callable[[], str] | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # type: ignore[override]
        """Raise what :func:`main` prints."""
        raise ConfigError(" ".join(str(message).split()), fix=f"see `{self.prog} --help`") from ex

    def format_help(self, *arguments: Any) -> str:
        """The help with its end."""
        if self.describe is not None:
            self.epilog = self.describe()
        return super().format_help(*arguments)


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
        for name, config in _laid_flat(function).items():
            own = {field.name: values.pop(field.name) for field in fields(config)}
            values[name] = config(**own)
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
    if function is fit:
        parser.describe = describe_scores
    flat = _laid_flat(function)
    for config in flat.values():
        parser.add_class_arguments(config, as_group=False, sub_configs=True)
    parser.add_function_arguments(
        function, as_group=False, as_positional=True, skip=set(flat), sub_configs=True
    )
    return parser


def _laid_flat(function: Callable[..., Any]) -> dict[str, type]:
    """Classes of options, by parameter, of which a command is all about: those without default.

    Their options have no prefix.
    """
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    return {
        p.name: hints[p.name]
        for p in parameters
        if p.default is p.empty and is_dataclass(hints[p.name])
    }


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Defaults of a command's options by name; its positional arguments have none."""
    parameters = inspect.signature(function).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    for config in _laid_flat(function).values():
        defaults |= {
            field.name: field.default
            if field.default_factory is MISSING
            else field.default_factory()
            for field in fields(config)
        }
    return defaults


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
        text = _sections(find_configuration(path), _defaults(COMMANDS.get(result[0], run)).keys())
        result[position] = f"--config={text}" if equals else text
    return result


def _sections(path: Path, known: Set[str]) -> str:
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as problem:
        raise ConfigError(problem.strerror or "cannot be read", where=path) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ConfigError(f"is not YAML ({problem})", where=path) from problem
    if not isinstance(content, dict):
        raise ConfigError("is not a mapping of options", where=path)
    unknown = sorted(set(map(str, content)) - known - _defaults(ensemble).keys())
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
    for name, group in _defaults(function).items():
        value = values.get(name)
        if is_dataclass(group) and not isinstance(value, Namespace | type(group)):
            raise ConfigError(
                f"{value!r} in place of options",
                where=name,
                fix=f"name some of {', '.join(field.name for field in fields(group))}",
            )


def _quieten() -> None:
    """Leave the terminal to the bars: libraries speak through errors only."""
    logging.basicConfig(level=os.environ.get("DARKCLR_LOG", "WARNING").upper())
    warnings.filterwarnings("ignore", module="lightning")


if __name__ == "__main__":
    sys.exit(main())
