"""Many cases in processes of their own, so that a crash or a hang in C ends nothing else."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import corpus
from corpus import Fell, Seeds, play

__all__ = ["hunt"]

# A command is interrupted after its time; one that does not come back then is inside a library.
_PATIENCE = 5
# More memory than a small file is worth; torch alone maps gigabytes.
_MEMORY = 6 << 30


def hunt(kind: str, numbers: Iterable[int], seeds: Seeds) -> dict[int, str]:
    """Outcome of each case: "read", "refused", or what the command did wrong."""
    outcomes: dict[int, str] = {}
    todo = list(numbers)
    while todo:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _play_all(kind, todo, seeds, write)
        os.close(write)
        with os.fdopen(read) as answers:
            while todo:
                if _hangs(answers, child):
                    outcomes[todo.pop(0)] = "it hangs in a library"
                    os.kill(child, signal.SIGKILL)
                    break
                line = answers.readline()
                outcomes[todo.pop(0)] = json.loads(line) if line else "it crashes"
                if not line:
                    break
        os.waitpid(child, 0)
    return outcomes


def _hangs(answers: IO[str], child: int) -> bool:
    """Whether the next answer does not come, for a reason in the child."""
    begin = seen = _seconds(child)
    while not select.select([answers], [], [], corpus.WAITING + _PATIENCE)[0]:
        earlier, seen = seen, _seconds(child)
        if seen - earlier < corpus.IDLE or seen - begin > 2 * corpus.BUSY:
            return True
    return False


def _seconds(process: int) -> float:
    """Processor time of a process so far; one without /proc is taken to stand still."""
    path = Path(f"/proc/{process}/stat")
    if not path.exists():
        return 0.0
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _play_all(kind: str, numbers: list[int], seeds: Seeds, write: int) -> None:
    """In a child, which ends here: a line for each case."""
    try:
        soft = _mapped() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (soft, soft))
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # what libraries write past Python
            os.dup2(null, stream)
        folder = Path(seeds.folder).with_name(f"cases-{os.getpid()}")
        folder.mkdir()
        for number in numbers:
            try:
                outcome = play(kind, number, seeds, folder / "case")
            except Fell as problem:
                outcome = str(problem)
            os.write(write, f"{json.dumps(outcome)}\n".encode())
        folder.rmdir()
    finally:
        os._exit(0)


def _mapped() -> int:
    """Bytes of address space that this process has."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[0]) * os.sysconf("SC_PAGESIZE") if pages.exists() else 0
