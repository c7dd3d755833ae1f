from __future__ import annotations

import sys

import pytest

from darkclr.errors import ConfigError
from darkclr.plugins import find_plugin, installed
from darkclr.split import Split

GROUP = "darkclr.splits"


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """Two files of a user, one of them a package with an entry point and one that is broken."""
    (tmp_path / "my_splits.py").write_text(
        "from darkclr.split import Split\nHALVES = Split(0.5, 0, 0.5)\n"
    )
    (tmp_path / "my_broken.py").write_text("import no_such_package\n")
    info = tmp_path / "my_splits-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-splits\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nhalves = my_splits:HALVES\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("my_splits", "my_broken"):
        sys.modules.pop(name, None)


def find(name: str) -> Split | None:
    return find_plugin(name, Split, group=GROUP, where="split")


def test_entry_points_are_listed_without_being_imported():
    assert list(installed(GROUP)) == ["halves"]
    assert find("thirds") is None
    assert "my_splits" not in sys.modules


def test_import_path_and_entry_point_lead_to_the_same_object():
    assert find("my_splits.HALVES") is find("halves")
    assert find("halves") == Split(0.5, 0, 0.5)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("my_splits.THIRDS", "split: my_splits.THIRDS cannot be imported .*on PYTHONPATH"),
        ("no_such_file.HALVES", "No module named 'no_such_file'"),
        ("my_broken.HALVES", "No module named 'no_such_package'"),
        ("my_splits.Split", "my_splits.Split is of type type; name a Split"),
    ],
)
def test_what_is_no_plugin_is_told_in_one_line(name, told):
    with pytest.raises(ConfigError, match=told):
        find(name)
