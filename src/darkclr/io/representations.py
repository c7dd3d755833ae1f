"""Files of representations: Parquet, one row a jet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from darkclr.errors import InputError
from darkclr.io.containers import container_of
from darkclr.io.parquet import (
    column_names,
    iterate_tables,
    read_metadata,
    read_table,
    write_table,
)
from darkclr.representations import Representations

__all__ = [
    "holds_representations",
    "iterate_representations",
    "read_representations",
    "representations_metadata",
    "write_representations",
]


def holds_representations(path: str | os.PathLike) -> bool:
    """Whether a file is one of representations, and not of jets.

    Raises:
        InputError: the file is broken, or of a kind that is neither.
    """
    path = Path(path)
    in_parquet = path.is_file() and container_of(path).name == "Parquet"
    return in_parquet and "pooled" in column_names(path)


def write_representations(rows: Representations, path: str | Path) -> None:
    """Write the table of :meth:`~darkclr.representations.Representations.to_table`."""
    metadata = representations_metadata(rows.provenance, rows.encoder, rows.families)
    write_table(rows.to_table(), path, metadata)


def read_representations(path: str | Path) -> Representations:
    """Read what :func:`write_representations` wrote.

    Raises:
        InputError: missing or broken file, missing columns, no rows, or values that are not finite.
    """
    table = read_table(path)
    rows = Representations.from_table(table, read_metadata(table), path)
    if not len(rows):
        raise InputError("there are no jets", where=path, fix="encode some")
    return rows


def iterate_representations(path: str | os.PathLike, batch_size: int) -> Iterator[Representations]:
    """The rows of a file, so many at a time; errors are those of :func:`read_representations`."""
    for table in iterate_tables(path, batch_size):
        yield Representations.from_table(table, read_metadata(table), path)


def representations_metadata(
    provenance: Mapping[str, Any], encoder: str | None, families: Iterable[str] = ("dropped",)
) -> dict[str, Any]:
    """What a file of representations says of them as a whole."""
    return {
        "kind": "representations",
        "provenance": dict(provenance),
        "encoder": encoder,
        "families": list(families),
    }
