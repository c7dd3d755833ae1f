from __future__ import annotations

import multiprocessing
import os
import time
import warnings

import pytest

from darkclr.worker_pool import worker_pool


def test_workers_are_started_work_elsewhere_and_end():
    before = set(multiprocessing.active_children())
    with worker_pool(1, os.umask, 0o012) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
        assert pool.submit(os.umask, 0).result() == 0o012
    assert set(multiprocessing.active_children()) <= before


def test_workers_warn_of_nothing_that_is_not_shown_here(capfd):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the first")
        warnings.filterwarnings("always", "the second")
        with worker_pool(1, os.umask, 0o022) as pool:
            pool.submit(warnings.warn, "the first of two").result()
            pool.submit(warnings.warn, "the second of two").result()
    shown = capfd.readouterr().err
    assert "the second of two" in shown
    assert "the first of two" not in shown


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
