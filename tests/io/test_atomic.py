from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from folders import names

from darkclr.errors import InputError
from darkclr.io import atomic_path


def test_the_name_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "new" / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == target.parent  # a rename across file systems is a copy
    assert target.read_text() == "half"
    assert names(target.parent) == ["a.txt"]


@pytest.mark.parametrize("problem", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, problem):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write():
        with atomic_path(target) as temporary:
            temporary.write_text("new")
            raise problem

    with pytest.raises(type(problem)):
        write()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"file/a\.txt: cannot be written .*check free space"),
        atomic_path(tmp_path / "file" / "a.txt") as temporary,
    ):
        temporary.write_text("new")


def test_what_a_killed_process_left_is_removed(tmp_path):
    script = (
        "import os, signal, sys\n"
        "from darkclr.io import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    target = tmp_path / "a.txt"
    for _ in range(2):  # the second one removes what the first has left
        subprocess.run([sys.executable, "-c", script, str(target)], check=False, timeout=600)
        left = [name for name in names(tmp_path) if name.endswith(".part")]
        assert len(left) == 1
    # Another file's, another machine's, and that of a process that still runs are not ours.
    others = [left[0].replace("a.txt", "b.txt"), f".a.txt.elsewhere.{'9' * 6}.part"]
    others.append(re.sub(r"\.\d+\.(\w+)\.part$", rf".{os.getppid()}.\1.part", left[0]))
    for name in others:
        (tmp_path / name).write_text("half")
    with atomic_path(target) as temporary:
        temporary.write_text("done")
    assert names(tmp_path) == sorted(["a.txt", *others])


def test_nobody_can_guess_the_temporary_name_and_no_link_is_followed(tmp_path, monkeypatch):
    target, victim = tmp_path / "a.txt", tmp_path / "victim"
    victim.write_text("precious")
    used = set()
    for _ in range(3):
        with atomic_path(target) as temporary:
            assert temporary.is_file()  # it is ours before anybody is told its name
            assert temporary.stat().st_size == 0
            used.add(temporary.name)
    assert len(used) == 3
    monkeypatch.setattr("secrets.token_hex", lambda n: "known")
    with atomic_path(target) as temporary:
        known = temporary.name
    (tmp_path / known).symlink_to(victim)
    with (
        pytest.raises(InputError, match="cannot be written"),
        atomic_path(target) as temporary,
    ):
        temporary.write_text("pwned")
    assert victim.read_text() == "precious"


def test_a_target_that_is_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "a.txt").symlink_to("victim")
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "victim").read_text() == "precious"
    assert (tmp_path / "a.txt").read_text() == "new"


# A limit of the size of files stands for a full disk: both fail in the middle of writing.
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
{imports}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from darkclr.errors import DarkclrError
target = Path(sys.argv[1])
try:
    {action}
except DarkclrError as error:
    print(error)
else:
    print("written")
"""

PARQUET = (
    "from darkclr.io import write_jets\nfrom darkclr.jets import Jets",
    "n = 50_000; r = np.random.default_rng(0)\n"
    "    jets = Jets.from_constituents(np.arange(n + 1), *r.random((3, n)) + 1)\n"
    "    write_jets(jets, target)",
)
TEXT = (
    "from darkclr.io import atomic_path",
    "\n    with atomic_path(target) as temporary: temporary.write_text('x' * 100_000)",
)
WEIGHTS = (
    "from darkclr.contrastive.encoder.transformer import Encoder\n"
    "from darkclr.contrastive.model_directory import save_model",
    "save_model(target, Encoder(), {'norm': np.ones(3)})",
)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the size of files")
@pytest.mark.parametrize("case", [PARQUET, TEXT, WEIGHTS], ids=["parquet", "text", "weights"])
def test_a_full_disk_is_one_line_and_nothing_half_written(tmp_path, case):
    target = tmp_path / "target"
    if case is not WEIGHTS:
        target.write_text("old")
    script = FULL_DISK.format(imports=case[0], action=case[1])
    result = subprocess.run(
        [sys.executable, "-c", script, str(target)], capture_output=True, text=True, timeout=600
    )
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    assert "cannot be written (" in result.stdout
    assert str(target) in result.stdout
    if case is WEIGHTS:
        assert names(target) == ["pairs.parquet"]
    else:
        assert target.read_text() == "old"
        assert names(tmp_path) == ["target"]
