"""Train the encoder on background jets with Lightning: checkpoints, resume, history.

Source: DarkCLR, arXiv:2312.03067, section 3 and Table 1; optimiser details that the paper leaves
open are arguments of :class:`TrainingConfig`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from darkclr.augmentations import Augmentations
from darkclr.contrastive.encoder import Encoder, EncoderConfig
from darkclr.contrastive.losses import LossConfig
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.contrastive.model_directory import (
    begin_model,
    is_finished,
    load_encoder,
    save_model,
)
from darkclr.contrastive.pairs import pair_similarities
from darkclr.contrastive.prepared import PreparedJets
from darkclr.contrastive.training_config import TrainingConfig
from darkclr.errors import ConfigError, MissingExtraError, TrainingError
from darkclr.jets import Jets
from darkclr.split import Split

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

__all__ = [
    "N_WATCHING",
    "TrainingConfig",
    "check_machine",
    "check_views",
    "fit_resumable",
    "train",
]

#: Validation jets that are enough to watch a training; all of them are encoded after each epoch.
N_WATCHING = 20_000

log = logging.getLogger(__name__)


def train(
    jets: Jets | PreparedJets,
    output: str | Path,
    *,
    validation: Jets,
    encoder: EncoderConfig | None = None,
    augmentations: Augmentations | None = None,
    loss: LossConfig | None = None,
    training: TrainingConfig | None = None,
    split: Split | None = None,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> Encoder:
    """Train an encoder on background jets; labels and truth are not looked at.

    Weights are: the loss is a weighted mean over the jets, as are its terms in the history.

    Writes ``model.safetensors``, ``config.yaml``, ``history.csv`` and ``pairs.parquet`` to
    ``output``, and a checkpoint after every epoch, from which an interrupted call goes on. A
    finished training is returned at once.

    Args:
        jets: training jets, background; prepared in a stream if there are many.
        output: model directory.
        validation: background jets to watch the training with; they choose nothing.
        encoder, augmentations, loss, training: configuration; the paper's by default.
        split: that made the parts; recorded for the steps that must leave these jets out.
        progress: called after every step with the number of jets and the current terms.

    Raises:
        ConfigError: a loss with anomalous views and nothing that makes them; a device, a strategy
            or nodes that are not there.
        TrainingError: fewer jets than a batch, weights that sum to nothing, a directory that
            holds another training, a loss that is not finite.
    """
    encoder = encoder or EncoderConfig()
    augmentations = augmentations or Augmentations()
    loss = loss or LossConfig()
    training = training or TrainingConfig()
    check_views(augmentations, loss)
    output = Path(output)
    if len(jets) < training.batch_size or len(validation) < 2:
        raise TrainingError(
            f"{len(jets)} training and {len(validation)} validation jets do not fill a batch of "
            f"{training.batch_size}",
            fix="generate more jets or lower training.batch_size",
        )
    if not is_finished(output):
        check_machine(training, loss)
    if isinstance(jets, Jets):
        jets = PreparedJets.of([jets], encoder, output)
    config = resolved(encoder, augmentations, loss, training)
    if split is not None:
        config["split"] = asdict(split)
    begin_model(output, config, jets.fingerprint)
    if is_finished(output):
        log.info("%s holds the finished training", output)
        return load_encoder(output)

    try:
        from darkclr.contrastive.module import ContrastiveModule
    except ImportError as error:
        raise MissingExtraError("lightning", "training") from error

    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        module = ContrastiveModule(encoder, augmentations, loss, training, output, progress)
    module.train_jets = jets
    module.validation_jets = PreparedJets.of([validation], encoder, output)
    is_first = fit_resumable(module, output / "checkpoints", training)
    trained = module.encoder.eval().cpu()
    if is_first:
        pairs = pair_similarities(
            trained, module.validation_jets.constituents, augmentations, training.seed
        )
        save_model(output, trained, pairs)
    return trained


def check_views(augmentations: Augmentations, loss: LossConfig) -> None:
    """Refuse to push copies away that nothing has altered.

    Raises:
        ConfigError: the loss reads anomalous views, and there is no anomalous augmentation.
    """
    if loss.needs_anomalous and not augmentations.anomalous:
        raise ConfigError(
            f"none, but the loss {loss.name} separates a jet from its anomalous copy",
            where="augmentations.anomalous",
            fix="name one, or take the loss nt_xent",
        )


def check_machine(training: TrainingConfig, loss: LossConfig | None = None) -> None:
    """Refuse devices, nodes and strategies that Lightning cannot have on this machine.

    Raises:
        ConfigError: it cannot, or the loss compares jets with each other, of which each process
            would see its own only.
        MissingExtraError: it is not installed.
    """
    if loss is not None and loss.compares_jets and training.devices * training.nodes > 1:
        raise ConfigError(
            f"{training.devices * training.nodes} processes, and the loss {loss.name} compares the "
            "jets of a whole batch",
            where="training.devices and training.nodes",
            fix="take one of each, or the loss anomclr_plus",
        )
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
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            **options,
        )
    except Exception as error:  # of a device or strategy; each raises its own kind
        reason = " ".join(str(error).split())
        raise ConfigError(
            reason,
            where=f"training with device = {training.device}, devices = {training.devices}, "
            f"nodes = {training.nodes}, strategy = {training.strategy}",
            fix="take what this machine has",
        ) from error


def fit_resumable(module: LightningModule, checkpoints: Path, training: TrainingConfig) -> bool:
    """Let Lightning train a module that logs ``epoch_loss``; a stopped call goes on.

    A checkpoint is written after every epoch. In the end the module holds the weights that
    ``training.keep`` names.

    Args:
        module: what to train.
        checkpoints: directory of the checkpoints.
        training: epochs, precision, devices and what to keep.

    Returns:
        Whether this process is the only or the first one, which writes the results.
    """
    from lightning.pytorch.callbacks import Callback, ModelCheckpoint

    from darkclr.contrastive.checkpoints import AtomicCheckpoints, latest_checkpoint

    keep_freed_memory()
    # Two of them: `save_last` of one writes only where the epoch is also the best so far. The
    # best one comes first, so that the last checkpoint knows of it.
    keepers: list[Callback] = [
        ModelCheckpoint(checkpoints, name, monitor=monitor, enable_version_counter=False)
        for name, monitor in (("best", "epoch_loss"), ("last", None))
    ]
    trainer = _trainer(training, callbacks=keepers, plugins=[AtomicCheckpoints()])
    try:
        trainer.fit(module, ckpt_path=latest_checkpoint(checkpoints), weights_only=True)
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


def resolved(
    encoder: EncoderConfig, augmentations: Augmentations, loss: LossConfig, training: TrainingConfig
) -> dict[str, Any]:
    """The configuration as plain data."""
    return {
        "encoder": asdict(encoder),
        "augmentations": augmentations.to_dict(),
        "loss": asdict(loss),
        "training": asdict(training),
    }
