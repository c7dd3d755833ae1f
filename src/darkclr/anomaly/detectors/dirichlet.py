"""A variational autoencoder whose latent space is a simplex of mixtures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from darkclr.anomaly.detectors.autoencoder import perceptron
from darkclr.anomaly.detectors.gaussian import Whitening
from darkclr.anomaly.training.trained import Trained
from darkclr.errors import InputError
from darkclr.parameters import WIDTH, AtLeast, Positive

__all__ = ["DirichletNetwork", "DirichletVAE", "laplace_prior"]


def laplace_prior(alpha: float, n_mixtures: int) -> tuple[float, float]:
    r"""Mean and variance of the Gaussian whose softmax is close to a symmetric Dirichlet(α).

    Laplace's approximation in the softmax basis (arXiv:1703.01488 eq. 6):
    :math:`μ = 0, σ² = (1 - 2/R)/α + 1/(Rα)`.

    >>> laplace_prior(1.0, 2)
    (0.0, 0.5)
    """
    return 0.0, (1 - 2 / n_mixtures) / alpha + 1 / (n_mixtures * alpha)


class DirichletNetwork(nn.Module):
    """Encoder d -> hidden -> (μ, log σ²) of R mixtures; decoder R -> d without layers or biases.

    Args:
        n_features: d.
        n_mixtures: R.
        hidden: neurons of the encoder's only hidden layer.
        images: rows are images that sum to 1, reconstructed by a softmax over the pixels.
        generator: source of the initial weights.
    """

    def __init__(
        self,
        n_features: int,
        *,
        n_mixtures: int,
        hidden: int,
        images: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.images = images
        self.encoder = perceptron([n_features, hidden, 2 * n_mixtures], nn.SELU, generator)
        self.mixtures = nn.Parameter(
            torch.randn(n_mixtures, n_features, generator=generator) / math.sqrt(n_mixtures)
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the Gaussian before the softmax, (n, d) -> 2 x (n, R)."""
        # Pixels of about 1 instead of 1/d.
        mean, log_variance = self.encoder(x * x.shape[1] if self.images else x).chunk(2, dim=1)
        return mean, log_variance.clamp(-10, 10)

    def reconstruction_error(self, x: Tensor, weights: Tensor) -> Tensor:
        """Of mixture weights on the simplex, (n, d) and (n, R) -> (n,).

        Half the squared distance, or Σ x log(x/x') for images: the cross-entropy but for what does
        not depend on the network, so that it is 0 for a perfect image however spread it is.
        """
        mixed = weights @ self.mixtures
        if not self.images:
            return (x - mixed).square().sum(dim=1) / 2
        return (torch.xlogy(x, x) - x * mixed.log_softmax(dim=1)).sum(dim=1)


@dataclass(eq=False, repr=False)
class DirichletVAE(Trained, Whitening):
    r"""Dirichlet variational autoencoder (arXiv:2104.08291).

    A row is encoded as weights r on a simplex and decoded as the mixture of R prototypes that the
    decoder's columns are. The loss is

    .. math:: L = \mathrm{reconstruction} + β D_{KL}(q(r|x) ‖ \mathrm{Dirichlet}(α)),

    with q and the prior as softmax of Gaussians (:func:`laplace_prior`). As in the authors' public
    code the encoder has one hidden layer of 100 SELU neurons, the decoder one linear map without
    bias, for images followed by a softmax over pixels; their batch normalisation is left out.

    Attributes:
        network_: the trained network.
    """

    n_mixtures: Annotated[int, AtLeast(2)] = 2
    """Number R of mixtures; the cited work shows 2 for jet images."""
    alpha: Annotated[float, Positive()] = 1.0
    """Hyper-parameter α of the prior; below 1 most jets are pure."""
    kl_weight: Annotated[float, AtLeast(0)] = 0.01
    """Weight β of the divergence; an image has one unit of intensity, so that 1 leaves no
    information."""
    hidden: Annotated[int, WIDTH] = 100
    """Neurons of the encoder's hidden layer."""
    images: bool = False
    """Whether rows are images that sum to 1; other rows are taken in principal components."""
    term: Literal["elbo", "reconstruction", "latent"] = "elbo"
    """What is scored: elbo is the loss at the mean of q; reconstruction and latent are its two
    terms, the latter the improbability in the latent space of arXiv:2202.00686."""

    _stage: ClassVar[str] = "DirichletVAE"
    _remedy: ClassVar[str] = "lower learning_rate or n_components"

    def objective(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Negative evidence lower bound with one draw of r, (n, k) -> (n,)."""
        mean, log_variance = self.network_.encode(x)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        weights = (mean + noise * (log_variance / 2).exp()).softmax(dim=1)
        error = self.network_.reconstruction_error(x, weights)
        return error + self.kl_weight * self._divergence(mean, log_variance)

    def energy(self, x: Tensor) -> Tensor:
        """The chosen score of prepared rows, (n, k) -> (n,)."""
        mean, log_variance = self.network_.encode(x)
        divergence = self._divergence(mean, log_variance)
        if self.term == "latent":
            return divergence
        error = self.network_.reconstruction_error(x, mean.softmax(dim=1))
        return error if self.term == "reconstruction" else error + self.kl_weight * divergence

    def mixture_weights(self, X: ArrayLike) -> NDArray[np.float64]:
        """Mean weights r of the mixtures, (n, R)."""
        with torch.no_grad():
            rows = self._tensor(X).to(next(self.network_.parameters()).device)
            return self.network_.encode(rows)[0].softmax(dim=1).cpu().double().numpy()

    def _divergence(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """KL divergence of the Gaussians of q and prior, (n,)."""
        center, variance = laplace_prior(self.alpha, self.n_mixtures)
        ratio = log_variance - math.log(variance)
        return (ratio.exp() + (mean - center).square() / variance - 1 - ratio).sum(dim=1) / 2

    def _learn_preparation(self, X: NDArray) -> None:
        if self.images:
            self._check_images(X)
            # Nothing is whitened; images as they are.
            self.mean_ = np.zeros(self.n_features_in_)
            self.whitening_ = np.zeros((self.n_features_in_, 0))
        else:
            self._fit_whitening(X, None)

    def _prepared(self, X: ArrayLike) -> NDArray:
        return self._check_images(self._checked(X)) if self.images else self._whitened(X)

    def _check_images(self, X: NDArray) -> NDArray:
        if (X < 0).any() or not np.allclose(X.sum(axis=1), 1, atol=1e-3):
            raise InputError(
                "rows are no images that sum to 1", where="features", fix="set images: false"
            )
        return X

    def _build(self, generator: torch.Generator) -> nn.Module:
        return DirichletNetwork(
            self.n_features_in_ if self.images else self.whitening_.shape[1],
            n_mixtures=self.n_mixtures,
            hidden=self.hidden,
            images=self.images,
            generator=generator,
        )
