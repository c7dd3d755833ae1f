"""What a command left behind."""

from __future__ import annotations

from pathlib import Path

__all__ = ["names"]


def names(folder: Path) -> list[str]:
    """Names in a folder, hidden ones too, sorted."""
    return sorted(path.name for path in folder.iterdir())
