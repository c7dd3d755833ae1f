"""Where a fit that was interrupted goes on."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path
from darkclr.io.tensors import read_checkpoint

__all__ = ["CHECKPOINT", "Checkpoint"]

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"


class Checkpoint:
    """State of a fit by name, on disk after each change: tensors, numbers, texts, lists of them.

    The file is replaced in one step and read with ``weights_only``, so a process that is killed
    leaves the last complete state, and nothing in it is executed. A state of other data or other
    parameters is not taken up.

    Args:
        directory: of the file; None: the state lives in memory only.
        parameters: of the fit.
        arrays: its data.
    """

    def __init__(
        self,
        directory: Path | None,
        parameters: Mapping[str, Any],
        *arrays: NDArray | None,
    ) -> None:
        self._path = None if directory is None else Path(directory) / CHECKPOINT
        self._state: dict[str, Any] = {}
        if self._path is None:
            return
        self._fingerprint = _fingerprint(parameters, arrays)
        if self._path.exists():
            self._state = self._read()

    def __getitem__(self, name: str) -> Any:
        return self._state[name]

    def __contains__(self, name: str) -> bool:
        return self._state.get(name) is not None

    def update(self, **entries: Any) -> None:
        """Replace entries (None: forget one) and write.

        Raises:
            InputError: the directory cannot be written.
        """
        if self._path is None:
            return
        self._state |= entries
        buffer = io.BytesIO()
        torch.save({"fingerprint": self._fingerprint, "state": self._state}, buffer)
        with atomic_path(self._path) as temporary:
            temporary.write_bytes(buffer.getbuffer())  # its errors are OSError

    def _read(self) -> dict[str, Any]:
        try:
            content = read_checkpoint(self._path)  # type: ignore[arg-type]
            state = content.get("state")
            if content.get("fingerprint") == self._fingerprint and isinstance(state, dict):
                logger.info("going on from %s", self._path)
                return state
            reason = "it is of other data or parameters"
        except InputError:
            reason = "it cannot be read"
        logger.warning("%s is left aside: %s", self._path, reason)
        return {}


def _fingerprint(parameters: Mapping[str, Any], arrays: tuple[NDArray | None, ...]) -> str:
    # As JSON, in which a list and a tuple are the same.
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True, default=repr).encode())
    for array in arrays:
        if array is not None:
            digest.update(str((array.dtype, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
