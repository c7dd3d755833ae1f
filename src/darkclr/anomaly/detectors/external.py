"""Outlier detectors of scikit-learn and PyOD, named by their import path."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from darkclr.anomaly.detector import Seeded, check_weights
from darkclr.errors import ConfigError, InputError, MissingExtraError

__all__ = ["PACKAGES", "External", "find_estimator"]

PACKAGES = ("sklearn.", "pyod.")

# Types in the archives of fitted detectors that skops does not trust by itself: compiled parts of
# scikit-learn, which hold arrays only. Classes of PyOD's detectors are looked at one by one.
_COMPILED = (
    "sklearn.tree._tree.Tree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.metrics._dist_metrics.",
)


@dataclass(eq=False, repr=False)
class External(Seeded):
    """A detector of another package behind the interface of darkclr.

    **Sign.** Higher = more anomalous here. scikit-learn's ``score_samples`` (``decision_function``
    where there is none) is high for normal rows and is negated; PyOD's ``decision_function`` is
    high for anomalous ones and is taken as it is.

    **Company.** A few detectors of PyOD, ECOD and COPOD among them, rank the rows that are scored
    together with those of the fit: the score of a jet would depend on the other jets in the file.
    They are refused.

    **File.** The fitted detector is kept as the bytes of a ``skops`` archive; nothing is unpickled.
    Only types of scikit-learn and PyOD are read back.

    Attributes:
        estimator_: the fitted detector.

    >>> detector = External("sklearn.ensemble.IsolationForest", {"n_estimators": 10})
    >>> a, b = detector.fit([[0.0], [0.1], [0.2], [0.3]]).score_samples([[0.1], [9.0]])
    >>> bool(a < b)
    True
    """

    packages = ("skops",)

    estimator: str
    """Import path of the class, which starts with sklearn. or pyod."""
    parameters: dict[str, Any] | None = None
    """Arguments of its constructor, by name. The seed of the fit is given as random_state to those
    that have one and are not given it."""

    estimator_: Any = field(init=False)

    @property
    def weighted(self) -> bool:  # type: ignore[override]
        """The estimator's ``fit`` takes sample weights."""
        return "sample_weight" in inspect.signature(find_estimator(self.estimator).fit).parameters

    def check(self) -> Self:
        """Itself, if the class exists, takes the parameters and scores new rows.

        Raises:
            ConfigError: it does not.
            MissingExtraError: its package is not installed.
        """
        known = inspect.signature(find_estimator(self.estimator)).parameters
        unknown = sorted(set(self.parameters or {}) - set(known))
        if unknown:
            raise ConfigError(
                f"no parameter {', '.join(map(repr, unknown))}",
                where=f"score {self.estimator}",
                fix=f"it has {', '.join(known)}",
            )
        labels = inspect.signature(find_estimator(self.estimator).fit).parameters.get("y")
        if labels is not None and labels.default is inspect.Parameter.empty:
            raise ConfigError(
                "learns from labels, and background has none",
                where=f"score {self.estimator}",
                fix="take an outlier detector or a density",
            )
        if _scorer(self._estimator()) is None:
            raise ConfigError(
                "gives no scores of new rows",
                where=f"score {self.estimator}",
                fix="take a detector with score_samples or decision_function "
                "(for LocalOutlierFactor set novelty: true)",
            )
        return super().check()

    def _estimator(self) -> Any:
        """The detector before its fit."""
        cls = find_estimator(self.estimator)
        parameters = dict(self.parameters or {})
        if "random_state" in inspect.signature(cls).parameters:
            parameters.setdefault("random_state", self.seed)
        with self._refusals():
            estimator = cls(**parameters)
            if hasattr(estimator, "_parameter_constraints"):  # of scikit-learn; PyOD asks itself
                estimator._validate_params()
        return estimator

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What the detector says to its parameters, in one line."""
        try:
            yield
        except (TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(reason, where=f"score {self.estimator}") from error

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the detector on X (n, d).

        Raises:
            ConfigError: the estimator refuses its parameters or gives no scores for new rows.
            InputError: X is not finite, the estimator refuses it, or its scores depend on company.
        """
        super().fit(X)
        X = self._checked(X)
        weight = check_weights(sample_weight, len(X))
        estimator = self._estimator()
        with self._refusals():
            self.estimator_ = (
                estimator.fit(X) if weight is None else estimator.fit(X, sample_weight=weight)
            )
        self._check_company(X[:64])
        self._archive = _dump(self.estimator_)
        return self

    def _check_company(self, X: NDArray) -> None:
        """Refuse a detector whose score of a row depends on the other rows."""
        together, few = self.score_samples(X), len(X) // 8
        if few and not np.allclose(
            self.score_samples(X[:few]), together[:few], rtol=1e-3, atol=1e-3 * together.std()
        ):
            raise InputError(
                "its score of a jet depends on the other jets in the file",
                where=f"score {self.estimator}",
                fix="take another detector",
            )

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """The detector's score of each row, (n,), turned so that higher = more anomalous.

        Raises:
            InputError: X is not finite, or the detector cannot score it.
        """
        X = self._checked(X)
        method = getattr(self.estimator_, _scorer(self.estimator_))  # type: ignore[arg-type]
        try:
            scores = np.asarray(method(X))
        except Exception as error:  # whatever a foreign object raises
            reason = " ".join(str(error).split())
            raise InputError(
                f"cannot score {len(X)} rows ({reason})", where=f"score {self.estimator}"
            ) from error
        sign = 1.0 if self.estimator.startswith("pyod.") else -1.0
        return sign * scores.astype(np.float64).reshape(len(X))

    def state(self) -> dict[str, NDArray]:
        """The bytes of the archive."""
        return super().state() | {"skops": np.frombuffer(self._archive, dtype=np.uint8)}

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over the archive.

        Raises:
            ValueError: it holds types that are not accepted, or another detector.
        """
        super().restore(state)
        self._archive = state["skops"].astype(np.uint8).tobytes()
        self.estimator_ = _load(self._archive)
        if type(self.estimator_) is not find_estimator(self.estimator):
            raise ValueError(f"it is a {type(self.estimator_).__name__}")
        return self


def find_estimator(path: str) -> Any:
    """The class of an import path within the accepted packages.

    Raises:
        ConfigError: another package, or no such estimator.
        MissingExtraError: the package is not installed.
    """
    module, _, name = path.rpartition(".")
    if not path.startswith(PACKAGES) or not module:
        raise ConfigError(
            f"the path {path!r}", where="scores", fix="only sklearn.… and pyod.… are accepted"
        )
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        package = missing.partition(".")[0]
        if package == module.partition(".")[0] and missing != "pyod":
            found = None
        elif package == "pyod":
            raise MissingExtraError(package, "pyod") from error
        else:
            raise ConfigError(
                f"needs the package {package!r}",
                where=f"score {path}",
                fix=f"pip install {package}",
            ) from error
    if not inspect.isclass(found) or not _is_detector(found):
        raise ConfigError(f"no detector {path!r}", where="scores", fix="check its import path")
    return found


def _is_detector(cls: Any) -> bool:
    """scikit-learn's estimators and PyOD's detectors, which do not share a base class."""
    origin = cls.__module__
    if origin.startswith("sklearn."):
        return issubclass(cls, BaseEstimator) and hasattr(cls, "fit")
    if origin.startswith("pyod."):
        from pyod.models.base import BaseDetector

        return issubclass(cls, BaseDetector)
    return False


def _scorer(estimator: Any) -> str | None:
    """Name of the method that scores new rows; None if there is none."""
    names: tuple[str, ...] = ("score_samples", "decision_function")
    if type(estimator).__module__.startswith("pyod."):
        names = names[1:]
    return next((name for name in names if hasattr(estimator, name)), None)


def _dump(estimator: Any) -> bytes:
    import skops.io

    try:
        archive = skops.io.dumps(estimator)
        _load(archive)
    except Exception as error:  # whatever a foreign object raises when it is taken apart
        raise ConfigError(
            f"cannot be saved ({' '.join(str(error).split())})",
            where=f"score {type(estimator).__name__}",
            fix="take another detector: it holds more than arrays",
        ) from error
    return archive


def _load(archive: bytes) -> Any:
    """The detector in a skops archive, if all its types are accepted."""
    import skops.io

    try:
        types = skops.io.get_untrusted_types(data=archive)
        foreign = [name for name in types if not _accepted(name)]
        if foreign:
            raise ValueError(f"types that are not accepted: {', '.join(foreign)}")
        return skops.io.loads(archive, trusted=types)
    except ValueError:
        raise
    except Exception as error:  # a broken archive raises whatever zip and JSON raise
        raise ValueError(f"no skops archive ({type(error).__name__})") from error


def _accepted(name: str) -> bool:
    if name.startswith(_COMPILED):
        return True
    if not name.startswith("pyod.models."):
        return False
    try:
        return find_estimator(name) is not None
    except (ConfigError, InputError):
        return False
