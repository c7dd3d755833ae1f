"""Every study, small, from collisions to a verdict."""

from __future__ import annotations

import json
import math

import pytest

pytest.importorskip("lightning")
pytest.importorskip("pythia8mc")

from darkclr.cli.main import main
from darkclr.studies.reproduction.catalogue import NAMES, find_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    assert main(["reproduce", "all", "--scale", "smoke", "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def results(output):
    return {name: json.loads((output / name / "result.json").read_text()) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_study_ends_with_figure_numbers_and_verdict(name, output, results):
    result, folder = results[name], output / name
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert result["verdict"] == "not testable here"  # two epochs show nothing
    assert result["claims"]
    for claim in result["claims"]:
        assert claim["verdict"] == "not testable here"
        assert claim["sentence"]
        assert "only shows that the study works" in claim["reason"]
    measured = [c for c in result["claims"] if c["found"]]
    assert measured, "no claim has a number"
    assert result["command"] == f"darkclr reproduce {name} --scale smoke"
    assert set(result["published"]) == set(find_study(name).published)
    assert list(_numbers(result["numbers"])), "no numbers behind the figure"
    assert all(map(math.isfinite, _numbers(result["numbers"])))


def test_tables_hold_yardsticks(results):
    for name, result in results.items():
        for title, rows in result["tables"].items():
            if "rejection" in title:
                assert any("*" in row["score"] for row in rows), (name, title)


def test_the_page_shows_all(output):
    page = (output / "reproduction.md").read_text()
    for name in NAMES:
        assert f"](#{name})" in page
        assert f"({name}/figure.png)" in page


def test_the_same_command_does_no_training_again(output):
    trained = {p: p.stat().st_mtime_ns for p in output.rglob("model.safetensors")}
    assert main(["reproduce", "fig3", "--scale", "smoke", "--output", str(output)]) == 0
    assert {p: p.stat().st_mtime_ns for p in output.rglob("model.safetensors")} == trained


def _numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value
