"""Whatever a stranger's file holds: right jets, or one line and exit code 2."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("pyhepmc")

import corpus
from corpus import KINDS, Seeds
from hunt import hunt
from reliability import table, write_section

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")

# Cases of each kind in every run of the tests, and of all kinds at night.
FEW, MANY = 30, int(os.environ.get("HOSTILE_CASES", "10000"))
# Cases of the night that fell once: a footer at which PyArrow ends the process, a text that is
# none, a link to itself.
FELL_ONCE = [("Parquet", 1067), ("run directories", 1061), ("run directories", 1796)]
RESULTS = Path(__file__).parents[2] / "build" / "hostile.json"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> Seeds:
    folder = tmp_path_factory.mktemp("hostile") / "seeds"
    folder.mkdir()
    return Seeds(folder)


def fallen(outcomes: dict[int, str]) -> dict[int, str]:
    return {number: text for number, text in outcomes.items() if text not in ("read", "refused")}


@pytest.mark.parametrize("kind", KINDS)
def test_undamaged_inputs_are_read(kind, seeds, monkeypatch):
    for name in ("damage_bytes", "damage_text", "damage_columns"):
        monkeypatch.setattr(corpus, name, lambda data, rng: data)
    monkeypatch.setattr(corpus, "damage_folder", lambda folder, rng: None)
    assert set(hunt(kind, range(1, 4), seeds).values()) == {"read"}


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs_are_read_right_or_refused_in_one_line(kind, seeds):
    outcomes = hunt(kind, range(FEW), seeds)
    assert fallen(outcomes) == {}
    assert len(outcomes) == FEW
    assert "refused" in outcomes.values()


@pytest.mark.parametrize(("kind", "number"), FELL_ONCE)
def test_what_fell_once_does_not_fall_again(kind, number, seeds):
    assert fallen(hunt(kind, [number], seeds)) == {}


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("raise RuntimeError", "exit code 1"),
        ("import time; time.sleep(99)", "hangs"),
        ("import os; os.kill(os.getpid(), 9)", "crashes"),
        ("from pathlib import Path; Path('../pwned').touch()", "outside"),
        ("import sys; sys.stderr.write('\\x1b[31m')", "control characters"),
        ("return 2", "no single line"),
    ],
)
def test_what_no_command_may_do_is_seen(code, what, seeds, monkeypatch):
    def broken(arguments):
        scope: dict = {}
        exec(f"def run():\n    {code}", scope)
        try:
            return scope["run"]() or 0
        except RuntimeError:
            return 1

    monkeypatch.setattr(corpus, "main", broken)
    monkeypatch.setattr(corpus, "WAITING", 1.0)
    assert what in hunt("Parquet", [0], seeds)[0]


@pytest.mark.nightly
def test_many_damaged_inputs(seeds):
    """Writes what became of them into the documentation."""
    counts, wrong = {}, {}
    share = -(-MANY // len(KINDS))
    for kind in KINDS:
        outcomes = hunt(kind, range(1000, 1000 + share), seeds)
        wrong[kind] = fallen(outcomes)
        told = Counter(outcomes.values())
        counts[kind] = (share, told["read"], told["refused"], len(wrong[kind]))
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"counts": counts, "fell": wrong}, indent=1))
    head = ["kind", "cases", "read", "refused in one line", "fell"]
    write_section("hostile", table(head, counts))
    assert not any(wrong.values()), wrong
