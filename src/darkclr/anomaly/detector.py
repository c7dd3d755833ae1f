"""What every anomaly score has in common: checks at the border and a plain state to save."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.exceptions import NotFittedError

from darkclr.errors import InputError, MissingExtraError
from darkclr.parameters import AtLeast, Ranges, check_parameters, check_ranges

__all__ = ["Detector", "FeatureError", "Progress", "Seeded", "check_features", "check_weights"]

Progress = Callable[[Mapping[str, Any]], None]


class FeatureError(InputError, ValueError):
    """Rows that a score cannot use; a ValueError too, as in all of scikit-learn."""


@dataclass(eq=False, repr=False)
class Detector(OutlierMixin, BaseEstimator):
    """Base of the anomaly scores: ``fit``, ``score_samples`` and a state of named arrays.

    A score ranks and sets no threshold, so there is no ``predict``. Parameters are fields of a
    dataclass, see :mod:`darkclr.parameters`; as in all of scikit-learn, constructors check none.

    Attributes:
        n_features_in_: number of columns seen in ``fit``.
        history_: one mapping an epoch where the score is trained by epochs, else empty.
    """

    n_features_in_: int = field(init=False)
    history_: list[dict[str, Any]] = field(init=False)

    #: Whether ``fit`` takes ``sample_weight``; rows are drawn by their weights for the others.
    weighted: ClassVar[bool] = False

    #: Whether a score that is given pT reads what is left of its columns at equal pT: a direction
    #: in them would be that of pT. Others read the columns as they are.
    reads_residuals: ClassVar[bool] = False

    #: Attributes that the fit sets to arrays; with the parameters they are the fitted score.
    learned: ClassVar[tuple[str, ...]] = ()

    #: Packages that it imports beyond the core.
    packages: ClassVar[tuple[str, ...]] = ()

    @property
    def n_epochs(self) -> int:
        """Epochs of the fit; 0 for scores that are not trained by epochs.

        The ``fit`` of those that are also takes ``progress`` and ``checkpoint_directory``, see
        :class:`~darkclr.anomaly.training.trained.Trained`.
        """
        return 0

    def check(self) -> Self:
        """Itself, if its parameters are in their ranges; ``fit`` asks too, constructors do not.

        Raises:
            ConfigError: one is out of its range.
            MissingExtraError: a package that it needs is not installed.
        """
        for package in self.packages:
            if find_spec(package) is None:
                raise MissingExtraError(package, "densities")
        check_parameters(self, type(self).__name__)
        check_ranges(self, type(self).__name__, self._ranges())
        return self

    def _ranges(self) -> Ranges:
        """Ranges that depend on other parameters."""
        return {}

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the background.

        Args:
            X: (n, d) features of background jets.
            y: (n,) 1 marks anomalous copies of background jets; ignored by most scores.

        Raises:
            ConfigError: a parameter is out of its range.
            InputError: X is not a finite (n, d) array.
        """
        del y
        self.check()
        self.n_features_in_ = check_features(X).shape[1]
        self.history_ = []
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Anomaly score of each row, (n,); higher = more anomalous.

        Raises:
            InputError: X is not a finite (n, d) array with the columns of the fit.
        """
        raise NotImplementedError

    def state(self) -> dict[str, NDArray]:
        """All that the fit learned, as arrays by name."""
        arrays = {name.rstrip("_"): getattr(self, name) for name in self.learned}
        return {"n_features_in": np.array([self.n_features_in_])} | arrays

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over the state of another detector with the same parameters.

        Raises:
            KeyError, ValueError, RuntimeError: the state does not fit the parameters.
        """
        self.n_features_in_ = int(state["n_features_in"][0])
        self.history_ = []
        for name in self.learned:
            setattr(self, name, state[name.rstrip("_")])
        return self

    def sample_table(self) -> list[dict[str, Any]]:
        """Data beside samples of the model, one mapping a point; empty unless it makes some."""
        return []

    def _checked(self, X: ArrayLike) -> NDArray:
        if not hasattr(self, "n_features_in_"):
            raise NotFittedError(f"{type(self).__name__} is not fitted; call fit first")
        return check_features(X, self.n_features_in_)


@dataclass(eq=False, repr=False, kw_only=True)
class Seeded(Detector):
    """Base of the scores whose fit draws random numbers."""

    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of all random numbers of the fit."""


def check_features(X: ArrayLike, n_features: int | None = None) -> NDArray:
    """X as a finite floating (n, d) array; a column (n,) becomes (n, 1).

    Raises:
        FeatureError: no rows, wrong shape, NaN or infinite values.

    >>> check_features([1.0, 2.0]).shape
    (2, 1)
    """
    array = np.asarray(X)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind != "f" or not array.size:
        raise FeatureError(
            f"an array of shape {array.shape} and type {array.dtype}",
            where="features",
            fix="give numbers of shape (jets, features)",
        )
    if n_features is not None and array.shape[1] != n_features:
        raise FeatureError(
            f"{array.shape[1]} features, the score was fitted on {n_features}",
            where="features",
            fix="use representations of the same encoder",
        )
    bad = int((~np.isfinite(array)).any(axis=1).sum())
    if bad:
        raise FeatureError(
            f"{bad} of {len(array)} rows have NaN or infinite values", where="features"
        )
    return array


def check_weights(sample_weight: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    """Weights of rows as (n,) float64, None if there are none.

    Raises:
        FeatureError: wrong shape, negative or not finite, or all zero.
    """
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n,):
        raise FeatureError(f"sample weights of shape {weight.shape} for {n} rows", where="weights")
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise FeatureError(
            "the weights are negative, not finite or all zero",
            where="weights",
            fix="give weights of at least 0",
        )
    return weight
