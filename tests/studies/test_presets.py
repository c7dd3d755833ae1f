"""A configuration is found by its file or by the name under which it is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from darkclr.errors import ConfigError
from darkclr.studies.presets import find_configuration, presets

CONFIGS = Path(__file__).parents[2] / "configs"


def test_every_configuration_of_the_repository_is_a_preset():
    assert sorted(presets().values()) == sorted(CONFIGS.rglob("*.yaml"))


@pytest.mark.parametrize("name", ["quick", "quick.yaml", "configs/quick.yaml"])
def test_a_preset_is_found_wherever_one_stands(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_configuration(name) == CONFIGS / "quick.yaml"
    assert find_configuration("representations/jetclr").parent == CONFIGS / "representations"


def test_a_file_comes_before_a_preset_and_a_folder_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("hour").mkdir()
    assert find_configuration("hour") == CONFIGS / "hour.yaml"
    Path("quick").write_text("output: mine\n")
    assert find_configuration("quick").read_text() == "output: mine\n"


def test_an_unknown_name_lists_the_presets():
    with pytest.raises(ConfigError, match=r"^nosuch: No such file; .*quick.*/jetclr"):
        find_configuration("nosuch")
