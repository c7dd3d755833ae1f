"""Memory of freed tensors is kept for the next step instead of being given back to the kernel."""

from __future__ import annotations

import ctypes
import platform

__all__ = ["keep_freed_memory"]

# malloc.h of glibc
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Let the C library keep and reuse blocks of up to 1 GiB; true if it does.

    By default glibc maps every large tensor anew and unmaps it when it is freed, so that each
    step touches fresh pages, which the kernel has to clear first. What a process once used it
    then holds until it ends. Only glibc has the setting; other C libraries, and the caches of
    CUDA, are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {_M_MMAP_THRESHOLD: _BYTES, _M_TRIM_THRESHOLD: _BYTES, _M_TOP_PAD: 64 << 20}
    accepted = [mallopt(name, value) for name, value in settings.items()]
    return all(accepted)
