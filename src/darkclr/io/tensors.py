"""The weights of a model, written with their digest in its configuration; and checkpoints.

A bit that flips on a disk changes a score and nothing else tells. Models of versions that recorded
no digest are read as they are. Checkpoints have sums of their own.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import regular_file

__all__ = ["CONFIG", "DIGESTS", "WEIGHTS", "read_checkpoint", "read_tensors", "write_model"]

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
#: Key of the configuration: digests of files, by name.
DIGESTS = "digests"

_LARGEST = 2**32  # bytes; an encoder has some 3 MB


def write_model(directory: Path, document: Mapping[str, Any] | None, weights: bytes) -> None:
    """Write the configuration, then the weights: their presence says that all is done.

    Args:
        directory: of the model.
        document: the configuration; the digest of the weights is added. None leaves it out.
        weights: content of a safetensors file.

    Raises:
        InputError: the directory cannot be written.
    """
    files = {WEIGHTS: weights}
    if document is not None:
        digests = {DIGESTS: {WEIGHTS: hashlib.sha256(weights).hexdigest()}}
        text = yaml.safe_dump({**document, **digests}, sort_keys=False)
        files = {CONFIG: text.encode(), **files}
    for name, content in files.items():
        with atomic_path(directory / name) as temporary:
            temporary.write_bytes(content)  # its errors are OSError


def read_tensors(
    directory: Path, document: Mapping[str, Any], *, what: str, fix: str
) -> dict[str, NDArray]:
    """The weights of a model directory, finite and as they were saved.

    Args:
        directory: of the model.
        document: its configuration.
        what, fix: what is to be said of a broken file, and what the user can do.

    Raises:
        InputError: no such file, a broken one, another one than was saved, or NaN in it.
    """
    path = directory / WEIGHTS
    if not path.exists():
        raise InputError(f"no {WEIGHTS}", where=directory, fix=fix)
    regular_file(path)
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{what} (it is larger than {_LARGEST / 1e9:.1f} GB)", where=path, fix=fix)
    try:
        content = path.read_bytes()
        recorded = document.get(DIGESTS, {WEIGHTS: None})
        if not isinstance(recorded, dict) or WEIGHTS not in recorded:
            raise ValueError(f"{CONFIG} has no digest of it")
        if recorded[WEIGHTS] not in (None, hashlib.sha256(content).hexdigest()):
            raise ValueError("it is damaged, or another one than was saved with this configuration")
        tensors = {name: np.array(values) for name, values in load(content).items()}
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{what} ({reason})", where=path, fix=fix) from error
    for name, values in tensors.items():
        if values.dtype.kind in "fc" and not np.isfinite(values).all():
            raise InputError(f"{what} ({name} has NaN or infinite values)", where=path, fix=fix)
    return tensors


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The mapping in a file of ``torch.save``, whose sums are right; nothing in it is executed.

    Raises:
        InputError: no such file, a damaged one, or one that holds something else.
    """
    import torch

    regular_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if (damaged := archive.testzip()) is not None:
                raise ValueError(f"{damaged} has another sum")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(reason, where=path) from error
    if not isinstance(content, dict):
        raise InputError("holds something else than a training", where=path)
    return content
