"""The signature of a command's function -> its options and its help."""

from __future__ import annotations

import inspect
import types
from argparse import SUPPRESS, Action, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

import yaml
from jsonargparse import (
    ActionConfigFile,
    ArgumentParser,
    DefaultHelpFormatter,
    Namespace,
    get_loader,
    set_loader,
    set_parsing_settings,
)

from darkclr.cli.commands import Command
from darkclr.complaints import complaint
from darkclr.errors import ConfigError, DarkclrError
from darkclr.io.documents import Unclear, parse_json, parse_yaml

__all__ = ["Parser", "build_parser", "defaults_of", "hint_of", "values_of"]

# A configuration names classes of darkclr's or of your own: never os, subprocess and their like.
set_parsing_settings(import_path_denylist=[])
# The meaning of an option stands below its field, see darkclr.parameters.
set_parsing_settings(docstring_parse_attribute_docstrings=True)

_load = get_loader("yaml")


def _load_bounded(text: str) -> Any:
    """The value of an option or of a file that an option names, unless nobody can mean it."""
    try:
        parse_yaml(text)
    except Unclear as problem:
        raise ConfigError(f"{problem}", where=text[:50], fix="write it out, and once") from None
    except ValueError:
        pass  # which the parser says better
    if "\\ud" in text:  # names of files that are no text here, which JSON knows and YAML does not
        with suppress(ValueError):
            return parse_json(text)
    return _load(text)


set_loader("yaml", _load_bounded, exceptions=(yaml.YAMLError,))

_METAVARS = {int: "N", float: "X", str: "TEXT", Path: "PATH", bool: "[true|false]"}


class _Help(DefaultHelpFormatter, RawDescriptionHelpFormatter):
    """Paragraphs of a docstring stay paragraphs; the default follows the meaning."""

    def _get_help_string(self, action: Action) -> str:
        return action.help or ""

    def _format_action_invocation(self, action: Action) -> str:
        # `--name+`, which adds to a list, works unseen.
        names = [name for name in action.option_strings if not name.endswith("+")]
        if len(names) == len(action.option_strings):
            return super()._format_action_invocation(action)
        return f"{names[0]} {action.metavar}"

    def _expand_help(self, action: Action) -> str:
        text = " ".join((action.help or "").split())
        if not action.option_strings or action.default in (None, SUPPRESS):
            return text
        default = _readable(action.default)
        return f"{text} (default: {default})" if default else text


class Parser(ArgumentParser):
    """A parser whose complaints are one line and exit code 2; options have no short forms."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **options)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # type: ignore[override]
        """Raise what :func:`darkclr.cli.main.main` prints."""
        hints = {action.dest: hint_of(action) for action in self._actions}
        # A part of a configuration has a parser without a name.
        see = f"see `{self.prog} --help`" if self.prog.startswith("darkclr ") else None
        raise complaint(" ".join(str(message).split()), hints, see) from ex

    def dump(self, cfg: Namespace, **options: Any) -> str:  # type: ignore[override]
        """The configuration as text that can be given back: defaults may be objects."""
        return super().dump(_named(cfg), **options)


def _named(value: Any) -> Any:
    """Augmentations by import path and options, as a file gives them, wherever they are."""
    from darkclr.augmentations.base import Augmentation
    from darkclr.augmentations.views import as_plain_data

    if isinstance(value, Augmentation):
        return as_plain_data(value)
    if isinstance(value, Namespace):
        return Namespace(**{key: _named(item) for key, item in vars(value).items()})
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, list) else value


def build_parser(command: Command, *, everything: bool = True) -> Parser:
    """The parser of one command.

    Args:
        command: the command.
        everything: whether the help shows all options, and not only those that one needs.
    """
    function = command.function
    # jsonargparse looks for a shorter path of it, as darkclr.train, which would import PyTorch.
    function.__qualname__ = f"{command.name} of the command line"
    parser = Parser(
        prog=f"darkclr {command.name}",
        description=(inspect.getdoc(function) or "").partition("\nArgs:")[0],
    )
    parser.add_argument("--help-all", action="help", help="Show all options and exit.")
    parser.add_argument(
        "--config",
        metavar="FILE",
        action=ActionConfigFile,
        help="A YAML file with options, or the name of a preset such as quick. A later one wins.",
    )
    flat = _laid_flat(function)
    for config in flat.values():
        parser.add_class_arguments(config, as_group=False, sub_configs=True)
    parser.add_function_arguments(
        function, as_group=False, as_positional=True, skip=set(flat), sub_configs=True
    )
    _shape_help(parser, command, everything)
    return parser


def defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Defaults of a command's options by name; its positional arguments have none."""
    parameters = inspect.signature(function).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    for config in _laid_flat(function).values():
        for field in fields(config):
            factory = field.default_factory
            defaults[field.name] = field.default if factory is MISSING else factory()
    return defaults


def values_of(parser: Parser, function: Callable[..., Any], arguments: list[str]) -> dict[str, Any]:
    """The arguments of a command's function.

    Raises:
        ConfigError: an option that does not exist or has a value that makes no sense.
    """
    try:
        parsed = parser.parse_args(arguments)
    except UnicodeDecodeError as problem:
        raise ConfigError(
            "names a file that is no text",
            where=next(filter(_names_binary, arguments), "an option").partition("=")[0].lstrip("-"),
            fix="give options as {NAME: VALUE}, or a YAML file of them",
        ) from problem
    _check_groups(function, vars(parsed))
    try:
        values = vars(parser.instantiate(parsed))
    except ValueError as error:  # of options that may be null: it wraps what their class says
        if isinstance(error.__cause__, DarkclrError):
            raise error.__cause__ from error
        raise
    values.pop("config", None)
    for name, config in _laid_flat(function).items():
        own = {field.name: values.pop(field.name) for field in fields(config)}
        values[name] = config(**own)
    if values.get("seed", 0) < 0:  # classes of options check their own
        raise ConfigError(f"{values['seed']}", where="seed", fix="give at least 0")
    return values


def _names_binary(argument: str) -> bool:
    """Whether the value of ``--name=value`` is a file that does not begin as a text."""
    try:
        with Path(argument.partition("=")[2]).open("rb") as file:
            start = file.read(4096)
    except (OSError, ValueError):
        return False
    return b"\0" in start


def hint_of(action: Action) -> Any:
    """Type of an option's values; None for options that are no values, as ``--help``."""
    # A class that jsonargparse keeps to itself.
    return getattr(action, "_typehint", None) if type(action).__name__ == "ActionTypeHint" else None


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


def _check_groups(function: Callable[..., Any], values: dict[str, Any]) -> None:
    """Refuse a single value in place of a group of options, which the parser lets pass."""
    for name, group in defaults_of(function).items():
        value = values.get(name)
        if is_dataclass(group) and not isinstance(value, Namespace | type(group)):
            raise ConfigError(
                f"{value!r} in place of options",
                where=name,
                fix=f"name some of {', '.join(field.name for field in fields(group))}",
            )


def _shape_help(parser: Parser, command: Command, everything: bool) -> None:
    """Leave out what a reader does not need, and say the rest in few words."""
    shown = {"help", "config", *command.options}
    for action in parser._actions:
        single = not action.option_strings or action.dest in shown
        # `--training FILE`, and help on the classes that an option takes, work unseen.
        noise = type(action).__name__ in ("_ActionConfigLoad", "_ActionHelpClassPath")
        if noise or not (everything or single):
            action.help = SUPPRESS
        elif action.dest == "help":
            action.help = "Show this help and exit."
        elif action.dest == "print_config":
            action.help = "Print the configuration with all defaults and exit."
            action.metavar = ""
        elif not action.option_strings:
            action.metavar = action.dest
        elif hint_of(action) is not None:
            action.metavar = _metavar(hint_of(action))
    for group in parser._action_groups:
        if group.title:
            group.title = group.title[0].upper() + group.title[1:].rstrip(".")
    words = []
    for name in (action.dest for action in parser._actions if not action.option_strings):
        several = f"{name.upper()} ..." if name == command.several else name.upper()
        words.append(f"[{several}]" if command.may_name_none else several)
    parser.usage = " ".join([parser.prog, *words, "[OPTION ...]"])
    ends = [command.end_of_help(everything)]
    if not everything:
        ends.append(f"`{parser.prog} --help-all` shows all options.")
    parser.epilog = "\n\n".join(filter(None, ends))


def _metavar(hint: Any) -> str:
    """A word for the values of a type."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return "|".join(dict.fromkeys(map(_metavar, kinds)))
    if hint in _METAVARS:
        return _METAVARS[hint]
    origin = get_origin(hint)
    if origin is Literal:
        return "{" + ",".join(str(word) for word in get_args(hint) if word is not None) + "}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "{NAME: ...}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return "[ITEM,...]"
    return "VALUE"


def _readable(default: Any) -> str:
    """A default in few words; empty if there is nothing to say."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, dict):
        return (
            str(default["class_path"]).rpartition(".")[2]
            if "class_path" in default
            else (", ".join(map(str, default)))
        )
    if isinstance(default, list | tuple):
        return ", ".join(map(_readable, default))
    return type(default).__name__ if is_dataclass(default) else str(default)
