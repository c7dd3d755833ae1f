"""Mutation testing: whether the nearest tests notice mistakes, one at a time.

``mutations.yaml`` lists the mistakes. Each is made in a copy of the source, its nearest tests run
there until the first fails, and ``outcomes.json`` keeps what became of it: a run that was stopped
goes on, and one after a change repeats what the change touches. A table of the counts goes into
``docs/reliability.md``.

    make mutation ARGS="kinematics.py anomaly/nae/langevin.py"
"""

from __future__ import annotations

import compileall
import hashlib
import importlib
import json
import os
import py_compile
import resource
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from reliability import table, write_section

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "darkclr"
RESULTS = Path(__file__).with_name("outcomes.json")
#: Seconds of the processor, or of waiting: what takes longer hangs, and is noticed by that.
BUSY, WAITING = 120, 1800


@dataclass(frozen=True)
class Mutation:
    """A text of a file, what replaces it, and the tests that must fail then."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def apply(self, text: str) -> str:
        """The text of the file with the mistake.

        Raises:
            ValueError: the old text is not there once, so the list is out of date.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} occurs {text.count(self.old)} times")
        return text.replace(self.old, self.new)

    def key(self) -> str:
        """Digest of the mistake, the file and the tests: what the outcome depends on nearest."""
        files = [SOURCE / self.file, *(REPOSITORY / test.partition("::")[0] for test in self.tests)]
        content = [repr(self).encode(), *(path.read_bytes() for path in files)]
        return hashlib.sha256(b"\0".join(content)).hexdigest()[:16]


def read_mutations() -> list[Mutation]:
    """All of ``mutations.yaml``."""
    groups = yaml.safe_load(Path(__file__).with_name("mutations.yaml").read_text())
    return [
        Mutation(file, old, new, tuple(shlex.split(own[0]) if own else group["tests"]))
        for file, group in groups.items()
        for old, new, *own in group["mutations"]
    ]


def preload() -> None:
    """Import what tests need beside darkclr, once: processes that are forked have it."""
    for name in ("numpy", "scipy.stats", "sklearn.metrics", "torch", "pyarrow.parquet", "awkward"):
        importlib.import_module(name)
    for name in ("h5py", "hypothesis.extra.numpy", "lightning.pytorch", "fastjet", "zuko"):
        importlib.import_module(name)


def outcome(tree: Path, tests: Sequence[str]) -> str:
    """ "killed", "survived" or "timeout" of tests with the source of a tree."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (BUSY, BUSY))
            os.chdir(tree)
            sys.path.insert(0, str(tree / "src"))
            log = os.open(tree / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            code = pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests])
        finally:
            os._exit(int(code))
    end = time.monotonic() + WAITING
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout"
        time.sleep(0.02)
    code = os.waitstatus_to_exitcode(ended[1])
    if code == -signal.SIGXCPU:
        return "timeout"
    if code > 2:  # 2: a module cannot even be imported; below 0: it crashed
        raise RuntimeError(f"pytest ended with {code}\n" + (tree / "log").read_text())
    return "killed" if code else "survived"


def known_outcomes() -> dict[str, dict[str, Any]]:
    """What became of each mutation that was tried, by its key."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def run(mutations: Sequence[Mutation]) -> None:
    """Try those mutations that were not tried yet, and forget those that are there no more."""
    current = {mutation.key() for mutation in read_mutations()}
    known = {key: value for key, value in known_outcomes().items() if key in current}
    todo = {mutation.key(): mutation for mutation in mutations if mutation.key() not in known}
    if not todo:
        return
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for path in REPOSITORY.iterdir():
            if path.name != "src" and not path.name.startswith("."):
                (tree / path.name).symlink_to(path)
        shutil.copytree(SOURCE.parent, tree / "src", ignore=shutil.ignore_patterns("__pycache__"))
        # By their content: a file that changes and changes back within a second is compiled anew.
        by_content = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(tree / "src", quiet=1, invalidation_mode=by_content)
        preload()
        sound: set[tuple[str, ...]] = set()
        for i, (key, mutation) in enumerate(todo.items(), start=1):
            if mutation.tests not in sound and outcome(tree, mutation.tests) != "survived":
                sys.exit("the tests fail without a mutation\n" + (tree / "log").read_text())
            sound.add(mutation.tests)
            path = tree / "src" / "darkclr" / mutation.file
            original, begin = path.read_text(), time.monotonic()
            path.write_text(mutation.apply(original))
            result = outcome(tree, mutation.tests)
            path.write_text(original)
            seconds = round(time.monotonic() - begin, 1)
            known[key] = {"file": mutation.file, "old": mutation.old, "new": mutation.new}
            known[key] |= {"outcome": result, "seconds": seconds}
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(known, indent=1))
            print(f"{i}/{len(todo)} {result:8} {seconds:5.1f} s  {mutation.file}: {mutation.new!r}")
            sys.stdout.flush()


def report(mutations: Sequence[Mutation]) -> str:
    """Counts by folder of the source, and what was missed, as Markdown."""
    known = known_outcomes()
    folders: dict[str, Counter[str]] = {}
    missed = []
    for mutation in mutations:
        result = known.get(mutation.key(), {}).get("outcome", "not tried")
        folder = str(Path(mutation.file).parent).replace(".", "ground floor")
        folders.setdefault(folder, Counter())[result] += 1
        if result == "survived":
            missed.append(f"- `{mutation.file}`: `{mutation.new}` for `{mutation.old}`")
    counts = {
        name: (c.total(), c["killed"] + c["timeout"], c["survived"], c["not tried"])
        for name, c in folders.items()
    }
    head = ["source", "mistakes", "noticed", "missed", "not tried yet"]
    return "\n\n".join(filter(None, [table(head, counts), "\n".join(missed)]))


if __name__ == "__main__":
    chosen = [m for m in read_mutations() if not sys.argv[1:] or m.file in sys.argv[1:]]
    with suppress(KeyboardInterrupt):  # the same command goes on
        run(chosen)
    print(report(chosen))
    if not sys.argv[1:]:
        write_section("mutations", report(chosen))
    outcomes = [known_outcomes().get(m.key(), {}).get("outcome") for m in chosen]
    sys.exit(any(outcome not in ("killed", "timeout") for outcome in outcomes))
