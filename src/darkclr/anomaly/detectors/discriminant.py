"""The linear direction between background jets and their own dropped copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from darkclr.anomaly.detector import Detector
from darkclr.errors import InputError

__all__ = ["Discriminant"]


@dataclass(eq=False, repr=False)
class Discriminant(Detector):
    r"""Fisher direction :math:`w = Σ^{-1} (μ_1 - μ_0)` from background to its anomalous copies.

    Background jets (y = 0) and copies of them with constituents dropped (y = 1) are all it sees:
    the same material as the contrastive training, and no signal. Σ is the covariance within the
    two classes, shrunk by the Ledoit-Wolf formula. The score is :math:`w·x + c`, so a jet is the
    more anomalous the more it resembles a jet that lost constituents.

    Cosines between representations saturate in training; a direction in the pooled representation
    before the head keeps the tail, where rejection at low signal efficiency is decided.

    Attributes:
        coef_: (d,) direction w.
        intercept_: constant c.
    """

    reads_residuals: ClassVar[bool] = True

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Find the direction.

        Args:
            X: (n, d) representations of background jets and of their dropped copies.
            y: (n,) 1 marks the dropped copies, 0 the originals.

        Raises:
            InputError: X is not finite, or y does not have both kinds.
        """
        super().fit(X)
        X = self._checked(X).astype(np.float64)
        dropped = np.zeros(0) if y is None else np.asarray(y)
        if len(dropped) != len(X) or not np.array_equal(np.unique(dropped), [0, 1]):
            raise InputError(
                "the discriminant needs background jets (y = 0) and dropped copies (y = 1)",
                where="features",
                fix="encode the background with its dropped copies",
            )
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(X, dropped)
        self.coef_ = np.ascontiguousarray(model.coef_[0])
        self.intercept_ = float(model.intercept_[0])
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """w·x + c of each row, (n,)."""
        return self._checked(X).astype(np.float64) @ self.coef_ + self.intercept_

    def state(self) -> dict[str, NDArray]:
        """Direction and constant."""
        return super().state() | {"coef": self.coef_, "intercept": np.array([self.intercept_])}

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over direction and constant."""
        super().restore(state)
        self.coef_, self.intercept_ = state["coef"], float(state["intercept"][0])
        if self.coef_.shape != (self.n_features_in_,):
            raise ValueError(f"direction of shape {self.coef_.shape}")
        return self
