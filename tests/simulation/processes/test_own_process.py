"""A process in a file outside the package: the example of docs/extending.md, as it is written."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.cli.main import main
from darkclr.errors import ConfigError, InputError
from darkclr.io import read_jets
from darkclr.simulation.processes import get_process
from darkclr.simulation.sample import SampleConfig, generate, plan

PAGE = Path(__file__).parents[3] / "docs" / "extending.md"


def quick() -> SampleConfig:
    return SampleConfig(process="my_processes.W_PRIME", n_jets=30, shard_jets=15, mpi=False)


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """The folder of a user, with the file of the page."""
    (text,) = re.findall(r"```python\n(# my_processes.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert text.count("\n") <= 30
    (tmp_path / "my_processes.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("my_processes", None)


def test_the_command_of_the_page_works(capsys):
    (command,) = re.findall(r"darkclr (generate .*my_processes.*)\n", PAGE.read_text())
    assert main([*command.split(), "--dry_run", "true"]) == 0
    out = capsys.readouterr().out
    assert "1000 jets of W' (pp to W' to WZ to quarks)" in out
    assert "34:m0 = 600.0\n" in out


def test_it_is_named_in_a_run_as_any_other(user, capsys):
    (user / "run.yaml").write_text(
        "samples:\n  qcd: {n_jets: 2000}\n"
        "  w: {process: my_processes.W_PRIME, n_jets: 500, parameters: {mass: 600}}\n"
        "scores: {norm: {}}\n"
    )
    assert main(["run", "--config", "run.yaml", "--output", "runs/w", "--dry_run", "true"]) == 0
    assert "2000 qcd, 500 w jets" in capsys.readouterr().out


def test_its_jets_have_the_masses_of_w_and_z(user):
    """In workers, too, which are new processes. Half of the jets hold a whole W or Z."""
    jets = read_jets(generate(quick(), user / "w.parquet", workers=2))
    assert len(jets) == quick().n_jets
    assert (jets.label == 1).all()
    assert 60 < np.median(jets.mass) < 110
    provenance = jets.provenance
    assert (provenance["process"], provenance["title"]) == ("w_prime", "W'")
    assert provenance["parameters"] == {"mass": 800.0}
    assert "34:m0 = 800.0" in provenance["pythia_settings"]


def test_another_definition_under_the_same_name_is_refused(user):
    sample = generate(quick(), user / "w.parquet", workers=1)
    before = plan(quick()).fingerprint
    file = user / "my_processes.py"
    file.write_text(file.read_text().replace("coup2WZ = 1", "coup2WZ = 0.5"))
    sys.modules.pop("my_processes")
    assert plan(quick()).fingerprint != before
    with pytest.raises(InputError, match="another sample"):
        generate(quick(), sample, workers=1)


def test_the_help_lists_the_samples_of_other_packages(user, capsys):
    info = user / "my_processes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-processes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[darkclr.processes]\nw_prime = my_processes:W_PRIME\n")
    assert main(["generate", "--help"]) == 0
    assert "w_prime     my_processes:W_PRIME" in capsys.readouterr().out
    assert "my_processes" not in sys.modules
    assert get_process("w_prime", {"mass": 500}).title == "W'"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("my_processes.Z_PRIME", "process: my_processes.Z_PRIME cannot be imported"),
        ("my_processes.QUARKS", "is of type Match; name a Process"),
        ("my_processes.TAKEN", "calls itself 'qcd'"),
    ],
)
def test_what_is_no_process_is_told(user, name, told):
    with (user / "my_processes.py").open("a") as file:
        file.write('TAKEN = Process("qcd", "QCD", "another one", 0)\n')
    with pytest.raises(ConfigError, match=told):
        get_process(name)


def test_its_parameters_have_their_ranges():
    with pytest.raises(ConfigError, match=r"mass = -1.0; it must be positive and finite"):
        get_process("my_processes.W_PRIME", {"mass": -1})
    with pytest.raises(ConfigError, match="no parameter width; it has mass"):
        get_process("my_processes.W_PRIME", {"width": 1})
