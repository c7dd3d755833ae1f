"""Checkpoints of a training that survive kill -9 and a full disk."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from darkclr.io.atomic import atomic_path

__all__ = ["AtomicCheckpoints", "latest_checkpoint"]

log = logging.getLogger(__name__)


class AtomicCheckpoints(TorchCheckpointIO):
    """Checkpoints that are written beside their final place and then renamed.

    Lightning writes to the system's temporary folder and moves from there; on another file system
    that is a copy, which a kill cuts in half.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            InputError: it cannot be written; the earlier one is untouched.
        """
        del storage_options
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        with atomic_path(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())  # its errors are OSError

    def load_checkpoint(self, path: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """Read a checkpoint, wherever its folder is now.

        Lightning forgets which epoch was the best if the folder has another name than it had.
        """
        checkpoint = super().load_checkpoint(path, *args, **options)
        folder = os.path.realpath(Path(path).parent)

        def here(file: str) -> str:
            return file and str(Path(folder, Path(file).name))

        for state in checkpoint.get("callbacks", {}).values():
            if "dirpath" in state:
                state["dirpath"] = folder
                state["best_k_models"] = {here(k): v for k, v in state["best_k_models"].items()}
                for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
                    state[name] = here(state[name])
        return checkpoint


def latest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint to go on from: the last one, or that of the best epoch if it is damaged.

    None if that of the best epoch is damaged: nothing else holds its weights. A training is a
    function of its configuration, so its result is the same wherever it goes on from.
    """
    last, best = folder / "last.ckpt", folder / "best.ckpt"
    if not _is_whole(best):
        return None
    return last if _is_whole(last) else best


def _is_whole(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        log.warning("%s is damaged (%s); going on from an earlier epoch", path, reason)
        return False
    return True
