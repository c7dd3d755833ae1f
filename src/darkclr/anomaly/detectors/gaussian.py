"""Gaussian densities on principal components: one, and a mixture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.mixture import GaussianMixture as Mixture

from darkclr.anomaly.detectors.detector import Detector, FeatureError, Progress, check_weights
from darkclr.parameters import Ranges

__all__ = ["GaussianMixture", "Mahalanobis", "Whitening"]


class Whitening(Detector):
    """Base: rows become principal components with mean 0 and variance 1.

    Representations of 512 columns live close to far fewer dimensions: directions in which the
    background hardly varies carry rounding and would dominate a distance in units of the variance.

    Args:
        n_components: the components with the largest variance that are kept; None: all whose
            variance is above 1e-6 of the largest.
    """

    def __init__(self, n_components: int | None = 32) -> None:
        self.n_components = n_components

    def _ranges(self) -> Ranges:
        good = self.n_components is None or self.n_components >= 1
        return {**super()._ranges(), "n_components": (good, "at least 1")}

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

    def state(self) -> dict[str, NDArray]:
        """Mean and directions."""
        return super().state() | {"mean": self.mean_, "whitening": self.whitening_}

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over mean and directions."""
        super().restore(state)
        self.mean_, self.whitening_ = state["mean"], state["whitening"]
        if self.mean_.shape != (self.n_features_in_,):
            raise ValueError(f"mean of shape {self.mean_.shape}")
        if self.whitening_.ndim != 2 or len(self.whitening_) != self.n_features_in_:
            raise ValueError(f"directions of shape {self.whitening_.shape}")
        return self


class Mahalanobis(Whitening):
    r"""Mahalanobis distance :math:`\sqrt{(x-μ)^T Σ^{-1} (x-μ)}` on principal components.

    The order of the scores is that of :math:`-\log p(x)` of one Gaussian.

    Args:
        n_components: see :class:`Whitening`.

    Attributes:
        mean_, whitening_: (d,) mean and (d, k) directions in units of their deviation.

    >>> Mahalanobis().fit([[-1.0], [1.0]]).score_samples([[3.0]])
    array([3.])
    """

    weighted = True

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
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


class GaussianMixture(Whitening):
    r"""Negative log-likelihood :math:`-\log \sum_k π_k N(x; μ_k, Σ_k)`, fitted by EM.

    Args:
        n_mixture: number of Gaussians.
        covariance: "full" matrices, "tied": one for all, or "diag".
        n_components: see :class:`Whitening`.
        regularisation: added to the variances; whitened rows have variance 1.
        seed: of the initial means.

    Attributes:
        mixture_: the fitted model of scikit-learn.
    """

    def __init__(
        self,
        n_mixture: int = 8,
        covariance: Literal["full", "tied", "diag"] = "full",
        n_components: int | None = 32,
        regularisation: float = 1e-3,
        seed: int = 0,
    ) -> None:
        super().__init__(n_components)
        self.n_mixture = n_mixture
        self.covariance = covariance
        self.regularisation = regularisation
        self.seed = seed

    def _ranges(self) -> Ranges:
        return {
            **super()._ranges(),
            "n_mixture": (self.n_mixture >= 1, "at least 1"),
            "covariance": (self.covariance in ("full", "tied", "diag"), "full, tied or diag"),
            "regularisation": (0 < self.regularisation < np.inf, "positive and finite"),
        }

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, progress: Progress | None = None
    ) -> Self:
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

    _ARRAYS = ("weights_", "means_", "covariances_", "precisions_cholesky_")

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
