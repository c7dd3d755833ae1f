from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from toy import toy_jets

from darkclr.cli.main import main
from darkclr.io import write_jets

# One file for a whole run: every step reads its own part.
CONFIG = {
    "output": "never-written",  # the directory of the run, not a step's output file
    "samples": {
        "qcd": {"process": "qcd", "n_jets": 60, "shard_jets": 30, "mpi": False},
        "aachen": {"process": "aachen", "n_jets": 30, "shard_jets": 30, "mpi": False},
    },
    "split": {"train": 0.5, "validation": 0.2, "test": 0.3},
    "encoder": {
        "embedding_dim": 8,
        "feedforward_dim": 12,
        "output_dim": 6,
        "n_heads": 2,
        "n_layers": 1,
        "dropout": 0.0,
    },
    "training": {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "device": "cpu"},
    "scores": {"norm": {}, "discriminant": {}, "jet_pt": {}},
    "evaluation": {"signal_efficiencies": [0.3, 0.5], "n_bootstrap": 20},
}


@pytest.fixture
def command(capsys):
    """``command(*arguments)`` -> exit code, stdout, lines of stderr."""

    def run(*arguments) -> tuple[int, str, list[str]]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


@pytest.fixture
def refused(command):
    """``refused(*arguments)``: the command ends with code 2 and one line, which is returned."""

    def run(*arguments) -> str:
        code, _, errors = command(*arguments)
        assert code == 2, errors
        assert len(errors) == 1, errors
        assert errors[0].startswith("darkclr: ")
        return errors[0]

    return run


@pytest.fixture(scope="session")
def config_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return path


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> Path:
    """A folder with 200 toy background jets and 100 signals of half as many constituents."""
    folder = tmp_path_factory.mktemp("samples")
    write_jets(toy_jets(200, seed=1, mean=24, label=0), folder / "qcd.parquet")
    write_jets(toy_jets(100, seed=2, mean=12, label=1), folder / "aachen.parquet")
    return folder


@pytest.fixture(scope="session")
def model(samples, config_file, tmp_path_factory) -> Path:
    """A directory after train, encode and fit."""
    folder = tmp_path_factory.mktemp("model")
    for arguments in (
        ("train", samples / "qcd.parquet", folder, "--config", config_file),
        ("encode", samples / "qcd.parquet", folder, folder / "qcd.parquet", "--dropped", "true"),
        ("fit", folder / "qcd.parquet", folder, f"--config={config_file}"),
    ):
        assert main([str(argument) for argument in arguments]) == 0
    return folder
