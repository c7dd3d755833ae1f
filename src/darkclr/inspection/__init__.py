"""What a file or a directory that darkclr wrote is, where it comes from, and what it is for."""

from __future__ import annotations

from pathlib import Path

from darkclr.inspection.description import Description

__all__ = ["Description", "describe"]


def describe(path: str | Path) -> Description | None:
    """Say what darkclr has written there; None of jets and of what it has not written.

    Nothing in it is executed. Jets are for :func:`darkclr.inspection.jets.summarise`.

    Raises:
        InputError: it is broken.
        MissingExtraError: of an ONNX file, where onnx is not installed.
    """
    # Each is slow to import in its way.
    path = Path(path)
    if path.is_dir():
        from darkclr.inspection.directories import describe_directory, describe_part

        return describe_directory(path) or describe_part(path)
    if path.suffix == ".parquet" and path.is_file():
        from darkclr.inspection.tables import describe_table

        return describe_table(path)
    if path.suffix == ".root" and path.is_file():
        from darkclr.inspection.tables import describe_root

        return describe_root(path)
    if path.suffix in (".json", ".csv", ".onnx") and path.is_file():
        from darkclr.inspection.documents import describe_document

        return describe_document(path)
    if path.is_file():
        from darkclr.inspection.directories import describe_part

        return describe_part(path)
    return None
