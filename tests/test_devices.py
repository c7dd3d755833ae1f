from __future__ import annotations

from typing import get_args

import pytest
import torch

from darkclr import devices
from darkclr.devices import Device, torch_device, use_bfloat16
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


def test_precision_is_that_of_the_device(monkeypatch):
    """A CPU does not compute in bfloat16 because the GPU beside it does."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    for query in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, query, lambda: False)
    by_device = {d: use_bfloat16("auto", d) for d in ("cpu", "gpu")}
    assert by_device == {"cpu": False, "gpu": True}


def test_bfloat16_where_it_is_emulated_is_told_once(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for query in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, query, lambda: False)
    devices._tell_slow.cache_clear()
    assert not any(use_bfloat16(word, "cpu") for word in ("auto", "float32"))
    assert not caplog.records
    assert all(use_bfloat16("bfloat16", "cpu") for _ in range(2))
    assert len(caplog.records) == 1
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    devices._tell_slow.cache_clear()
    assert use_bfloat16("bfloat16", "cpu")
    assert len(caplog.records) == 1


def test_a_gpu_that_this_torch_cannot_use_is_told_once(monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(devices, "_NVIDIA", tmp_path / "nvidiactl")
    devices._tell_unused.cache_clear()
    assert torch_device("auto").type == "cpu"
    assert not caplog.records
    (tmp_path / "nvidiactl").touch()
    assert [torch_device(word).type for word in ("cpu", "auto", "auto")] == ["cpu"] * 3
    (record,) = caplog.records
    assert "there is an NVIDIA GPU, but PyTorch" in record.getMessage()


def test_a_gpu_that_emulates_bfloat16_computes_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    assert not use_bfloat16("auto", "gpu")
