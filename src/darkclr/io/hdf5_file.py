"""Opening HDF5 files and finding what is in them: one clear line for whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from darkclr.errors import DarkclrError, InputError, MissingExtraError
from darkclr.io.frames import Frame, frames
from darkclr.io.padded import BLOCK_BYTES

__all__ = [
    "SUFFIXES",
    "describe",
    "find_dataset",
    "find_frame",
    "opened",
    "row_ranges",
    "same_length",
]

#: Of HDF5 files that a directory is searched for.
SUFFIXES = (".h5", ".hdf5", ".hdf")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An open ``h5py.File``; whatever the library says about a broken file becomes one line.

    Raises:
        InputError: the file is truncated, damaged, or compressed in an unknown way.
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "files") from error
    try:
        # What is not compressed comes straight into our arrays if no chunk fits into the cache.
        with h5py.File(path, "r", rdcc_nbytes=0) as file:
            if not file.visititems(_is_compressed):
                yield file
                return
        # Chunks of a block's rows stay decompressed until all their columns are read.
        with h5py.File(path, "r", rdcc_nbytes=BLOCK_BYTES) as file:
            yield file
    except DarkclrError:
        raise
    except Exception as error:  # a damaged file makes h5py raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"cannot be read as HDF5 ({reason})",
            where=path,
            fix="it may be truncated or damaged: get it again",
        ) from error


def _is_compressed(name: str, node: Any) -> bool | None:
    """True ends the visit of a file's nodes."""
    import h5py

    if isinstance(node, h5py.Dataset) and node.id.get_create_plist().get_nfilters():
        return True
    return None


def describe(path: Path) -> str:
    """The data sets of a file with their shapes, for messages."""
    found: list[str] = []
    with opened(path) as file:
        file.visititems(
            lambda name, node: (
                found.append(f"{name} {node.shape}")
                if hasattr(node, "shape") and "_i_table" not in name
                else None
            )
        )
    shown = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
    return f"an HDF5 file with {shown or 'no data sets'}"


def find_frame(path: Path, file: Any, fits: Callable[[Frame], bool], wanted: str) -> Frame:
    """The first data frame that fits."""
    for frame in frames(file, path):
        if fits(frame):
            for dataset in frame.datasets:
                _check_filters(dataset, path)
            return frame
    raise InputError(f"has no data frame with {wanted}", where=path, fix=f"it is {describe(path)}")


def find_dataset(path: Path, file: Any, name: str, ndim: int, columns: int) -> Any:
    """A data set of numbers with so many dimensions and at least so many columns in the last."""
    node = file.get(name)
    shape, dtype = getattr(node, "shape", None), getattr(node, "dtype", None)
    if shape is None or dtype is None:
        raise InputError(f"has no data set {name!r}", where=path, fix=f"it is {describe(path)}")
    if len(shape) != ndim or shape[-1] < columns or dtype.kind not in "fiu":
        raise InputError(
            f"data set {name!r} is {dtype} of shape {shape}, not numbers with {ndim} dimensions "
            f"and {columns} or more columns",
            where=path,
        )
    _check_filters(node, path)
    return node


def same_length(path: Path, **datasets: Any) -> int:
    """The number of rows that all data sets have.

    Raises:
        InputError: they differ.
    """
    lengths = {name: node.shape[0] for name, node in datasets.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"data sets have different numbers of jets: {lengths}", where=path)
    return next(iter(lengths.values()))


def _check_filters(node: Any, path: Path) -> None:
    import h5py

    creation = node.id.get_create_plist()
    for i in range(creation.get_nfilters()):
        code, _, _, name = creation.get_filter(i)
        if h5py.h5z.filter_avail(code):
            continue
        try:
            import hdf5plugin  # noqa: F401  (makes its filters known to h5py)
        except ImportError as error:
            raise MissingExtraError("hdf5plugin", "blosc") from error
        if not h5py.h5z.filter_avail(code):
            raise InputError(
                f"is compressed with {name.decode(errors='replace') or code}, which cannot be read",
                where=path,
                fix="write it again with zlib",
            )


def row_ranges(n_rows: int, batch: int, path: Path) -> Iterator[tuple[int, int]]:
    """First and last row (exclusive) of each batch.

    Raises:
        InputError: there are no rows.
    """
    if n_rows == 0:
        raise InputError("there are no jets", where=path)
    for start in range(0, n_rows, max(batch, 1)):
        yield start, min(start + max(batch, 1), n_rows)
