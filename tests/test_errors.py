from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from darkclr.errors import InputError, is_lack_of_memory
from darkclr.io import read_jets, write_jets
from darkclr.io.parquet import read_table


def numpy_error():
    np.empty(10**16)


def torch_error():
    torch.empty(10**16)


@pytest.mark.parametrize("ask", [numpy_error, torch_error])
def test_lack_of_memory_is_known_whoever_tells_it(ask):
    with pytest.raises((MemoryError, RuntimeError)) as problem:
        ask()
    assert is_lack_of_memory(problem.value)
    assert not is_lack_of_memory(ValueError("shapes do not fit"))
    assert not is_lack_of_memory(InputError("the file is truncated"))


def test_a_file_is_not_called_damaged_where_memory_is_short(tmp_path, monkeypatch):
    from toy import toy_jets

    write_jets(toy_jets(5), tmp_path / "a.parquet")

    def short(*_, **__):
        raise pa.ArrowMemoryError("malloc of size 10 failed")

    monkeypatch.setattr("darkclr.io.parquet._check_lists", short)
    for read in (read_table, read_jets):
        with pytest.raises(pa.ArrowMemoryError):
            read(tmp_path / "a.parquet")
