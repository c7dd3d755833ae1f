"""Distance to the nearest background jets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors

from darkclr.anomaly.detector import Detector, FeatureError
from darkclr.parameters import AtLeast, Ranges

__all__ = ["NearestNeighbours"]


@dataclass(eq=False, repr=False)
class NearestNeighbours(Detector):
    r"""Distance to the k-th nearest background jet (Ramaswamy, Rastogi, Shim, SIGMOD 2000).

    Up to constants :math:`d \log r_k(x)` estimates :math:`-\log p(x)`, so the order of the scores
    is that of a density estimate without a shape. A jet of the fit is its own first neighbour:
    score other jets than those of the fit.

    >>> NearestNeighbours(1).fit([[0.0], [1.0]]).score_samples([[3.0]])
    array([2.])
    """

    learned = ("rows_",)

    n_neighbors: Annotated[int, AtLeast(1)] = 10
    """Number k of the neighbour. The order of the scores hardly depends on it between 5 and 50."""
    average: bool = False
    """Whether the mean distance to the first k neighbours is taken instead of that to the k-th."""
    max_rows: Annotated[int, AtLeast(1)] = 30_000
    """Largest number of background jets to compare with, the first ones of the fit; time and memory
    of scoring grow in proportion."""

    def _ranges(self) -> Ranges:
        enough = self.max_rows >= self.n_neighbors
        return {"max_rows": (enough, f"at least n_neighbors = {self.n_neighbors}")}

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Keep the rows of X (n, d).

        Raises:
            ConfigError: k or the number of rows is not positive.
            InputError: X is not finite, or has fewer than k rows.
        """
        super().fit(X)
        self.rows_ = np.ascontiguousarray(self._checked(X)[: self.max_rows], dtype=np.float32)
        if len(self.rows_) < self.n_neighbors:
            raise FeatureError(
                f"{len(self.rows_)} rows have no {self.n_neighbors} neighbours",
                where="features",
                fix="take more jets or a smaller n_neighbors",
            )
        self._index()
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Distance of each row, (n,), in units of X."""
        distance, _ = self._neighbours.kneighbors(self._checked(X).astype(np.float32))
        distance = distance.astype(np.float64)
        return distance.mean(axis=1) if self.average else distance[:, -1]

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over the rows."""
        super().restore(state)
        if self.rows_.ndim != 2 or self.rows_.shape[1] != self.n_features_in_:
            raise ValueError(f"rows of shape {self.rows_.shape}")
        self._index()
        return self

    def _index(self) -> None:
        # Trees do not help in hundreds of dimensions.
        self._neighbours = NearestNeighbors(n_neighbors=self.n_neighbors, algorithm="brute")
        self._neighbours.fit(self.rows_)
