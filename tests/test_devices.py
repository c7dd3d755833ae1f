from __future__ import annotations

from typing import get_args

import pytest
import torch

from darkclr.devices import Device, torch_device
from darkclr.errors import ConfigError


@pytest.mark.parametrize("there", [True, False])
def test_words_and_what_they_mean(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    kinds = {}
    for word in get_args(Device):
        try:
            kinds[word] = torch_device(word).type
        except ConfigError as error:
            kinds[word] = str(error)
    gpu = (
        "cuda"
        if there
        else "device: there is no GPU that PyTorch can use; choose --device cpu or auto"
    )
    assert kinds == {"auto": "cuda" if there else "cpu", "cpu": "cpu", "gpu": gpu, "cuda": gpu}


def test_other_words_are_refused():
    with pytest.raises(ConfigError, match="no device 'tpu'; choose of auto, cpu, gpu, cuda"):
        torch_device("tpu")
