"""A run directory -> its pictures and its page."""

from __future__ import annotations

from pathlib import Path

from darkclr.augmentations import Augmentations
from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path
from darkclr.jets import Jets
from darkclr.names import file_name
from darkclr.report.html import page
from darkclr.report.sections import sections

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
    content = sections(run, augmentations or Augmentations(), background)
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
