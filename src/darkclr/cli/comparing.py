"""The table of an ensemble: its own representation and the variants of it, all scores of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from darkclr.cli import console
from darkclr.cli.members import Members
from darkclr.evaluation import EnsembleMetrics, comparison, markdown, readable_rows, to_json
from darkclr.io import atomic_path

__all__ = ["write_comparison"]


def write_comparison(representations: Sequence[Members], output: Path) -> None:
    """Write ``table.json`` and ``table.md`` of finished members and print the rows.

    Args:
        representations: members of the configuration itself and of its variants.
        output: directory.
    """
    first = representations[0]
    table = comparison(
        {
            members.variant: EnsembleMetrics(
                natural=members.metrics(None),
                gluons=None
                if members.gluon_share is None
                else members.metrics(members.gluon_share),
                facts=members.facts(),
                encoder=members.encoder_facts(),
            )
            for members in representations
        },
        processes={name: sample.process for name, sample in first.plan.samples.items()},
    )
    text = json.dumps(to_json(table), indent=1, allow_nan=False, ensure_ascii=False)
    for name, content in (("table.json", text + "\n"), ("table.md", markdown(table))):
        with atomic_path(output / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    for signal in first.plan.signals:
        # The details do not fit on a terminal.
        rows = [
            {k: v for k, v in row.items() if k not in ("reads", "parameters") and ":" not in k}
            for row in readable_rows(table, signal)
        ]
        console.table(f"{signal} against background (* = yardstick)", rows)
    console.line(f"table in {output / 'table.md'} and table.json")
