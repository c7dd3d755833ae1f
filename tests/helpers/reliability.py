"""Sections of docs/reliability.md that test runs write themselves."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["DOCUMENT", "section", "table", "write_section"]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def table(head: Sequence[str], rows: Mapping[str, Sequence[int]]) -> str:
    """Counts as Markdown, by name, with their sums below."""
    sums = tuple(map(sum, zip(*rows.values(), strict=True)))
    lines = [head, ["---"] * len(head), *([name, *row] for name, row in rows.items())]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [*lines, ["all", *sums]])


def write_section(name: str, text: str) -> None:
    """Replace what is between the marks of a section, with date and processor in front."""
    begin, end = f"<!-- {name}: written by the tests -->", f"<!-- end of {name} -->"
    document = DOCUMENT.read_text()
    made = f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, Python {platform.python_version()}."
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(document):
        raise ValueError(f"{DOCUMENT} has no section {name}")
    DOCUMENT.write_text(pattern.sub(lambda _: f"{begin}\n{made}\n\n{text}\n{end}", document))


def section(name: str) -> str:
    """What is in a section."""
    begin, end = f"<!-- {name}: written by the tests -->", f"<!-- end of {name} -->"
    return DOCUMENT.read_text().partition(begin)[2].partition(end)[0]


def _processor() -> str:
    """Its name, where Linux tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1] if found else platform.machine()
