"""Studies by Snakemake, with a job killed in the middle; needs the command ``snakemake``."""

from __future__ import annotations

import json
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
pytest.importorskip("lightning")

WORKFLOW = Path(__file__).parents[2] / "workflow"
# Notes each call, with its process, and becomes the command.
COMMAND = """#!/bin/sh
echo "$$ $*" >> calls
exec {python} -c 'import sys; from darkclr.cli.main import main; sys.exit(main())' "$@"
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("snakemake") is None, reason="snakemake is not installed"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a command ``darkclr`` that notes its calls."""
    config = {"studies": ["fig3"], "scale": "smoke", "output": "x"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    command = tmp_path / "bin" / "darkclr"
    command.parent.mkdir()
    command.write_text(COMMAND.format(python=sys.executable))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return tmp_path


def calls(folder: Path) -> list[tuple[int, str]]:
    """Process and part (empty without one) of every call so far."""
    path = folder / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(line.split()[0]), line.partition("--part ")[2]) for line in lines]


def test_a_killed_encoder_alone_is_done_again(folder):
    command = ["snakemake", "--snakefile", str(WORKFLOW / "studies.smk"), "--cores", "2"]
    command += ["--configfile", "config.yaml", "--keep-going", "--retries", "1"]
    running = subprocess.Popen(command, cwd=folder, stdout=-3, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 600
    model = folder / "x" / "trainings" / "robustness" / "encoder-2" / "encoder"
    while not model.exists() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.1)
    (second,) = (process for process, part in calls(folder) if part == "robustness/2")
    os.kill(second, signal.SIGKILL)
    _, told = running.communicate(timeout=600)
    assert running.returncode == 0, told.decode()
    done = [part for _, part in calls(folder)]
    assert done == ["robustness/1", "robustness/2", "robustness/2", ""]
    table = json.loads((folder / "x" / "trainings" / "robustness" / "table.json").read_text())
    assert table["encoders"] == 2
    assert (folder / "x" / "fig3" / "result.json").exists()
