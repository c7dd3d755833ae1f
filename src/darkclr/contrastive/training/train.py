"""Train the encoder on background jets: checkpoints, resume, history.

Source: DarkCLR, arXiv:2312.03067, section 3 and Table 1; details that the paper leaves open are
parameters of :class:`~darkclr.contrastive.config.TrainingConfig`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig, check_views
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.model_directory import begin_model, is_finished, load_encoder, save_model
from darkclr.contrastive.pairs import view_similarities
from darkclr.contrastive.training.loop import check_machine, fit_resumable
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.devices import torch_device
from darkclr.errors import MissingExtraError, TrainingError
from darkclr.jets import Jets
from darkclr.parameters import recorded
from darkclr.split import Split

__all__ = ["N_WATCHING", "train"]

#: Validation jets that are enough to watch a training; all of them are encoded after each epoch.
N_WATCHING = 20_000

# A tenth of the training jets takes 3 % of the training's time; of so many, errors are 1 %.
_WATCHING_SHARE = 0.1
_FEW_WATCHING = 1000

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

    Weights are looked at: the loss is a weighted mean over the jets, as are its terms in the
    history.

    Writes ``model.safetensors``, ``config.yaml``, ``history.csv`` and ``pairs.parquet`` to
    ``output``, and a checkpoint after every epoch, from which an interrupted call goes on. A
    finished training is returned at once.

    Args:
        jets: training jets, background; prepared in a stream if there are many.
        output: model directory.
        validation: background jets to watch the training with; the first are taken, a tenth of the
            number of training jets, or a thousand of them. They choose nothing.
        encoder, augmentations, loss, training: configuration; the paper's by default.
        split: split that made the parts; it is recorded for the steps that must leave these jets
            out.
        progress: called after every step with the number of jets and the current terms; the first
            call counts the steps of an earlier call, too.

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
    if jets.domain is not None:
        config["domain"] = asdict(jets.domain)
    begin_model(output, config, jets.fingerprint)
    if is_finished(output):
        log.info("%s holds the finished training", output)
        return load_encoder(output)

    try:
        from darkclr.contrastive.training.module import ContrastiveModule
    except ImportError as error:
        raise MissingExtraError("lightning", "training") from error

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        module = ContrastiveModule(encoder, augmentations, loss, training, output, progress)
    n_watching = min(len(jets), max(int(_WATCHING_SHARE * len(jets)), _FEW_WATCHING))
    watching = PreparedJets.of([validation[:n_watching]], encoder, output)
    module.train_jets = jets.flat_in_pt() if training.flat_pt else jets
    module.validation_jets = watching.flat_in_pt() if training.flat_pt else watching
    is_first = fit_resumable(module, output / "checkpoints", training)
    trained = module.encoder.eval()
    trained.domain = jets.domain
    if is_first:
        pairs = view_similarities(trained.to(torch_device(training.device)), module.watched)
        save_model(output, trained.cpu(), pairs)
    return trained.cpu()


def resolved(
    encoder: EncoderConfig, augmentations: Augmentations, loss: LossConfig, training: TrainingConfig
) -> dict[str, Any]:
    """The configuration as plain data."""
    return {
        "encoder": recorded(encoder),
        "augmentations": augmentations.to_dict(),
        "loss": recorded(loss),
        "training": recorded(training),
    }
