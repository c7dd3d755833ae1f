from __future__ import annotations

import json
import time

import pytest
import yaml
from hostile import DOCUMENTS, PLACES, put

from darkclr.errors import ConfigError, InputError
from darkclr.io.documents import read_json, read_yaml


@pytest.mark.parametrize("content", DOCUMENTS.values(), ids=DOCUMENTS)
@pytest.mark.parametrize("read", [read_yaml, read_json])
def test_what_is_no_small_mapping_is_refused_at_once(content, read, tmp_path):
    path = put(tmp_path / "config.yaml", content)
    start = time.process_time()
    with pytest.raises(InputError, match=str(path)) as problem:
        read(path)
    assert time.process_time() - start < 5
    assert "\n" not in str(problem.value)
    assert len(str(problem.value)) < 1000


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("read", [read_yaml, read_json])
def test_only_regular_files_are_opened(place, read, tmp_path):
    path = put(tmp_path / "config.yaml", place)
    with pytest.raises(ConfigError, match=r"no regular file|no such file"):
        read(path, ConfigError)


def test_what_is_a_mapping_is_read_as_it_stands(tmp_path):
    content = {"samples": {"größe": [1, 2.5, None, True]}, "text": "ε"}
    path = put(tmp_path / "a.yaml", yaml.safe_dump(content, allow_unicode=True).encode())
    assert read_yaml(path) == content
    assert read_json(put(tmp_path / "a.json", json.dumps(content).encode())) == content


def test_aliases_are_read_where_they_do_not_multiply(tmp_path):
    path = put(tmp_path / "a.yaml", b"base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\n")
    assert read_yaml(path)["other"] == {"x": 1, "y": 3}


def test_a_zero_byte_is_in_no_configuration(tmp_path):
    path = put(tmp_path / "a.yaml", b'output: "a\\0b"')
    with pytest.raises(InputError, match="holds a zero byte"):
        read_yaml(path)
