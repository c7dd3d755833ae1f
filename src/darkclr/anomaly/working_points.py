r"""Scores of background -> the cut at a background efficiency, and the p-value of any jet.

Background that no fit has seen calibrates a score. The p-value of a jet is the share of it that is
at least as anomalous, the jet itself being one more,

.. math:: p = (\bar w + \sum_{s_i \ge s} w_i) / (\bar w + \sum_i w_i),

which is never 0. A cut keeps at most the wanted share of background, or the jets that have the
score at the cut in common.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import read_json

__all__ = ["FILE", "BackgroundScores", "Calibration", "WorkingPoint", "share_above"]

#: File of a calibration in the directory of its score.
FILE = "working_points.json"

Floats = NDArray[np.float64]

# Beyond so many distinct p-values, neighbours are joined: each is right to 0.3 % and never too
# small.
_STEPS = 2**12
# Where equal scores let through this much more than was asked for, there is no such cut.
_COARSE = 1.5


@dataclass(frozen=True)
class WorkingPoint:
    """A cut on a score.

    Args:
        background_efficiency: share of background above the cut that was asked for.
        cut: jets of at least this score are above it; None where the background cannot tell it.
        low, high: where the cut may be, one standard deviation of the share above it each way.
        share: share of the background above the cut; larger than what was asked for where jets
            have the score at the cut in common.
        n_above: number of background jets above the cut.
        problem: why there is no cut.
    """

    background_efficiency: float
    cut: float | None
    low: float | None = None
    high: float | None = None
    share: float | None = None
    n_above: int = 0
    problem: str | None = None

    @property
    def error(self) -> float | None:
        """Half of what the cut may be wrong by, each way."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def __str__(self) -> str:
        """The cut ± its error, two digits of it; a dash where there is none.

        >>> print(WorkingPoint(0.1, 0.0279, 0.0271, 0.0286), WorkingPoint(0.1, -12.0, -12.0, -12.0))
        0.02790 ± 0.00075 -12
        """
        if self.cut is None:
            return "–"
        if not self.error:
            return f"{self.cut:.4g}"
        decimals = max(0, 1 - math.floor(math.log10(self.error)))
        return f"{self.cut:.{decimals}f} ± {self.error:.{decimals}f}"

    def efficiency(
        self, score: Floats, weight: Floats, event: NDArray
    ) -> tuple[float | None, float | None]:
        """The share of other jets above the cut, such as of a signal, and its error.

        The error is that of these jets, and that of the cut.
        """
        if self.cut is None or self.low is None or self.high is None or not weight.sum() > 0:
            return None, None
        weight = np.asarray(weight, np.float64)  # sums of float32 round
        share, own = share_above(self.cut, score, weight, event)
        loose, tight = (weight[score >= cut].sum() / weight.sum() for cut in (self.low, self.high))
        return share, float(np.hypot(own, (loose - tight) / 2))


def share_above(cut: float, score: Floats, weight: Floats, event: NDArray) -> tuple[float, float]:
    r"""Share of jets of at least this score, and its standard deviation.

    It is that of a ratio of weighted sums over independent events,
    :math:`σ^2 = \sum_e (\sum_{i \in e} w_i (a_i - ε))^2 / (\sum_i w_i)^2` with a = 1 above the cut
    and 0 below, which for one jet an event and equal weights is the binomial ε(1 - ε)/n.

    Args:
        cut: the smallest score above it.
        score, weight: (n,) of the jets; the weights add up to more than 0.
        event: (n,) numbers that tell the events apart.

    >>> one = np.ones(4)
    >>> share_above(2.0, np.array([1.0, 2.0, 3.0, 1.0]), one, np.arange(4))
    (0.5, 0.25)
    """
    above, weight = score >= cut, np.asarray(weight, np.float64)
    total = weight.sum()
    share = float(weight[above].sum() / total)
    _, place = np.unique(event, return_inverse=True)
    per_event = np.bincount(place, weight * (above - share))
    return share, float(np.sqrt(np.sum(per_event**2)) / total)


class BackgroundScores:
    """Scores of background that no fit has seen, the most anomalous first.

    Args:
        score: (n,) of the jets.
        weight: (n,) of the jets; they add up to more than 0.
        event: (n,) numbers that tell the events apart; every jet is one if None.

    Raises:
        InputError: there are no jets, or their weights do not add up to more than 0.
    """

    def __init__(self, score: ArrayLike, weight: ArrayLike, event: ArrayLike | None = None) -> None:
        score, weight = np.asarray(score, np.float64), np.asarray(weight, np.float64)
        if not (len(score) and weight.sum() > 0):
            raise InputError(
                f"there are {len(score)} background jets, whose weights add up to "
                f"{weight.sum():g}: no p-values and no cuts",
                fix="take others, or more of them",
            )
        order = np.argsort(-score, kind="stable")
        self.score, self.weight = score[order], weight[order]
        self.event = np.arange(len(score)) if event is None else np.asarray(event)[order]
        # Negative weights may make a sum fall where more jets pass.
        self.sums = np.maximum.accumulate(np.maximum(np.cumsum(self.weight), 0))
        self.total = float(weight.sum())

    def p_value(self, score: ArrayLike) -> Floats:
        """Share of the background that is at least as anomalous as each jet, (n,)."""
        n_above = np.searchsorted(-self.score, -np.asarray(score, np.float64), side="right")
        return self._p(np.append(0.0, self.sums)[n_above])

    def _p(self, above: Floats) -> Floats:
        one = self.total / len(self.score)
        return np.asarray(np.minimum((above + one) / (self.total + one), 1.0), np.float64)

    def cut(self, share: float) -> float | None:
        """Score down to which the wanted share is; None if the first jet is more already."""
        passed = self.sums / self.total
        n_passing = int(np.searchsorted(passed, share * (1 + 1e-9), side="right"))
        return float(self.score[n_passing - 1]) if n_passing else None

    def working_point(self, background_efficiency: float, minimum_jets: float) -> WorkingPoint:
        """The cut at a background efficiency, with its interval.

        The ends of the interval are the cuts at the share above plus and minus its standard
        deviation (Woodruff, J. Am. Stat. Assoc. 47 (1952) 635), see :func:`share_above`: it is
        binomial, honours weights, and counts the jets of an event as one draw. No bootstrap is
        needed, and none would know more of a tail than the jets in it.

        Args:
            background_efficiency: the wanted share above the cut.
            minimum_jets: effective number of jets that have to be above it, (Σw)²/Σw².
        """
        cut = self.cut(background_efficiency)
        above = self.score >= (np.inf if cut is None else cut)
        squares = float(np.sum(self.weight[above] ** 2))
        effective = float(self.weight[above].sum()) ** 2 / squares if squares else 0.0
        share = float(self.weight[above].sum()) / self.total
        n_above, problem = int(above.sum()), None
        coarse = share > _COARSE * background_efficiency
        if coarse and cut is not None:
            problem = f"{n_above} jets have this score or more, {100 * share:.2g} % of all"
        elif effective < minimum_jets * (1 - 1e-9):
            needed = minimum_jets / background_efficiency * self._inflation()
            needed = float(f"{needed:.2g}")
            problem = f"{len(self.score):,} background jets, some {needed:,.0f} are needed"
        if cut is None or problem is not None:
            return WorkingPoint(background_efficiency, None, n_above=n_above, problem=problem)
        _, error = share_above(cut, self.score, self.weight, self.event)
        low, high = (self.cut(min(share + sign * error, 1.0)) for sign in (1, -1))
        high = float(self.score[0]) if high is None else high
        return WorkingPoint(background_efficiency, cut, low, high, share, n_above)

    def _inflation(self) -> float:
        """How many jets are worth one of weight 1."""
        return len(self.score) * float(np.sum(self.weight**2)) / self.total**2

    def steps(self) -> tuple[Floats, Floats]:
        """The p-value as a function: scores, ascending, and the p-value down from each, (m,) both.

        See :meth:`Calibration.p_value`.
        """
        last = np.append(self.score[1:] != self.score[:-1], True)  # of jets of equal score
        score, p = self.score[last], self._p(self.sums[last])
        if len(p) > _STEPS:
            group = np.searchsorted(np.geomspace(p[0], p[-1], _STEPS), p)
            new = group[1:] != group[:-1]
            # Of a group, the highest score with the largest p-value.
            score, p = score[np.append(True, new)], p[np.append(new, True)]
        return score[::-1].copy(), p[::-1].copy()


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a fitted score is on background: its working points, and the p-value of a jet.

    Args:
        fit: digest of the fit.
        background: what background it is, in words and numbers.
        working_points: cuts, the loosest first.
        score, p_values: as of :meth:`BackgroundScores.steps`.
        beyond: p-value of jets above all of the background.
    """

    fit: str
    background: Mapping[str, Any]
    working_points: Sequence[WorkingPoint]
    score: Floats = field(repr=False)
    p_values: Floats = field(repr=False)
    beyond: float

    @classmethod
    def of(
        cls,
        scores: BackgroundScores,
        background_efficiencies: Sequence[float],
        minimum_jets: float,
        *,
        fit: str,
        background: Mapping[str, Any],
    ) -> Self:
        """Calibrate on background.

        Args:
            scores: of that background.
            background_efficiencies, minimum_jets: see :meth:`BackgroundScores.working_point`.
            fit: digest of the fit.
            background: what that background is.
        """
        wanted = sorted({*background_efficiencies}, reverse=True)
        return cls(
            fit,
            {**background, "n_jets": len(scores.score)},
            tuple(scores.working_point(share, minimum_jets) for share in wanted),
            *scores.steps(),
            float(scores.p_value([np.inf])[0]),
        )

    def p_value(self, score: ArrayLike) -> Floats:
        """Share of the background that is at least as anomalous as each jet, (n,); never 0."""
        place = np.searchsorted(self.score, np.asarray(score, np.float64), side="left")
        return np.append(self.p_values, self.beyond)[place]

    def point(self, background_efficiency: float) -> WorkingPoint | None:
        """The working point of that background efficiency; None if it is not among them."""
        found = (
            point
            for point in self.working_points
            if np.isclose(point.background_efficiency, background_efficiency, rtol=1e-6)
        )
        return next(found, None)

    def write(self, directory: Path) -> None:
        """Write :data:`FILE` into the directory of the score."""
        content = {
            "kind": "working_points",
            "fit": self.fit,
            "background": dict(self.background),
            "working_points": [asdict(point) for point in self.working_points],
            "p_value": {
                "score": self.score.tolist(),
                "p_value": self.p_values.tolist(),
                "beyond": self.beyond,
            },
        }
        document = {**content, "digest": _digest(content)}
        with atomic_path(directory / FILE) as temporary:
            temporary.write_text(json.dumps(document, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote.

        Raises:
            InputError: no such file, or it is damaged.
        """
        content, fix = read_json(path), "delete it, and call `darkclr workingpoints` again"
        try:
            if content.pop("digest", None) != _digest(content):
                raise ValueError("it is damaged, or was changed")
            steps = content["p_value"]
            return cls(
                content["fit"],
                content["background"],
                tuple(WorkingPoint(**point) for point in content["working_points"]),
                np.array(steps["score"], np.float64),
                np.array(steps["p_value"], np.float64),
                float(steps["beyond"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"holds no working points ({error})", where=path, fix=fix) from error


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
