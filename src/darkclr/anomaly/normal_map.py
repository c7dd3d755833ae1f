"""The map of columns to normal distributions, learned from background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.preprocessing import QuantileTransformer

from darkclr.anomaly.detector import check_features

__all__ = ["MAPS", "MapTo", "NormalMap"]

#: What the columns that a score reads may be mapped to.
MapTo = Literal["normal"]
MAPS: tuple[MapTo, ...] = ("normal",)

_QUANTILES = 1000


class NormalMap:
    """Each column through its quantiles on background to a standard normal distribution.

    This is scikit-learn's ``QuantileTransformer``, of which two arrays are kept: quantiles at 1000
    ranks. The map is monotonic, does not see how columns depend on each other, and ends at ±5.2,
    where what lies beyond all background is put. Many jets that share the smallest or the largest
    value of a column, such as τ₃ = 0 of jets with three constituents, go to that end together.

    >>> x = np.exp(np.random.default_rng(0).normal(size=(5000, 1)))
    >>> mapped = NormalMap().fit(x)(x)
    >>> bool(abs(mapped.mean()) < 0.05), bool(abs(mapped.std() - 1) < 0.05)
    (True, True)
    """

    def fit(self, X: ArrayLike) -> Self:
        """Learn the quantiles of background columns (n, d).

        Raises:
            InputError: X is not a finite (n, d) array.
        """
        X = check_features(X).astype(np.float64)
        self._transformer = QuantileTransformer(
            n_quantiles=min(_QUANTILES, len(X)), output_distribution="normal", subsample=None
        ).fit(X)
        return self

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """Mapped columns, (n, d).

        Raises:
            InputError: X is not a finite (n, d) array with the columns of the fit.
        """
        X = check_features(X, self._transformer.n_features_in_)
        return np.asarray(self._transformer.transform(X.astype(np.float64)), dtype=np.float64)

    def state(self) -> dict[str, NDArray]:
        """All that was learned, as arrays by name."""
        return {
            "quantiles": self._transformer.quantiles_,
            "references": self._transformer.references_,
        }

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over what :meth:`state` gave.

        Raises:
            KeyError, ValueError: that is something else.
        """
        quantiles, references = state["quantiles"], state["references"]
        if quantiles.ndim != 2 or references.shape != quantiles.shape[:1]:
            raise ValueError("the quantiles are not those of a map")
        transformer = QuantileTransformer(
            n_quantiles=len(references), output_distribution="normal", subsample=None
        )
        transformer.quantiles_, transformer.references_ = quantiles, references
        transformer.n_quantiles_, transformer.n_features_in_ = quantiles.shape
        self._transformer = transformer
        return self
