"""info, convert and download as commands."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from folders import names
from rich.console import Console
from toy import toy_jets

from darkclr.cli import console
from darkclr.cli.text_plots import shades, spark
from darkclr.io import read_jets, write_jets


@pytest.fixture
def jets_file(tmp_path):
    path = tmp_path / "qcd [old].parquet"
    provenance = {"process": "[/bold] [red]qcd", "settings": ["a = [1]"]}
    write_jets(replace(toy_jets(120, seed=1), provenance=provenance), path)
    return path


def test_info_says_layout_and_why(command, jets_file):
    code, out, errors = command("info", jets_file)
    assert (code, errors) == (0, [])
    assert f"{jets_file}: darkclr in Parquet (darkclr), because" in out
    assert "120 jets of 60 events" in " ".join(out.split())
    assert "labels: 120 background" in out
    assert "fit the sum of their constituents" in out
    assert "duplicates" not in out


def test_info_counts_jets_that_were_there_before(command, jets_file, tmp_path):
    jets = read_jets(jets_file)
    write_jets(type(jets).concatenate([jets, jets[:3]]), tmp_path / "twice.parquet")
    _, out, _ = command("info", tmp_path / "twice.parquet")
    assert "duplicates: 3 of 123 jets" in out


def test_mark_up_in_names_and_provenance_is_text(command, jets_file):
    _, out, _ = command("info", jets_file)
    assert "process: [/bold] [red]qcd" in out
    assert "settings: ['a = [1]']" in out


def test_info_reports_wrong_kinematics(command, tmp_path):
    jets = toy_jets(100, seed=1)
    write_jets(replace(jets, pt=jets.pt / 1000), tmp_path / "mev.parquet")
    _, out, _ = command("info", tmp_path / "mev.parquet")
    assert "WRONG? 100 % of 100 jets do not fit" in out
    assert "constituents in MeV" in out


def test_info_as_json(command, jets_file, tmp_path):
    command("info", jets_file, "--output", tmp_path / "info.json")
    assert json.loads((tmp_path / "info.json").read_text())["jets"] == 120


def test_info_without_unicode(jets_file, monkeypatch):
    from darkclr.cli.files import info

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(console, "output", lambda: Console(file=stream, width=100))
    monkeypatch.setattr(console, "errors", lambda: Console(file=io.StringIO()))
    info(str(jets_file.rename(jets_file.with_name("plain.parquet"))))
    stream.flush()
    assert "average jet" in stream.buffer.getvalue().decode("ascii")


def test_pictures_are_in_scale():
    assert spark(np.zeros(5)) == "     "
    assert spark([0, 1e-9, 8]) == " ▁█"
    assert shades(np.zeros((2, 3))) == ["   ", "   "]


def test_convert_to_hdf5_and_back(command, jets_file, tmp_path):
    pytest.importorskip("h5py")
    code, out, _ = command("convert", jets_file, tmp_path / "out.h5", "--batch_size", 50)
    assert code == 0
    assert "not in the file, for want of a place: provenance" in out
    assert "120 jets with" in out
    code, out, _ = command("convert", tmp_path / "out.h5", tmp_path / "back.parquet")
    assert code == 0
    np.testing.assert_allclose(
        read_jets(tmp_path / "back.parquet").constituents.pt,
        read_jets(jets_file).constituents.pt,
        rtol=3e-7,
    )


def test_convert_with_cuts_label_and_no_duplicates(command, jets_file, tmp_path):
    output = tmp_path / "out.parquet"
    write_jets(toy_jets(60, seed=1, label=-1), tmp_path / "again.parquet")
    code, out, _ = command(
        "convert",
        tmp_path,
        output,
        *("--deduplicate", "true", "--options.n_constituents", 5, "--options.pt_min", 100),
    )
    assert code == 0
    assert "duplicates left out" in out
    jets = read_jets(output)
    assert jets.n_constituents.max() == 5
    assert jets.pt.min() >= 100


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "a", "--output", "a"),
        ("encode", "a", "model", "a"),
        ("score", "a", "model", "a"),
        ("evaluate", "[a]", "a"),
        ("probe", "a", "[a]", "a"),
        ("probe", "b", "[a]", "a"),
    ],
    ids=" ".join,
)
def test_no_command_writes_over_what_it_reads(refused, jets_file, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    jets_file.rename("a")
    Path("b").write_bytes(Path("a").read_bytes())
    before = Path("a").read_bytes()
    assert "a: is part of the input" in refused(*arguments)
    assert Path("a").read_bytes() == before
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "a", "--output", "b"),
        ("encode", "a", "model", "b"),
        ("score", "a", "model", "b"),
        ("evaluate", "[a]", "b"),
        ("probe", "a", "[a]", "b"),
        ("convert", "a", "b", "--to", "parquet"),
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("content", [b"", b"notes", b"PAR1"])
def test_no_command_replaces_a_file_of_something_else(
    refused, jets_file, tmp_path, monkeypatch, arguments, content
):
    monkeypatch.chdir(tmp_path)
    jets_file.rename("a")
    for before in (content, Path("a").read_bytes()):
        Path("b").write_bytes(before)
        assert "b: is there already, and " in refused(*arguments)
        assert Path("b").read_bytes() == before


def test_convert_refuses_in_one_line(refused, jets_file, tmp_path):
    assert "no layout to write" in refused("convert", jets_file, tmp_path / "out.npz")
    assert "part of the input" in refused("convert", jets_file, jets_file)
    for option, value in (("--batch_size", 0), ("--seed", -1)):
        line = refused("convert", jets_file, tmp_path / "out.parquet", option, value)
        assert f"{option[2:]}: {value}; give at least" in line
    long = tmp_path / f"{'x' * 300}.parquet"
    assert "cannot be used (File name too long)" in refused("convert", jets_file, long)
    assert "slots" in refused("convert", jets_file, tmp_path / "out.h5", "--slots", 0)
    assert names(tmp_path) == [jets_file.name]


def test_download_lists_and_fetches(command, monkeypatch, tmp_path):
    pytest.importorskip("pooch")
    from darkclr.io import download as remote

    files = [
        remote.RemoteFile(name, 2_000_000, "md5:" + 32 * "0", "http://x.invalid")
        for name in ("a.h5", "b.h5")
    ]
    fetched = []

    def fake(file, folder, *, progress):
        progress(file.size)
        fetched.append((file.name, folder))
        return folder / file.name

    monkeypatch.setattr(remote, "list_files", lambda record, *, base_url: files)
    monkeypatch.setattr(remote, "download", fake)
    code, out, _ = command("download", "darkclr", tmp_path, "--dry_run", "true")
    assert code == 0
    assert "a.h5" in out
    assert fetched == []
    code, out, _ = command("download", "darkclr", tmp_path, "--files", "[b.h5]")
    assert code == 0
    assert fetched == [("b.h5", tmp_path)]
    assert f"{tmp_path / 'b.h5'}, md5:" in out


def test_download_without_network_is_one_line(refused, monkeypatch, tmp_path):
    pytest.importorskip("pooch")
    monkeypatch.setenv("NO_PROXY", "*")
    line = refused("download", "darkclr", tmp_path, "--base_url", "http://nowhere.invalid")
    assert "cannot be reached" in line
    assert "no record 'jets'" in refused("download", "jets", tmp_path)


def test_a_stopped_conversion_leaves_nothing_and_says_so(command, jets_file, tmp_path, monkeypatch):
    """Nothing is kept, so the message must not promise to go on."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    before = names(tmp_path)
    monkeypatch.setattr("darkclr.io.writers.TopTaggingWriter.finish", stop)
    code, _, errors = command("convert", jets_file, tmp_path / "a.h5")
    assert code == 130
    assert errors == [
        "darkclr: stopped, nothing half-written is left; the same command starts anew"
    ]
    assert names(tmp_path) == before
    monkeypatch.undo()
    assert command("convert", jets_file, tmp_path / "a.h5")[0] == 0


def test_info_of_what_darkclr_wrote(command, refused, model, tmp_path):
    for _ in range(2):  # its own JSON is replaced
        code, out, errors = command("info", model, "--output", tmp_path / "model.json")
        assert (code, errors) == (0, [])
    assert "a model, an encoder and the scores" in out
    assert "discriminant" in json.loads((tmp_path / "model.json").read_text())["rows"][0]["score"]
    (tmp_path / "mine.txt").write_text("mine")
    assert "no file of JSON" in refused("info", model, "--output", tmp_path / "mine.txt")
    code, out, _ = command("info", model / "qcd.parquet")
    assert "representations of 200 jets" in out


def test_a_picture_with_an_infinite_share_is_drawn():
    for worst in (np.inf, np.nan):
        top, bottom = shades([[worst, 1.0], [0.0, 0.5]])
        assert (len(top), len(bottom)) == (2, 2)
        assert (bottom[0] == "█") == np.isinf(worst)
