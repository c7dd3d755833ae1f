"""``darkclr reproduce``: every table and figure of the papers, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from darkclr.cli import console
from darkclr.studies.sample_config import Sample

__all__ = ["reproduce"]


def reproduce(
    name: list[str],
    scale: Literal["smoke", "laptop", "paper"] = "smoke",
    output: Path | None = None,
    samples: dict[str, Sample] | None = None,
    part: str | None = None,
    dry_run: bool = False,
) -> None:
    """Make tables and figures of the papers again, each with a verdict.

    Without a name the command lists all studies, what they need, and how many hours they take.
    Each writes figure.pdf, figure.png and result.json into a folder of its name: numbers, the
    published ones beside them, and whether what the paper claims was confirmed. Trainings are
    shared between studies. Stop with Ctrl-C; the same command goes on where it was.

    Example: darkclr reproduce fig3 table3 --scale laptop

    Args:
        name: The names of the studies; `all` is every one of them.
        scale: The size of trainings and samples: smoke takes minutes and only shows that a study
            works, laptop takes hours on two cores, paper has the sizes of the papers.
        output: The directory of results and trainings; by default runs/reproduction/SCALE.
        samples: What samples of the studies are instead of simulated, by their names:
            '{qcd: {files: my_qcd.root}, aachen: {files: my_signal.h5}}'.
        part: The only part of the trainings that is done, as in robustness/1 (an encoder), for a
            batch system; the command without it does what is missing, and the rest. The first
            encoder comes before the others.
        dry_run: The command only says what would be done, and how long that takes.
    """
    from darkclr.studies.reproduction.reproduction import Reproduction, show_studies

    if not name:
        show_studies(console)
        return
    output = Path("runs/reproduction") / scale if output is None else output
    reproduction = Reproduction(name, scale, output, console, samples)
    if part is not None and not dry_run:
        reproduction.execute_part(part)
        return
    reproduction.describe()
    if not dry_run:
        reproduction.execute()
