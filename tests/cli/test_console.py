"""Bars, lines and tables with and without a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from darkclr.cli import console
from darkclr.errors import InputError


@pytest.fixture
def log(monkeypatch) -> io.StringIO:
    """Standard error of a batch job."""
    stream = io.StringIO()
    monkeypatch.setattr(console, "errors", lambda: Console(file=stream))
    return stream


@pytest.fixture
def clock(monkeypatch):
    """``clock(seconds)``: let time pass."""
    now = [1000.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])

    def forward(seconds: float) -> None:
        now[0] += seconds

    return forward


def test_a_batch_log_has_a_line_every_minute(log, clock):
    with console.bar("train", 1000) as advance:
        for _ in range(100):
            clock(3.0)
            advance(10, "loss 1.20")
    lines = log.getvalue().splitlines()
    # 300 seconds: one at the end of each minute, and the end itself
    assert len(lines) == 6
    assert lines[0] == "train: 200 of 1,000 jets in 1:00, 3.33 jets/s, 4:00 left; loss 1.20"
    assert lines[-1] == "train: 1,000 of 1,000 jets in 5:00, 3.33 jets/s"


def test_the_rate_knows_nothing_of_what_an_earlier_call_has_done(log, clock):
    with console.bar("train", 1000) as advance:
        clock(1.0)
        advance(500)
        for _ in range(10):
            clock(10.0)
            advance(20)
    told = log.getvalue().splitlines()
    assert told[0] == "train: 620 of 1,000 jets in 1:01, 2 jets/s, 3:10 left"
    assert told[-1] == "train: 700 of 1,000 jets in 1:41, 2 jets/s, 2:30 left"


def test_short_steps_are_one_line(log, clock):
    with console.bar("score qcd", None) as advance:
        clock(2.0)
        advance(300)
    with console.bar("read", None, keep=False) as advance:
        clock(2.0)
        advance(300)
    assert log.getvalue() == "score qcd: 300 jets in 0:02, 150 jets/s\n"


def test_what_failed_says_no_end(log, clock):
    def stopped():
        with console.bar("train", 10) as advance:
            clock(1.0)
            advance(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert log.getvalue() == ""


def test_a_terminal_has_a_bar(monkeypatch):
    stream = io.StringIO()
    terminal = Console(file=stream, force_terminal=True, width=130)
    monkeypatch.setattr(console, "errors", lambda: terminal)
    with console.bar("train", 1000) as advance:
        advance(1000, "loss 1.20")
    out = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", stream.getvalue())
    assert "1000/1000" in out
    assert "loss 1.20" in out


ROWS = [
    {
        "score": name,
        "AUC": "0.741 ± 0.028",
        "0.1": "165 ± 200",
        "0.3": "41 ± 69",
        "0.5": "4.9 ± 6.0",
    }
    for name in ("jet pT *", "discriminant of dropped copies", "x" * 30, "a [bold]b[/] :emoji:")
]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_nothing_in_a_table_is_cut(monkeypatch, width):
    stream = io.StringIO()
    terminal = Console(file=stream, force_terminal=True, width=width, no_color=True)
    monkeypatch.setattr(console, "output", lambda: terminal)
    console.table("a title", ROWS)
    out = stream.getvalue()
    assert "…" not in out
    letters = re.sub(r"\x1b\[[\d;]*m|\s", "", out)
    for row in ROWS:
        for cell in list(row.values())[1:]:
            assert cell.replace(" ", "") in letters
    if width >= 80:
        assert max(map(len, re.sub(r"\x1b\[[\d;]*m", "", out).splitlines())) <= width + 2
    if width == 200:
        for row in ROWS:
            assert row["score"] in out


def test_a_file_has_lines_of_any_length(capsys):
    console.output.cache_clear()
    console.table("", ROWS)
    out = capsys.readouterr().out
    console.output.cache_clear()
    for row in ROWS:
        assert re.search(r"\s+".join(map(re.escape, row.values())), out)


def test_a_full_disk_behind_standard_output_is_told(monkeypatch):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(console, "output", lambda: Console(file=Full()))
    with pytest.raises(InputError, match="standard output: cannot be written"):
        console.line("text")


HOSTILE = "[red]a[/red] :smile: \x1b[31mb\x1b]0;title\x07 [link=file:///etc/passwd]c[/] d\ne"
SHOWN = "[red]a[/red] :smile: \\x1b[31mb\\x1b]0;title\\x07 [link=file:///etc/passwd]c[/] d\\ne"


def test_what_strangers_have_written_is_shown_and_not_obeyed(monkeypatch, log, clock):
    stream = io.StringIO()
    terminal = Console(file=stream, width=500)
    monkeypatch.setattr(console, "output", lambda: terminal)
    console.line(HOSTILE)
    console.table(HOSTILE, [{HOSTILE: HOSTILE, "auc": HOSTILE}])
    with console.bar(HOSTILE, 10) as advance:
        clock(100)
        advance(10, HOSTILE)
    for text, times in ((stream.getvalue(), 5), (log.getvalue(), 3)):
        assert text.count(SHOWN) == times
        assert "\x1b" not in text
        assert "\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}" not in text


def test_a_bar_on_a_terminal_shows_names_as_they_are(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(
        console, "errors", lambda: Console(file=stream, force_terminal=True, width=300)
    )
    with console.bar(HOSTILE, 10) as advance:
        advance(10, HOSTILE)
    assert SHOWN in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", stream.getvalue())
    assert "\x07" not in stream.getvalue()


def test_columns_of_words_go_on_in_the_next_line(monkeypatch):
    stream = io.StringIO()
    wide = Console(file=stream, width=40, force_terminal=True, color_system=None)
    monkeypatch.setattr(console, "output", lambda: wide)
    words = "major_axis, minor_axis, efp_1, c2, pt_dispersion"
    console.table("", [{"score": "flow_observables", "reads": words, "rows": 750}])
    shown = stream.getvalue()
    assert "…" not in shown
    assert [word for word in (*words.split(), "flow_observables", "750") if word not in shown] == []
