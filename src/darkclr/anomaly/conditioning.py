r"""What is left of features and of scores once jet pT (and mass) are known.

A score that follows jet pT sculpts the spectrum in which one looks for a bump. Given pT means two
things here, both learned from background alone and both smooth in pT:

- :class:`Residual`: features minus their mean given pT, in units of their spread given pT, so that
  a direction in them cannot be that of pT;
- :class:`ConditionalPValue`: :math:`-\ln p`, where p is the share of background *of the same pT*
  that is at least as anomalous. A cut on it keeps the same share of background at any pT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2_contingency
from sklearn.linear_model import GammaRegressor
from sklearn.preprocessing import PolynomialFeatures

from darkclr.errors import InputError

__all__ = [
    "CONDITIONS",
    "SMALLEST_MASS",
    "VARIANCES",
    "ConditionalPValue",
    "Conditioning",
    "Given",
    "Residual",
]

#: What a score may be given: jet pT, or jet pT and mass.
Given = Literal["pt", "pt_mass"]
CONDITIONS: Mapping[Given, tuple[str, ...]] = {"pt": ("pt",), "pt_mass": ("pt", "mass")}

_LOCATION_DEGREE = 3
_SCALE_DEGREE = 2
#: Mass [GeV] that smaller ones are set to: a constituent alone has none.
SMALLEST_MASS = 1.0
#: Smallest and largest variance given pT, in units of the average.
VARIANCES = (0.05, 20.0)
_FEWEST_ROWS = 100
# Flatness is looked at in so many bins of equal numbers of jets, at this cut; a chi-squared a bin
# above the last number is no fluctuation.
_FLAT_BINS, _FLAT_CUT, _FLAT_CHI2 = 6, 0.1, 5.0
# Two samples are alike if a test between these p-values does not part them at this level.
_ALIKE_EDGES, _ALIKE = np.array([0.5, 0.1, 0.03, 0.01]), 0.05
# The tail beyond the last rows is exponential with the mean excess of these.
_TAIL_ROWS = 20


class _Powers:
    """Polynomials of log pT (and log mass), with the window of the fit as their domain.

    Outside the window they are what they are at its edge: a polynomial must not extrapolate.
    """

    def fit(self, conditions: NDArray[np.float64]) -> Self:
        logs = self._logarithms(conditions)
        self.low, self.high = logs.min(axis=0), logs.max(axis=0)
        return self

    def __call__(self, conditions: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
        """(n, c) -> (n, number of monomials)."""
        logs = np.clip(self._logarithms(conditions), self.low, self.high)
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        centred = 2 * (logs - self.low) / width - 1  # in [-1, 1]: powers of similar size
        return PolynomialFeatures(degree).fit_transform(centred)

    @staticmethod
    def _logarithms(conditions: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(np.maximum(conditions, SMALLEST_MASS))


def _checked(conditions: ArrayLike, n: int) -> NDArray[np.float64]:
    array = np.asarray(conditions, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if len(array) != n or not np.isfinite(array).all():
        raise InputError(f"conditions of shape {array.shape} for {n} jets", where="conditioning")
    return array


def _weights(weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """Of mean 1, (n,)."""
    if weight is None:
        return np.ones(n)
    values = np.asarray(weight, dtype=np.float64)
    return np.asarray(values / values.mean(), dtype=np.float64)


def _least_squares(
    powers: NDArray[np.float64], values: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    root = np.sqrt(weight)[:, None]
    return np.linalg.lstsq(powers * root, values * root, rcond=None)[0].astype(np.float64)


class Residual:
    """Features minus their mean given pT, divided by their spread given pT.

    The mean is a cubic in log pT, the variance a square, between 1/20 and 20 times its average.

    >>> pt = np.linspace(150, 300, 500)
    >>> left = Residual().fit(np.log(pt)[:, None], pt)(np.log(pt)[:, None], pt)
    >>> bool(np.abs(left).max() < 1e-6)
    True
    """

    def fit(self, X: ArrayLike, conditions: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Learn mean and spread of background.

        Args:
            X: (n, d) features of background.
            conditions: (n,) or (n, c), their pT and mass [GeV].
            weight: (n,) of the jets.

        Raises:
            InputError: too few jets, or conditions that do not fit the features.
        """
        X = np.asarray(X, dtype=np.float64)
        given, w = _checked(conditions, len(X)), _weights(weight, len(X))
        if len(X) < _FEWEST_ROWS:
            raise InputError(
                f"{len(X)} jets, at least {_FEWEST_ROWS} are needed", where="conditioning"
            )
        self.powers = _Powers().fit(given)
        self.mean = _least_squares(self.powers(given, _LOCATION_DEGREE), X, w)
        rest = X - self.powers(given, _LOCATION_DEGREE) @ self.mean
        # Of what does not vary at all, rounding is left: it must not be blown up.
        floor = 1e-6 * (np.abs(X).max(axis=0) + 1e-300)
        self.spread = np.maximum(np.sqrt(np.average(rest**2, axis=0, weights=w)), floor)
        squares = (rest / self.spread) ** 2
        self.variance = _least_squares(self.powers(given, _SCALE_DEGREE), squares, w)
        return self

    def __call__(self, X: ArrayLike, conditions: ArrayLike) -> NDArray[np.float64]:
        """Residuals, (n, d)."""
        X = np.asarray(X, dtype=np.float64)
        given = _checked(conditions, len(X))
        rest = X - self.powers(given, _LOCATION_DEGREE) @ self.mean
        variance = np.clip(self.powers(given, _SCALE_DEGREE) @ self.variance, *VARIANCES)
        return rest / (self.spread * np.sqrt(variance))

    def state(self) -> dict[str, NDArray]:
        """All that was learned, as arrays by name."""
        return {
            "low": self.powers.low,
            "high": self.powers.high,
            "mean": self.mean,
            "spread": self.spread,
            "variance": self.variance,
        }

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over what :meth:`state` gave."""
        self.powers = _Powers()
        self.powers.low, self.powers.high = state["low"], state["high"]
        self.mean, self.spread, self.variance = (
            state[name] for name in ("mean", "spread", "variance")
        )
        return self


class ConditionalPValue:
    r"""Anomaly score of a score: :math:`-\ln p(s \mid p_T)` on background.

    Location and scale of the score are smooth in log pT: a cubic, and the exponential of a square.
    The scale is the mean distance of the more anomalous half from the location, since that is the
    side on which one cuts. What is left, :math:`u = (s - μ(p_T))/σ(p_T)`, has one distribution on
    background: the empirical one, and beyond its last jets an exponential tail, so that the order
    goes on where background ends. At equal pT the order of jets is that of s.

    >>> rng = np.random.default_rng(0)
    >>> pt = rng.uniform(150, 300, 20000)
    >>> p = ConditionalPValue().fit(pt + rng.normal(size=20000), pt)
    >>> bool(abs(np.mean(p(pt + rng.normal(size=20000), pt) > -np.log(0.1)) - 0.1) < 0.01)
    True
    """

    def fit(self, score: ArrayLike, conditions: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Learn the distribution of background.

        Args:
            score: (n,) of background that the score was not fitted on.
            conditions: (n,) or (n, c), pT and mass of these jets [GeV].
            weight: (n,) of the jets.

        Raises:
            InputError: too few jets, or conditions that do not fit the scores.
        """
        score = np.asarray(score, dtype=np.float64)
        given, w = _checked(conditions, len(score)), _weights(weight, len(score))
        if len(score) < _FEWEST_ROWS:
            raise InputError(
                f"{len(score)} background jets, at least {_FEWEST_ROWS} are needed",
                where="conditioning",
                fix="take a larger validation part",
            )
        self.powers = _Powers().fit(given)
        self.location = _least_squares(
            self.powers(given, _LOCATION_DEGREE), score[:, None], w
        ).ravel()
        rest = score - self.powers(given, _LOCATION_DEGREE) @ self.location
        above = rest > 1e-12 * (np.abs(score).max() + 1e-300)
        if above.any():
            # A mean that is the exponential of a polynomial: gamma regression.
            regression = GammaRegressor(alpha=0.0, max_iter=1000, tol=1e-8).fit(
                self.powers(given, _SCALE_DEGREE)[above][:, 1:],
                rest[above] / rest[above].mean(),
                sample_weight=w[above],
            )
            self.scale = np.concatenate([[regression.intercept_], regression.coef_])
            self.scale[0] += np.log(rest[above].mean())
        else:  # nothing is left of the score
            self.scale = np.zeros(self.powers(given[:1], _SCALE_DEGREE).shape[1])
        u = self._standardised(score, given)
        order = np.argsort(u, kind="stable")
        self.values = u[order]
        # The share at least as anomalous, the jet itself being one more: no p-value is zero.
        over = np.cumsum(w[order][::-1])[::-1]
        self.log_p = np.log((over + 1.0) / (w.sum() + 1.0))
        n_tail = min(_TAIL_ROWS, len(u) // 10)
        excess = self.values[-n_tail:] - self.values[-n_tail - 1]
        self.tail = np.maximum(np.average(excess, weights=w[order][-n_tail:]), 1e-12)
        return self

    def __call__(self, score: ArrayLike, conditions: ArrayLike) -> NDArray[np.float64]:
        """-ln p of each jet, (n,): higher is more anomalous."""
        score = np.asarray(score, dtype=np.float64)
        u = self._standardised(score, _checked(conditions, len(score)))
        inside = np.interp(u, self.values, -self.log_p)
        below = np.minimum(u - self.values[0], 0)  # keeps the order below the least anomalous jet
        beyond = np.maximum(u - self.values[-1], 0) / self.tail
        return inside + beyond + 1e-6 * below

    def alike(
        self,
        first: tuple[ArrayLike, ArrayLike, ArrayLike | None],
        second: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    ) -> bool:
        """Whether two samples of background have one distribution, in the tail as in the bulk.

        A chi-squared test of their p-values in bins of :data:`_ALIKE_EDGES`, at 5 %.

        Args:
            first, second: score, conditions and weight as of :meth:`fit`.
        """
        table = []
        for score, conditions, weight in (first, second):
            minus_log_p = self(score, conditions)
            w = _weights(weight, len(minus_log_p))
            place = np.searchsorted(-np.log(_ALIKE_EDGES), minus_log_p)
            # Weighted jets count as so many as have the same error.
            table.append(np.bincount(place, w, len(_ALIKE_EDGES) + 1) * w.sum() / np.sum(w**2))
        counts = np.array(table)
        return bool(chi2_contingency(counts[:, counts.sum(axis=0) > 0]).pvalue > _ALIKE)

    def unevenness(
        self, score: ArrayLike, conditions: ArrayLike, weight: ArrayLike | None = None
    ) -> tuple[float, float] | None:
        """Smallest and largest share of background above a cut of 10 % in bins of pT, if uneven.

        A location and a scale cannot make every score flat: not one that many jets share the
        largest value of. None if the shares are 10 % within what fluctuates.

        Args:
            score, conditions, weight: as of :meth:`fit`.
        """
        minus_log_p = self(score, conditions)
        given, w = _checked(conditions, len(minus_log_p)), _weights(weight, len(minus_log_p))
        edges = np.quantile(given[:, 0], np.linspace(0, 1, _FLAT_BINS + 1)[1:-1])
        place = np.searchsorted(edges, given[:, 0])
        above = minus_log_p > -np.log(_FLAT_CUT)
        total = np.bincount(place, w, _FLAT_BINS)
        filled = total > 0
        share = np.bincount(place, w * above, _FLAT_BINS)[filled] / total[filled]
        effective = total[filled] ** 2 / np.bincount(place, w**2, _FLAT_BINS)[filled]
        chi2 = np.mean((share - _FLAT_CUT) ** 2 * effective / (_FLAT_CUT * (1 - _FLAT_CUT)))
        return (float(share.min()), float(share.max())) if chi2 > _FLAT_CHI2 else None

    def _standardised(
        self, score: NDArray[np.float64], given: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        location = self.powers(given, _LOCATION_DEGREE) @ self.location
        return (score - location) / np.exp(self.powers(given, _SCALE_DEGREE) @ self.scale)

    def state(self) -> dict[str, NDArray]:
        """All that was learned, as arrays by name."""
        return {
            "low": self.powers.low,
            "high": self.powers.high,
            "location": self.location,
            "scale": self.scale,
            "values": self.values,
            "log_p": self.log_p,
            "tail": np.array([self.tail]),
        }

    def restore(self, state: Mapping[str, NDArray]) -> Self:
        """Take over what :meth:`state` gave."""
        self.powers = _Powers()
        self.powers.low, self.powers.high = state["low"], state["high"]
        self.location, self.scale = state["location"], state["scale"]
        self.values, self.log_p = state["values"], state["log_p"]
        self.tail = float(state["tail"][0])
        return self


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What a fitted score has learned of pT (and mass).

    Args:
        p_value: of the detector's score.
        residual: of the columns that the detector reads, if it reads what is left of them.
    """

    p_value: ConditionalPValue
    residual: Residual | None = None

    def state(self) -> dict[str, NDArray]:
        """All that was learned, as arrays by name."""
        parts = {"p_value": self.p_value, "residual": self.residual}
        return {
            f"{name}.{key}": values
            for name, part in parts.items()
            if part is not None
            for key, values in part.state().items()
        }

    @classmethod
    def restore(cls, state: Mapping[str, NDArray]) -> Self:
        """The conditioning whose :meth:`state` that is.

        Raises:
            KeyError: the state is not complete.
        """
        parts: dict[str, dict[str, NDArray]] = {"p_value": {}, "residual": {}}
        for name, values in state.items():
            part, _, key = name.partition(".")
            parts[part][key] = values
        residual = Residual().restore(parts["residual"]) if parts["residual"] else None
        return cls(ConditionalPValue().restore(parts["p_value"]), residual)
