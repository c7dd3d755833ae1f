"""How a command ends when something outside of it goes wrong: one line, and an exit code."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from toy import toy_jets

from darkclr.cli.commands import COMMANDS
from darkclr.cli.main import main
from darkclr.io import write_jets

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and /dev/full")

COMMAND = (sys.executable, "-m", "darkclr.cli.main")
LONG = """\
encoder: {embedding_dim: 16, feedforward_dim: 32, output_dim: 8, n_heads: 2, n_layers: 1}
training: {epochs: 100000, batch_size: 32, device: cpu}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("endings")
    write_jets(toy_jets(300, seed=1, mean=12), folder / "qcd.parquet")
    (folder / "long.yaml").write_text(LONG)
    return folder


def hear_ctrl_c() -> None:
    """Not ignore it, as jobs in the background of a shell do, among them tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_ends_a_training_as_ctrl_c_does(folder, tmp_path, number):
    pytest.importorskip("lightning")
    process = subprocess.Popen(
        [
            *COMMAND,
            "train",
            folder / "qcd.parquet",
            tmp_path / "m",
            "--config",
            folder / "long.yaml",
        ],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "m" / "encoder" / "checkpoints" / "last.ckpt").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    lines = [line for line in errors.splitlines() if not line.startswith("train: ")]
    assert lines == ["darkclr: stopped; the same command goes on where it was"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_during_the_imports_is_one_line(folder, tmp_path, number):
    """The signal comes while a module of a command is imported."""
    script = f"""
import os, sys
import darkclr.cli.main as main
class Finder:
    def find_spec(self, name, path, target=None):
        if name in ("darkclr.cli.parsing.parser", "torch"):
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Finder())
sys.exit(main.main(["score", "{folder / "qcd.parquet"}", "m", "{tmp_path / "o.parquet"}"]))
"""
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, preexec_fn=hear_ctrl_c)
    assert result.returncode == 130
    told = "stopped, nothing half-written is left; the same command starts anew"
    assert result.stderr.splitlines() == [f"darkclr: {told}"]


@pytest.mark.parametrize("lost", ["{}", "raise ConfigError('a consequence')"])
def test_a_stop_that_is_lost_comes_again(lost):
    """As one that a destructor swallows; and what follows from it is not told as an error."""
    script = f"""
import os, signal, sys, time
import darkclr.cli.main as main
from darkclr.errors import ConfigError
main._REPEATED = 0.2
class Swallows:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
def run(arguments):
    Swallows()
    {lost}
    time.sleep(30)
main._run = run
sys.exit(main.main(["score"]))
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert result.returncode == 130
    assert "stopped, nothing half-written is left" in result.stderr.splitlines()[-1]
    assert "a consequence" not in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [("scores",), ("--help",), ("fit", "--help"), ("info",)])
def test_a_full_disk_behind_the_output_is_one_line(folder, arguments):
    if arguments == ("info",):
        arguments = ("info", folder / "qcd.parquet")
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line == "darkclr: standard output: cannot be written (No space left on device)"


def test_a_reader_that_has_enough_ends_it_quietly(folder):
    with subprocess.Popen(
        [*COMMAND, "scores"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141
    assert errors == b""


def test_what_nobody_expected_is_one_line_and_a_log(command, monkeypatch, tmp_path):
    def broken():
        raise RuntimeError("a wheel\nfell off")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    entry = COMMANDS["scores"]
    monkeypatch.setattr(sys.modules[entry.function.__module__], "_listed", broken)
    code, _, errors = command("scores")
    assert code == 1
    (line,) = errors
    assert "RuntimeError: a wheel" in line
    log = Path(re.search(r"with (\S+)$", line)[1])
    assert log.parent == tmp_path
    text = log.read_text()
    assert "darkclr scores" in text
    assert "in broken" in text
    assert "fell off" in text


@pytest.mark.parametrize(
    "problem",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")],
)
def test_too_little_memory_is_no_mistake_of_ours(command, monkeypatch, problem):
    def broken():
        raise problem

    monkeypatch.setattr(sys.modules[COMMANDS["scores"].function.__module__], "_listed", broken)
    code, _, errors = command("scores")
    assert code == 2
    assert errors == [
        "darkclr: there is not enough memory; take fewer jets at a time or a smaller batch"
    ]


def test_the_handler_of_sigterm_is_given_back(command):
    earlier = signal.getsignal(signal.SIGTERM)
    command("--version")
    assert signal.getsignal(signal.SIGTERM) is earlier


@pytest.mark.parametrize(
    ("name", "mine", "found"),
    [
        ("GOMP_SPINCOUNT", None, "2000"),
        ("GOMP_SPINCOUNT", "7", "7"),
        ("OMP_WAIT_POLICY", "active", None),
    ],
)
def test_waiting_threads_spin_shortly_unless_told_otherwise(name, mine, found, monkeypatch, capsys):
    """Before torch is imported: help does not import it."""
    for variable in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(variable, raising=False)
    if mine is not None:
        monkeypatch.setenv(name, mine)
    main(["--version"])
    assert os.environ.get("GOMP_SPINCOUNT") == found
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)


def test_the_package_is_the_command():
    command = [sys.executable, "-m", "darkclr"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert (version.returncode, version.stdout.split()[0]) == (0, "darkclr")
    wrong = subprocess.run([*command, "trian"], capture_output=True, text=True)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "did you mean train?" in wrong.stderr


def test_warnings_look_like_errors():
    code = (
        "import logging; from darkclr.cli.main import _quieten; _quieten();"
        "logging.getLogger('darkclr.io.reading').warning('%d jets\\nmay be in TeV', 3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "darkclr: warning: 3 jets may be in TeV\n")
