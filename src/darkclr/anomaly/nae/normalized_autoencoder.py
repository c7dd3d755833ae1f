"""The normalized autoencoder: reconstruction error as the energy of a normalised density."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from darkclr.anomaly.detectors.autoencoder import (
    PAPER_BOTTLENECK,
    PAPER_WIDTHS,
    Activation,
    Autoencoder,
)
from darkclr.anomaly.detectors.checkpoint import Checkpoint
from darkclr.anomaly.detectors.detector import FeatureError, Progress, check_features
from darkclr.anomaly.detectors.epochs import SCORING_ROWS, clone_state, mean_energy
from darkclr.anomaly.nae.langevin import Chain
from darkclr.anomaly.nae.losses import LossName, NormalizationLoss
from darkclr.anomaly.nae.normalization import Normalization, Schedule, dropped_auc
from darkclr.anomaly.nae.sampler import Initialisation, Sampler, resolve_chain, sample_table
from darkclr.anomaly.nae.selection import SELECTIONS, Selection
from darkclr.errors import InputError
from darkclr.parameters import Ranges

__all__ = ["NormalizedAutoencoder"]

logger = logging.getLogger(__name__)


class NormalizedAutoencoder(Autoencoder):
    r"""Autoencoder whose :math:`p_θ(z) ∝ \exp(-E_θ(z)/T)` is trained by maximum likelihood.

    After training as a plain autoencoder, the gradient of the loss is (arXiv:2312.03067 eq. 9)

    .. math:: ∇_θ L = ⟨∇_θ E_θ(z)⟩_{data} - ⟨∇_θ E_θ(z)⟩_{p_θ} = ∇_θ (E_+ - E_-),

    with samples of :math:`p_θ` from short Langevin chains, which
    :class:`~darkclr.anomaly.nae.sampler.Sampler` starts in one of three ways; other losses are in
    :class:`~darkclr.anomaly.nae.losses.NormalizationLoss`. Score: E(z).

    **The schedule** was chosen by the AUC between validation background and its own dropped copies:
    0.84 after 500 steps as an autoencoder, 0.80 after 1500, since a long training learns to
    reconstruct the copies too; and constant over normalisation at 3e-5, where 1e-4 lets both
    energies drift up and loses 0.07. 30 epochs are 500 steps for 9000 rows: adapt them to yours.

    Args:
        pretraining_epochs: as a plain autoencoder, with ``learning_rate``.
        restarts: of the pre-training, with other random numbers; normalised is the one with the
            highest AUC between validation rows and the background's own dropped copies (the
            thesis's rule), or the smallest validation energy if there are none.
        epochs: of normalisation, more than ``burn_in``.
        learning_rate: of Adam before normalisation.
        normalization_learning_rate: of Adam during normalisation.
        batch_size: rows a step.
        initialisation: of the chains: "data", "persistent" or "on_manifold".
        latent: the latent space of the network is a "sphere" or "free"; None: a sphere for chains
            that start on the manifold, which makes their first distribution uniform, else free.
        replay: share of the chains that go on where earlier ones ended, persistent and on-manifold
            (there in the latent space).
        buffer_size: ends of chains that are remembered.
        steps: of the chain in z.
        step_size: λ of the chain in z; None: from the other two, or d/40.
        noise: σ of the chain in z; None: from the other two.
        temperature: T = σ²/(2λ) of the chain in z, of which two numbers fix the third; None: from
            the other two, or that of equipartition.
        clip: largest norm of ∇E in both chains; None: as it is.
        annealing: noise of step i in z is σ/(1 + i).
        metropolis: accept or reject each step of both chains at its true temperature.
        latent_steps: of the latent chain, on-manifold only.
        latent_noise: σ of the latent chain, on the unit sphere; in a free latent space in units of
            the spread of the encoded rows.
        latent_step_size: λ of the latent chain; None: that of the temperature E_+, by which H
            varies over the manifold. At T = 2 E_+/(d - b) nearly all latent steps are refused.
        loss: "energy_difference", "log_cosh" or "wasserstein".
        negative_energy_penalty: weight of mean(E_-²) in the loss, against divergence.
        positive_energy_weight: α of "log_cosh".
        weight_decay: L2 of Adam; a penalty c |w|² in the loss is 2c here.
        selection: which epoch is kept, on background alone: "energy_difference", "dropped_auc",
            "energy_movers_distance", "wasserstein" or "last", the rules of
            :func:`~darkclr.anomaly.nae.selection.selected_epoch`.
        burn_in: epochs of normalisation that are not candidates: chains that have not felt the new
            loss yet have a small difference for no merit of the model.
        max_halvings: how often a normalisation that diverges goes back to its last good epoch with
            half the learning rate, before it gives up.
        widths, bottleneck, activation, validation_fraction, rescale, seed, device: as in
            :class:`~darkclr.anomaly.detectors.autoencoder.Autoencoder`.

    Attributes:
        temperature_, chain_, latent_chain_: the settings that the chains ran with.
        selected_epoch_: epoch of normalisation whose weights were kept (0: before it).
        samples_: validation rows beside samples of that epoch, see :meth:`sample_table`.
        history_: epoch, stage ("autoencoder", "normalisation", "diverged"), loss, learning rate,
            train and validation energies E_+ and E_-, acceptance, distance, distances between
            validation rows and samples, AUC on dropped copies, norms of the weights.
    """

    def __init__(
        self,
        pretraining_epochs: int = 30,
        restarts: int = 1,
        epochs: int = 10,
        learning_rate: float = 1e-3,
        normalization_learning_rate: float = 3e-5,
        batch_size: int = 512,
        initialisation: Initialisation = "data",
        latent: Literal["sphere", "free"] | None = None,
        replay: float = 0.95,
        buffer_size: int = 10_000,
        steps: int = 20,
        step_size: float | None = None,
        noise: float | None = None,
        temperature: float | None = None,
        clip: float | None = None,
        annealing: bool = False,
        metropolis: bool = True,
        latent_steps: int = 20,
        latent_noise: float = 0.05,
        latent_step_size: float | None = None,
        loss: LossName = "energy_difference",
        negative_energy_penalty: float = 0.0,
        positive_energy_weight: float = 0.1,
        weight_decay: float = 0.0,
        selection: Selection = "energy_difference",
        burn_in: int = 3,
        max_halvings: int = 4,
        widths: Sequence[int] = PAPER_WIDTHS,
        bottleneck: int = PAPER_BOTTLENECK,
        activation: Activation = "elu",
        validation_fraction: float = 0.1,
        rescale: bool = False,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            widths=widths,
            bottleneck=bottleneck,
            activation=activation,
            validation_fraction=validation_fraction,
            rescale=rescale,
            seed=seed,
            device=device,
        )
        self.pretraining_epochs = pretraining_epochs
        self.restarts = restarts
        self.normalization_learning_rate = normalization_learning_rate
        self.initialisation = initialisation
        self.latent = latent
        self.replay = replay
        self.buffer_size = buffer_size
        self.steps = steps
        self.step_size = step_size
        self.noise = noise
        self.temperature = temperature
        self.clip = clip
        self.annealing = annealing
        self.metropolis = metropolis
        self.latent_steps = latent_steps
        self.latent_noise = latent_noise
        self.latent_step_size = latent_step_size
        self.loss = loss
        self.negative_energy_penalty = negative_energy_penalty
        self.positive_energy_weight = positive_energy_weight
        self.weight_decay = weight_decay
        self.selection = selection
        self.burn_in = burn_in
        self.max_halvings = max_halvings

    @property
    def n_epochs(self) -> int:
        """Epochs before and of the normalisation."""
        return self.restarts * self.pretraining_epochs + self.epochs

    @property
    def _spherical(self) -> bool:  # type: ignore[override]
        if self.latent is None:
            return self.initialisation == "on_manifold"
        return self.latent == "sphere"

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
        checkpoint_directory: Path | None = None,
    ) -> Self:
        """Train on background rows X (n, d); see :meth:`Autoencoder.fit`.

        Rows that y marks with 1 are dropped copies: they choose among the restarts, and the epoch
        if ``selection`` says so, and train nothing.

        Raises:
            TrainingError: it diverges even with a small learning rate.
            InputError: X is not a finite (n, d) array, or y has not one number a row.
        """
        everything = check_features(X)
        is_copy = np.zeros(len(everything), dtype=bool) if y is None else np.asarray(y) == 1
        if is_copy.shape != (len(everything),):
            raise FeatureError(
                f"y of shape {is_copy.shape} for {len(everything)} rows", where="features"
            )
        background, copies = everything[~is_copy], everything[is_copy]
        super(Autoencoder, self).fit(background)
        if self.selection == "dropped_auc" and not len(copies):
            raise InputError(
                "there are no dropped copies",
                where="selection = dropped_auc",
                fix="encode with dropped copies, or take another rule",
            )
        checkpoint = Checkpoint(checkpoint_directory, self.get_params(), background, copies)
        generator = torch.Generator().manual_seed(self.seed)
        train, validation = self._prepare(background, generator)
        watched = self._tensor(copies, train.device)
        self._pretrain(train, validation, watched, generator, progress, checkpoint)
        self._normalise(train, validation, watched, generator, progress, checkpoint)
        return self

    def _pretrain(
        self,
        train: Tensor,
        validation: Tensor,
        copies: Tensor,
        generator: torch.Generator,
        progress: Progress | None,
        checkpoint: Checkpoint,
    ) -> None:
        """As a plain autoencoder, the best of ``restarts``."""
        best: tuple[float, dict[str, Tensor], list[dict[str, Any]]] = (-math.inf, {}, [])
        done = 0
        if "restarts" in checkpoint:
            done, *kept = checkpoint["restarts"]
            best = tuple(kept)  # type: ignore[assignment]
            if progress is not None:
                for row in best[2]:
                    progress(row)
            generator.set_state(checkpoint["generator"])
        self.network_ = self._build(torch.Generator()).to(train.device)
        for restart in range(done, self.restarts):
            self.history_ = []
            self.network_ = self._build(generator).to(train.device)
            self._train_reconstruction(
                train, validation, self.pretraining_epochs, generator, progress, checkpoint
            )
            quality = self._quality(validation, copies)
            if quality > best[0]:
                best = quality, clone_state(self.network_), self.history_
            checkpoint.update(
                restarts=[restart + 1, *best],
                generator=generator.get_state(),
                reconstruction=None,
            )
        self.network_.load_state_dict(best[1])
        self.history_ = list(best[2])

    def _quality(self, validation: Tensor, copies: Tensor) -> float:
        """AUC of E between validation rows and dropped copies; without copies, -E_+."""
        if not len(copies):
            return -mean_energy(self.network_, validation)
        return dropped_auc(self.network_, validation, copies)

    def _normalise(
        self,
        train: Tensor,
        validation: Tensor,
        copies: Tensor,
        generator: torch.Generator,
        progress: Progress | None,
        checkpoint: Checkpoint,
    ) -> None:
        reference = mean_energy(self.network_, train)
        self.chain_, self.latent_chain_ = self._chains(
            reference, self.n_features_in_, self._latent_scale(train)
        )
        self.temperature_ = self.chain_.temperature
        logger.info("chain in z: %s, T = %.3g", self.chain_, self.temperature_)
        sampler = Sampler(
            self.network_,
            self.initialisation,
            self.chain_,
            self.latent_chain_,
            replay=self.replay,
            buffer_size=self.buffer_size,
        )
        normalization = Normalization(
            self.network_,
            sampler,
            self._loss(reference),
            Schedule(
                epochs=self.epochs,
                learning_rate=self.normalization_learning_rate,
                weight_decay=self.weight_decay,
                batch_size=self.batch_size,
                selection=self.selection,
                burn_in=self.burn_in,
                max_halvings=self.max_halvings,
                seed=self.seed,
            ),
            copies=copies,
            reference_energy=reference,
        )
        normalization.run(
            train,
            validation,
            generator=generator,
            history=self.history_,
            checkpoint=checkpoint,
            progress=progress,
        )
        self.selected_epoch_ = normalization.selected_epoch
        self.samples_ = {k: v.detach().cpu().numpy() for k, v in normalization.samples.items()}

    def _loss(self, reference_energy: float) -> NormalizationLoss:
        return NormalizationLoss(
            self.loss,
            self.negative_energy_penalty,
            self.positive_energy_weight,
            unit=reference_energy,
        )

    def sample_table(self) -> list[dict[str, Any]]:
        """Validation rows beside samples: see :func:`~darkclr.anomaly.nae.sampler.sample_table`."""
        return sample_table(self.samples_, self.scale_) if getattr(self, "samples_", {}) else []

    def state(self) -> dict[str, NDArray]:
        """Weights, scale, the selected epoch and the temperature of the chains."""
        return super().state() | {
            "selected_epoch": np.array([self.selected_epoch_]),
            "temperature": np.array([self.temperature_]),
        }

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over weights, scale and selection."""
        super().restore(state)
        self.selected_epoch_ = int(state["selected_epoch"][0])
        self.temperature_ = float(state["temperature"][0])
        return self

    def check(self) -> Self:
        """Itself, if its parameters are in their ranges, those of the chains and the loss too."""
        super().check()
        self._loss(1.0)
        self._chains(1.0, self.bottleneck + 1, 1.0)
        return self

    def _ranges(self) -> Ranges:
        return {
            **super()._ranges(),
            "initialisation": (
                self.initialisation in ("data", "persistent", "on_manifold"),
                "data, persistent or on_manifold",
            ),
            "latent": (self.latent in ("sphere", "free", None), "sphere, free or null"),
            "selection": (self.selection in SELECTIONS, f"one of {', '.join(SELECTIONS)}"),
            "pretraining_epochs": (self.pretraining_epochs >= 1, "at least 1"),
            "burn_in": (
                0 <= self.burn_in < self.epochs,
                f"at least 0 and less than epochs = {self.epochs}",
            ),
            "restarts": (self.restarts >= 1, "at least 1"),
            "replay": (0 <= self.replay < 1, "at least 0 and less than 1"),
            "buffer_size": (self.buffer_size >= 1, "at least 1"),
            "normalization_learning_rate": (
                0 <= self.normalization_learning_rate < math.inf,
                "at least 0 and finite",
            ),
            "latent_steps": (self.latent_steps >= 1, "at least 1"),
            "latent_noise": (0 <= self.latent_noise < math.inf, "at least 0 and finite"),
            "latent_step_size": (
                self.latent_step_size is None or 0 < self.latent_step_size < math.inf,
                "positive and finite, or null",
            ),
            "weight_decay": (0 <= self.weight_decay < math.inf, "at least 0 and finite"),
            "max_halvings": (self.max_halvings >= 0, "at least 0"),
            "bottleneck": (
                self.bottleneck >= 1 + self._spherical,
                "at least 1, or 2 for a sphere",
            ),
        }

    def _latent_scale(self, rows: Tensor) -> float:
        """Radius of the sphere, or root mean square spread of the encoded rows (n, d)."""
        if self._spherical:
            return 1.0
        with torch.no_grad():
            codes = self.network_.encode(rows[:SCORING_ROWS]).double()
        return codes.var(dim=0).mean().sqrt().item()

    def _chains(self, reference_energy: float, d: int, latent_scale: float) -> tuple[Chain, Chain]:
        """Settings of the chains in z and in the latent space, in the units of d features."""
        chain = resolve_chain(
            self.steps,
            self.step_size,
            self.noise,
            self.temperature,
            default_step_size=d / 40,
            default_temperature=2 * reference_energy / max(d - self.bottleneck, 1),
            clip=self.clip,
            annealing=self.annealing,
            metropolis=self.metropolis,
        )
        latent_noise = self.latent_noise * latent_scale
        latent_step_size = self.latent_step_size
        if latent_step_size is None:
            latent_step_size = latent_noise**2 / (2 * reference_energy)
        latent_chain = Chain(
            self.latent_steps,
            latent_step_size,
            latent_noise,
            clip=self.clip,
            sphere=self._spherical,
            metropolis=self.metropolis,
        )
        return chain, latent_chain
