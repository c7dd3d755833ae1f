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


ENCODING = """
import resource
import numpy as np
from darkclr.contrastive import encoding
from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.jets import Constituents
from darkclr.contrastive.memory import keep_freed_memory

keep_freed_memory()
rng = np.random.default_rng(0)
encoder = Encoder(EncoderConfig(n_layers=1))
def work(n_batches):
    for _ in range(n_batches):
        offsets = np.concatenate([[0], np.cumsum(rng.integers(1, 60, 1024))])
        columns = (np.ones(offsets[-1], np.float32) for _ in range(3))
        encoding.encode_constituents(encoder, Constituents(offsets, *columns))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
few = work(10)
print(work(20) - few)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="peak memory in kB is that of Linux")
def test_encoding_more_jets_takes_no_more_memory():
    """Batches of other lengths; what oneDNN keeps for each shape used to break the heap up."""
    growth = float(subprocess.check_output([sys.executable, "-c", ENCODING]))
    assert growth < 60  # MB; 400 and more without a common multiple


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False
