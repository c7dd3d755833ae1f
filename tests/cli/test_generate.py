"""`darkclr generate`: choosing a sample and its parameters."""

from __future__ import annotations

import re

import pytest
import yaml

pytest.importorskip("pythia8mc")

from darkclr.cli.main import main
from darkclr.simulation.processes import PROCESSES


def help_text(capsys) -> str:
    assert main(["generate", "--help"]) == 0
    return capsys.readouterr().out


def test_the_help_lists_every_sample_and_parameter(capsys):
    out = help_text(capsys)
    for process in PROCESSES.values():
        assert f"{process.name:<12}" in out
        assert process.summary in out
        assert all(f"--parameters.{p.name} " in out for p in process.parameters)


def test_the_example_of_an_own_model_in_the_help_works(capsys):
    (example,) = re.findall(r"own: darkclr (generate mine.+?)\n\n", help_text(capsys), re.DOTALL)
    assert main([*example.split(), "--dry_run", "true"]) == 0
    out = capsys.readouterr().out
    assert "1000 jets" in out
    assert "4900023:m0 = 3000" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--parameters.m_phi", "1500", "--parameters.r_inv", "2e-1"],
        ["--parameters", "{m_phi: 1500, r_inv: 0.2}"],
        ["--config", "svj.yaml"],
    ],
)
def test_parameters_reach_pythia(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"process": "svj_t", "parameters": {"m_phi": 1500, "r_inv": 0.2}}
    (tmp_path / "svj.yaml").write_text(yaml.safe_dump(config))
    assert main(["generate", "x", "--process", "svj_t", *arguments, "--dry_run", "true"]) == 0
    out = capsys.readouterr().out
    assert "4900006:m0 = 1500\n" in out
    assert "4900113:addChannel = 1 0.2 0 51 -51\n" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--process", "higgs"], "no sample 'higgs'; choose of qcd, aachen"),
        (["--process", "svj_t", "--parameters.m_ph", "1"], "did you mean m_phi?"),
        (["--process", "svj_t", "--parameters.m_phi", "heavy"], "m_phi = heavy is no number"),
        (
            ["--process", "dark_shower", "--parameters.width", "-2"],
            "width = -2.0; it must be",
        ),
        (["--process", "aachen", "--parameters.m_pi", "3"], "no parameter m_pi; it has none"),
        (["--settings", '["HardQCD:most = on"]', "--workers", "1"], "HardQCD:most = on"),
        (["--settings", '["PhaseSpace:pTHatMin = -1"]', "--workers", "1"], "value is out of range"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, told, capfd, tmp_path):
    assert main(["generate", str(tmp_path / "x.parquet"), *arguments]) == 2
    out, err = capfd.readouterr()
    assert "PYTHIA" not in out
    (line,) = [line for line in err.splitlines() if line.startswith("darkclr: ")]
    assert told in line
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("x.h5", [], "x.h5: jets are written as Parquet, not .h5; name the file .parquet"),
        ("x.parquet", ["--workers", "0"], "0 workers; choose at least 1"),
        ("x.parquet", ["--seed", "-1"], "sample: seed = -1; it must be at least 0"),
        ("x.parquet", ["--bias", ".nan"], "sample: bias = nan; it must be at least 0"),
    ],
)
@pytest.mark.parametrize("dry", ["true", "false"])
def test_what_cannot_be_is_told_by_a_dry_run_too(name, arguments, told, dry, capsys, tmp_path):
    assert main(["generate", str(tmp_path / name), *arguments, "--dry_run", dry]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
