"""Opening ROOT files and reading branches in batches: one clear line for whatever is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import DarkclrError, InputError, MissingExtraError

__all__ = [
    "describe",
    "entries",
    "find_tree",
    "flat_lists",
    "has_branch",
    "need_tree",
    "one_each",
    "opened",
]


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An open uproot file; whatever the library says about a broken file becomes one line.

    Raises:
        InputError: the file is truncated or damaged.
        MissingExtraError: uproot is not installed.
    """
    try:
        import awkward  # noqa: F401
        import uproot
    except ImportError as error:
        raise MissingExtraError(str(error.name), "files") from error
    try:
        with uproot.open(path) as file:
            yield file
    except DarkclrError:
        raise
    except Exception as error:  # a damaged file makes uproot raise anything
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError(
            f"cannot be read as ROOT ({lines[0] if lines else type(error).__name__})",
            where=path,
            fix="it may be truncated or damaged: get it again",
        ) from error


def describe(path: Path) -> str:
    """The trees of a file with some of their branches, for messages."""
    with opened(path) as file:
        trees = [
            f"{name} ({file[name].num_entries} entries: {', '.join(file[name].keys()[:8])}, ...)"
            for name in file.keys(cycle=False, filter_classname="TTree")
        ]
        others = [f"{name} ({kind})" for name, kind in file.classnames(cycle=False).items()]
    return f"a ROOT file with {'; '.join(trees) or f'no trees, but {others[:8]}'}"


def find_tree(file: Any, name: str) -> Any | None:
    """A tree by name, or None."""
    if name not in file.keys(cycle=False, filter_classname="TTree"):
        return None
    return file[name]


def need_tree(path: Path, file: Any, name: str, branches: tuple[str, ...]) -> Any:
    """A tree that must be there with these branches.

    Raises:
        InputError: it is not, lacks branches, or is empty.
    """
    tree = find_tree(file, name)
    if tree is None:
        raise InputError(f"has no tree {name!r}", where=path, fix=f"it is {describe(path)}")
    missing = [branch for branch in branches if not has_branch(tree, branch)]
    if missing:
        raise InputError(f"missing branches {missing} in tree {name!r}", where=path)
    if tree.num_entries == 0:
        raise InputError(f"tree {name!r} is empty: there are no jets", where=path)
    return tree


def has_branch(tree: Any, branch: str) -> bool:
    """Whether a tree has a branch, wherever it is filed."""
    return branch in tree.keys(full_paths=False)


def entries(
    tree: Any, branches: list[str], size: int, path: Path
) -> Iterator[tuple[int, dict[str, Any]]]:
    """First entry and awkward arrays by name of each batch of entries.

    Raises:
        InputError: branches have other numbers of entries than the tree.
    """
    lengths = {name: tree[name].num_entries for name in branches}
    if set(lengths.values()) != {tree.num_entries}:
        raise InputError(
            f"branches have different numbers of entries: {lengths}, the tree {tree.num_entries}",
            where=path,
            fix="the file is damaged: get it again",
        )
    # iterate() keeps a basket until the batch is over in which it ends.
    for arrays, report in tree.iterate(
        branches, step_size=max(size, 1), library="ak", how=dict, report=True
    ):
        yield report.tree_entry_start, arrays


def flat_lists(
    arrays: dict[str, Any], names: list[str], path: Path
) -> tuple[NDArray, list[NDArray]]:
    """Lengths (n,) and flat values of jagged branches of equal lengths."""
    first = None
    values = []
    for name in names:
        offsets, flat = _flat(arrays[name], name, path)
        lengths = np.diff(offsets)
        if first is not None and not np.array_equal(first, lengths):
            raise InputError(
                f"branches {names[0]!r} and {name!r} have different lengths", where=path
            )
        first = lengths
        values.append(flat)
    assert first is not None
    return first, values


def _flat(array: Any, name: str, path: Path) -> tuple[NDArray[np.int64], NDArray]:
    """Offsets (n + 1,) and values of lists of numbers, without a copy where awkward has none.

    From the layout itself: awkward.num and awkward.flatten take longer than uproot's reading.
    """
    from awkward import contents

    layout = array.layout
    if isinstance(layout, contents.NumpyArray):
        layout = layout.to_RegularArray()
    if isinstance(layout, contents.ListOffsetArray | contents.ListArray | contents.RegularArray):
        lists = layout.to_ListOffsetArray64(True)
        content, offsets = lists.content, np.asarray(lists.offsets.data)
        if isinstance(content, contents.NumpyArray) and content.data.ndim == 1:
            values = np.asarray(content.data)[: offsets[-1]]
            if values.dtype.kind in "fiu":
                return offsets, values
    raise InputError(f"branch {name!r} is not a list of numbers an entry", where=path)


def one_each(arrays: dict[str, Any], name: str, path: Path) -> NDArray:
    """A branch of one number an entry, (n,)."""
    array = arrays[name]
    if array.ndim != 1:
        raise InputError(f"branch {name!r} is not one number an entry", where=path)
    return np.asarray(array)
