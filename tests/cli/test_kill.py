"""kill -9 at random moments: the same command goes on to the bytes of an undisturbed run.

``DARKCLR_KILLS=5`` kills each step five times instead of once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from toy import toy_jets

from darkclr.io import write_jets

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
pytest.importorskip("lightning")
pytest.importorskip("matplotlib")

KILLS = int(os.environ.get("DARKCLR_KILLS", "1"))

# Arguments of each step, and the files that must not depend on a kill.
STATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "generate": (
        (
            *("generate", "qcd.parquet", "--process=qcd", "--n_jets=60", "--shard_jets=10"),
            *("--mpi=false", "--workers=2"),
        ),
        ("qcd.parquet",),
    ),
    "train": (
        ("train", "toy.parquet", "model", "--config=train.yaml"),
        ("model/encoder/model.safetensors", "model/encoder/history.csv"),
    ),
    "encode": (
        ("encode", "toy.parquet", "trained", "z.parquet", "--dropped=true", "--seed=3"),
        ("z.parquet",),
    ),
    "fit": (
        (
            *("fit", "encoded.parquet", "trained", "--scores"),
            "{norm: {}, nae: {pretraining_epochs: 12, epochs: 6, burn_in: 1}}",
        ),
        ("trained/scores/norm/model.safetensors", "trained/scores/nae/model.safetensors"),
    ),
    "score": (("score", "toy.parquet", "fitted", "scores.parquet"), ("scores.parquet",)),
    "run": (
        ("run", "--config=run.yaml", "--output=run", "--workers=2"),
        (
            *("run/samples/qcd.parquet", "run/samples/aachen.parquet"),
            *("run/encoder/model.safetensors", "run/representations/qcd.parquet"),
            *("run/scores.parquet", "run/metrics.json"),
        ),
    ),
}
TRAIN = """\
encoder: {embedding_dim: 16, feedforward_dim: 32, output_dim: 8, n_heads: 2, n_layers: 1}
training: {epochs: 12, batch_size: 32, learning_rate: 1.0e-3, device: cpu}
"""
# The libraries are loaded once: each command is a fork of this process, in a session of its own.
SERVER = """
import json, os, sys, traceback
import fastjet, lightning.pytorch, matplotlib.pyplot, pyarrow.parquet, sklearn.metrics, torch
from darkclr.cli.main import main
torch.set_num_threads(1)
for line in sys.stdin:
    folder, log, arguments = json.loads(line)
    pid = os.fork()
    if not pid:
        os.setsid()
        os.chdir(folder)
        for fd, target in ((0, os.devnull), (1, log), (2, log)):
            os.dup2(os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND), fd)
        code = 1
        try:
            code = main(arguments)
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Commands:
    """Runs commands one after the other."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def start(self, step: str, folder: Path) -> int:
        """Start a step; returns its process."""
        log = folder.with_name(f"{folder.name}.log")
        print(
            json.dumps([str(folder), str(log), STATIONS[step][0]]),
            file=self._server.stdin,
            flush=True,
        )
        return self._answer()

    def finish(self, step: str, folder: Path) -> float:
        """Run a step to its end; returns how many seconds it takes."""
        self.start(step, folder)
        began = time.monotonic()
        assert self._answer() == 0, folder.with_name(f"{folder.name}.log").read_text()
        return time.monotonic() - began

    def kill(self, step: str, folder: Path, after: float) -> None:
        """kill -9 a step in its work, but not its workers: they have to notice."""
        process = self.start(step, folder)
        time.sleep(after)
        with suppress(ProcessLookupError):  # it was faster this time
            os.kill(process, signal.SIGKILL)
        assert self._answer() in (0, -signal.SIGKILL)
        deadline = time.monotonic() + 120
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(process, 0)
                time.sleep(0.05)
            os.killpg(process, signal.SIGKILL)
            pytest.fail("workers outlive their parent")

    def close(self) -> None:
        """End the server."""
        self._server.kill()
        self._server.communicate()

    def _answer(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())


def results(step: str, folder: Path) -> dict[str, bytes]:
    """The results of a step that are there."""
    paths = {name: folder / name for name in STATIONS[step][1]}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def tree(folder: Path) -> list[str]:
    """Names of all files and folders, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def commands():
    server = Commands()
    yield server
    server.close()


@pytest.fixture(scope="module")
def inputs(commands, config_file, tmp_path_factory) -> Path:
    """Jets, a trained encoder, its representations and fitted scores; nobody writes here."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "train.yaml").write_text(TRAIN)
    shutil.copy(config_file, folder / "run.yaml")
    write_jets(toy_jets(800, seed=1, mean=20, label=0), folder / "toy.parquet")
    commands.finish("train", folder)
    shutil.copytree(folder / "model", folder / "fitted")
    (folder / "model").rename(folder / "trained")
    commands.finish("encode", folder)
    (folder / "z.parquet").rename(folder / "encoded.parquet")
    commands.finish("fit", folder)
    (folder / "trained" / "scores").rename(folder / "fitted" / "scores")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs kill -9 and process groups")
@pytest.mark.parametrize("step", STATIONS)
def test_a_killed_station_goes_on_to_the_same_bytes(step, commands, inputs, tmp_path):
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(inputs, undisturbed)
    duration = commands.finish(step, undisturbed)
    expected = results(step, undisturbed)
    assert list(expected) == list(STATIONS[step][1])
    rng = np.random.default_rng([KILLS, list(STATIONS).index(step)])
    for attempt in range(KILLS):
        folder = tmp_path / f"killed-{attempt}"
        shutil.copytree(inputs, folder)
        commands.kill(step, folder, after=rng.uniform(0, 1) * duration)
        # What is there is complete; only the history grows with the epochs.
        for name, content in results(step, folder).items():
            assert content == expected[name] or name.endswith("history.csv")
        commands.finish(step, folder)
        assert results(step, folder) == expected
        assert tree(folder) == tree(undisturbed)
        shutil.rmtree(folder)
