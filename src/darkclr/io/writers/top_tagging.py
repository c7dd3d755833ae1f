"""Jets as HDF5 in the layout of the top-tagging reference, for pandas and PyTables."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import ConfigError, InputError, MissingExtraError
from darkclr.io.layouts.native import KIND_COLUMN
from darkclr.io.parquet import METADATA_KEY, encode_metadata
from darkclr.io.writers.native import highest_pt, jets_metadata
from darkclr.jets import Jets

__all__ = ["TopTaggingWriter"]

# HDF5 keeps attributes below 64 kB, and the names of the columns are one.
_MAX_SLOTS = 1000
_MAX_ATTRIBUTE = 2**16 - 2**10
_BLOCKS = ("values_block_0", "values_block_1")
_TRUTH_FLOATS = ("truthE", "truthPX", "truthPY", "truthPZ")
_TRUTH_INTEGERS = ("ttv",)


class TopTaggingWriter:
    """The layout of the top-tagging reference and of the DarkCLR data, for pandas and PyTables.

    HDF5 as ``pandas.DataFrame.to_hdf(key="table", format="table")`` writes it. First come the
    float32 columns ``E_i, PX_i, PY_i, PZ_i`` [GeV], zeros where a jet has fewer constituents; last
    the integer ``is_signal_new``; between them ``jet_pt, jet_eta, jet_phi, jet_mass, weight,
    event, rank``, and the reference's truth columns if the jets have them. Constituents are
    massless, so E is the momentum. Source: https://zenodo.org/records/2603256.

    Args:
        path: file to write.
        where: name for error messages.
        slots: constituents a jet.

    Raises:
        MissingExtraError: h5py is not installed.
        ConfigError: the names of so many columns do not fit into an HDF5 attribute.
    """

    def __init__(self, path: Path, where: object, slots: int) -> None:
        try:
            import h5py
        except ImportError as error:
            raise MissingExtraError("h5py", "files") from error
        if not 0 < slots <= _MAX_SLOTS:
            raise ConfigError(
                f"slots = {slots}", where=where, fix=f"give a number from 1 to {_MAX_SLOTS}"
            )
        self._h5py = h5py
        self._path, self._where, self._slots = path, where, slots
        self._highest_pt = 0.0
        self._disk: _Disk | None = None
        self._file: Any = None
        self._table: Any = None
        self._lost: dict[str, None] = {"provenance": None}

    def write(self, jets: Jets) -> None:
        """Append a batch.

        Raises:
            InputError: a jet has more constituents than slots; the disk is full.
        """
        longest = int(jets.n_constituents.max())
        if longest > self._slots:
            raise InputError(
                f"a jet has {longest} constituents, the file has room for {self._slots}",
                where=self._where,
                fix=f"give --slots {longest}, or keep the hardest with "
                f"--options.n_constituents {self._slots}",
            )
        if self._file is None:
            self._open(jets)
        self._highest_pt = max(self._highest_pt, highest_pt(jets))
        rows = np.zeros(len(jets), self._dtype)
        n = self._table.shape[0]
        rows["index"] = np.arange(n, n + len(jets))
        for field, names, offset in zip(_BLOCKS, self._own, (4 * self._slots, 0), strict=True):
            for i, name in enumerate(names):
                rows[field][:, offset + i] = self._column(jets, name)
        c = jets.constituents
        pt, eta, phi = (x.astype(np.float64) for x in (c.pt, c.eta, c.phi))
        column = 4 * (np.arange(len(pt)) - c.offsets[c.jet_index])
        with np.errstate(over="ignore"):
            four = (pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
        if not (four[0] < np.finfo(np.float32).max).all():
            raise InputError("a constituent has infinite energy", where=self._where)
        for i, values in enumerate(four):
            rows[_BLOCKS[0]][c.jet_index, column + i] = values
        self._table.resize(n + len(rows), axis=0)
        self._table[n:] = rows
        self._file.flush()
        self._check()
        known = {name for names in self._own for name in names}
        self._lost |= dict.fromkeys(f"truth_{k}" for k in jets.truth if k not in known)
        if c.kind is not None:
            self._lost[KIND_COLUMN] = None

    def _open(self, jets: Jets) -> None:
        floats = [f"jet_{name}" for name in ("pt", "eta", "phi", "mass")]
        floats += ["weight", *(k for k in _TRUTH_FLOATS if k in jets.truth)]
        integers = ["event", "rank", *(k for k in _TRUTH_INTEGERS if k in jets.truth)]
        self._own = (floats, [*integers, "is_signal_new"])
        self._dtype = np.dtype(
            [
                ("index", np.int64),
                (_BLOCKS[0], np.float32, (4 * self._slots + len(floats),)),
                (_BLOCKS[1], np.int64, (len(self._own[1]),)),
            ]
        )
        self._disk = _Disk(self._path, "w+")
        self._file = self._h5py.File(self._disk, "w")
        group = self._file.create_group("table")
        self._table = group.create_dataset(
            "table",
            shape=(0,),
            maxshape=(None,),
            dtype=self._dtype,
            chunks=(max(2**20 // self._dtype.itemsize, 1),),
            compression="gzip",  # which every HDF5 library can read
            compression_opts=1,
            shuffle=True,
        )
        self._describe(group)

    def _describe(self, group: Any) -> None:
        """The attributes by which PyTables and pandas know their tables."""
        four = [f"{name}_{i}" for i in range(self._slots) for name in ("E", "PX", "PY", "PZ")]
        blocks = ([*four, *self._own[0]], self._own[1])
        frame = {
            "CLASS": "GROUP",
            "VERSION": "1.0",
            "TITLE": "",
            "pandas_type": "frame_table",
            "pandas_version": "0.15.2",
            "table_type": "appendable_frame",
            "index_cols": [(0, "index")],
            "values_cols": list(_BLOCKS),
            "non_index_axes": [(1, [*blocks[0], *blocks[1]])],
            "data_columns": [],
            "info": {1: {"names": [None], "type": "Index"}, "index": {}},
            "levels": 1,
            "nan_rep": "nan",
            "encoding": "UTF-8",
            "errors": "strict",
        }
        table: dict[str, Any] = {
            "CLASS": "TABLE",
            "VERSION": "2.7",
            "TITLE": "",
            "index_kind": "integer",
        }
        table |= {f"FIELD_{i}_NAME": name for i, name in enumerate(self._dtype.names or ())}
        for field, names, dtype in zip(_BLOCKS, blocks, ("float32", "int64"), strict=True):
            table |= {f"{field}_kind": names, f"{field}_dtype": dtype, f"{field}_meta": None}
        root = {"CLASS": "GROUP", "VERSION": "1.0", "TITLE": "", "PYTABLES_FORMAT_VERSION": "2.1"}
        for node, attributes in ((self._file, root), (group, frame), (self._table, table)):
            for name, value in attributes.items():
                node.attrs[name] = self._attribute(value)

    def _attribute(self, value: Any) -> Any:
        """A value as PyTables stores it: text and numbers as such, the rest as a pickle."""
        if isinstance(value, int):
            return np.int64(value)
        if not isinstance(value, str):
            return np.bytes_(pickle.dumps(value, protocol=0))
        text = value.encode()
        return np.array(text, self._h5py.string_dtype("utf-8", max(len(text), 1)))

    def _column(self, jets: Jets, name: str) -> NDArray:
        if name in jets.truth:
            return jets.truth[name]
        if name in (*_TRUTH_FLOATS, *_TRUTH_INTEGERS):
            raise InputError(
                f"some files have the column {name!r}, others have not",
                where=self._where,
                fix="convert them one by one",
            )
        return getattr(jets, "label" if name == "is_signal_new" else name.removeprefix("jet_"))

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write how the jets were converted; pandas' layout has no place for more provenance."""
        converted = {name: x for name, x in provenance.items() if name == "converted"}
        content = encode_metadata(jets_metadata(converted, self._highest_pt))
        if self._file is not None and len(content) < _MAX_ATTRIBUTE:
            self._file.attrs[METADATA_KEY.decode()] = content.decode()
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None and self._disk is not None:
            self._file.close()
            self._disk.close()
            self._check()

    def lost(self) -> tuple[str, ...]:
        """Names of what is not in the file."""
        return tuple(self._lost)

    def _check(self) -> None:
        if self._disk is not None and self._disk.error is not None:
            raise self._disk.error


class _Disk(io.FileIO):
    """A file that remembers its first error and goes on as if nothing had happened.

    The HDF5 library cannot close a file that it cannot write: PyTables says nothing then and leaves
    half a file, h5py ends the program. So the library is not told of a full disk; the writer is.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:  # type: ignore[override]
        view = memoryview(data).cast("B")
        try:
            done = 0
            while done < len(view) and self.error is None:
                done += super().write(view[done:]) or 0
        except OSError as error:
            self.error = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0
