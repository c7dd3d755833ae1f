"""The second stage of a normalized autoencoder: from a reconstruction error to a density."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.utils import parameters_to_vector
from torch.optim.lr_scheduler import ReduceLROnPlateau

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.losses import NormalizationLoss
from darkclr.anomaly.nae.robust import Paired, Trimmed, compare_auc
from darkclr.anomaly.nae.sampler import Sampler
from darkclr.anomaly.nae.selection import Selection, selected_epoch
from darkclr.anomaly.nae.transport import (
    distances_by_block,
    energy_movers_distance,
    wasserstein_loss,
)
from darkclr.anomaly.nae.verdict import Verdict
from darkclr.anomaly.training.rows import SCORING_ROWS, batches
from darkclr.anomaly.training.trained import Trained, Training, clone_state
from darkclr.errors import TrainingError
from darkclr.parameters import LATER, AtLeast

__all__ = ["Normalization", "NormalizationParameters", "dropped_auc", "energies_of"]

logger = logging.getLogger(__name__)

# Energies beyond this many times the reconstruction error before the normalisation, and beyond
# this many times the variance of the data, do not come back: the chains run away from the data.
_RUNAWAY_ENERGY = 100.0
_RUNAWAY_VARIANCE = 10.0
# In equilibrium jets have the energy T d/2 at the most. One that is this many times larger, and
# than the reconstruction error before, is no fluctuation.
_OUT_OF_EQUILIBRIUM = 10.0
# The learning rate falls by this factor after so many epochs in which the validation loss gained
# less than this share; then it rests. The numbers of the public configurations of CMS.
_PLATEAU: dict[str, Any] = {"factor": 0.8, "patience": 20, "threshold": 1e-3, "cooldown": 10}
# Rows of the pictures of samples beside data.
_DRAWN = 512


@dataclass(eq=False, repr=False, kw_only=True)
class NormalizationParameters(Trained):
    """How long, how fast, and what is kept."""

    epochs: Annotated[int, AtLeast(1)] = 10
    """Epochs of normalisation, more than burn_in."""
    normalization_learning_rate: Annotated[float, AtLeast(0)] = 3e-5
    """Learning rate of the normalisation, where it is constant."""
    reduce_on_plateau: Annotated[bool, LATER] = False
    """Whether this learning rate is multiplied by 0.8 after each 20 epochs in which the validation
    loss gains less than 0.1 %; only with a loss that is not negative."""
    optimizer: Annotated[Literal["adam", "adamw"], LATER] = "adam"
    """Optimizer of the normalisation: AdamW decays weights apart from the gradient."""
    weight_decay: Annotated[float, AtLeast(0)] = 0.0
    """L2 penalty of Adam, where a penalty c |w|² in the loss is 2c here, or decay of AdamW."""
    selection: Selection = "energy_difference"
    """Rule by which an epoch is kept, on background alone: energies of data and samples closest to
    each other, largest AUC on dropped copies, smallest distance of data and samples before it
    rises, smallest Wasserstein distance, or last of all."""
    burn_in: Annotated[int, AtLeast(0)] = 3
    """Epochs of normalisation that are no candidates: chains that have not felt the new loss yet
    have a small difference for no merit of the model."""
    transported: Annotated[int, AtLeast(1), LATER] = 512
    """Largest number of validation rows in a block of the distances between data and samples, which
    are means over blocks that hold all of them; a block takes time as its third power."""
    max_halvings: Annotated[int, AtLeast(0)] = 4
    """How often a normalisation that diverges goes back to its last good epoch with half the
    learning rate, before it gives up."""


class Normalization:
    """Trains a network until its energies of data and of samples agree.

    Args:
        network: an autoencoder that reconstructs the data.
        sampler: of the network's density.
        loss: what to minimise.
        parameters: how long, how fast, and what is kept.
        copies: (m, d) the background's own dropped copies, watched only; may be empty.
        reference_energy: E₊ before the normalisation, without its outliers.

    Attributes:
        selected_epoch: of which the network has the weights after :meth:`run`.
        verdict: what became of it, after :meth:`run`.
        samples: ``data`` and ``samples``, (n, d), with ``data_energy`` and ``samples_energy``,
            (n,): validation rows beside samples of the selected epoch.
    """

    def __init__(
        self,
        network: AutoencoderNetwork,
        sampler: Sampler,
        loss: NormalizationLoss,
        parameters: NormalizationParameters,
        *,
        copies: Tensor,
        reference_energy: float,
    ) -> None:
        self.network = network
        self.sampler = sampler
        self.loss = loss
        self.parameters = parameters
        self.copies = copies
        self.reference_energy = reference_energy
        self.selected_epoch = 0
        self.samples: dict[str, Tensor] = {}
        self._kept: dict[int, tuple[dict[str, Tensor], dict[str, Tensor]]] = {}
        self._epoch = self._halvings = 0
        self._learning_rate = parameters.normalization_learning_rate
        self._rows: list[dict[str, Any]] = []

    def run(self, train: Tensor, validation: Tensor, training: Training) -> None:
        """Train, and end with the weights of the selected epoch.

        A divergence is undone: the last good epoch is taken up again with half the learning rate.

        Args:
            train, validation: (n, d) rows of background.
            training: its generator orders the rows; its history is extended by a row an epoch, of
                which those of diverged epochs say so in ``stage``; its checkpoint is gone on from.

        Raises:
            TrainingError: it still diverges after ``max_halvings``.
        """
        parameters, checkpoint = self.parameters, training.checkpoint
        chains = torch.Generator(train.device).manual_seed(parameters.seed)
        self._start(validation)
        # Earlier versions recorded less: what they left half done begins again.
        if "normalization" in checkpoint and "kept" in checkpoint["normalization"]:
            state = checkpoint["normalization"]
            self._restore(state, training.generator, chains)
            training.record(*state["history"][len(training.history) :])
        good = self._position()
        while self._epoch < parameters.epochs:
            epoch = self._epoch + 1
            row = self._train_epoch(train, epoch, training.generator, chains)
            row |= self._validate(validation, epoch)
            reason = self._diverged(row)
            if reason:
                row["stage"] = "diverged"
                training.record(row)
                self._halve(good, epoch, reason)
                continue
            training.record(row)
            self._epoch = epoch
            if self._schedule is not None:
                self._schedule.step(row["validation_loss"])
                self._learning_rate = self._optimizer.param_groups[0]["lr"]
            self._rows.append(row)
            self._kept[epoch] = (clone_state(self.network), self._seen)
            chosen = selected_epoch(self._rows, parameters.selection, parameters.burn_in)
            self._kept = {e: self._kept[e] for e in {chosen, epoch}}
            good = self._position()
            checkpoint.update(
                normalization={
                    **good,
                    "learning_rate": self._learning_rate,
                    "halvings": self._halvings,
                    "kept": [[e, *kept] for e, kept in self._kept.items()],
                    "rows": self._rows,
                    "history": training.history,
                    "generator": training.generator.get_state(),
                    "chains": chains.get_state(),
                }
            )
        self.selected_epoch = selected_epoch(self._rows, parameters.selection, parameters.burn_in)
        weights, self.samples = self._kept[self.selected_epoch]
        self.network.load_state_dict(weights)
        logger.info("normalised autoencoder of epoch %d", self.selected_epoch)
        self.verdict = self._judge(validation)
        logger.info("%s", self.verdict.sentence())

    def _start(self, validation: Tensor) -> None:
        self._optimizer, self._schedule = self._new_optimizer()
        self._seen: dict[str, Tensor] = {}
        self._kept = {0: (clone_state(self.network), self._seen)}
        self._before = self._told_apart(validation)
        size = self.parameters.transported
        self._data_distance = distances_by_block(
            energy_movers_distance, validation, validation, size
        )
        deviation = (validation - validation.median(dim=0).values).square().mean(dim=1)
        variance = Trimmed.of(deviation.cpu()).mean
        # This guards plain means too, in which jets that were far away before still are.
        self._limit = max(
            _RUNAWAY_ENERGY * energies_of(self.network, validation).mean(),
            _RUNAWAY_VARIANCE * validation.double().var(dim=0).mean().item(),
        )
        equilibrium = self.sampler.chain.temperature * validation.shape[1] / 2
        self._largest = min(
            max(variance, 2 * self.reference_energy),
            _OUT_OF_EQUILIBRIUM * max(equilibrium, self.reference_energy),
        )

    def _new_optimizer(self) -> tuple[torch.optim.Optimizer, ReduceLROnPlateau | None]:
        parameters = self.parameters
        kind = torch.optim.AdamW if parameters.optimizer == "adamw" else torch.optim.Adam
        optimizer = kind(
            self.network.parameters(),
            lr=self._learning_rate,
            weight_decay=parameters.weight_decay,
        )
        falls = parameters.reduce_on_plateau
        return optimizer, ReduceLROnPlateau(optimizer, **_PLATEAU) if falls else None

    def _position(self) -> dict[str, Any]:
        """Where the training stands, for a return to it."""
        return {
            "epoch": self._epoch,
            "network": clone_state(self.network),
            "optimizer": copy.deepcopy(self._optimizer.state_dict()),
            "schedule": None if self._schedule is None else self._schedule.state_dict(),
            "buffer": self.sampler.buffer,
        }

    def _return(self, position: dict[str, Any]) -> None:
        self._epoch = position["epoch"]
        self.network.load_state_dict(position["network"])
        self._optimizer, self._schedule = self._new_optimizer()
        if self._schedule is not None:
            self._schedule.load_state_dict(dict(position["schedule"]))
        # A copy: loading shares tensors, and the position may be needed again.
        self._optimizer.load_state_dict(copy.deepcopy(position["optimizer"]))
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate
        buffer = position["buffer"]  # a checkpoint's is on the CPU
        device = next(self.network.parameters()).device
        self.sampler.buffer = None if buffer is None else buffer.to(device)

    def _restore(
        self, state: dict[str, Any], generator: torch.Generator, chains: torch.Generator
    ) -> None:
        self._learning_rate, self._halvings = state["learning_rate"], state["halvings"]
        self._rows = list(state["rows"])
        self._kept = {epoch: (weights, seen) for epoch, weights, seen in state["kept"]}
        self._return(state)
        generator.set_state(state["generator"])
        chains.set_state(state["chains"])

    def _halve(self, good: dict[str, Any], epoch: int, reason: str) -> None:
        """Back to the last good epoch with half the learning rate."""
        if self._halvings == self.parameters.max_halvings:
            raise TrainingError(
                f"the normalisation diverges in epoch {epoch} ({reason}), also after the learning "
                f"rate was halved {self._halvings} times",
                where="NormalizedAutoencoder",
                fix="lower normalization_learning_rate, keep metropolis on, set "
                "negative_energy_penalty, or start the chains on data",
            )
        self._halvings += 1
        self._learning_rate /= 2
        self._return(good)
        logger.warning(
            "the normalisation diverged in epoch %d (%s); back to epoch %d, learning rate %.3g",
            epoch,
            reason,
            self._epoch,
            self._learning_rate,
        )

    def _train_epoch(
        self, train: Tensor, epoch: int, generator: torch.Generator, chains: torch.Generator
    ) -> dict[str, Any]:
        positive = negative = total = 0.0
        for batch in batches(train, self.parameters.batch_size, generator):
            samples = self.sampler.sample(batch, chains, through=self.loss.through)
            loss, e_plus, e_minus = self.loss(self.network, batch, samples.points)
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            share = len(batch) / len(train)
            positive += e_plus.item() * share
            negative += e_minus.item() * share
            total += loss.item() * share
            if not math.isfinite(positive + negative):
                break
        return {
            "epoch": epoch,
            "stage": "normalisation",
            "loss": total,
            "learning_rate": self._learning_rate,
            "train_energy": positive,
            "train_negative_energy": negative,
        }

    def _validate(self, validation: Tensor, epoch: int) -> dict[str, Any]:
        """Energies of validation rows and of samples, how far the latter got, how near they are."""
        network = self.network
        # Its own stream of random numbers: watching the training must not change it.
        generator = torch.Generator(validation.device)
        generator.manual_seed(self.parameters.seed + 1_000_003 * epoch)
        samples = self.sampler.sample(validation, generator, remember=False)
        energies = energies_of(network, validation), samples.energy.double().cpu().numpy()
        positive, negative = (Trimmed.of(values) for values in energies)
        difference = positive - negative
        size = self.parameters.transported
        blocks = validation, samples.points, size
        movers = distances_by_block(energy_movers_distance, *blocks)
        excess = Paired.of(movers - self._data_distance)
        # Another assignment of the same rows, for those who ask for it.
        wasserstein = (
            torch.tensor(distances_by_block(wasserstein_loss, *blocks).mean())
            if "wasserstein" in (self.loss.loss, self.parameters.selection)
            else None
        )
        means = torch.tensor(energies[0].mean()), torch.from_numpy(energies[1])
        row = {
            "validation_loss": self.loss.of_energies(*means, wasserstein),
            "validation_energy": energies[0].mean(),
            "validation_negative_energy": energies[1].mean(),
            "trimmed_energy": positive.mean,
            "trimmed_negative_energy": negative.mean,
            "energy_difference": difference.difference,
            "energy_difference_error": difference.error,
            "distance": samples.distance,
            "acceptance": samples.acceptance,
            "energy_movers_distance": movers.mean(),
            "excess_distance": excess.difference,
            "excess_distance_error": excess.error,
        }
        if wasserstein is not None:
            row["wasserstein"] = wasserstein
        row = {name: float(value) for name, value in row.items()}
        if not math.isnan(samples.latent_acceptance):
            row["latent_acceptance"] = samples.latent_acceptance
        if len(self.copies):
            row["dropped_auc"] = dropped_auc(network, validation, self.copies)
        with torch.no_grad():
            for name in ("encoder", "decoder"):
                weights = parameters_to_vector(getattr(network, name).parameters())
                row[f"{name}_weights"] = weights.norm().item()
            data = validation[:_DRAWN]
            self._seen = {
                "data": data,
                "samples": samples.points[:_DRAWN],
                "data_energy": network.energy(data),
                "samples_energy": samples.energy[:_DRAWN],
            }
        return row

    def _diverged(self, row: dict[str, Any]) -> str | None:
        """What is wrong with an epoch, if anything."""
        energies = [row[name] for name in row if name.endswith("energy")]
        text = f"E+ = {row['trimmed_energy']:.3g}, E- = {row['trimmed_negative_energy']:.3g}"
        if not all(math.isfinite(energy) for energy in energies):
            return f"the energies are not finite, {text}"
        if max(abs(energy) for energy in energies) > self._limit:
            return f"the energies run away, {text}"
        if row["trimmed_energy"] > self._largest:
            return f"nothing is reconstructed any more, {text}, limit {self._largest:.3g}"
        return None

    def _judge(self, validation: Tensor) -> Verdict:
        """What became of the selected epoch."""
        row = next(row for row in self._rows if row["epoch"] == self.selected_epoch)
        half = len(validation) // 2
        apart = (validation[:half] - validation[half : 2 * half]).norm(dim=-1)
        auc: dict[str, Any] = {}
        if len(self.copies):
            after = self._told_apart(validation)
            auc = dict(
                zip(
                    ("auc_before", "auc", "auc_gain"),
                    compare_auc(self._before, after),
                    strict=True,
                )
            )
        return Verdict(
            epoch=self.selected_epoch,
            temperature=self.sampler.chain.temperature,
            acceptance=row["acceptance"],
            travelled=row["distance"] / apart.median().item() if half else math.nan,
            energy=row["trimmed_energy"],
            energy_difference=Paired(row["energy_difference"], row["energy_difference_error"]),
            excess_distance=Paired(row["excess_distance"], row["excess_distance_error"]),
            data_distance=float(self._data_distance.mean()),
            **auc,
        )

    def _told_apart(self, validation: Tensor) -> tuple[NDArray, NDArray]:
        """Energies of validation rows and of dropped copies."""
        return energies_of(self.network, validation), energies_of(self.network, self.copies)


def energies_of(network: AutoencoderNetwork, rows: Tensor) -> NDArray[np.float64]:
    """E of each row (n, d), in double precision."""
    with torch.no_grad():
        parts = [network.energy(part).double().cpu() for part in rows.split(SCORING_ROWS)]
    return torch.cat(parts).numpy()


def dropped_auc(network: AutoencoderNetwork, validation: Tensor, copies: Tensor) -> float:
    """How well E tells dropped copies from validation rows, as AUC; 0.5 if E is not finite."""
    energies = np.concatenate([energies_of(network, rows) for rows in (validation, copies)])
    if not np.isfinite(energies).all():
        return 0.5
    is_copy = np.repeat([0, 1], [len(validation), len(copies)])
    return float(roc_auc_score(is_copy, energies))
