"""Names from strangers' files in pictures, file names and the page."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import DOCUMENTS, NAMES, put

from darkclr.errors import InputError
from darkclr.evaluation import read_metrics
from darkclr.evaluation.score_file import ScoreFiles
from darkclr.io.parquet import read_metadata, read_table, write_table
from darkclr.report import report
from darkclr.report.figures.style import figure, png, styled

REFUSED = ("escape", "newline", "carriage_return", "right_to_left", "zero")


def rename(run, column, name):
    """Another name of a score or, if there is no such column, of a sample."""
    table = read_table(run / "scores.parquet")
    metadata = read_metadata(table)
    if column in table.column_names:
        table = table.rename_columns([name if n == column else n for n in table.column_names])
    else:
        i = table.column_names.index("sample")
        renamed = [name if n == column else n for n in table["sample"].to_pylist()]
        table = table.set_column(i, "sample", [renamed])
    write_table(table, run / "scores.parquet", metadata)
    metrics = (run / "metrics.json").read_text()
    (run / "metrics.json").write_text(metrics.replace(f'"{column}"', json.dumps(name)))


@pytest.mark.parametrize(
    ("score", "signal"), [("parent", "mathtext"), ("absolute", "html"), ("long", "relative")]
)
def test_names_stay_in_the_folder_of_the_pictures(
    finished_run, tmp_path, monkeypatch, score, signal
):
    monkeypatch.setattr("darkclr.report.sections.writing.images", lambda figure: (b"", b""))
    run = shutil.copytree(finished_run, tmp_path / "a" / "b" / "c" / "d" / "run")
    before = {path for path in tmp_path.rglob("*") if run not in path.parents}
    rename(run, "nae", NAMES[score][:900])
    rename(run, "aachen", NAMES[signal])
    page = report(run)
    assert {path for path in tmp_path.rglob("*") if run not in path.parents} == before
    assert all(path.suffix in (".png", ".pdf") for path in (run / "plots").iterdir())
    assert len(list((run / "plots").iterdir())) >= 15
    assert "<script>alert" not in page.read_text()


@pytest.mark.parametrize("column", ["nae", "aachen"])
@pytest.mark.parametrize("kind", REFUSED)
def test_names_with_control_characters_are_refused(finished_run, tmp_path, kind, column):
    run = shutil.copytree(finished_run, tmp_path / "run")
    rename(run, column, NAMES[kind])
    with pytest.raises(InputError, match="control characters"):
        ScoreFiles(run / "scores.parquet").sample_codes()
    with pytest.raises(InputError, match="not a metrics file"):
        read_metrics(run / "metrics.json")


@pytest.mark.parametrize("name", ["$_$", "$\\frac$", "a $ b", "100$", "$$", "\\$", "$x_1$"])
def test_dollars_in_names_are_drawn(name):
    with styled():
        picture = figure(2, 2)
        axes = picture.subplots()
        axes.plot([0, 1], [0, 1], label=name)
        axes.set_title(name)
        axes.set_xlabel("signal efficiency ε$_S$")
        axes.legend(title=name)
    assert png(picture).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "kind", ["empty", "list", "text", "binary", "deep_list", "key_number", "half", "large"]
)
def test_files_of_another_form_cost_their_picture_only(finished_run, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("darkclr.report.sections.writing.images", lambda figure: (b"", b""))
    run = tmp_path / "run"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns("samples"))
    for name in ("config.yaml", "timings.json", "metrics.json", "encoder/history.csv"):
        put(run / name, DOCUMENTS[kind])
    for name in ("nae/history.csv", "nae/samples.csv", "nae/verdict.json"):
        put(run / "scores" / name, DOCUMENTS[kind])
    page = report(run).read_text()
    assert page.count('class="missing"') >= 6
    assert "score_norm.png" in {path.name for path in (run / "plots").iterdir()}


def test_tables_of_words_cost_their_picture_only(finished_run, tmp_path, monkeypatch):
    monkeypatch.setattr("darkclr.report.sections.writing.images", lambda figure: (b"", b""))
    run = tmp_path / "run"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns("samples"))
    words = pa.table({"positive_similarity": ["a", "b"], "anomalous_similarity": ["c", "d"]})
    pq.write_table(words, run / "encoder" / "pairs.parquet")
    for history in (run / "encoder" / "history.csv", run / "scores" / "nae" / "history.csv"):
        lines = history.read_text().splitlines()
        history.write_text("\n".join([lines[0], *("x," * lines[0].count(",") + "x",) * 3]))
    assert report(run).read_text().count('class="missing"') >= 3
