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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only runs at night, unless it is asked for by its marker."""
    if "nightly" not in config.getoption("markexpr"):
        for item in items:
            if item.get_closest_marker("nightly"):
                item.add_marker(pytest.mark.skip(reason="only run by -m nightly"))
