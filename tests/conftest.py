from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

# Busy machines are slow, and a test that fails once a month helps nobody.
settings.register_profile("darkclr", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("darkclr")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """The matrices of the tests are tiny: threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
