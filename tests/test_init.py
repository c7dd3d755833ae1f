from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "package",
    ["darkclr", "darkclr.anomaly", "darkclr.io", "darkclr.evaluation", "darkclr.simulation.sample"],
)
def test_every_public_name_is_there_when_it_is_asked_for(package):
    module = import_module(package)
    for name in module.__all__:
        assert not inspect.ismodule(getattr(module, name))
        assert name in dir(module)
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'ecnode'"):
        module.ecnode  # noqa: B018


def test_the_import_is_light():
    """Nor do the configurations of all steps need what the steps do."""
    script = (
        "import darkclr.io.options, sys; darkclr.Jets; darkclr.EnsembleConfig;"
        "heavy = {'torch', 'lightning', 'pyarrow', 'scipy', 'sklearn', 'pythia8mc', 'matplotlib'};"
        "print(heavy & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "set()\n"
