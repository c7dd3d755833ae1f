"""The normalized autoencoder: reconstruction error as the energy of a normalised density."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from darkclr.anomaly.detector import Detector, FeatureError, Progress, check_features
from darkclr.anomaly.detectors.autoencoder import Reconstruction
from darkclr.anomaly.nae.chains import ChainParameters
from darkclr.anomaly.nae.langevin import Chain
from darkclr.anomaly.nae.losses import LossParameters, NormalizationLoss
from darkclr.anomaly.nae.normalization import (
    Normalization,
    NormalizationParameters,
    dropped_auc,
    energies_of,
)
from darkclr.anomaly.nae.robust import Trimmed
from darkclr.anomaly.nae.sampler import Sampler, sample_table
from darkclr.anomaly.nae.verdict import Verdict
from darkclr.anomaly.training.checkpoint import Checkpoint
from darkclr.anomaly.training.rows import SCORING_ROWS
from darkclr.anomaly.training.trained import Training, clone_state
from darkclr.errors import InputError
from darkclr.parameters import AtLeast, Ranges

__all__ = ["NormalizedAutoencoder"]

logger = logging.getLogger(__name__)


@dataclass(eq=False, repr=False, kw_only=True)
class NormalizedAutoencoder(
    NormalizationParameters, ChainParameters, LossParameters, Reconstruction
):
    r"""Autoencoder whose :math:`p_θ(z) ∝ \exp(-E_θ(z)/T)` is trained by maximum likelihood.

    After training as a plain autoencoder, the gradient of the loss is (arXiv:2312.03067 eq. 9)

    .. math:: ∇_θ L = ⟨∇_θ E_θ(z)⟩_{data} - ⟨∇_θ E_θ(z)⟩_{p_θ} = ∇_θ (E_+ - E_-),

    with samples of :math:`p_θ` from short Langevin chains, which
    :class:`~darkclr.anomaly.nae.sampler.Sampler` starts in one of three ways; other losses are in
    :class:`~darkclr.anomaly.nae.losses.NormalizationLoss`. ``learning_rate`` is that before the
    normalisation. Score: E(z).

    **The schedule** was chosen by the AUC between validation background and its own dropped copies:
    0.84 after 500 steps as an autoencoder, 0.80 after 1500, since a long training learns to
    reconstruct the copies too; and constant over normalisation at 3e-5, where 1e-4 lets both
    energies drift up and loses 0.07. 30 epochs are 500 steps for 9000 rows: adapt them to yours.

    Attributes:
        temperature_, chain_, latent_chain_: the settings that the chains ran with.
        selected_epoch_: epoch of normalisation whose weights were kept (0: before it).
        samples_: validation rows beside samples of that epoch, see :meth:`sample_table`.
        verdict_: what became of the normalisation.
        history_: epoch, stage ("autoencoder", "normalisation", "diverged"), loss, learning rate,
            train and validation energies E_+ and E_-, the latter also without the largest 5 %, and
            their difference with its error; acceptance, distance, distances between validation rows
            and samples, AUC on dropped copies, norms of the weights.
    """

    pretraining_epochs: Annotated[int, AtLeast(0)] = 30
    """Epochs as a plain autoencoder, before the normalisation; with 0 that starts from a network
    that has learned nothing."""
    restarts: Annotated[int, AtLeast(1)] = 1
    """How often the pre-training is made, with other random numbers; normalised is the one with the
    highest AUC between validation rows and the background's own dropped copies (the thesis's rule),
    or the smallest validation energy if there are none."""

    temperature_: float = field(init=False)
    chain_: Chain = field(init=False)
    latent_chain_: Chain = field(init=False)
    selected_epoch_: int = field(init=False)
    samples_: dict[str, NDArray] = field(init=False)
    verdict_: Verdict = field(init=False)

    @property
    def n_epochs(self) -> int:
        """Epochs before and of the normalisation."""
        return self.restarts * self.pretraining_epochs + self.epochs

    @property
    def _keeps_best(self) -> bool:
        return False

    @property
    def _spherical(self) -> bool:
        return self.spherical

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
        checkpoint_directory: Path | None = None,
    ) -> Self:
        """Train on background rows X (n, d); see :meth:`Trained.fit`.

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
        Detector.fit(self, background)
        if self.selection == "dropped_auc" and not len(copies):
            raise InputError(
                "there are no dropped copies",
                where="selection = dropped_auc",
                fix="encode with dropped copies, or take another rule",
            )
        checkpoint = Checkpoint(checkpoint_directory, self._identity(), background, copies)
        training = self._begin(checkpoint, progress)
        train, validation = self._parted(background, training.generator)
        watched = self._tensor(copies).to(train.device) if len(copies) else train[:0]
        self._pretrain(train, validation, watched, training)
        self._normalise(train, validation, watched, training)
        return self

    def _pretrain(
        self, train: Tensor, validation: Tensor, copies: Tensor, training: Training
    ) -> None:
        """As a plain autoencoder, the best of ``restarts``."""
        best: tuple[float, dict[str, Tensor], list[dict[str, Any]]] = (-math.inf, {}, [])
        done = 0
        if "restarts" in training.checkpoint:
            done, *kept = training.checkpoint["restarts"]
            best = tuple(kept)  # type: ignore[assignment]
            training.record(*best[2])
            training.generator.set_state(training.checkpoint["generator"])
        self.network_ = self._build(torch.Generator()).to(train.device)
        for restart in range(done, self.restarts):
            training.history = []
            self.network_ = self._build(training.generator).to(train.device)
            self._minimise(train, validation, self.pretraining_epochs, training)
            quality = self._quality(validation, copies)
            if quality > best[0]:
                best = quality, clone_state(self.network_), training.history
            training.checkpoint.update(
                restarts=[restart + 1, *best],
                generator=training.generator.get_state(),
                minimisation=None,
            )
        self.network_.load_state_dict(best[1])
        self.history_ = training.history = list(best[2])

    def _quality(self, validation: Tensor, copies: Tensor) -> float:
        """AUC of E between validation rows and dropped copies; without copies, -E_+."""
        if not len(copies):
            return -Trimmed.of(energies_of(self.network_, validation)).mean
        return dropped_auc(self.network_, validation, copies)

    def _normalise(
        self, train: Tensor, validation: Tensor, copies: Tensor, training: Training
    ) -> None:
        reference = Trimmed.of(energies_of(self.network_, train)).mean
        self.chain_ = self.chain(reference, self.n_features_in_, self.bottleneck)
        self.latent_chain_ = self.latent_chain(reference, self._latent_scale(train))
        self.temperature_ = self.chain_.temperature
        logger.info("chain in z: %s, T = %.3g", self.chain_, self.temperature_)
        sampler = Sampler(
            self.network_,
            self.initialisation,
            self.chain_,
            self.latent_chain_,
            new_chains=self.new_chains,
            replay=self.replay,
            buffer_size=self.buffer_size,
        )
        normalization = Normalization(
            self.network_,
            sampler,
            NormalizationLoss.of(self, unit=reference),
            self,
            copies=copies,
            reference_energy=reference,
        )
        normalization.run(train, validation, training)
        self.selected_epoch_ = normalization.selected_epoch
        self.verdict_ = normalization.verdict
        self.samples_ = {k: v.detach().cpu().numpy() for k, v in normalization.samples.items()}

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
        """Itself, if its parameters are in their ranges, those of the chains too."""
        super().check()
        self.chain(1.0, self.bottleneck + 1, self.bottleneck)
        self.latent_chain(1.0, 1.0)
        return self

    def _ranges(self) -> Ranges:
        positive = self.loss != "energy_difference"
        return {
            "reduce_on_plateau": (positive or not self.reduce_on_plateau, "off with this loss"),
            "burn_in": (self.burn_in < self.epochs, f"less than epochs = {self.epochs}"),
            "bottleneck": (self.bottleneck >= 1 + self.spherical, "at least 2 for a sphere"),
        }

    def _latent_scale(self, rows: Tensor) -> float:
        """Radius of the sphere, or root mean square spread of the encoded rows (n, d)."""
        if self.spherical:
            return 1.0
        with torch.no_grad():
            codes = self.network_.encode(rows[:SCORING_ROWS]).double()
        return codes.var(dim=0).mean().sqrt().item()
