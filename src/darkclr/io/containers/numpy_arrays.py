"""NumPy files, .npy and .npz: arrays whose first axis counts the rows, without unpickling any."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from darkclr.errors import InputError, MissingExtraError
from darkclr.io.containers.hdf5 import tables_of
from darkclr.io.containers.table import Table

__all__ = ["numpy_tables"]

_MOST = 1 << 31  # bytes of all arrays, which are in memory
_CHUNK = 1 << 20  # bytes


@contextmanager
def numpy_tables(path: Path) -> Iterator[list[Table]]:
    """The table of all arrays of an archive, or of the one array, which are in memory in the block.

    They are data sets of an HDF5 file that is in memory only.

    Raises:
        InputError: there is more than fits in memory.
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "files") from error
    _check_size(path)
    with h5py.File("numpy", "w", driver="core", backing_store=False) as file:
        for name, values in _loaded(path).items():
            if values.ndim and values.dtype.kind in "fiub" and len(values):
                rows = max(_CHUNK // max(values[:1].nbytes, 1), 1)
                # In chunks: rows that lie in one piece are read from the disk.
                chunks = (min(rows, len(values)), *values.shape[1:])
                file.create_dataset(name, data=values, chunks=chunks)
        yield tables_of(file, path)


def _loaded(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name; the one of a .npy file has the name of the file."""
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return {path.stem: loaded}
    with loaded:
        return dict(loaded)


def _check_size(path: Path) -> None:
    """Refuse more than fits in memory, as a few bytes of an archive may unpack to."""
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    if size > _MOST:
        raise InputError(
            f"holds {size >> 20} MB of arrays, more than {_MOST >> 20}",
            where=path,
            fix="write them to HDF5, which is read in parts: h5py, file[name] = array",
        )
