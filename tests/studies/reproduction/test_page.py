"""The page of all results is what the committed results say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("lightning")

from darkclr.studies.reproduction.catalogue import NAMES
from darkclr.studies.reproduction.page import page, write_page

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "docs" / "results"


def test_the_page_in_the_documentation_is_made_from_the_results_beside_it():
    assert (ROOT / "docs" / "reproduction.md").read_text() == page(RESULTS, Path("results"))


def test_committed_results_have_their_figure_and_say_where_they_come_from():
    found = [name for name in NAMES if (RESULTS / name / "result.json").exists()]
    assert found
    for name in found:
        result = json.loads((RESULTS / name / "result.json").read_text())
        assert result["scale"] != "smoke"  # which shows nothing
        assert all(result[key] for key in ("command", "version", "commit", "date", "hardware"))
        assert {p.name for p in (RESULTS / name).iterdir()} == {
            *("figure.pdf", "figure.png", "result.json")
        }


def test_what_was_not_run_is_said_to_be_not_run(tmp_path):
    text = write_page(tmp_path).read_text()
    assert text.count("| not run |") == len(NAMES)


def test_what_was_judged_again_says_so(tmp_path):
    result = json.loads((RESULTS / "fig1" / "result.json").read_text())
    (tmp_path / "fig1").mkdir()
    for judged in ("0123456789ab", None):
        (tmp_path / "fig1" / "result.json").write_text(json.dumps(result | {"judged": judged}))
        assert ("judged again at 0123456789ab" in page(tmp_path, Path())) == bool(judged)
