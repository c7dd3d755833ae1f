"""A small stand-in for the representations of background jets and their dropped copies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.representations import Representations


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """The matrices are tiny: threads would wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def background() -> Representations:
    """300 background jets and 100 dropped copies; z near a curved surface in 16 dimensions."""
    n, n_dropped = 300, 100
    rng = np.random.default_rng(5)
    dropped = np.arange(n + n_dropped) >= n
    latent = rng.normal(size=(len(dropped), 2)) + 2.0 * dropped[:, None]
    maps = rng.normal(size=(2, 16)), rng.normal(size=(2, 12))
    z = 5 + 2 * np.tanh(latent @ maps[0]) + 0.1 * rng.normal(size=(len(dropped), 16))
    pooled = latent @ maps[1] + rng.normal(size=(len(dropped), 12))
    return Representations(
        z=z.astype(np.float32),
        pooled=pooled.astype(np.float32),
        pt=rng.uniform(150, 300, len(dropped)).astype(np.float32),
        n_constituents=rng.integers(5, 60, len(dropped)),
        label=np.zeros(len(dropped), dtype=np.int8),
        weight=np.ones(len(dropped), dtype=np.float32),
        event=np.arange(len(dropped)),
        rank=np.zeros(len(dropped), dtype=np.int8),
        family=dropped.astype(np.int8),
        families=("dropped",),
    )
