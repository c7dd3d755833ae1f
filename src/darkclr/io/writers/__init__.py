"""Files of jets written batch by batch: memory is that of one batch.

A writer is given a temporary name by its caller (:func:`darkclr.io.convert.convert`), which
renames the file when everything is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from darkclr.errors import ConfigError
from darkclr.io.parquet import TableWriter
from darkclr.io.writers.native import JetsWriter, jets_table, write_jets
from darkclr.io.writers.root import RootTableWriter
from darkclr.io.writers.top_tagging import TopTaggingWriter
from darkclr.jets import Jets

__all__ = [
    "TARGETS",
    "JetsWriter",
    "TopTaggingWriter",
    "Writer",
    "jets_table",
    "table_writer",
    "target_of",
    "write_jets",
]

TARGETS = ("parquet", "root", "rntuple", "top_tagging")
_SUFFIXES = {".parquet": "parquet", ".pq": "parquet", ".root": "root"} | dict.fromkeys(
    (".h5", ".hdf5", ".hdf"), "top_tagging"
)


class Writer(Protocol):
    """Writes batches of jets into one file."""

    def write(self, jets: Jets) -> None:
        """Append a batch."""

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write what is left, and how the jets were made; the file is complete."""

    def close(self) -> None:
        """Close the file, complete or not; may be called twice."""

    def lost(self) -> tuple[str, ...]:
        """What was in the jets and has no place in the file."""


def target_of(path: Path, to: str | None = None) -> str:
    """Name of the layout to write, from ``to`` or from the suffix of the file.

    Raises:
        ConfigError: neither says it.

    >>> target_of(Path("jets.h5"))
    'top_tagging'
    """
    name = _SUFFIXES.get(path.suffix.lower()) if to is None else to
    if name not in TARGETS:
        raise ConfigError(
            f"{to or path.suffix or 'no suffix'} is no layout to write",
            where=path,
            fix="name the file .parquet, .root or .h5 (top-tagging HDF5), or give --to of "
            + ", ".join(TARGETS),
        )
    return name


def table_writer(path: Path, target: str, table: str) -> TableWriter | RootTableWriter:
    """A writer of tables batch by batch.

    Args:
        path: a temporary name of the file.
        target: "parquet", "root" (a tree) or "rntuple".
        table: name of the tree or RNTuple.

    Raises:
        MissingExtraError: uproot is not installed.
    """
    if target == "parquet":
        return TableWriter(path)
    return RootTableWriter(path, table, "root" if target == "root" else "rntuple")
