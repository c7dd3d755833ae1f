"""The normalized autoencoder: reconstruction error as the energy of a normalised density."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor

from darkclr.anomaly.autoencoder import (
    PAPER_BOTTLENECK,
    PAPER_WIDTHS,
    Activation,
    Autoencoder,
    batches,
    clone_state,
    mean_energy,
    record,
)
from darkclr.anomaly.detector import Progress
from darkclr.anomaly.langevin import Chain, ChainResult, langevin
from darkclr.errors import ConfigError

__all__ = ["NormalizedAutoencoder"]

logger = logging.getLogger(__name__)

# A negative energy this many times the reconstruction error before the normalisation started does
# not come back: the chains run away from the data and the loss falls without limit.
_DIVERGENCE = 100.0


class NormalizedAutoencoder(Autoencoder):
    r"""Autoencoder whose :math:`p_θ(z) ∝ \exp(-E_θ(z)/T)` is trained by maximum likelihood.

    After training as a plain autoencoder, the gradient of the loss is (arXiv:2312.03067 eq. 9)

    .. math:: ∇_θ L = ⟨∇_θ E_θ(z)⟩_{data} - ⟨∇_θ E_θ(z)⟩_{p_θ} = ∇_θ (E_+ - E_-),

    with samples of :math:`p_θ` from short Langevin chains. ``initialisation="data"`` starts them
    on the batch: contrastive divergence, eq. 12. ``"on_manifold"`` starts them on the decoder's
    manifold: a latent chain with H(b) = E(d(b)) from uniform points on the unit sphere, then a
    chain in z from d(b) (thesis eqs. 4.8-4.11); it reaches regions that chains from data never
    see, and the latent space is a sphere for it. Score: E(z).

    **The scale of the chain.** E is a mean over d components, so off the manifold its curvature is
    2/d: a step λ shortens the residual z - z' by 2λ/d of its length, and equipartition over the
    d - b directions gives ⟨E⟩ = T (d - b)/2. A chain at T = 2 E_+/(d - b) has the energy of the
    data when the model is right, and moves about as far as the residuals are long. That is the
    default, with E_+ of the autoencoder before normalisation; and λ = d/40, where Metropolis
    accepts about 0.9 of the steps from data and 0.75 from the manifold (0.7 and 0.2 at d/20, 0.3
    and 0 at d/10). Both follow the size of the representation and neither looks at a signal. With
    the published λ = 100 and σ = 1e-4 the temperature is 5e-11: a descent onto the manifold that
    ends at E_- near 0 rather than a sample of the model; ask for it by ``step_size=100,
    noise=1e-4, annealing=True``.

    **The schedule** was chosen by the AUC between validation background and its own dropped copies:
    0.84 after 500 steps as an autoencoder, 0.80 after 1500, since a long training learns to
    reconstruct the copies too; and constant over normalisation at 3e-5, where 1e-4 lets both
    energies drift up and loses 0.07. 30 epochs are 500 steps for 9000 rows: adapt them to yours.

    Args:
        pretraining_epochs: as a plain autoencoder, with ``learning_rate``.
        restarts: of the pre-training, with other random numbers; normalised is the one with the
            highest AUC between validation rows and the background's own dropped copies (the
            thesis's rule), or the smallest validation energy if there are none.
        epochs: of normalisation.
        learning_rate: of Adam before normalisation.
        normalization_learning_rate: of Adam during normalisation.
        batch_size: rows a step.
        initialisation: of the chains, see above.
        steps: of the chain in z.
        step_size: λ of the chain in z; None: d/40.
        noise: σ of the chain in z; None: that of the equipartition temperature.
        clip: largest norm of ∇E in both chains; None: as it is.
        annealing: noise of step i in z is σ/(1 + i).
        metropolis: accept or reject each step of both chains at its true temperature.
        latent_steps: of the latent chain, on-manifold only.
        latent_noise: σ of the latent chain, on the unit sphere.
        latent_step_size: λ of the latent chain; None: that of the temperature of the chain in z.
        negative_energy_penalty: weight of mean(E_-²) in the loss, against divergence.
        weight_decay: weight of the squared weights in the loss, as L2 of Adam.
        selection: "energy_difference" takes the epoch with the smallest \|E_+ - E_-\| on validation
            rows after ``burn_in``, "last" the last one.
        burn_in: epochs of normalisation that are not candidates: chains that have not felt the new
            loss yet have a small difference for no merit of the model.
        widths, bottleneck, activation, validation_fraction, rescale, seed, device: as in
            :class:`~darkclr.anomaly.autoencoder.Autoencoder`.

    Attributes:
        temperature_, chain_, latent_chain_: the settings that the chains ran with.
        selected_epoch_: epoch of normalisation whose weights were kept (0: before it).
        history_: epoch, stage, train and validation energies, acceptance, distance.
    """

    def __init__(
        self,
        pretraining_epochs: int = 30,
        restarts: int = 1,
        epochs: int = 10,
        learning_rate: float = 1e-3,
        normalization_learning_rate: float = 3e-5,
        batch_size: int = 512,
        initialisation: Literal["data", "on_manifold"] = "data",
        steps: int = 20,
        step_size: float | None = None,
        noise: float | None = None,
        clip: float | None = None,
        annealing: bool = False,
        metropolis: bool = True,
        latent_steps: int = 20,
        latent_noise: float = 0.05,
        latent_step_size: float | None = None,
        negative_energy_penalty: float = 0.0,
        weight_decay: float = 0.0,
        selection: Literal["energy_difference", "last"] = "energy_difference",
        burn_in: int = 3,
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
        self.steps = steps
        self.step_size = step_size
        self.noise = noise
        self.clip = clip
        self.annealing = annealing
        self.metropolis = metropolis
        self.latent_steps = latent_steps
        self.latent_noise = latent_noise
        self.latent_step_size = latent_step_size
        self.negative_energy_penalty = negative_energy_penalty
        self.weight_decay = weight_decay
        self.selection = selection
        self.burn_in = burn_in

    @property
    def n_epochs(self) -> int:
        """Epochs before and of the normalisation."""
        return self.restarts * self.pretraining_epochs + self.epochs

    @property
    def _spherical(self) -> bool:  # type: ignore[override]
        return self.initialisation == "on_manifold"

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, progress: Progress | None = None
    ) -> Self:
        """Train on background rows X (n, d); see :meth:`Autoencoder.fit`.

        Rows that y marks with 1 are dropped copies: they choose among the restarts and train
        nothing. A normalisation that diverges ends with a warning and the best epoch before it.
        """
        is_copy = np.zeros(len(np.asarray(X)), dtype=bool) if y is None else np.asarray(y) == 1
        X, copies = np.asarray(X)[~is_copy], np.asarray(X)[is_copy]
        super(Autoencoder, self).fit(X)
        self._check_parameters()
        generator = torch.Generator().manual_seed(self.seed)
        train, validation = self._prepare(X, generator)
        best: tuple[float, dict[str, Tensor], list[dict[str, Any]]] = (-math.inf, {}, [])
        for _ in range(self.restarts):
            self.history_ = []
            self.network_ = self._build(generator).to(train.device)
            self._train_reconstruction(
                train, validation, self.pretraining_epochs, generator, progress
            )
            quality = self._quality(validation, self._tensor(copies, train.device))
            if quality > best[0]:
                best = quality, clone_state(self.network_), self.history_
        self.network_.load_state_dict(best[1])
        self.history_ = best[2]
        self._resolve_chains(train)
        self._normalise(train, validation, generator, progress)
        return self

    def _quality(self, validation: Tensor, copies: Tensor) -> float:
        """How well E tells dropped copies from validation rows: AUC; without copies, -E_+."""
        if not len(copies):
            return -mean_energy(self.network_, validation)
        with torch.no_grad():
            energies = [self.network_.energy(rows).cpu() for rows in (validation, copies)]
        is_copy = np.repeat([0, 1], [len(validation), len(copies)])
        return float(roc_auc_score(is_copy, torch.cat(energies).numpy()))

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

    def _check_parameters(self) -> None:
        super()._check_parameters()
        choices = {
            "initialisation": ("data", "on_manifold"),
            "selection": ("energy_difference", "last"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r}",
                    where=type(self).__name__,
                    mend=f"choose of {allowed}",
                )
        if self.restarts < 1:
            raise ConfigError(
                f"restarts = {self.restarts}", where=type(self).__name__, mend="give at least 1"
            )
        if not 0 <= self.burn_in < self.epochs or self.pretraining_epochs < 1:
            raise ConfigError(
                f"burn_in = {self.burn_in} of {self.epochs} epochs, "
                f"pretraining_epochs = {self.pretraining_epochs}",
                where=type(self).__name__,
                mend="give 0 <= burn_in < epochs and at least one epoch of pre-training",
            )
        for name in ("normalization_learning_rate", "negative_energy_penalty", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ConfigError(
                    f"{name} = {getattr(self, name)}",
                    where=type(self).__name__,
                    mend="make it positive",
                )
        if self._spherical and self.bottleneck < 2:
            raise ConfigError("bottleneck = 1", where=type(self).__name__, mend="a sphere needs 2")

    def _resolve_chains(self, train: Tensor) -> None:
        """Settings of the chains in the units of these representations."""
        d = self.n_features_in_
        off_manifold = max(d - self.bottleneck, 1)
        step_size = d / 40 if self.step_size is None else self.step_size
        if self.noise is None:
            equipartition = 2 * mean_energy(self.network_, train) / off_manifold
            noise = Chain.noise_at(equipartition, step_size)
        else:
            noise = self.noise
        self.chain_ = Chain(
            self.steps,
            step_size,
            noise,
            clip=self.clip,
            annealing=self.annealing,
            metropolis=self.metropolis,
        )
        self.temperature_ = self.chain_.temperature
        latent_step_size = self.latent_step_size
        if latent_step_size is None:
            latent_step_size = self.latent_noise**2 / (2 * self.temperature_)
        self.latent_chain_ = Chain(
            self.latent_steps,
            latent_step_size,
            self.latent_noise,
            clip=self.clip,
            sphere=True,
            metropolis=self.metropolis,
        )
        logger.info("chain in z: %s, T = %.3g", self.chain_, self.temperature_)

    def _sample(self, batch: Tensor, generator: torch.Generator) -> tuple[ChainResult, float]:
        """Samples of the model, as many as the batch has rows; acceptance of the latent chain."""
        network = self.network_
        if self.initialisation == "data":
            return langevin(network.energy, batch, self.chain_, generator=generator), math.nan
        latent = torch.randn(len(batch), self.bottleneck, generator=generator, device=batch.device)
        latent = torch.nn.functional.normalize(latent, dim=-1)
        first = langevin(network.latent_energy, latent, self.latent_chain_, generator=generator)
        with torch.no_grad():
            start = network.decode(first.samples)
        second = langevin(network.energy, start, self.chain_, generator=generator)
        return second, first.acceptance

    def _normalise(
        self,
        train: Tensor,
        validation: Tensor,
        generator: torch.Generator,
        progress: Progress | None,
    ) -> None:
        """Minimise E_+ - E_- and keep the weights of the selected epoch."""
        network = self.network_
        optimizer = torch.optim.Adam(
            network.parameters(),
            lr=self.normalization_learning_rate,
            weight_decay=self.weight_decay,
        )
        chain_generator = torch.Generator(train.device).manual_seed(self.seed)
        limit = _DIVERGENCE * mean_energy(network, train)
        last_good = (0, clone_state(network))
        best = (math.inf, *last_good)
        for epoch in range(1, self.epochs + 1):
            positive = negative = 0.0
            for batch in batches(train, self.batch_size, generator):
                samples = self._sample(batch, chain_generator)[0].samples
                e_plus = network.energy(batch).mean()
                e_minus = network.energy(samples)
                loss = e_plus - e_minus.mean()
                if self.negative_energy_penalty:
                    loss = loss + self.negative_energy_penalty * e_minus.square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                positive += e_plus.item() * len(batch) / len(train)
                negative += e_minus.mean().item() * len(batch) / len(train)
                if not math.isfinite(positive + negative):
                    break
            row: dict[str, Any] = {
                "epoch": epoch,
                "stage": "normalisation",
                "train_energy": positive,
                "train_negative_energy": negative,
            } | self._validate(validation, epoch)
            record(self.history_, row, progress)
            energies = (positive, negative, row["validation_energy"])
            if not all(abs(e) < limit for e in (*energies, row["validation_negative_energy"])):
                logger.warning(
                    "the normalisation diverged in epoch %d (E+ = %.3g, E- = %.3g); "
                    "keeping an earlier epoch",
                    epoch,
                    positive,
                    negative,
                )
                break
            last_good = (epoch, clone_state(network))
            difference = abs(row["validation_energy"] - row["validation_negative_energy"])
            if epoch > self.burn_in and difference < best[0]:
                best = (difference, *last_good)
        by_difference = self.selection == "energy_difference" and best[0] < math.inf
        self.selected_epoch_, weights = best[1:] if by_difference else last_good
        network.load_state_dict(weights)
        logger.info("normalised autoencoder of epoch %d", self.selected_epoch_)

    def _validate(self, validation: Tensor, epoch: int) -> dict[str, Any]:
        """E_+ and E_- of validation rows, with how far the chains got and what they accepted."""
        # Its own stream of random numbers: watching the training must not change it.
        generator = torch.Generator(validation.device).manual_seed(self.seed + 1_000_003 * epoch)
        result, latent_acceptance = self._sample(validation, generator)
        row = {
            "validation_energy": mean_energy(self.network_, validation),
            "validation_negative_energy": result.energy.double().mean().item(),
            "distance": result.distance,
            "acceptance": result.acceptance,
        }
        return (
            row if math.isnan(latent_acceptance) else row | {"latent_acceptance": latent_acceptance}
        )
