"""The workflow, run for real; needs the command ``snakemake`` (pip install snakemake)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.simulation.processes import get_process
from darkclr.simulation.sample import SampleConfig, generate

WORKFLOW = Path(__file__).parents[2] / "workflow"
OPTIONS = {"process": "aachen", "n_jets": 25, "shard_jets": 10, "seed": 1, "mpi": False}
# Notes each call, with its process, and becomes the command.
COMMAND = """#!/bin/sh
echo "$$ $*" >> calls
exec {python} -c 'import sys; from darkclr.cli.main import main; sys.exit(main())' "$@"
"""

needs_snakemake = pytest.mark.skipif(
    shutil.which("snakemake") is None, reason="snakemake is not installed"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a configuration and a command ``darkclr`` that notes its calls."""
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"folder": "x", "samples": {"a": OPTIONS}})
    )
    command = tmp_path / "bin" / "darkclr"
    command.parent.mkdir()
    command.write_text(COMMAND.format(python=sys.executable))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return tmp_path


def calls(folder: Path) -> list[tuple[int, str]]:
    """Process and shard ("merge" without one) of every call so far."""
    path = folder / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(line.split()[0]), (line + "--shard=merge").split("--shard=")[1]) for line in lines]


def snakemake(folder: Path, *options: str) -> subprocess.Popen:
    command = ["snakemake", "--snakefile", str(WORKFLOW / "Snakefile"), "--cores", "2"]
    command += ["--configfile", "config.yaml", "--keep-going", "--rerun-incomplete", *options]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kill_in_the_middle(folder: Path, shard: str) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for process, name in calls(folder):
            if name == shard:
                time.sleep(1)
                os.kill(process, signal.SIGKILL)
                return
        time.sleep(0.05)
    pytest.fail("the shard was never started")


@needs_snakemake
@pytest.mark.slow
@pytest.mark.parametrize("retries", [0, 1])
def test_a_killed_job_alone_is_done_again(folder, retries):
    running = snakemake(folder, f"--retries={retries}")
    kill_in_the_middle(folder, "1")
    _, told = running.communicate(timeout=300)
    if retries == 0:
        assert running.returncode != 0
        assert sorted(name for _, name in calls(folder)) == ["0", "1", "2"]
        (folder / "calls").unlink()
        again = snakemake(folder)
        _, told = again.communicate(timeout=300)
        assert again.returncode == 0, told.decode()
        assert [name for _, name in calls(folder)] == ["1", "merge"]
    else:
        assert running.returncode == 0, told.decode()
        assert sorted(name for _, name in calls(folder)) == ["0", "1", "1", "2", "merge"]
    plain = generate(SampleConfig(**OPTIONS), folder / "plain.parquet", workers=1)
    assert (folder / "x" / "a.parquet").read_bytes() == plain.read_bytes()
    assert not (folder / "x" / "a.parquet.shards").exists()


def test_every_sample_of_the_configurations_is_accepted():
    for name in ("config.yaml", "reana-config.yaml"):
        config = yaml.safe_load((WORKFLOW / name).read_text())
        for sample in config["samples"].values():
            SampleConfig(**sample)
        for grid in config.get("grids", {}).values():
            process = get_process(grid["process"])
            assert set(grid["parameters"]) <= set(process.chosen)
            first = {axis: values[0] for axis, values in grid["parameters"].items()}
            SampleConfig(**{**grid, "parameters": first})


@needs_snakemake
@pytest.mark.parametrize("profile", ["local", "slurm", "htcondor"])
def test_every_profile_is_accepted(profile, tmp_path):
    path = WORKFLOW / "profiles" / profile
    executor = yaml.safe_load((path / "config.yaml").read_text()).get("executor")
    known = subprocess.run(["snakemake", "--help"], capture_output=True, text=True).stdout
    if executor is not None and f"--{executor}-" not in known:
        pytest.skip(f"snakemake-executor-plugin-{executor} is not installed")
    command = ["snakemake", "--profile", str(path), "--dry-run", "--directory", str(tmp_path)]
    done = subprocess.run(command, cwd=WORKFLOW.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "svj_t_m_phi_1000_r_inv_0.1" in done.stdout + done.stderr
