"""A run directory -> its pictures and its page."""

from __future__ import annotations

from pathlib import Path

from darkclr.augmentations import Augmentations
from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path
from darkclr.jets import Jets
from darkclr.names import file_name
from darkclr.report.page.html import Section, page
from darkclr.report.run_files import RunFiles
from darkclr.report.sections import facts, jets, measured, training

__all__ = ["report"]


def report(
    run_directory: str | Path,
    augmentations: Augmentations | None = None,
    background: Jets | None = None,
) -> Path:
    """Write ``plots/*.png``, the same as PDF, and the self-contained ``report.html`` of a run.

    Files that are missing cost their own picture only.

    Args:
        run_directory: what the other commands wrote.
        augmentations: those that the run was trained with, for their picture; the paper's if None.
        background: background jets of the run, if they have been read already.

    Returns:
        The path of the page.

    Raises:
        InputError: there is no such directory, it holds nothing of a run or cannot be written.
    """
    run = Path(run_directory)
    if not run.is_dir():
        raise InputError("no such directory", where=run, fix="give the directory of a run")
    content = _sections(run, augmentations or Augmentations(), background)
    if not any(section.pictures or section.markup for section in content):
        raise InputError(
            "holds nothing that a run writes", where=run, fix="give the directory of a run"
        )
    for section in content:
        for picture in section.pictures:
            for ending, image in (("png", picture.png), ("pdf", picture.pdf)):
                path = run / "plots" / f"{file_name(picture.name)}.{ending}"
                with atomic_path(path) as temporary:
                    temporary.write_bytes(image)
    target = run / "report.html"
    with atomic_path(target) as temporary:
        temporary.write_text(page(run.resolve().name, content), encoding="utf-8")
    return target


def _sections(
    run: Path, augmentations: Augmentations, background: Jets | None = None
) -> list[Section]:
    """All sections of the page about one run, in order; the background may have been read."""
    files = RunFiles(run, background)
    of_signals = (measured.results, measured.working_point, measured.roc, measured.sculpting)
    return [
        *(measured.search(files) if files.without_signal else (of(files) for of in of_signals)),
        jets.displays(files, augmentations),
        jets.scores(files),
        jets.constituents(files),
        jets.augmentations(files, augmentations),
        training.encoder(run),
        training.similarity(run),
        training.energies(run),
        facts.facts(files),
    ]
