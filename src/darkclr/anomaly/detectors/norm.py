"""Scores without training: the norm of the representation, and single columns as yardsticks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.anomaly.detector import Detector

__all__ = ["Column", "Norm"]


@dataclass(eq=False, repr=False)
class Norm(Detector):
    r"""The norm of the representation, :math:`s_{CLR} = \|z\|_2` (arXiv:2312.03067 eq. 6).

    The contrastive training penalises the norm of background, so outliers are left with larger
    ones; nothing is learned here.

    >>> Norm().fit([[1.0, 1.0]]).score_samples([[3.0, 4.0]])
    array([5.])
    """

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """‖X‖₂ of each row, (n,)."""
        return np.linalg.norm(self._checked(X).astype(np.float64), axis=1)


@dataclass(eq=False, repr=False)
class Column(Detector):
    """A single column, as it is or negated: the yardstick a learned score has to beat.

    >>> Column(sign=-1).fit([10, 20]).score_samples([10, 20])
    array([-10., -20.])
    """

    sign: Literal[1, -1] = 1
    """1 if larger values are more anomalous, -1 if smaller ones are. It is fixed by physics before
    any look at a signal; an AUC below 0.5 is then a result, not a mistake."""

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """sign · X, (n,), of a column (n,) or (n, 1)."""
        return self.sign * self._checked(X)[:, 0].astype(np.float64)
