"""What is said of values that an option does not take: the values that it takes."""

from __future__ import annotations

import re
import shlex

import pytest

from darkclr.cli.commands import COMMANDS
from darkclr.cli.parsing.arguments import readable_arguments
from darkclr.cli.parsing.parser import build_parser, hint_of, values_of
from darkclr.complaints import values_in_words
from darkclr.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("generate a --early_veto sometimes", "early_veto = sometimes; it must be true, false or"),
        ("generate a --label 3", "label = 3; it must be 0, 1 or null"),
        ("convert a b --to xml", "to = xml; it must be parquet, root, rntuple, top_tagging or nul"),
        ("convert a b --options.label x", "options.label = x; it must be -1, 0, 1 or null"),
        ("train a m --training.epochs 1.5", "training.epochs = 1.5; it must be a whole number"),
        ("train a m --training.betas 3", "training.betas = 3; it must be a list of 2 numbers su"),
        (
            "score a m o --working_points x",
            "working_points = x; it must be a list of numbers such as [0",
        ),
        ("probe a b o --probe.classifiers x", "it must be a list of linear, multilayer"),
        ("run --samples x", "samples = x; it must be names with values, as {NAME: VALUE}"),
        (
            "run --samples '{qcd: nothere.root}'",
            "samples: a name has no options; give them as {NAME: {files: my_jets.root}}",
        ),
        ("run --samples '{qcd: data/*.root}'", "samples: a name has no options; give them as {NA"),
        ("ensemble --samples '{qcd: [a.root]}'", "samples: a name has no options; give them as {"),
        ("run --samples.qcd.early_veto often", "early_veto = often; it must be true, false or pr"),
        ("train a m --training none.yaml", "training: Unable to load config 'none.yaml'; see"),
        (
            "train a m --augmentations.anomalous '[{class_path: darkclr.augmentations.Drop}]'",
            "module 'darkclr.augmentations' has no attribute 'Drop'; see `darkclr train --help`",
        ),
        ("score a m", "score: too few arguments; usage: darkclr score JETS ... MODEL OUTPUT ["),
        ("--hepl", "there is no command '--hepl'; did you mean --help?"),
        ("generate", "the following arguments are required: output; see `darkclr generate --help`"),
    ],
)
def test_values_are_told_in_words(refused, typed, said):
    assert said in refused(*shlex.split(typed))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("run --samples '{{qcd: {}}}'", "samples: a name has no options; give them as {NAME: {fi"),
        ("run --training {}", "training: names a file that is no text; give options as {NAME: "),
        ("convert a b --options {}", "options: names a file that is no text; give options as {"),
    ],
)
def test_a_file_of_jets_in_the_place_of_options_is_told(refused, tmp_path, typed, said):
    (tmp_path / "a.root").write_bytes(b"root\0\0\xf3\x28\xb0")
    assert said in refused(*shlex.split(typed.format(tmp_path / "a.root")))


def test_no_option_speaks_of_types_of_python():
    """Of all commands; one option of each type is asked."""
    asked = set()
    for name, command in COMMANDS.items():
        parser = build_parser(command)
        positional = ["a" for action in parser._actions if not action.option_strings]
        for action in parser._actions:
            words = values_in_words(hint_of(action)) if hint_of(action) else ""
            if not action.option_strings or not words or words in asked:
                continue
            if {"text", "a path"}.intersection(words.split(" or ")):
                continue  # which anything is
            asked.add(words)
            typed = [*positional, f"{action.option_strings[0]}=often"]
            with pytest.raises(ConfigError, match="often") as refused:
                values_of(parser, command.function, readable_arguments(command, parser, typed))
            said = str(refused.value)
            assert said.startswith(action.dest), name
            assert not re.search("<class|typing|Subtypes|collections", said), name
    assert len(asked) > 20
