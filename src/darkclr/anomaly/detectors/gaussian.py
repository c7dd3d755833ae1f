"""Gaussian densities on principal components: one, and a mixture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.mixture import GaussianMixture as Mixture

from darkclr.anomaly.detector import Detector, FeatureError, Seeded, check_weights
from darkclr.parameters import AtLeast, Positive

__all__ = ["GaussianMixture", "Mahalanobis", "Whitening"]


@dataclass(eq=False, repr=False, kw_only=True)
class Whitening(Detector):
    """Base: rows become principal components with mean 0 and variance 1.

    Representations of 512 columns live close to far fewer dimensions: directions in which the
    background hardly varies carry rounding and would dominate a distance in units of the variance.

    Attributes:
        mean_, whitening_: (d,) mean and (d, k) directions in units of their deviation.
    """

    n_components: Annotated[int | None, AtLeast(1)] = 32
    """How many principal components are kept, those with the largest variance; null: all whose
    variance is above 1e-6 of the largest."""

    learned: ClassVar[tuple[str, ...]] = ("mean_", "whitening_")

    mean_: NDArray[np.float64] = field(init=False)
    whitening_: NDArray[np.float64] = field(init=False)

    def _fit_whitening(self, X: NDArray, weight: NDArray | None) -> None:
        X = X.astype(np.float64)
        if len(X) < 2:
            raise FeatureError("1 row has no variance", where="features", fix="take more jets")
        self.mean_ = np.average(X, axis=0, weights=weight)
        covariance = np.atleast_2d(np.cov(X, rowvar=False, aweights=weight, ddof=0))
        variance, directions = np.linalg.eigh(covariance)
        order = np.argsort(variance)[::-1][: self.n_components]
        order = order[variance[order] > max(1e-6 * variance.max(), 0.0)]
        if not len(order):
            raise FeatureError("all rows are equal", where="features", fix="take other features")
        self.whitening_ = np.ascontiguousarray(directions[:, order] / np.sqrt(variance[order]))

    def _whitened(self, X: ArrayLike) -> NDArray[np.float64]:
        """(n, d) -> (n, number of components)."""
        return (self._checked(X).astype(np.float64) - self.mean_) @ self.whitening_

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over mean and directions."""
        super().restore(state)
        if self.mean_.shape != (self.n_features_in_,):
            raise ValueError(f"mean of shape {self.mean_.shape}")
        if self.whitening_.ndim != 2 or len(self.whitening_) != self.n_features_in_:
            raise ValueError(f"directions of shape {self.whitening_.shape}")
        return self


@dataclass(eq=False, repr=False)
class Mahalanobis(Whitening):
    r"""Mahalanobis distance :math:`\sqrt{(x-μ)^T Σ^{-1} (x-μ)}` on principal components.

    The order of the scores is that of :math:`-\log p(x)` of one Gaussian.

    >>> Mahalanobis().fit([[-1.0], [1.0]]).score_samples([[3.0]])
    array([3.])
    """

    weighted = True

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Mean and covariance of X (n, d), weighted.

        Raises:
            ConfigError: n_components is not positive.
            InputError: X is not finite, or constant.
        """
        super().fit(X)
        X = self._checked(X)
        self._fit_whitening(X, check_weights(sample_weight, len(X)))
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Distance of each row from the mean, (n,), in standard deviations."""
        return np.linalg.norm(self._whitened(X), axis=1)


@dataclass(eq=False, repr=False)
class GaussianMixture(Whitening, Seeded):
    r"""Negative log-likelihood :math:`-\log \sum_k π_k N(x; μ_k, Σ_k)`, fitted by EM.

    Attributes:
        mixture_: the fitted model of scikit-learn.
    """

    n_mixture: Annotated[int, AtLeast(1)] = 8
    """Number of Gaussians."""
    covariance: Literal["full", "tied", "diag"] = "full"
    """Covariance matrices: full ones, one that all Gaussians share, or diagonal ones."""
    regularisation: Annotated[float, Positive()] = 1e-3
    """Number that is added to the variances; whitened rows have variance 1."""

    mixture_: Any = field(init=False)

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """EM on the principal components of X (n, d).

        Raises:
            ConfigError: a parameter out of its range.
            InputError: X is not finite, or has too few rows.
        """
        super().fit(X)
        X = self._checked(X)
        if len(X) < max(2, self.n_mixture):
            raise FeatureError(
                f"{len(X)} rows for {self.n_mixture} Gaussians",
                where="features",
                fix="take more jets",
            )
        self._fit_whitening(X, None)
        self.mixture_ = self._mixture().fit(self._whitened(X))
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """-log p of each row, (n,)."""
        return -self.mixture_.score_samples(self._whitened(X))

    _ARRAYS: ClassVar = ("weights_", "means_", "covariances_", "precisions_cholesky_")

    def state(self) -> dict[str, NDArray]:
        """Weights, means and covariances of the Gaussians."""
        mixture = {f"mixture.{name}": getattr(self.mixture_, name) for name in self._ARRAYS}
        return super().state() | mixture

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over weights, means and covariances."""
        super().restore(state)
        self.mixture_ = self._mixture()
        for name in self._ARRAYS:
            setattr(self.mixture_, name, state[f"mixture.{name}"])
        if self.mixture_.means_.shape != (self.n_mixture, self.whitening_.shape[1]):
            raise ValueError(f"means of shape {self.mixture_.means_.shape}")
        return self

    def _mixture(self) -> Mixture:
        return Mixture(
            self.n_mixture,
            covariance_type=self.covariance,
            reg_covar=self.regularisation,
            random_state=self.seed,
        )
