"""The C++ program of the documentation compiles and hands over each jet, padded."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILER = shutil.which("g++") or shutil.which("clang++")

# Instead of the end of the example: jets of 3, 1 and no constituents.
PRINTS = """
  const std::vector<std::vector<Constituent>> jets{
      {{1, 2, 3}, {10, 2, 3}, {100, 2, 3}}, {{7, 8, 9}}, {}};
  for (float value : scores(session, "norm", jets))
    std::printf("%g\\n", value);
}
"""


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on the path")
def test_the_example_compiles_and_pads(tmp_path):
    text = (ROOT / "docs" / "export.md").read_text()
    first = re.findall(r"^```cpp\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[0]
    head, last, _ = first.rpartition("  const auto norm = scores(")
    assert last
    for name, program in (("as_written", first), ("prints", f"#include <cstdio>\n{head}{PRINTS}")):
        source = tmp_path / f"{name}.cpp"
        source.write_text(program)
        helpers = ROOT / "tests" / "helpers"
        command = [COMPILER, "-std=c++17", "-Wall", "-Wextra", f"-I{helpers}", source, "-o"]
        done = subprocess.run([*command, source.with_suffix("")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stderr
    done = subprocess.run([tmp_path / "prints"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["111", "7", "0"]
