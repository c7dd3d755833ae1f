"""What is wrong with the weights of a model is noticed when they are read."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from hostile import PLACES, flip_bit, put, with_tensors, without_digests
from safetensors.numpy import save

from darkclr.errors import InputError
from darkclr.io.tensors import read_tensors, write_model

TENSORS = {"a": np.arange(1000, dtype=np.float32), "n": np.array([7]), "h": np.float16([1.5])}


@pytest.fixture
def model(tmp_path):
    write_model(tmp_path, {"encoder": {"width": 3}}, save(TENSORS))
    return tmp_path


def read(directory):
    document = yaml.safe_load((directory / "config.yaml").read_text())
    return read_tensors(directory, document, what="is no model", fix="train again")


def test_what_is_written_is_read(model):
    found = read(model)
    assert {name: values.dtype for name, values in found.items()} == {
        name: values.dtype for name, values in TENSORS.items()
    }
    assert all(np.array_equal(found[name], TENSORS[name]) for name in TENSORS)
    document = yaml.safe_load((model / "config.yaml").read_text())
    assert document["encoder"] == {"width": 3}


@pytest.mark.parametrize("share", np.linspace(0, 1, 11))
def test_a_flipped_bit_is_noticed(model, share):
    flip_bit(model / "model.safetensors", share)
    with pytest.raises(InputError, match=r"model\.safetensors: is no model \(it is damaged"):
        read(model)


def test_weights_of_versions_without_digests_are_read(model):
    without_digests(model)
    assert np.array_equal(read(model)["a"], TENSORS["a"])
    with_tensors(model / "model.safetensors", lambda x: x * np.float32(np.nan))
    with pytest.raises(InputError, match=r"[ah] has NaN or infinite values"):
        read(model)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused_whatever_the_digest(tmp_path, value):
    write_model(tmp_path, {}, save({"layer.weight": np.array([1.0, value])}))
    with pytest.raises(InputError, match=r"layer\.weight has NaN or infinite values"):
        read(tmp_path)


@pytest.mark.parametrize("digests", [3, {}, {"model.safetensors": 5}, [], {"other": "x"}])
def test_digests_that_are_none_are_refused(model, digests):
    (model / "config.yaml").write_text(yaml.safe_dump({"digests": digests}))
    with pytest.raises(InputError, match="is no model"):
        read(model)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\xff" * 100, b"\x08" + b"\x00" * 7 + b"{}" * 4]
)
def test_what_is_no_file_of_tensors_is_refused(model, content):
    without_digests(model)
    put(model / "model.safetensors", content)
    with pytest.raises(InputError, match="is no model"):
        read(model)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_only_regular_files_are_read(model, place):
    put(model / "model.safetensors", place)
    with pytest.raises(InputError, match=r"model\.safetensors"):
        read(model)


def test_a_file_of_any_size_is_not_read(model):
    with (model / "model.safetensors").open("r+b") as file:
        file.truncate(2**33)
    with pytest.raises(InputError, match="larger than"):
        read(model)
