"""What somebody types -> what the parser of a command reads.

Dashes and underscores are alike, ``--dry_run`` stands for ``--dry_run true``, several files may be
named one after the other (as a shell expands ``*.parquet``), and ``-o`` names the output.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import get_origin

from darkclr.cli.commands import Command
from darkclr.cli.parsing.parser import Parser, hint_of
from darkclr.errors import ConfigError
from darkclr.names import did_you_mean

__all__ = ["one_or_all", "readable_arguments"]

_TRUTHS = ("true", "false", "yes", "no")


def readable_arguments(command: Command, parser: Parser, arguments: list[str]) -> list[str]:
    """Arguments in the one form that the parser takes: positional ones, then ``--name=value``.

    Raises:
        ConfigError: an option that does not exist.
    """
    positional: list[str] = []
    options: list[str] = []
    output = None
    rest = deque(arguments)
    while rest:
        argument = rest.popleft()
        if argument == "--":
            positional += rest
            break
        if not argument.startswith("-") or argument == "-":
            positional.append(argument)
            continue
        typed, equals, given = argument.partition("=")
        name = _spelled(command, parser, "--output" if typed == "-o" else typed)
        value = given if equals else _value(parser, name, rest)
        if name == "--output" and name not in parser._option_string_actions:
            output = value
        else:
            options.append(name if value is None else f"{name}={value}")
    for value in (*positional, *(option.partition("=")[2] for option in options)):
        _refuse_pipe(value)
    return [*_in_slots(command, parser, positional, output), *options]


def _refuse_pipe(value: str) -> None:
    """A pipe has no end that one may wait for, and cannot be read twice."""
    try:
        is_pipe = Path(value).is_fifo()
    except (OSError, ValueError):  # it is no name of a file at all
        return
    if is_pipe:
        raise ConfigError("is a pipe, not a file", where=value, fix="write it to a file first")


def _spelled(command: Command, parser: Parser, name: str) -> str:
    """The option of that name, with underscores for dashes."""
    known = {*parser._option_string_actions}
    known |= {"--output" for action in parser._actions if action.dest == "output"}
    changed = "--" + name.removeprefix("--").replace("-", "_")
    # How files are read is asked of many commands, and `--skip-invalid` says it in one word.
    for spelling in (name, changed, f"--options.{changed.removeprefix('--')}"):
        if spelling in known:
            return spelling
    parts = changed.split(".")
    for i in range(len(parts) - 1, 0, -1):
        above = parser._option_string_actions.get(".".join(parts[:i]))
        if above is not None and hint_of(above) is not None:
            # A key of a mapping is the user's: its dashes stay.
            return ".".join([*parts[:i], name.split(".")[i], *parts[i + 1 :]])
    raise ConfigError(
        f"no option {name}",
        where=command.name,
        fix=did_you_mean(changed, sorted(known), f"see `{parser.prog} --help-all`"),
    )


def _value(parser: Parser, name: str, rest: deque[str]) -> str | None:
    """The value that follows an option, if it takes one."""
    action = parser._option_string_actions.get(name)
    if action is not None and (action.nargs == 0 or action.dest == "print_config"):
        return None
    is_flag = action is not None and hint_of(action) is bool
    if is_flag and not (rest and rest[0].lower() in _TRUTHS):
        return "true"
    return rest.popleft() if rest else None


def _in_slots(
    command: Command, parser: Parser, positional: list[str], output: str | None
) -> list[str]:
    """Positional arguments, of which one may be several files; the output may be named apart."""
    slots = [a for a in parser._actions if not a.option_strings]
    names = [action.dest for action in slots]
    if output is not None:
        names.remove("output")
    if 0 < len(positional) < len(names):
        raise ConfigError("too few arguments", where=command.name, fix=f"usage: {parser.usage}")
    if command.several in names:
        at = names.index(command.several)
        n = len(positional) - len(names) + 1
        files = positional[at : at + max(n, 0)]
        takes_list = get_origin(hint_of(slots[at])) is list
        none = command.may_name_none and not positional
        if n > 1 or none or (n == 1 and takes_list and not files[0].startswith("[")):
            positional = [*positional[:at], json.dumps(files), *positional[at + n :]]
    if output is not None:
        at = [action.dest for action in slots].index("output")
        positional = [*positional[:at], output, *positional[at:]]
    return positional


def one_or_all(files: list[str]) -> str | list[str]:
    """The only file, or all."""
    return files[0] if len(files) == 1 else files
