"""Several scores as one, through their p-values on background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.anomaly.detector import Detector, check_weights
from darkclr.parameters import Ranges

__all__ = ["Combination"]


@dataclass(eq=False, repr=False)
class Combination(Detector):
    r"""Combination of scores whose scales have nothing in common.

    Each score s becomes the share of background that is at least as anomalous,

    .. math:: p_i(s) = \frac{1 + \#\{b: s_i(b) ≥ s\}}{1 + n},

    a p-value that is uniform on background, whatever the score. They are combined by Fisher's
    :math:`-\sum_i \ln p_i` (anomalous in all a little) or Tippett's :math:`-\ln \min_i p_i`
    (anomalous in one). The scores of a jet are correlated, so the result is no χ²; only its order
    is used. Background is all it sees. Nothing is resolved beyond 1/(1 + n).

    Attributes:
        values_: (members, n) background scores, ascending.
        survival_: (members, n + 1) p-value at each of them, and beyond the last.

    >>> Combination(("a",)).fit([[1.0], [2.0], [3.0]]).score_samples([[2.5]]).round(3)
    array([0.693])
    """

    weighted = True
    learned = ("values_", "survival_")

    members: Sequence[str] = ("discriminant", "knn")
    """Names of the scores that are combined."""
    method: Literal["fisher", "minimum"] = "fisher"
    """Whether the p-values are multiplied, after Fisher, or the smallest is taken."""

    def _ranges(self) -> Ranges:
        return {"members": (len(self.members) > 0, "at least one score")}

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Take the distributions of the background's scores X (n, members), weighted.

        Raises:
            ConfigError: no members, or an unknown method.
            InputError: X is not finite, or has another number of columns.
        """
        super().fit(X)
        X = self._checked(X).astype(np.float64)
        order = np.argsort(X, axis=0, kind="stable")
        weight = check_weights(sample_weight, len(X))
        weight = np.ones(len(X)) if weight is None else weight
        above = np.cumsum(weight[order][::-1], axis=0)[::-1]
        above = np.concatenate([above, np.zeros_like(above[:1])])
        # The jet itself counts as one more background jet, of mean weight: no p-value is zero.
        survival = (above + weight.mean()) / (weight.sum() + weight.mean())
        self.values_ = np.ascontiguousarray(np.take_along_axis(X, order, axis=0).T)
        self.survival_ = np.ascontiguousarray(survival.T)
        return self

    def p_values(self, X: ArrayLike) -> NDArray[np.float64]:
        """Share of background that is at least as anomalous, (n, members)."""
        X = self._checked(X)
        members = zip(X.T, self.values_, self.survival_, strict=True)
        return np.column_stack([p[np.searchsorted(values, x)] for x, values, p in members])

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Combined score of each row, (n,)."""
        surprise = -np.log(self.p_values(X))
        return surprise.sum(axis=1) if self.method == "fisher" else surprise.max(axis=1)

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over the distributions."""
        super().restore(state)
        m, n = self.values_.shape
        if m != self.n_features_in_ or self.survival_.shape != (m, n + 1):
            raise ValueError(f"distributions of shape {self.values_.shape}")
        return self
