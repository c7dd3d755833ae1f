from __future__ import annotations

import pytest
from hostile import NAMES

from darkclr.errors import ConfigError, InputError
from darkclr.names import check_file_names, check_printable, file_name, visible


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_every_name_becomes_that_of_a_file_in_the_same_folder(name, tmp_path):
    path = tmp_path / "plots" / f"{file_name(name)}.png"
    path.parent.mkdir()
    path.write_text("x")
    assert list((tmp_path / "plots").iterdir()) == [path]
    assert path.name.isprintable()
    assert path.name[0] not in ".-"


def test_usual_names_stay_and_different_names_stay_different():
    usual = ["score_nae", "roc_aachen", "tau_2.1", "m = 10 GeV", "größe", "a-b"]
    assert [file_name(name) for name in usual] == usual
    assert len({file_name(name) for name in ("a/b", "a\\b", "a:b", "a_b", "a//b")}) == 5


@pytest.mark.parametrize(
    "kind",
    [
        "parent",
        "backslash",
        "hidden",
        "option",
        "escape",
        "newline",
        "right_to_left",
        "long",
        "empty",
    ],
)
def test_names_of_folders_are_refused_unless_they_are_plain(kind):
    with pytest.raises(ConfigError, match=r"samples: .* cannot be the name of a file"):
        check_file_names(["qcd", NAMES[kind]], "samples")
    check_file_names(["qcd", "m10_2", "r_inv = 0.5"], "samples")


def test_control_characters_are_refused_at_the_border_and_shown_as_what_they_are():
    for kind in ("escape", "newline", "carriage_return", "right_to_left", "zero", "surrogate"):
        with pytest.raises(InputError, match=r"my.parquet: the name '.*' holds control characters"):
            check_printable([NAMES[kind]], "my.parquet")
        assert visible(NAMES[kind]).isprintable()
    assert visible("a\x1b[31m") == "a\\x1b[31m"
    assert visible("größe ε ‖z‖") == "größe ε ‖z‖"
