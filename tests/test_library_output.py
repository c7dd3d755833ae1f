from __future__ import annotations

import ctypes
import os

import pytest

from darkclr.library_output import captured_output


def test_what_libraries_print_is_collected_in_order(capfd):
    libc = ctypes.CDLL(None)
    with captured_output() as lines:
        os.write(1, b"from the system\n")
        libc.puts(b"from C")
    assert lines == ["from the system", "from C"]
    assert capfd.readouterr().out == ""


def test_the_output_comes_back_after_an_error(capfd):
    with pytest.raises(ValueError, match="of the block"), captured_output():
        raise ValueError("of the block")
    os.write(1, b"seen\n")
    assert capfd.readouterr().out == "seen\n"
