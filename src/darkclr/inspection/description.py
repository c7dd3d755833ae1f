"""What is said of a file or a directory, on one screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from darkclr.io.atomic import atomic_path
from darkclr.reporter import Reporter

__all__ = ["Description", "shortened"]

_LONGEST = 160


@dataclass(frozen=True)
class Description:
    """A file or directory in words.

    Args:
        what: it is, in one line.
        facts: its content and where it comes from.
        rows: of a table; their keys are the columns.
        uses: what to do with it, a command or a sentence each.
    """

    what: str
    facts: Mapping[str, object] = field(default_factory=dict)
    rows: Sequence[Mapping[str, object]] = ()
    uses: Sequence[str] = ()

    def show(self, reporter: Reporter) -> None:
        """Say all of it."""
        reporter.line(self.what)
        for name, fact in self.facts.items():
            reporter.line(f"{name}: {fact}")
        reporter.table("", self.rows)
        for use in self.uses:
            reporter.line(f"next: {use}")

    def write(self, path: Path) -> None:
        """Write all of it to a JSON file."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2, default=str) + "\n")


def shortened(facts: Mapping[str, Any]) -> dict[str, str]:
    """Values as texts of one line, long ones cut."""
    texts = {name: " ".join(str(value).split()) for name, value in facts.items()}
    return {n: t if len(t) <= _LONGEST else f"{t[:_LONGEST]} ..." for n, t in texts.items()}
