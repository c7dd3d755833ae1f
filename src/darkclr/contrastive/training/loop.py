"""What every training by Lightning shares: trainer, checkpoints, optimiser, seeds of the steps."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from darkclr.contrastive.config import LossConfig, TrainingConfig
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.errors import ConfigError, MissingExtraError, TrainingError

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.loggers import Logger

__all__ = ["adam", "check_machine", "fit_resumable", "seeded_step"]

# What loggers need beside Lightning.
_PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb"}


def check_machine(training: TrainingConfig, loss: LossConfig | None = None) -> None:
    """Refuse devices, nodes and strategies that Lightning cannot have on this machine.

    Raises:
        ConfigError: it cannot, or the loss compares jets with each other, of which each process
            would see its own only; or the package of the logger is not installed.
        MissingExtraError: it is not installed.
    """
    if loss is not None and loss.compares_jets and training.devices * training.nodes > 1:
        raise ConfigError(
            f"{training.devices * training.nodes} processes, and the loss {loss.name} compares the "
            "jets of a whole batch",
            where="training.devices and training.nodes",
            fix="take one of each, or the loss anomclr_plus",
        )
    missing = _PACKAGES.get(training.logger or "")
    if missing is not None and find_spec(missing) is None:
        raise ConfigError(
            f"{training.logger} needs the package {missing!r}",
            where="training.logger",
            fix=f"pip install {missing}, or take csv",
        )
    _check_lightning()
    one = training.devices == training.nodes == 1 and training.strategy == "auto"
    if one and training.device in ("auto", "cpu"):  # as every machine has; Lightning takes seconds
        return
    strategy = _trainer(training).strategy
    from lightning.fabric.plugins.environments import LightningEnvironment

    # What is left where no launcher is found; without an address it would wait for ever.
    alone = isinstance(getattr(strategy, "cluster_environment", None), LightningEnvironment)
    if training.nodes > 1 and alone and "MASTER_ADDR" not in os.environ:
        raise ConfigError(
            f"{training.nodes} nodes, but nothing has started this command on each of them",
            where="training.nodes",
            fix="start it with srun, torchrun or mpirun",
        )


def _check_lightning() -> None:
    try:
        there = find_spec("lightning") is not None
    except ImportError:
        there = False
    if not there:
        raise MissingExtraError("lightning", "training")


def _trainer(training: TrainingConfig, **options: Any) -> Trainer:
    try:
        from lightning.pytorch import Trainer
    except ImportError as error:
        raise MissingExtraError("lightning", "training") from error

    # Imported, Lightning sets its own level; what it tells of devices is in the configuration.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        return Trainer(
            max_epochs=training.epochs,
            accelerator=training.device,
            devices=training.devices,
            num_nodes=training.nodes,
            strategy=training.strategy,
            use_distributed_sampler=False,
            precision="bf16-mixed" if training.bfloat16 else "32-true",
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            **{"logger": False, **options},
        )
    except Exception as error:  # of a device or strategy; each raises its own kind
        reason = " ".join(str(error).split())
        raise ConfigError(
            reason,
            where=f"training with device = {training.device}, devices = {training.devices}, "
            f"nodes = {training.nodes}, strategy = {training.strategy}",
            fix="take what this machine has",
        ) from error


def _logger(training: TrainingConfig, folder: Path) -> Logger | None:
    """What writes the terms of the loss for other programs, a new version after each stop."""
    if training.logger is None:
        return None
    from lightning.pytorch import loggers

    logger: Any
    if training.logger == "wandb":
        logger = loggers.WandbLogger(folder.name, save_dir=folder, project="darkclr")
    else:
        kind = {"csv": loggers.CSVLogger, "tensorboard": loggers.TensorBoardLogger}
        logger = kind[training.logger](folder, name="logs")
    try:
        _ = logger.experiment
    except Exception as error:  # of a login, a connection, or a broken installation
        raise ConfigError(
            " ".join(str(error).split()).rstrip("."),
            where=f"training.logger = {training.logger}",
            fix="set that up (for W&B: `wandb login`, or WANDB_MODE=offline), or take csv",
        ) from error
    return logger


def fit_resumable(module: LightningModule, checkpoints: Path, training: TrainingConfig) -> bool:
    """Let Lightning train a module that logs ``epoch_loss``; a stopped call goes on.

    A checkpoint is written after every epoch. In the end the module holds the weights that
    ``training.keep`` names.

    Args:
        module: what to train.
        checkpoints: directory of the checkpoints.
        training: number of epochs, precision, devices and which epoch to keep.

    Returns:
        Whether this process is the only or the first one, which writes the results.
    """
    from lightning.pytorch.callbacks import Callback, ModelCheckpoint

    from darkclr.contrastive.training.checkpoints import AtomicCheckpoints, latest_checkpoint

    keep_freed_memory()
    # Two of them: `save_last` of one writes only where the epoch is also the best so far. The
    # best one comes first, so that the last checkpoint knows of it.
    keepers: list[Callback] = [
        ModelCheckpoint(checkpoints, name, monitor=monitor, enable_version_counter=False)
        for name, monitor in (("best", "epoch_loss"), ("last", None))
    ]
    logger = _logger(training, checkpoints.parent) or False
    trainer = _trainer(training, callbacks=keepers, plugins=[AtomicCheckpoints()], logger=logger)
    try:
        start = latest_checkpoint(checkpoints, module.state_dict())
        trainer.fit(module, ckpt_path=start, weights_only=True)
    except SystemExit as stop:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from stop
    except OSError as error:
        raise TrainingError(
            f"a checkpoint cannot be written ({error.strerror or error})",
            where=checkpoints,
            fix="check free space and permissions; the same command goes on",
        ) from error
    chosen = checkpoints / ("best.ckpt" if training.keep == "best" else "last.ckpt")
    weights = torch.load(chosen, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(weights)
    return trainer.is_global_zero


def adam(module: torch.nn.Module, config: TrainingConfig, steps_per_epoch: int) -> Any:
    """Adam and its schedule in the form that Lightning takes."""
    optimiser = torch.optim.Adam(
        module.parameters(), lr=config.learning_rate, betas=config.betas, eps=config.eps
    )
    if config.schedule == "constant":
        return optimiser
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=config.learning_rate,
        total_steps=config.epochs * steps_per_epoch,
        cycle_momentum=False,
    )
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


@contextmanager
def seeded_step(seed: int, step: int, device: torch.device, rank: int = 0) -> Iterator[None]:
    """Random numbers of torch (dropout) that depend on seed, step and process alone.

    So a resumed training repeats them, and nobody else's generator is touched.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        state = np.random.SeedSequence([seed, step, *([rank] if rank else [])]).generate_state(
            1, np.uint64
        )
        torch.manual_seed(int(state[0] >> np.uint64(1)))
        yield
