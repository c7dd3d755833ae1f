"""The second stage of a normalized autoencoder: from a reconstruction error to a density."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.losses import NormalizationLoss
from darkclr.anomaly.nae.sampler import Sampler
from darkclr.anomaly.nae.selection import Selection, selected_epoch
from darkclr.anomaly.nae.transport import energy_movers_distance, wasserstein_loss
from darkclr.anomaly.training.rows import batches, mean_over
from darkclr.anomaly.training.trained import Trained, Training, clone_state
from darkclr.errors import TrainingError
from darkclr.parameters import AtLeast

__all__ = ["Normalization", "NormalizationParameters", "dropped_auc"]

logger = logging.getLogger(__name__)

# Energies beyond this many times the reconstruction error before the normalisation, and beyond
# this many times the variance of the data, do not come back: the chains run away from the data.
_RUNAWAY_ENERGY = 100.0
_RUNAWAY_VARIANCE = 10.0
# In equilibrium jets have the energy T d/2 at the most. One that is this many times larger, and
# than the reconstruction error before, is no fluctuation.
_OUT_OF_EQUILIBRIUM = 10.0
# Rows of the distances between data and samples, whose cost grows with the third power.
_TRANSPORTED = 512
# Rows of the pictures of samples beside data.
_DRAWN = 512


@dataclass(eq=False, repr=False, kw_only=True)
class NormalizationParameters(Trained):
    """How long, how fast, and what is kept."""

    epochs: Annotated[int, AtLeast(1)] = 10
    """Epochs of normalisation, more than burn_in."""
    normalization_learning_rate: Annotated[float, AtLeast(0)] = 3e-5
    """Learning rate of Adam during normalisation, where it is constant."""
    weight_decay: Annotated[float, AtLeast(0)] = 0.0
    """L2 penalty of Adam; a penalty c |w|² in the loss is 2c here."""
    selection: Selection = "energy_difference"
    """Rule by which an epoch is kept, on background alone: energies of data and samples closest to
    each other, largest AUC on dropped copies, last before the distance of data and samples rises,
    smallest Wasserstein distance, or last of all."""
    burn_in: Annotated[int, AtLeast(0)] = 3
    """Epochs of normalisation that are no candidates: chains that have not felt the new loss yet
    have a small difference for no merit of the model."""
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
        reference_energy: E₊ before the normalisation.

    Attributes:
        selected_epoch: of which the network has the weights after :meth:`run`.
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
        if "normalization" in checkpoint:
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
            self._rows.append(row)
            if selected_epoch(self._rows, parameters.selection, parameters.burn_in) == epoch:
                self._chosen = (epoch, clone_state(self.network), self._seen)
            good = self._position()
            checkpoint.update(
                normalization={
                    **good,
                    "learning_rate": self._learning_rate,
                    "halvings": self._halvings,
                    "chosen": list(self._chosen),
                    "rows": self._rows,
                    "history": training.history,
                    "generator": training.generator.get_state(),
                    "chains": chains.get_state(),
                }
            )
        self.selected_epoch, weights, self.samples = self._chosen
        self.network.load_state_dict(weights)
        logger.info("normalised autoencoder of epoch %d", self.selected_epoch)

    def _start(self, validation: Tensor) -> None:
        self._optimizer = self._adam()
        self._seen: dict[str, Tensor] = {}
        self._chosen = (0, clone_state(self.network), self._seen)
        variance = validation.double().var(dim=0).mean().item()
        self._limit = max(_RUNAWAY_ENERGY * self.reference_energy, _RUNAWAY_VARIANCE * variance)
        equilibrium = self.sampler.chain.temperature * validation.shape[1] / 2
        self._largest = min(
            max(variance, 2 * self.reference_energy),
            _OUT_OF_EQUILIBRIUM * max(equilibrium, self.reference_energy),
        )

    def _adam(self) -> torch.optim.Adam:
        return torch.optim.Adam(
            self.network.parameters(),
            lr=self._learning_rate,
            weight_decay=self.parameters.weight_decay,
        )

    def _position(self) -> dict[str, Any]:
        """Where the training stands, for a return to it."""
        return {
            "epoch": self._epoch,
            "network": clone_state(self.network),
            "optimizer": copy.deepcopy(self._optimizer.state_dict()),
            "buffer": self.sampler.buffer,
        }

    def _return(self, position: dict[str, Any]) -> None:
        self._epoch = position["epoch"]
        self.network.load_state_dict(position["network"])
        self._optimizer = self._adam()
        # A copy: loading shares tensors, and the position may be needed again.
        self._optimizer.load_state_dict(copy.deepcopy(position["optimizer"]))
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate
        self.sampler.buffer = position["buffer"]

    def _restore(
        self, state: dict[str, Any], generator: torch.Generator, chains: torch.Generator
    ) -> None:
        self._learning_rate, self._halvings = state["learning_rate"], state["halvings"]
        self._rows = list(state["rows"])
        epoch, weights, seen = state["chosen"]
        self._chosen = (epoch, weights, seen)
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
        row = {
            "validation_energy": mean_over(validation, network.energy),
            "validation_negative_energy": samples.energy.double().mean().item(),
            "distance": samples.distance,
            "acceptance": samples.acceptance,
        }
        if not math.isnan(samples.latent_acceptance):
            row["latent_acceptance"] = samples.latent_acceptance
        # Chains that start on data stay near their own rows whatever they sample: the distances are
        # those between one half of the rows and the samples of the other.
        n = min(_TRANSPORTED, max(len(validation) // 2, 1))
        half, others = validation[:n], samples.points[-n:]
        row["energy_movers_distance"] = energy_movers_distance(half, others)
        row["wasserstein"] = wasserstein_loss(half, others).item()
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
        text = f"E+ = {row['validation_energy']:.3g}, E- = {row['validation_negative_energy']:.3g}"
        if not all(math.isfinite(energy) for energy in energies):
            return f"the energies are not finite, {text}"
        if max(abs(energy) for energy in energies) > self._limit:
            return f"the energies run away, {text}"
        if row["validation_energy"] > self._largest:
            return f"nothing is reconstructed any more, {text}, limit {self._largest:.3g}"
        return None


def dropped_auc(network: AutoencoderNetwork, validation: Tensor, copies: Tensor) -> float:
    """How well E tells dropped copies from validation rows, as AUC; 0.5 if E is not finite."""
    with torch.no_grad():
        parts = [network.energy(rows).cpu() for rows in (validation, copies)]
    energies = torch.cat(parts).numpy()
    if not np.isfinite(energies).all():
        return 0.5
    is_copy = np.repeat([0, 1], [len(validation), len(copies)])
    return float(roc_auc_score(is_copy, energies))
