"""ROOT files: trees and RNTuples, read with uproot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError, MissingExtraError
from darkclr.io.containers.table import Rows, Table, same_lengths
from darkclr.io.containers.zero_padding import padded
from darkclr.io.parquet import METADATA_KEY, decoded_metadata

__all__ = ["METADATA", "root_tables"]

#: Key of a string beside the tables, in which a file of darkclr says what it is.
METADATA = "darkclr"

_KINDS = ("TTree", "TNtuple", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")


@contextmanager
def root_tables(path: Path) -> Iterator[list[Table]]:
    """The trees and RNTuples of a ROOT file, which is open in the block.

    Raises:
        MissingExtraError: uproot is not installed.
    """
    try:
        import awkward  # noqa: F401
        import uproot
    except ImportError as error:
        raise MissingExtraError(str(error.name), "files") from error
    with uproot.open(path) as file:
        kinds = file.classnames(cycle=False)
        text = str(file[METADATA]) if kinds.get(METADATA) == "TObjString" else "{}"
        metadata = decoded_metadata({METADATA_KEY: text})
        yield [
            _Tree(path, name, file[name], metadata)
            for name, kind in kinds.items()
            if kind in _KINDS
        ]


class _Tree(Table):
    """A tree or an RNTuple; its columns are branches or fields, wherever they are filed."""

    def __init__(self, file: Path, name: str, tree: Any, metadata: Mapping[str, Any]) -> None:
        self._tree = tree
        if tree.classname.startswith("TT"):
            self._paths = {column: column for column in tree.keys(full_paths=False)}
        else:  # fields of (collections of) records
            paths = tree.keys(full_paths=True)
            self._paths = {path.replace(".", "_"): path for path in paths}
            self._paths |= {path: path for path in paths}
        super().__init__(file, name, tuple(self._paths), int(tree.num_entries), metadata)

    def rows(self, columns: Sequence[str], batch: int) -> Iterator[Rows]:
        """Batches of entries.

        Raises:
            InputError: branches have other numbers of entries than the tree.
        """
        if self._tree.classname.startswith("TT"):
            lengths = {name: self._tree[name].num_entries for name in columns}
            if set(lengths.values()) != {self.n_rows}:
                raise InputError(
                    f"branches have different numbers of entries: {lengths}, "
                    f"the tree {self.n_rows}",
                    where=self.file,
                    fix="the file is damaged: get it again",
                )
        # iterate() keeps a basket until the batch is over in which it ends.
        paths = {name: self._paths[name] for name in columns}
        for arrays, report in self._tree.iterate(
            list(dict.fromkeys(paths.values())),
            step_size=max(batch, 1),
            library="ak",
            how=dict,
            report=True,
        ):
            found = {name: _field(arrays, path) for name, path in paths.items()}
            start, stop = (
                (report.tree_entry_start, report.tree_entry_stop)
                if hasattr(report, "tree_entry_start")
                else (report.start, report.stop)
            )
            yield _TreeRows(self, start, stop - start, found)


def _field(arrays: Mapping[str, Any], path: str) -> Any:
    """An array by its path; RNTuples hand over fields of a record in their record."""
    if path in arrays:
        return arrays[path]
    record, *fields = path.split(".")
    found = arrays[record]
    for field in fields:
        found = found[field]
    return found


class _TreeRows(Rows):
    """Entries of a tree; ``found`` has awkward arrays by name."""

    def __init__(self, table: Table, start: int, n: int, found: Mapping[str, Any]) -> None:
        super().__init__(table, start, n, found)
        self._found = found

    def _numbers(self, column: str) -> NDArray:
        array = self._found[column]
        if array.ndim != 1:
            self.refuse(column, "is not one number an entry")
        return np.asarray(array)

    def _lists(self, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[NDArray]]:
        lengths, values = {}, []
        for column in columns:
            offsets, flat = self._flat(column)
            lengths[column] = np.diff(offsets)
            values.append(flat)
        return same_lengths(self, lengths), values

    def _flat(self, column: str) -> tuple[NDArray[np.int64], NDArray]:
        """Offsets (n + 1,) and values of lists of numbers, without a copy where awkward has none.

        From the layout itself: awkward.num and awkward.flatten take longer than uproot's reading.
        """
        from awkward import contents

        layout = self._found[column].layout
        if isinstance(layout, contents.NumpyArray):
            layout = layout.to_RegularArray()
        lists = contents.ListOffsetArray | contents.ListArray | contents.RegularArray
        if isinstance(layout, lists):
            layout = layout.to_ListOffsetArray64(True)
            content, offsets = layout.content, np.asarray(layout.offsets.data)
            if isinstance(content, contents.NumpyArray) and content.data.ndim == 1:
                values = np.asarray(content.data)[: offsets[-1]]
                if values.dtype.kind in "fiub":
                    return offsets, values
        self.refuse(column, "is not a list of numbers an entry")

    def _array(self, column: str, columns: slice) -> NDArray:
        import awkward as ak

        array = self._found[column]
        if array.ndim < 3:
            return ak.to_numpy(array)[..., columns]
        lengths = ak.to_numpy(ak.num(array))
        return padded(lengths, ak.to_numpy(ak.flatten(array)))[..., columns]
