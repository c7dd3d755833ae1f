"""Checkpoints of a training that survive kill -9 and a full disk."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path
from darkclr.io.tensors import read_checkpoint

__all__ = ["AtomicCheckpoints", "latest_checkpoint"]

log = logging.getLogger(__name__)

# What Lightning goes on from.
_KEYS = {"epoch", "global_step", "state_dict", "optimizer_states", "callbacks", "loops"}


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


def latest_checkpoint(
    folder: Path, network: Mapping[str, torch.Tensor] | None = None
) -> Path | None:
    """The checkpoint to go on from: the last one, or that of the best epoch if it is damaged.

    None if that of the best epoch is damaged: nothing else holds its weights. A training is a
    function of its configuration, so its result is the same wherever it goes on from.

    Args:
        folder: of the checkpoints.
        network: weights of the module that goes on; a checkpoint of others is taken for damaged.
    """
    last, best = folder / "last.ckpt", folder / "best.ckpt"
    if not _is_whole(best, network):
        return None
    return last if _is_whole(last, network) else best


def _is_whole(path: Path, network: Mapping[str, torch.Tensor] | None) -> bool:
    if not path.exists():
        return False
    try:
        content = read_checkpoint(path)
        weights = content.get("state_dict")
        if not (content.keys() >= _KEYS and isinstance(weights, dict)):
            raise InputError("holds something else than a training", where=path)
        if network is not None and _shapes(weights) != _shapes(network):
            raise InputError("is of another network", where=path)
    except InputError as problem:
        reason = str(problem).removeprefix(f"{path}: ")
        log.warning("%s is damaged (%s); going on from an earlier epoch", path, reason)
        return False
    return True


def _shapes(weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    return {name: getattr(tensor, "shape", None) for name, tensor in weights.items()}
