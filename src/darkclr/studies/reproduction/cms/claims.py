"""What CMS says of its autoencoders, and whether the trainings show it again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.results import FigureOfMerit
from darkclr.studies.reproduction.claims import Claim, compare
from darkclr.studies.reproduction.cms.fits import Fit
from darkclr.studies.reproduction.cms.sizes import AUTOENCODERS
from darkclr.studies.reproduction.readings import COLUMNS, spread

__all__ = ["claims_of", "from_chosen"]

#: An energy of signal is that of background if it is larger by no more than this share.
_SAME = 0.1
#: A best epoch is one that no other epoch surpasses by more, in AUC: the largest of many epochs
#: that fluctuate is above their mean for no merit.
_AS_GOOD = 0.02
_ZERO = FigureOfMerit(0.0, None)
_OTHER_JETS = "other jets than those of CMS"


def claims_of(
    found: Mapping[str, Sequence[Fit]], signals: Sequence[str], shown: str
) -> list[Claim]:
    """All claims, with verdicts.

    Ratios of errors are judged by their logarithms: where some trainings have larger ratios than
    others, the deviation of the ratios themselves would count against what it shows.

    Args:
        found: trainings of each autoencoder.
        signals: names of the signals over which AUCs are averaged.
        shown: name of the signal whose error is compared with that of the background.
    """
    auc = {
        name: [
            spread([float(np.nanmean([a[i] for a in f.auc.values()])) for f in of]) for i in (0, 1)
        ]
        for name, of in found.items()
    }
    ratio = {name: [f.energy[shown] / f.energy[""] for f in of] for name, of in found.items()}
    logarithm = {name: spread(np.log(of)) for name, of in ratio.items()}
    words = {
        name: f"signal over background {math.exp(of.value or 0.0):.2f} (geometric mean)"
        for name, of in logarithm.items()
    }
    claims = [
        compare(
            "At the smallest validation error of the autoencoder, the reconstruction error of the "
            f"signal has fallen to that of the background, within {_SAME:.0%}",
            {f"{words['ae_cms']}, logarithms of {1 + _SAME:g} and of it": (
                FigureOfMerit(math.log(1 + _SAME), None), logarithm["ae_cms"])},
            reason=f"{_OTHER_JETS}, and a network of other activations; "
            f"{sum(r <= 1 + _SAME for r in ratio['ae_cms'])} of "
            f"{len(ratio['ae_cms'])} trainings fulfil it",
        ),
        compare(
            "The autoencoder was better at an earlier epoch than at its smallest validation error",
            {"AUC averaged over signals, of the best earlier epoch less that of this one": (
                spread([_lost_since(f.mean_auc(signals), f.chosen) for f in found["ae_cms"]]),
                _ZERO)},
            reason="it does not learn to reconstruct the signals",
            ours=True,
        ),
    ]  # fmt: skip
    for name in ("nae_cms", "wnae_cms"):
        title = AUTOENCODERS[name]
        claims += [
            compare(
                f"Normalisation keeps the signal's error above the background's ({title})",
                {f"{words[name]}, its logarithm": (logarithm[name], _ZERO)},
                reason=_OTHER_JETS,
            ),
            *(
                compare(
                    f"The {title} finds the signals better than the autoencoder, {column}",
                    {"AUC averaged over signals": (auc[name][i], auc["ae_cms"][i])},
                    reason=_OTHER_JETS,
                    ours=i > 0,
                )
                for i, column in enumerate(COLUMNS)
            ),
            # The report says of its rule for the NAE that it reaches the optimal performance.
            _best_epoch(title, found[name], signals, ours=name != "nae_cms"),
        ]
    return [*claims, *_after_the_choice(found["nae_cms"], signals)]


def _lost_since(curve: NDArray[np.float64], chosen: int) -> float:
    """By how much the best epoch before the chosen one is better; NaN if there is none."""
    return float(np.nanmax(curve[:chosen]) - curve[chosen]) if chosen else math.nan


def _best_epoch(title: str, found: Sequence[Fit], signals: Sequence[str], *, ours: bool) -> Claim:
    """Whether the epoch before the rise, or of the smallest distance, is the best one."""
    curves = [(fit.mean_auc(signals), fit.chosen) for fit in found]
    lost = spread([float(np.nanmax(curve) - curve[chosen]) for curve, chosen in curves])
    return compare(
        f"No epoch of the {title} is better by {_AS_GOOD} than the one that is chosen without "
        "signal",
        {f"{_AS_GOOD} and what the best epoch has more, in average AUC,": (
            FigureOfMerit(_AS_GOOD, None), lost)},
        reason="the AUC still changes where the distance does not",
        ours=ours,
    )  # fmt: skip


def _after_the_choice(found: Sequence[Fit], signals: Sequence[str]) -> list[Claim]:
    """What the report says of the epochs of a NAE that follow the one that is chosen."""

    def falls(column: str) -> list[float]:
        """Logarithm of the value at that epoch over the mean of the second half of the rest."""
        ends = [from_chosen(fit.history[column], fit.chosen) for fit in found]
        return [math.log(at / second) for at, _, second in ends if at > 0 and second > 0]

    auc = [from_chosen(fit.mean_auc(signals), fit.chosen) for fit in found]
    return [
        compare(
            "As the NAE reconstructs background better than at the chosen epoch, the energy "
            "mover's distance rises",
            {
                "logarithm of the validation error at that epoch over later": (
                    spread(falls("validation_energy")), _ZERO),
                "logarithm of the later distance over that epoch's": (
                    spread([-one for one in falls("energy_movers_distance")]), _ZERO),
            },
            reason="in some trainings that epoch comes before E₊ and E₋ have met",
        ),
        compare(
            "After the chosen epoch the AUC of the NAE first falls and then rises",
            {
                "AUC at that epoch less that of the first half of the epochs from it on": (
                    spread([at - first for at, first, _ in auc]), _ZERO),
                "AUC of their second half less that of the first": (
                    spread([second - first for _, first, second in auc]), _ZERO),
            },
            reason="the report says it of one training; ours may end before the AUC rises",
        ),
    ]  # fmt: skip


def from_chosen(values: NDArray[np.float64], chosen: int) -> tuple[float, float, float]:
    """A column of the history at an epoch, and its means over both halves of what follows.

    The epoch itself is the first of the first half. An epoch in the middle belongs to both.

    >>> from_chosen(np.array([9.0, 1.0, 3.0, 5.0, 7.0]), 1)
    (1.0, 2.0, 6.0)
    """
    after = values[chosen:]
    half = (len(after) + 1) // 2
    return float(after[0]), float(np.nanmean(after[:half])), float(np.nanmean(after[-half:]))
