"""Tables as ROOT files, a tree or an RNTuple, batch by batch: for ROOT, RDataFrame and uproot.

The metadata stand beside the table as a string called ``darkclr``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from darkclr.errors import MissingExtraError
from darkclr.io.containers.root import METADATA
from darkclr.io.parquet import encode_metadata

__all__ = ["RootTableWriter"]


class RootTableWriter:
    """A ROOT file written table by table; as :class:`~darkclr.io.parquet.TableWriter` otherwise.

    Names of columns become names of branches: what is neither letter, digit nor underscore becomes
    an underscore. Lists of the same length, ``constituent_pt`` and so on, share one counter. Texts
    have no place in a tree and are left out there.

    Args:
        path: the file; a temporary name that the caller renames when all is written.
        table: name of the tree or RNTuple.
        kind: which of the two.

    Raises:
        MissingExtraError: uproot is not installed.
    """

    def __init__(self, path: Path, table: str, kind: Literal["root", "rntuple"]) -> None:
        try:
            import awkward  # noqa: F401
            import uproot
        except ImportError as error:
            raise MissingExtraError(str(error.name), "files") from error
        self.n_rows = 0
        self.names: list[str] = []
        self._file: Any = uproot.recreate(path)
        self._table, self._kind, self._schema = table, kind, None
        self._tree: Any = None

    def write(self, table: pa.Table) -> None:
        """Append a table.

        Raises:
            ValueError: its columns are not those of the tables before.
        """
        import awkward as ak

        if self._schema is None:
            self._schema, self.names = table.schema, table.column_names
        elif table.column_names != self.names:
            raise ValueError(f"columns {table.column_names} instead of {self.names}")
        columns = _columns(table.cast(self._schema))
        if self._kind == "root":
            columns = _grouped({n: c for n, c in columns.items() if not _is_text(c)})
            if self._tree is None:
                self._tree = self._file.mktree(self._table, _types(columns))
            self._tree.extend(columns)
        elif self._tree is None:
            self._tree = self._file.mkrntuple(self._table, ak.Array(columns))
        else:
            self._tree.extend(ak.Array(columns))
        self.n_rows += len(table)

    def finish(self, metadata: dict[str, Any]) -> None:
        """Write JSON-able metadata: the file is complete."""
        self._file[METADATA] = encode_metadata(metadata).decode()
        self.close()

    def close(self) -> None:
        """Close the file, complete or not; may be called twice."""
        self._file.close()


def _columns(table: pa.Table) -> dict[str, Any]:
    """Columns as NumPy or Awkward arrays, by names that ROOT takes."""
    import awkward as ak

    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        array = column.combine_chunks()
        if pa.types.is_list(array.type):
            values: Any = ak.unflatten(
                array.flatten().to_numpy(zero_copy_only=False),
                array.value_lengths().to_numpy(),
            )
        elif pa.types.is_string(array.type):
            values = ak.Array(array.to_pylist())
        else:
            values = array.to_numpy(zero_copy_only=False)
        columns[re.sub(r"\W", "_", name, flags=re.ASCII)] = values
    return columns


def _is_text(column: Any) -> bool:
    return not isinstance(column, np.ndarray) and column.ndim == 1


def _grouped(columns: dict[str, Any]) -> dict[str, Any]:
    """Lists of one prefix as records, whose fields share their counter."""
    import awkward as ak

    groups: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, column in columns.items():
        if not isinstance(column, np.ndarray):
            prefix, _, field = name.partition("_")
            groups[prefix][field] = column
    flat = {name: column for name, column in columns.items() if isinstance(column, np.ndarray)}
    return {prefix: ak.zip(fields) for prefix, fields in groups.items()} | flat


def _types(columns: dict[str, Any]) -> dict[str, Any]:
    return {
        name: column.dtype if isinstance(column, np.ndarray) else column.type.content
        for name, column in columns.items()
    }
