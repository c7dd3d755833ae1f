from __future__ import annotations

import subprocess
import sys

import pytest

import darkclr


def test_every_public_name_is_there():
    for name in darkclr.__all__:
        assert getattr(darkclr, name) is not None
        assert name in dir(darkclr)
    with pytest.raises(AttributeError, match="'darkclr' has no attribute 'ecnode'"):
        darkclr.ecnode  # noqa: B018


def test_the_import_is_light():
    script = (
        "import darkclr, sys; darkclr.Jets;"
        "print({'torch', 'lightning', 'pythia8mc', 'matplotlib'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "set()\n"
