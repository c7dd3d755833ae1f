"""What strangers send ends in one line, whatever command reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from hostile import DOCUMENTS, PLACES, parquet_bomb, put
from toy import toy_jets

from darkclr.io import write_jets
from darkclr.io.parquet import METADATA_KEY

BOMBS = ("bomb", "bomb_mapping", "chain", "itself", "deep_list", "deep_mapping")


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_configurations_that_are_none_are_one_line(refused, tmp_path, samples, kind):
    path = put(tmp_path / "a.yaml", DOCUMENTS[kind])
    start = time.process_time()
    line = refused("train", samples / "qcd.parquet", tmp_path / "m", "--config", path)
    assert str(path) in line
    assert len(line) < 1000
    assert time.process_time() - start < 5
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("kind", BOMBS)
def test_values_of_options_are_bounded_like_files(refused, tmp_path, samples, kind):
    text = DOCUMENTS[kind].decode()
    jets, model = samples / "qcd.parquet", tmp_path / "m"
    start = time.process_time()
    refused("fit", jets, model, "--scores", text[:100_000])
    put(tmp_path / "a.yaml", DOCUMENTS[kind])
    refused("train", jets, model, "--encoder", tmp_path / "a.yaml")
    assert time.process_time() - start < 10


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_no_command_waits_for_a_pipe(refused, tmp_path, samples, model):
    pipe = put(tmp_path / "pipe", PLACES["fifo"])
    jets, output = samples / "qcd.parquet", tmp_path / "o.parquet"
    refused("train", jets, tmp_path / "m", "--config", pipe)
    refused("train", jets, tmp_path / "m", "--encoder", pipe)
    refused("info", pipe)
    refused("generate", output, "--process", "events", "--events", pipe)
    broken = shutil.copytree(model, tmp_path / "model")
    put(broken / "encoder" / "model.safetensors", PLACES["fifo"])
    refused("encode", jets, broken, output)
    put(broken / "scores" / "norm" / "model.safetensors", PLACES["fifo"])
    shutil.copy(model / "encoder" / "model.safetensors", broken / "encoder" / "model.safetensors.x")
    refused("score", model / "qcd.parquet", broken, output)


def test_a_bomb_of_constituents_is_one_line(refused, tmp_path, model):
    bomb = parquet_bomb(tmp_path / "bomb.parquet")
    for arguments in (
        ("info", bomb),
        ("convert", bomb, tmp_path / "o.parquet"),
        ("encode", bomb, model, tmp_path / "o.parquet"),
    ):
        assert "10000000 values in 1 rows" in refused(*arguments)


@pytest.mark.parametrize("content", ['"text"', "[1, 2]", "7", "null", '{"parts": 3, "cuts": "x"}'])
def test_metadata_of_another_form_are_nobodys(command, tmp_path, model, content):
    keys = ("provenance", "samples", "titles", "families", "encoder", "beam_energy")
    entries = ", ".join(f'"{key}": {content}' for key in keys)
    metadata = {METADATA_KEY: f"{{{entries}}}".encode()}
    for source in (model / "qcd.parquet", write(tmp_path / "jets.parquet")):
        table = pq.read_table(source)
        path = tmp_path / "a.parquet"
        pq.write_table(table.replace_schema_metadata(metadata), path)
        code, _, errors = command("score", path, model, tmp_path / "o.parquet")
        assert code in (0, 2), errors
        assert not any("should not happen" in line for line in errors)


def write(path):
    write_jets(toy_jets(10), path)
    return path


def test_a_copied_score_is_named(refused, samples, tmp_path, model):
    copied = shutil.copytree(model, tmp_path / "model")
    shutil.copytree(copied / "scores" / "norm", copied / "scores" / "norm_copy")
    line = refused("score", samples / "qcd.parquet", copied, tmp_path / "o.parquet")
    assert "scores/norm_copy: holds another fit of the score 'norm'; remove it" in line


@pytest.mark.parametrize("members", [[1], "x", {"norm": 3}, {"../norm": "x"}])
def test_members_of_another_form_are_refused(refused, samples, tmp_path, model, members):
    changed = shutil.copytree(model, tmp_path / "model")
    path = changed / "scores" / "norm" / "config.yaml"
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(document | {"background": {"members": members}}))
    refused("score", samples / "qcd.parquet", changed, tmp_path / "o.parquet")


def test_invalid_jets_are_counted_on_request(command, refused, tmp_path):
    jets = toy_jets(20)
    pt = jets.pt.copy()
    pt[7] = float("nan")
    write_jets(replace(jets, pt=pt), tmp_path / "a.parquet")
    assert "row 7" in refused("convert", tmp_path / "a.parquet", tmp_path / "b.parquet")
    code, _, _ = command(
        "convert", tmp_path / "a.parquet", tmp_path / "b.parquet", "--skip-invalid"
    )
    assert code == 0
    assert pq.read_metadata(tmp_path / "b.parquet").num_rows == 19


@pytest.mark.skipif(sys.platform != "linux", reason="of locales of Linux")
def test_a_terminal_of_ascii_gets_ascii(tmp_path):
    jets = replace(toy_jets(10), provenance={"title": "größe ε \x1b[31m"})
    path = tmp_path / "a.parquet"
    write_jets(jets, path)
    locale = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    result = subprocess.run(
        [sys.executable, "-m", "darkclr.cli.main", "info", path],
        env=os.environ | locale,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()
    assert b"title: gr\\xf6\\xdfe \\u03b5 \\x1b[31m" in result.stdout


def test_a_score_that_is_no_number_names_the_first_jet(
    refused, samples, tmp_path, model, monkeypatch
):
    def score(self, inputs):
        rows = inputs.representations
        return np.where((rows.event == 5) & (rows.rank == 1), np.nan, 1.0)

    monkeypatch.setattr("darkclr.anomaly.fitted.FittedScore.score", score)
    output = tmp_path / "o.parquet"
    line = refused("score", samples / "qcd.parquet", model, output, "--part", "all")
    assert "is NaN or infinite for 1 of 200 jets, the first of them jet 1 of event 5" in line
    assert not output.exists()
