"""Files of your own as samples of a run: their labels, their search, what is refused."""

from __future__ import annotations

import csv
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from folders import names
from toy import toy_jets

pytest.importorskip("lightning")
pytest.importorskip("matplotlib")

from darkclr.cli.main import main
from darkclr.errors import ConfigError, InputError
from darkclr.io import ReadOptions, read_jets, write_jets
from darkclr.io.parquet import read_table
from darkclr.jets import BACKGROUND, SIGNAL, UNKNOWN
from darkclr.reporter import Silent
from darkclr.simulation.sample import SampleConfig
from darkclr.studies.claim import claim
from darkclr.studies.config import EnsembleConfig, RunConfig
from darkclr.studies.ensemble import ensemble
from darkclr.studies.run import run
from darkclr.studies.sample_config import Sample
from darkclr.studies.samples import take_in

SCORES = {"norm": {}, "discriminant": {}}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two files of unlabelled jets, one of both labels, one of signal."""
    for i in range(2):
        jets = toy_jets(150, seed=i, mean=20, label=UNKNOWN)
        write_jets(jets, tmp_path / "data" / f"{i}.parquet")
    label = np.array([BACKGROUND, SIGNAL, UNKNOWN] * 100, np.int8)
    write_jets(replace(toy_jets(300, seed=5), label=label), tmp_path / "mixed.parquet")
    write_jets(toy_jets(100, seed=6, mean=10, label=SIGNAL), tmp_path / "signal.parquet")
    return tmp_path


@pytest.fixture
def config(tiny, folder) -> RunConfig:
    """A run on unlabelled jets alone."""
    sections = {name: tiny[name] for name in ("split", "encoder", "training", "evaluation")}
    samples = {"data": Sample(files=str(folder / "data"), title="Run 3")}
    return RunConfig(**sections, samples=samples, scores=SCORES, output=folder / "run")


def test_data_alone_gives_its_most_anomalous_jets(config, folder):
    run(config)
    table = read_table(folder / "run" / "scores.parquet")
    assert len(table) == 300
    parts = {"train", "validation", "test"}
    assert {*table["part"].to_pylist()} == parts
    with (folder / "run" / "anomalous_jets.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["ranked_by"] == "discriminant"]
    best = sorted(table["discriminant"].to_pylist(), reverse=True)
    assert [float(row["score"]) for row in rows] == best[: len(rows)]
    for row in rows:  # where the table says it is, there is the jet
        jets = read_jets(row["file"])
        there = (jets.event == int(row["event"])) & (jets.rank == int(row["rank"]))
        assert jets.pt[there].tolist() == [np.float32(row["pt"])]
    assert len({*table["id"].to_pylist()}) == 300  # although both files count from 0
    page = re.sub(r"base64,[^\"]*", "", (folder / "run" / "report.html").read_text())
    for text in (
        "Most anomalous jets",
        "Run 3",
        "there is no signal among the samples",
        "a larger split.validation",
        "at least 100 validation jets",
        "1.parquet",
    ):
        assert text in page, text
    assert "QCD" not in page
    assert "metrics.json" not in page
    # Once more, it is only checked; another content is other jets, whatever the name.
    weights = (folder / "run" / "encoder" / "model.safetensors").stat().st_mtime_ns
    run(config)
    assert (folder / "run" / "encoder" / "model.safetensors").stat().st_mtime_ns == weights
    write_jets(toy_jets(150, seed=9, mean=20, label=UNKNOWN), folder / "data" / "1.parquet")
    with pytest.raises(ConfigError, match=r"files of data are not those .*1\.parquet"):
        run(config)
    (folder / "data" / "1.parquet").unlink()
    with pytest.raises(ConfigError, match="are not those that were read"):
        run(config)


def test_an_ensemble_finds_jets_together(config, folder):
    options = {f.name: getattr(config, f.name) for f in fields(config)}
    ensemble(EnsembleConfig(**options, encoders=2, densities=1))
    with (folder / "run" / "anomalous_jets.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["ranked_by"] == "norm"]
    total = 0
    for member in (1, 2):
        table = read_table(folder / "run" / f"encoder-{member}" / "density-1" / "scores.parquet")
        norm = table["norm"].to_numpy()
        own = norm[np.array(table["part"].to_pylist()) == "validation"]
        total = total + (norm - own.mean()) / own.std() / 2
    best = np.sort(total)[::-1][: len(rows)]
    np.testing.assert_allclose([float(row["score"]) for row in rows], best, rtol=1e-6)
    assert not (folder / "run" / "table.md").exists()


def test_signal_may_be_files_too(config, folder, capsys):
    samples = {
        "qcd": Sample(files=str(folder / "mixed.parquet")),
        "top": Sample(files=[str(folder / "mixed.parquet"), str(folder / "signal.parquet")]),
    }
    run(replace(config, samples=samples))
    written = {name: read_jets(folder / "run" / "samples" / f"{name}.parquet") for name in samples}
    # Jets of the other label are left out, those without any get that of their sample.
    assert np.bincount(written["qcd"].label).tolist() == [200]
    assert np.bincount(written["top"].label).tolist() == [0, 300]
    assert (folder / "run" / "metrics.json").exists()
    assert not (folder / "run" / "search.json").exists()
    page = (folder / "run" / "report.html").read_text()
    assert "Background rejection against signal efficiency, signal top." in page


def test_which_files_are_background(tiny):
    def labels(**samples: Sample | SampleConfig) -> dict[str, int]:
        return RunConfig(samples=samples, training=tiny["training"]).labels

    files = Sample(files="a.root")
    assert labels(data=files) == {"data": BACKGROUND}
    assert labels(data=files, other=files) == {"data": BACKGROUND, "other": SIGNAL}
    simulated = SampleConfig(n_jets=1000)
    assert labels(data=files, qcd=simulated) == {"data": SIGNAL, "qcd": BACKGROUND}
    named = replace(files, label=BACKGROUND)
    assert labels(data=files, qcd=named) == {"data": SIGNAL, "qcd": BACKGROUND}
    with pytest.raises(ConfigError, match="2 background and 0 signal samples"):
        labels(data=named, qcd=simulated)
    with pytest.raises(ConfigError, match="1 background and 0 signal samples"):
        labels(qcd=simulated)
    with pytest.raises(ConfigError, match=r"n_jets, card of jets that are read from files"):
        Sample(files="a.root", n_jets=3, card="cms")
    with pytest.raises(ConfigError, match=r"layout of a simulation; leave it out, or name files"):
        Sample(layout="delphes")
    for nothing in ([], "", ["a.root", ""]):
        with pytest.raises(ConfigError, match="files of no name"):
            Sample(files=nothing)


def test_negative_weights_cannot_stay_in_what_is_fitted_on(tiny):
    """Fits would refuse them after the training; figures of merit of a signal may sum them."""
    signed = Sample(files="b.root", options=ReadOptions(negative_weights="keep"))
    events = SampleConfig(n_jets=1000, events="a.lhe", negative_weights="keep")
    samples = {"data": Sample(files="a.root"), "top": replace(signed, label=SIGNAL)}
    RunConfig(samples=samples, training=tiny["training"])
    for background in (signed, events):
        with pytest.raises(ConfigError, match=r"samples.data: negative weights .*absolute"):
            RunConfig(samples=samples | {"data": background}, training=tiny["training"])


def test_only_jets_of_another_label_are_told(folder):
    signal = Sample(files=str(folder / "signal.parquet"))
    with pytest.raises(InputError, match=r"all jets have the label 1, signal, .* label: 1"):
        take_in("qcd", signal, BACKGROUND, folder / "out.parquet", Silent())
    assert "out.parquet" not in names(folder)


def test_options_are_those_of_the_reading(folder):
    options = ReadOptions(n_constituents=5, select_label=BACKGROUND)
    sample = Sample(files=str(folder / "mixed.parquet"), options=options)
    take_in("qcd", sample, BACKGROUND, folder / "out.parquet", Silent())
    jets = read_jets(folder / "out.parquet")
    assert len(jets) == 100
    assert jets.n_constituents.max() == 5
    assert sample.to_dict()["options"] == {"select_label": 0, "n_constituents": 5}


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"files": "nothing.root"}, "no such file"),
        ({"files": "mine.yaml"}, "neither Parquet nor HDF5 nor ROOT"),
        ({"files": "data/*.root"}, "no file fits this pattern"),
        ({"files": "signal.parquet"}, "all jets have the label 1, signal"),
        ({"files": "data", "options": {"pt_min": 5000}}, "none of 300 jets passes the cuts"),
        ({"process": "qcd", "n_jets": 1000, "events": "signal.parquet"}, "name it under files"),
    ],
    ids=["missing", "text", "pattern", "signal", "cuts", "events"],
)
@pytest.mark.parametrize("command", ["run", "ensemble"])
def test_a_dry_run_looks_at_the_files(folder, capsys, monkeypatch, command, sample, message):
    monkeypatch.chdir("/")
    if "events" in sample:
        sample = sample | {"events": str(folder / sample["events"])}
    content = {
        "samples": {"data": sample, "top": {"files": "signal.parquet", "label": 1}},
        "output": str(folder / "run"),
        "training": {"batch_size": 16},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(content))
    before = names(folder)
    assert main([command, "--config", str(folder / "mine.yaml"), "--dry_run"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert names(folder) == before


def test_files_are_found_beside_their_configuration(folder, capsys, monkeypatch):
    monkeypatch.chdir("/")
    content = {
        "samples": {"data": {"files": "data/*.parquet"}},
        "output": str(folder / "run"),
        "training": {"batch_size": 16},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(content))
    assert main(["run", "--config", str(folder / "mine.yaml"), "--dry_run"]) == 0
    assert "300 jets in 2 files (darkclr in Parquet)" in capsys.readouterr().out
    # On the command line they are where one is.
    monkeypatch.chdir(folder)
    samples = "--samples={data: {files: data}}"
    assert main(["run", samples, "--training.batch_size=16", "--dry_run"]) == 0
    assert main(["run", samples, "--training.batch_size=200", "--dry_run"]) == 2
    assert "about 180 of 300 data jets, at least 200 are needed" in capsys.readouterr().err


def test_what_is_written_down_is_a_configuration(config, folder, capsys):
    claim(config)
    written = folder / "run" / "config.yaml"
    arguments = ["run", "--config", str(written), "--output", str(folder / "run"), "--dry_run"]
    assert main(arguments) == 0
    assert "300 data jets" in capsys.readouterr().out


@pytest.mark.parametrize("named", ["data", "../data/1.parquet"])
def test_jets_without_labels_are_in_no_two_samples(folder, capsys, monkeypatch, named):
    """They would be signal and background; with labels each goes where it belongs."""
    (folder / "in").mkdir()
    monkeypatch.chdir(folder / ("in" if ".." in named else ""))
    background = "../data" if ".." in named else "data"
    command = ["run", "--training.batch_size=16", "--dry_run", "--samples"]
    both = "{{data: {{files: {}}}, signal: {{files: {}, options: {{{}}}}}}}".format
    for options in ("", "label: 1"):
        assert main([*command, both(background, named, options)]) == 2
        told = capsys.readouterr().err
        assert "have no labels and would be in data and in signal" in told
        assert len(told.splitlines()) == 1
    assert main([*command, both(background, named, "pt_min: 1")]) == 0


def test_a_dry_run_says_what_is_left_out(folder, capsys, monkeypatch):
    label = np.array([BACKGROUND, BACKGROUND, SIGNAL] * 100, np.int8)
    write_jets(replace(toy_jets(300, seed=5), label=label), folder / "labelled.parquet")
    monkeypatch.chdir(folder)
    both = "{data: {files: labelled.parquet}, signal: {files: labelled.parquet}}"
    assert main(["run", "--training.batch_size=16", "--dry_run", "--samples", both]) == 0
    told = capsys.readouterr().out
    assert "data      200 jets in 1 files (darkclr in Parquet), 100 of label 1 left out" in told
    assert "signal    100 jets in 1 files (darkclr in Parquet), 200 of label 0 left out" in told
