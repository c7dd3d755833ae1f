"""What somebody types: dashes, flags, several files, outputs, and what may have been meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darkclr.cli.commands import COMMANDS
from darkclr.cli.parsing.arguments import readable_arguments
from darkclr.cli.parsing.parser import build_parser, values_of
from darkclr.errors import ConfigError


def values(name: str, *typed: str) -> dict:
    """The arguments of a command's function."""
    command = COMMANDS[name]
    parser = build_parser(command)
    return values_of(parser, command.function, readable_arguments(command, parser, list(typed)))


@pytest.mark.parametrize(
    "typed",
    [
        ("--dry_run", "true"),
        ("--dry_run=true",),
        ("--dry-run",),
        ("--dry-run=true",),
        ("--dry_run",),
        ("--dry_run", "--workers", "2"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("first", [True, False])
def test_a_flag_may_say_true_or_nothing(typed, first):
    arguments = (*typed, "a.parquet") if first else ("a.parquet", *typed)
    found = values("generate", *arguments)
    assert found["dry_run"] is True
    assert found["output"] == Path("a.parquet")
    assert values("generate", "a.parquet", "--dry-run", "false")["dry_run"] is False


def test_dashes_and_underscores_are_alike():
    names = ("--training.batch-size=8", "--training.batch_size=8", "--training.batch-size", "8")
    for typed in (names[:1], names[1:2], names[2:]):
        assert values("train", "a", "m", *typed)["training"].batch_size == 8
    assert values("fit", "a", "m", "--scores={knn: {n_neighbors: 3}}")["scores"] == {
        "knn": {"n_neighbors": 3}
    }


def test_names_that_a_user_gives_keep_their_dashes():
    found = values("ensemble", "--variants.my-own", "a-b.yaml", "--samples.qcd.n-jets", "40000")
    assert found["config"].variants == {"my-own": Path("a-b.yaml")}


def test_a_value_may_begin_with_a_dash():
    assert values("score", "a", "m", "o", "--layout", "-x")["layout"] == "-x"
    with pytest.raises(ConfigError, match="seed = -1"):
        values("generate", "a.parquet", "--seed", "-1")


@pytest.mark.parametrize(
    ("typed", "files"),
    [
        (["a", "m.json"], ["a"]),
        (["a", "b", "c", "m.json"], ["a", "b", "c"]),
        (["a", "b", "-o", "m.json"], ["a", "b"]),
        (["-o", "m.json", "a", "b"], ["a", "b"]),
        (["a", "--output", "m.json", "b"], ["a", "b"]),
        (["--output=m.json", "a"], ["a"]),
        (["[a, b]", "m.json"], ["a", "b"]),
        (["[a]", "m.json"], ["a"]),
        (["a", "--", "-b", "m.json"], ["a", "-b"]),
        (["a file [1].parquet", "it's, b", "m.json"], ["a file [1].parquet", "it's, b"]),
    ],
    ids=" ".join,
)
def test_several_files_are_named_one_after_the_other(typed, files):
    found = values("evaluate", "--evaluation.n_bootstrap", "50", *typed)
    assert found["scores"] == [Path(file) for file in files]
    assert found["output"] == Path("m.json")
    assert found["evaluation"].n_bootstrap == 50


@pytest.mark.parametrize(
    ("name", "typed", "several", "others"),
    [
        ("train", "a b c m", {"jets": ["a", "b", "c"]}, {"model": "m"}),
        ("encode", "a b m o", {"jets": ["a", "b"]}, {"model": "m", "output": "o"}),
        ("encode", "a b m -o o", {"jets": ["a", "b"]}, {"model": "m", "output": "o"}),
        ("score", "a m o", {"jets": ["a"]}, {"model": "m", "output": "o"}),
        ("probe", "a b c o", {"signals": ["b", "c"]}, {"background": "a", "output": "o"}),
        ("info", "a b", {"source": ["a", "b"]}, {}),
        ("info", "a", {"source": ["a"]}, {}),
        ("convert", "a b c o.h5", {"source": ["a", "b", "c"]}, {"output": "o.h5"}),
    ],
)
def test_each_command_knows_which_argument_is_several(name, typed, several, others):
    found = values(name, *typed.split())
    for key, files in several.items():
        assert [str(file) for file in found[key]] == files
    for key, value in others.items():
        assert str(found[key]) == value


def test_an_address_stays_an_address():
    address = "https://example.org/qcd.parquet?download=1"
    assert values("info", address)["source"] == [address]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("train a m --trainign.epochs 3", "--training.epochs"),
        ("train a m --epochs 3", "--training.epochs"),
        ("train a m --training.epoch 3", "--training.epochs"),
        ("generate a --n-jet 3", "--n_jets"),
        ("generate a --dryrun", "--dry_run"),
        ("trian a m", "train"),
        ("evalute a b", "evaluate"),
        ("run --config quik", "quick"),
        ("train a m --config representations/jetcrl", "representations/jetclr"),
        ("reproduce tabel3", "table3"),
        ("reproduce table3 --part robustnes/1", "robustness/1"),
        ("scores --name discriminnat", "discriminant"),
        ("generate a.parquet --process achen --n_jets 3", "aachen"),
        ("generate a.parquet --process dark_shower --n_jets 3 --parameters.r_inw 3", "r_inv"),
    ],
)
def test_what_was_meant_is_asked(refused, typed, meant):
    assert f"did you mean {meant}?" in refused(*typed.split())


@pytest.mark.parametrize("typed", ["info {}", "encode {} m o", "fit {} m", "evaluate {} o"])
def test_a_file_that_is_not_there_is_sought_among_its_neighbours(refused, samples, typed):
    said = refused(*typed.format(samples / "acahen.parquet").split())
    assert f"acahen.parquet: no such file; did you mean {samples / 'aachen.parquet'}?" in said
    for name in ("nothing.like.it", "acahen*.parquet"):
        said = refused(*typed.format(samples / name).split())
        assert "check the path" in said


def test_studies_need_no_name():
    assert values("reproduce")["name"] == []
    found = values("reproduce", "--scale", "laptop", "--output", "here")
    assert (found["name"], found["scale"], str(found["output"])) == ([], "laptop", "here")
    assert values("reproduce", "fig3", "--scale", "paper")["name"] == ["fig3"]


def test_what_nobody_means_is_told(refused, tmp_path):
    assert "no option --banana; see `darkclr train --help-all`" in refused(
        "train", "a", "m", "--banana", "3"
    )
    assert "there is no command 'banana'; choose of generate, train" in refused("banana")
    path = tmp_path / "a.yaml"
    path.write_text(json.dumps({"traning": {"epochs": 1}}))
    assert "unknown key traning; did you mean training?" in refused(
        "train", "a", "m", "--config", path
    )


def test_a_name_with_two_values_is_refused(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("process: qcd\nn_jets: 20\nprocess: aachen\n")
    for typed in (("--config", str(path)), ("--settings={a: 1, a: 2}",)):
        with pytest.raises(ConfigError, match="is there twice; write it out, and once"):
            values("generate", "a.parquet", *typed)
