"""Write to a temporary name, then rename: nobody ever sees half a file."""

from __future__ import annotations

import glob
import os
import platform
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from darkclr.errors import InputError

__all__ = ["atomic_path", "no_empty_folders"]


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends without error.

    Raises:
        InputError: the folder cannot be written or the disk is full; ``path`` is untouched.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("done")
    >>> target.read_text()
    'done'
    """
    path = Path(path)
    node = re.sub(r"[^\w-]", "-", platform.node())
    # Nobody can guess the name and put a link there, and "x" opens no file that is there.
    temporary = path.with_name(f".{path.name}.{node}.{os.getpid()}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path, node)
        temporary.open("xb").close()
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror or error})",
            where=path,
            fix="check free space and permissions",
        ) from error
    finally:
        with suppress(OSError):  # there is none, or not even a folder
            temporary.unlink()


@contextmanager
def no_empty_folders(folder: Path) -> Iterator[None]:
    """If the block fails, ``folder`` and those above it that were made in it go if they are empty.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> with suppress(ValueError), no_empty_folders(root / "a" / "b"):
    ...     (root / "a" / "b").mkdir(parents=True)
    ...     raise ValueError
    >>> list(root.iterdir())
    []
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            with suppress(OSError):  # it is not there, or somebody has written into it
                path.rmdir()
        raise


def _remove_leftovers(path: Path, node: str) -> None:
    """Remove what processes of this machine that were killed have left of the same file."""
    if os.name != "posix":  # signal 0, which asks, is Ctrl-C elsewhere
        return
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.{node}.*.part"):
        process = leftover.name.removeprefix(f".{path.name}.{node}.").split(".")[0]
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            leftover.unlink(missing_ok=True)
        except (OSError, ValueError):  # somebody else's process
            continue
