"""Help: short, in whole sentences, at once, and from the one declaration of each option."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys

import pytest

from darkclr.cli.commands import COMMANDS
from darkclr.cli.parsing.parser import build_parser
from darkclr.contrastive.config import TrainingConfig
from darkclr.parameters import parameters_of

command_name = pytest.mark.parametrize("name", COMMANDS)


@command_name
@pytest.mark.parametrize("option", ["--help", "-h", "--help-all"])
def test_help_teaches_and_ends_well(command, name, option):
    code, out, errors = command(name, option)
    assert (code, errors) == (0, [])
    assert f"Example: darkclr {name}" in out
    assert out.startswith(f"usage: darkclr {name} ")
    assert ("[NAME ...]" in out) is (name == "reproduce")  # which alone needs none


@command_name
def test_short_help_has_what_one_needs_and_says_where_the_rest_is(command, name):
    short, everything = (command(name, option)[1] for option in ("--help", "--help-all"))
    options = {
        out: set(re.findall(r"^  (?:-h, )?(--[\w.-]+)", out, re.M)) for out in (short, everything)
    }
    assert options[short] <= options[everything]
    assert {f"--{option}" for option in COMMANDS[name].options} <= options[short]
    assert len(options[short]) <= 20
    assert f"`darkclr {name} --help-all` shows all options." in short


@command_name
def test_long_help_is_the_signature(name):
    """Every parameter of the function, and every field of its classes of options."""
    parser = build_parser(COMMANDS[name])
    options = {action.dest for action in parser._actions}
    for parameter in inspect.signature(COMMANDS[name].function).parameters.values():
        if hasattr(parameter.default, "__dataclass_fields__"):
            fields = parameters_of(type(parameter.default))
            assert {f"{parameter.name}.{field.name}" for field in fields} <= options


def test_an_option_is_explained_by_its_declaration(command):
    out = " ".join(command("train", "--help-all")[1].split())
    for parameter in parameters_of(TrainingConfig):
        assert f"--training.{parameter.name} " in out
        assert parameter.summary in out


@command_name
def test_options_are_explained_in_sentences(name):
    """A capital letter at the beginning, a full stop at the end, and no type in between."""
    parser = build_parser(COMMANDS[name])
    for action in parser._actions:
        if action.help in (None, "==SUPPRESS=="):
            continue
        text = " ".join(action.help.split())
        assert text[0].isupper() or not text[0].isalpha() or text.startswith(("pT", "d_", "z ")), (
            text
        )
        assert text.endswith((".", "?")), text
        assert "<class" not in text, text


def test_classes_of_augmentations_are_listed_once(command):
    out = command("train", "--help-all")[1]
    assert len(re.findall(r"\bNonUniformDecay\b", out)) == 1
    out = command("train", "--augmentations.anomalous.help", "ConstituentDrop")[1]
    assert "probability" in out


def test_all_commands_are_listed_with_what_they_do(command):
    for option in ("--help", "-h"):
        code, out, errors = command(option)
        assert (code, errors) == (0, [])
        for name, entry in COMMANDS.items():
            first = (entry.function.__doc__ or "").strip().splitlines()[0]
            assert f"{name} {first}" in " ".join(out.split())
    assert re.fullmatch(r"darkclr \d+\.\d+\.\d+\n", command("--version")[1])


def test_help_imports_nothing_that_takes_time():
    """Not by the clock, which depends on the machine: by what it would wait for."""
    script = """
import json, sys
from darkclr.cli.main import main
for name in sys.argv[1:]:
    assert main([name, "--help"]) == 0
assert main(["--help"]) == 0
print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""
    result = subprocess.run(
        [sys.executable, "-c", script, *COMMANDS], capture_output=True, text=True, check=True
    )
    heavy = {
        *("torch", "lightning", "pyarrow", "sklearn", "scipy", "pandas", "rich", "matplotlib"),
        *("h5py", "uproot", "awkward", "pooch", "fsspec", "fastjet", "pythia8mc", "zuko", "skops"),
    }
    assert heavy.isdisjoint(json.loads(result.stdout.splitlines()[-1]))
