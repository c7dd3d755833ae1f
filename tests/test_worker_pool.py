from __future__ import annotations

import multiprocessing
import os
import time

import pytest

from darkclr.worker_pool import worker_pool


def test_workers_are_started_work_elsewhere_and_end():
    before = set(multiprocessing.active_children())
    with worker_pool(1, os.umask, 0o012) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
        assert pool.submit(os.umask, 0).result() == 0o012
    assert set(multiprocessing.active_children()) <= before


def test_an_error_does_not_wait_for_what_is_being_done():
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"):
        _stop_in_the_middle()
    assert time.monotonic() - start < 100


def _stop_in_the_middle():
    with worker_pool(1, os.umask, 0o022) as pool:
        pool.submit(os.getpid).result()
        pool.submit(time.sleep, 300)
        raise RuntimeError("enough")
