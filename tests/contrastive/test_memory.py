from __future__ import annotations

import platform
import resource
import subprocess
import sys

import pytest

from darkclr.contrastive.memory import keep_freed_memory

FAULTS = """
import resource, sys
import numpy as np
from darkclr.contrastive.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def work():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(12_000_000)  # 92 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
work()
print(work())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_memory_that_was_freed_is_not_fetched_again():
    faults = {
        mode: int(subprocess.check_output([sys.executable, "-c", FAULTS, mode]))
        for mode in ("default", "keep")
    }
    pages = 12_000_000 * 8 / resource.getpagesize()
    assert faults["default"] > pages / 1000  # pages may be huge
    assert faults["keep"] < faults["default"] / 10


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False
